"""What a broker of the samples chooses before it starts."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from samples.kafka import broker


def test_the_controller_has_another_port_than_the_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "sample", lambda ports, count: list(ports)[:count])
    chosen = broker.Broker(tmp_path)
    chosen._choose_ports()
    assert chosen._controller_port != chosen._port
