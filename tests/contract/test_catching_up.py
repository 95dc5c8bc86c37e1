"""Who asks for an id that came in a moment ago is told of it, not that nothing is known."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from collector import audience, giving_up, inserter, intake, pace
from collector.audience import Audience
from collector.backend import StoreBackend
from collector.catching_up import catch_up
from collector.inserter import Inserter
from collector.intake import Intake
from collector.metrics import Counters
from collector.segment import HEADER_BYTES
from collector.spool import Spool, SpoolFull
from collector.store.client import Store
from tests.batches import batch
from tests.builders import Flow
from tests.memory_backend import MemoryBackend
from tests.poured import request
from tests.running import eventually
from tests.serving import serving
from tests.storing import Slow
from tui.client import ApiClient
from tui.source import NotFound

LONG = 60.0
"""Seconds: more than a test takes."""


def test_what_came_in_is_stored_for_who_asks_however_long_a_rest_there_was_to_be(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (inserter, intake):
        monkeypatch.setattr(module, "rest", lambda took, *, busy, seen: LONG)
    flow = Flow()
    with Spool(tmp_path / "spool") as spool:
        spans = Inserter(spool, store, lambda: None)
        messages = Intake(store, Counters(), lambda: None)
        spans.start()
        messages.start()
        began = time.monotonic()
        for count in range(1, 4):
            flow.send("shop", "orders")
            spool.append_sync(request(flow).SerializeToString())
            messages.messages(batch(count))
            assert catch_up((spans, messages), LONG)
            assert store.query("SELECT uniqExact(SpanId) FROM otel_traces") == [(count,)]
            assert store.query("SELECT count() FROM messages") == [(count,)]
            assert not catch_up((spans, messages), LONG)
        assert spans.stop(LONG)
        assert messages.stop(LONG)
        assert time.monotonic() - began < LONG, "nothing rested"


def test_what_nobody_looks_at_is_stored_when_somebody_comes(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "UNSEEN_REST", LONG)
    monkeypatch.setattr(audience, "COMES_SECONDS", LONG)
    flow, now, began = Flow(), 100.0, time.monotonic()
    everybody = Audience(clock=lambda: now)
    backend = StoreBackend(store, audience=everybody)
    with Spool(tmp_path / "spool") as spool:
        spans = Inserter(spool, store, lambda: None, seen=everybody.there)
        messages = Intake(store, Counters(), lambda: None, seen=everybody.there)
        everybody.parts = spans, messages
        spans.start()
        messages.start()

        def receive(offset: int) -> None:
            flow.send("shop", "orders")
            spool.append_sync(request(flow).SerializeToString())
            messages.messages(batch(offset))

        def stored() -> tuple[int, int]:
            spans = store.query("SELECT uniqExact(SpanId) FROM otel_traces")
            return spans[0][0], store.query("SELECT count() FROM messages")[0][0]

        receive(0)
        eventually(lambda: stored() == (1, 1), LONG)
        receive(1)
        receive(2)
        time.sleep(2 * pace.LONGEST_REST)
        assert stored() == (1, 1)
        backend.attend()
        assert stored() == (3, 3)

        now += 2 * audience.STAYS_SECONDS
        receive(3)
        # Who begins to follow is told what comes from now on, not what waited.
        mark = backend.stored(None, 10).mark
        assert stored() == (4, 4)
        assert not backend.stored(mark, 10).activity
        receive(4)
        eventually(lambda: backend.stored(mark, 10).activity, LONG / 2)
        assert spans.stop(LONG)
        assert messages.stop(LONG)
    assert time.monotonic() - began < LONG, "nothing rested"


@pytest.mark.parametrize("refused", [False, True])
def test_a_small_spool_is_emptied_before_it_is_full(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    monkeypatch.setattr(pace, "UNSEEN_REST", LONG)
    flow = Flow()
    flow.send("shop", "orders")
    payload = request(flow).SerializeToString()
    room = 8 * (len(payload) + HEADER_BYTES)
    with Spool(tmp_path / "spool", max_bytes=room) as spool:
        spans = Inserter(spool, store, lambda: None, seen=lambda: False)
        spans.start()
        spool.append_sync(payload)
        eventually(lambda: spans.inserted_requests, LONG)
        spool.append_sync(payload)
        if refused:
            with pytest.raises(SpoolFull):
                spool.append_sync(8 * payload)
        else:
            for _ in range(4):
                spool.append_sync(payload)
        eventually(lambda: not spool.pending_bytes, LONG / 2)
        assert spans.stop(LONG)


def test_only_what_waits_is_hurried_and_only_so_long() -> None:
    parts = Slow(0), Slow(2), Slow(float("inf"))
    assert not catch_up(parts[:1], LONG)
    assert catch_up(parts[:2], LONG)
    assert [part.hurried for part in parts] == [0, 2, 0]
    assert catch_up(parts, 0.1)
    assert parts[2].hurried > 1


def test_nobody_waits_for_who_hung_up() -> None:
    gone = threading.Event()
    gone.set()
    with giving_up.unless(gone), pytest.raises(giving_up.GivenUp):
        catch_up([Slow(float("inf"))], LONG)


class Late(MemoryBackend):
    """Knows a story only once somebody waited for it."""

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self.flow = flow
        self.waited = 0

    def catch_up(self, seconds: float) -> bool:
        self.waited += 1
        self.facts = self.flow.facts()
        return self.waited == 1


def test_an_id_is_unknown_only_after_what_waits_is_stored() -> None:
    flow = Flow()
    sent = flow.send("shop", "orders", message_id="order-1")
    late = Late(flow)
    with serving(late) as url:
        client = ApiClient(url)
        assert client.chain("order-1").starts == (sent.key,)
        assert late.waited == 1
        assert client.chain("order-1").starts == (sent.key,)
        assert late.waited == 1, "what is known is told at once"
        with pytest.raises(NotFound):
            client.chain("order-2")
