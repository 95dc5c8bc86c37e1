"""What integration tests share."""

from __future__ import annotations

import pytest

from samples.kafka.broker import Broker
from tests.integration import shop_run


@pytest.fixture(scope="session")
def run(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> shop_run.Run:
    """The shop, run once for all."""
    return shop_run.begin(kafka.bootstrap, tmp_path_factory.mktemp("shop"))
