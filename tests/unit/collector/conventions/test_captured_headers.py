"""Headers as they were on the wire, captured by others, are read as they were by them."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collector.store.client import Store
from tests import captured, vectors
from tests.unit.collector.conventions.engine import contexts, read_messages
from tests.unit.collector.conventions.test_context_headers import as_the_collector_does

pytestmark = vectors.needs_vectors


def headers(
    path: Path, read: Callable[[bytes], Iterator[captured.Headers]]
) -> list[captured.Headers]:
    return [found for stream in captured.streams(path) for found in read(stream)]


def expected(path: Path) -> list[tuple[str, str]]:
    """(trace id, span id) of each message, as the capture's own result tells them."""
    said = re.findall(
        r'field: "([^"]+)" \}\]\), span_id: (?:Some\()?"([^"]+)"',
        path.with_suffix(".result").read_text(encoding="utf-8"),
    )
    assert said
    return said


@pytest.mark.parametrize(
    "path", vectors.files("deepflow/nats-opentelemetry.pcap"), ids=lambda p: p.name
)
def test_traceparents_of_nats(store: Store, path: Path) -> None:
    rows = read_messages(store, *headers(path, captured.nats))
    found = [context for row in rows for context in contexts(row)]
    assert sorted(found) == sorted(expected(path))


@pytest.mark.parametrize("path", vectors.files("deepflow/nats-headers.pcap"), ids=lambda p: p.name)
def test_plain_headers_of_nats(store: Store, path: Path) -> None:
    told = headers(path, captured.nats)
    assert ("BREAKFAST", b"donut") in {pair for one in told for pair in one}
    rows = read_messages(store, *told)
    assert {(row["profile"], row["copied"]["kind"], *contexts(row)) for row in rows} == {("", "")}


@pytest.mark.parametrize(
    "path", vectors.files("deepflow/nats-skywalking.pcap"), ids=lambda p: p.name
)
def test_skywalking_of_nats(store: Store, path: Path) -> None:
    ((trace, whole),) = expected(path)
    segment, _, number = whole.rpartition("-")
    made = as_the_collector_does(segment, int(number))
    span = bytes(a ^ b for a, b in zip(made[:8], made[8:], strict=True)).hex()

    (row,) = [row for row in read_messages(store, *headers(path, captured.nats)) if contexts(row)]

    assert contexts(row) == [(as_the_collector_does(trace).hex(), span)]
    assert row["source"] == "demo-application"


@pytest.mark.parametrize(
    "path", vectors.files("deepflow/00-produce-v7-sw8.pcap"), ids=lambda p: p.name
)
def test_skywalking_of_kafka(store: Store, path: Path) -> None:
    (told,) = headers(path, captured.kafka)
    assert "sw8" in dict(told)
    ((trace, segment),) = expected(path)
    # A segment with dashes: the Collector makes one span id of all its spans, so it is none.
    assert trace.count("-") == 4 and segment.count("-") == 5

    (row,) = read_messages(store, told)

    assert (row["source"], contexts(row)) == ("agent::ui", [])


@pytest.mark.parametrize("path", vectors.files("deepflow/amqp2.pcap"), ids=lambda p: p.name)
def test_traceparents_of_amqp(store: Store, path: Path) -> None:
    on_the_wire = re.findall(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-0[01]", path.read_bytes())
    rows = read_messages(store, *headers(path, captured.amqp))
    found = [context for row in rows for context in contexts(row)]
    assert found and found == [(trace.decode(), span.decode()) for trace, span in on_the_wire]


@pytest.mark.parametrize("path", vectors.files("deepflow/amqp3.pcap"), ids=lambda p: p.name)
def test_skywalking_of_amqp(store: Store, path: Path) -> None:
    (told,) = headers(path, captured.amqp)
    _, trace, segment, number, *_ = dict(told)["sw8"].decode().split("-")
    made = as_the_collector_does(base64.b64decode(segment).decode(), int(number))
    span = bytes(a ^ b for a, b in zip(made[:8], made[8:], strict=True)).hex()

    (row,) = read_messages(store, told)

    assert contexts(row) == [(base64.b64decode(trace).decode(), span)]
    assert row["source"] == "your-nodejs-service"
