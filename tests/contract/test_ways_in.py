"""The ways into the store, from spool and tap: what is refused harms nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.inserter import Inserter
from collector.intake import Intake
from collector.masks import MASK
from collector.metrics import Counters
from collector.packing import HEADERS_KEPT, Packing
from collector.spool import Spool
from collector.store.client import Store, StoreError
from collector.store.facts import StoreFacts
from collector.taps.tap import Batch, PartitionKey
from graph.model import Message, Position
from tests.builders import Flow
from tests.poured import request

GARBAGE = b"\x0a\x05abc"


def a_send() -> bytes:
    flow = Flow()
    flow.send("shop", "orders", tapped=False)
    return request(flow).SerializeToString()


def test_a_refused_request_is_kept_aside_and_its_neighbours_are_stored(
    store: Store, tmp_path: Path
) -> None:
    with Spool(tmp_path / "spool", segment_seconds=3600) as spool:
        inserter = Inserter(spool, store, lambda: None)
        for payload in (a_send(), GARBAGE, a_send()):
            spool.append_sync(payload)
        spool.close()
        inserter.start()
        assert inserter.stop(None)

    assert (inserter.inserted_requests, inserter.rejected_requests) == (2, 1)
    assert len(StoreFacts(store).operations([f"{1:032x}"])) == 1
    kept = [path.read_bytes() for path in (tmp_path / "spool" / "rejected").glob("*.otlp")]
    assert kept == [GARBAGE]


def test_what_cannot_be_stored_before_the_stop_is_left_and_said_so(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreError("no room")

    with Spool(tmp_path / "spool") as spool:
        inserter = Inserter(spool, store, lambda: None)
        monkeypatch.setattr(store, "insert_spans", full)
        spool.append_sync(a_send())
        spool.close()
        inserter.start()
        assert not inserter.stop(None)
    assert (inserter.left_segments, inserter.trouble) == (1, "no room")
    monkeypatch.undo()

    with Spool(tmp_path / "spool") as spool:
        again = Inserter(spool, store, lambda: None)
        spool.close()
        again.start()
        assert again.stop(None)
    assert again.inserted_requests == 1
    store.end("spans")


def taken(store: Store, headers: list[tuple[str, bytes]], body_bytes: int = 100) -> Message:
    """One record through the intake, as the store shows it."""
    batch = Batch("kafka", "c1")
    batch.destination, batch.incarnation, batch.partition = ["orders"], ["i1"], ["0"]
    batch.offset, batch.time, batch.key, batch.value = [0], [0], [None], [b"value"]
    batch.header_names = [[name for name, _ in headers]]
    batch.header_values = [[value for _, value in headers]]
    batch.next_offsets = {PartitionKey("kafka", "c1", "orders", "i1", "0"): 1}
    counters = Counters()
    packing = Packing(store.own, masked=["authorization"], body_bytes=body_bytes)
    intake = Intake(store, counters, lambda: None, packing=packing)
    intake.start()
    intake.messages(batch)
    assert intake.stop(30)
    assert counters.snapshot()["messages"]["kafka"]["stored"] == 1
    (found,) = StoreFacts(store).messages([Position("kafka", "c1", "orders", "i1", "0", 0)])
    return found


def test_more_headers_than_are_kept_are_cut_and_the_message_is_not_lost(store: Store) -> None:
    told = [(f"h{number}", b"v") for number in range(HEADERS_KEPT + 44)]
    assert len(taken(store, told).headers) == HEADERS_KEPT


def test_secrets_are_masked_in_any_case(store: Store) -> None:
    found = taken(store, [("Authorization", b"Bearer x"), ("other", b"y")])
    assert found.headers == (("Authorization", MASK.decode()), ("other", "y"))


def test_a_body_is_cut_and_its_size_is_told(store: Store) -> None:
    found = taken(store, [], body_bytes=2)
    assert (found.value, found.value_size) == ("va", 5)
