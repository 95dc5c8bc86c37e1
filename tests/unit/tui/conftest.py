"""How a test runs a command, and the collector that it asks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from graph.payloads import Body, PayloadKey
from tests.builders import Flow
from tests.memory_backend import MemoryBackend
from tests.serving import serving
from tests.tui import shop
from tests.tui.groups import groups
from tui.cli import main

SETTINGS = ("FLOWTAP_STORE", "FLOWTAP_URL", "FLOWTAP_CONFIG", "FLOWTAP_API", "FLOWTAP_KAFKA")


class Ended(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Shell = Callable[..., Ended]


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Runs a command in this process."""
    for name in [name for name in os.environ if name.startswith(SETTINGS)]:
        monkeypatch.delenv(name)

    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        code: object = 0
        try:
            main([str(one) for one in arguments])
        except SystemExit as end:
            code = end.code or 0
        told = capsys.readouterr()
        assert isinstance(code, int)
        return Ended(code, told.out, told.err)

    return run


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A collector that saw two orders of tea, one of them paid."""
    flow = Flow()
    first = flow.send("storefront", "orders", message_id="order-1", key="tea", event_type="Ordered")
    flow.send("payment", "payments", inside=flow.process("payment", first), message_id="paid-1")
    flow.send("storefront", "orders", message_id="order-2", key="tea", event_type="Ordered")
    backend = MemoryBackend.of(flow)
    backend.edge_rows = shop.edges()
    backend.groups = groups()
    kind = PayloadKey("kafka", "shop", "order.created", "order.created")
    backend.stored_bodies = [Body(kind, '{"order_id": 17}', cut=False)]
    with serving(backend) as address:
        yield address
