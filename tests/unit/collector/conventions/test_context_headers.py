"""Every way to write a trace context into headers, by the real engine."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import pytest

from collector.conventions.contexts import CONTEXTS
from collector.store.client import Store
from collector.store.facts import StoreFacts
from graph.model import IdKind
from tests.unit.collector.conventions.engine import contexts, read_messages

T1, T2 = "0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736"
S1, S2 = "b7ad6b7169203331", "00f067aa0ba902b7"
OURS, OTHER = f"00-{T1}-{S1}-01", f"00-{T2}-{S2}-00"

Told = Sequence[tuple[str, str | bytes]]


def read(store: Store, *told: Told) -> list[list[tuple[str, str]]]:
    return [contexts(row) for row in read_messages(store, *told)]


@pytest.mark.parametrize("name", ["MT-Activity-Id", "parent-id", "Diagnostic-Id"])
def test_a_traceparent_under_another_name(store: Store, name: str) -> None:
    found = read(
        store,
        [(name, OURS)],
        [(name, f"01-{T1}-{S1}-01-more")],
        [(name, "|4bf92f3577b34da6.1."), (name, "m0")],
        [(name, OTHER), ("traceparent", OURS)],
    )
    assert found == [[(T1, S1)], [(T1, S1)], [], [(T1, S1), (T2, S2)]]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (f"{T1}:{S1}:0:1", [(T1, S1)]),
        (f"{T1}%3A{S1}%3A0%3A1", [(T1, S1)]),
        (f"{T2[1:]}:{S2[2:]}:{S1}:d", [("0" + T2[1:], S2)]),
        (f"{T1[16:]}:{S1}:0:3", [("0" * 16 + T1[16:], S1)]),
        (f"{T1.upper()}:{S1}:0:1", [(T1, S1)]),
        (f"{T1}:{S1}:0", []),
        (f"{T1}:0:0:1", []),
        (f"0:{S1}:0:1", []),
        (f"{T1}0:{S1}:0:1", []),
        ("", []),
    ],
)
def test_jaeger(store: Store, value: str, found: list[tuple[str, str]]) -> None:
    assert read(store, [("uber-trace-id", value)]) == [found]


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"trace-id": "1", "parent-id": "2"}, [(f"{1:032x}", f"{2:016x}")]),
        (
            {"trace-id": str(2**64 - 1), "parent-id": str(2**63)},
            [("0" * 16 + "f" * 16, "8" + "0" * 15)],
        ),
        (
            {"trace-id": "10", "parent-id": "11", "tags": "_dd.p.dm=-1,_dd.p.tid=66af000000000001"},
            [("66af000000000001" + f"{10:016x}", f"{11:016x}")],
        ),
        (
            {"trace-id": "10", "parent-id": "11", "tags": "_dd.p.tid=xyz"},
            [(f"{10:032x}", f"{11:016x}")],
        ),
        ({"trace-id": "0", "parent-id": "11", "tags": "_dd.p.tid=66af000000000001"}, []),
        ({"trace-id": "10", "parent-id": "0"}, []),
        ({"trace-id": "10"}, []),
        ({"trace-id": "ten", "parent-id": "11"}, []),
        ({"trace-id": str(2**64), "parent-id": "11"}, []),
    ],
)
def test_datadog(store: Store, told: dict[str, str], found: list[tuple[str, str]]) -> None:
    assert read(store, [(f"x-datadog-{name}", value) for name, value in told.items()]) == [found]


@pytest.mark.parametrize("name", ["AWSTraceHeader", "X-Amzn-Trace-Id"])
@pytest.mark.parametrize(
    ("value", "found"),
    [
        (f"Root=1-{T1[:8]}-{T1[8:]};Parent={S1};Sampled=1", [(T1, S1)]),
        (f"Self=1-0-0;Root=1-{T1[:8]}-{T1[8:]};Lineage=a:1;Parent={S1}", [(T1, S1)]),
        (f"Root=1-{T1[:8]}-{T1[8:]}; Parent={S1}; Sampled=0", [(T1, S1)]),
        (f"Root=1-{T1[:8]}-{T1[8:]}", []),
        (f"Root=2-{T1[:8]}-{T1[8:]};Parent={S1}", []),
        (f"Root=1-{T1};Parent={S1}", []),
    ],
)
def test_xray(store: Store, name: str, value: str, found: list[tuple[str, str]]) -> None:
    assert read(store, [(name, value)]) == [found]


def sw8(trace: str, segment: str, span: int, service: str = "cart") -> str:
    def b64(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    named = [b64(text) for text in (service, "cart@1", "/cart", "kafka:9092")]
    return "-".join(["1", b64(trace), b64(segment), str(span), *named])


def as_the_collector_does(identity: str, extra: int = 0) -> bytes:
    """The 16 bytes that the OpenTelemetry Collector's SkyWalking receiver makes of an id."""
    digits, _, rest = identity.partition(".")
    made = bytearray.fromhex(digits)
    first, _, second = rest.partition(".")
    parts = extra.to_bytes(4, "little")
    parts += (int(first or 0) % 2**32).to_bytes(4, "little")
    parts += (int(second or 0) % 2**64).to_bytes(8, "little")
    return bytes(one ^ other for one, other in zip(made, parts, strict=True))


@pytest.mark.parametrize(
    ("trace", "segment", "span"),
    [
        (f"{T1}.122.16496887041090000", f"{T2}.7.16496887041090001", 3),
        (f"{T1}.122.16496887041090000", f"{T2}.7.16496887041090001", 0),
        (T1, T2, 300),
        ("bb79fa34-d03f-4bc2-8fa9-979af7877426", f"{T2}.1.2", 1),
    ],
)
def test_skywalking_s_ids_are_what_the_collector_makes_of_them(
    store: Store, trace: str, segment: str, span: int
) -> None:
    plain = trace.replace("-", "")
    whole = as_the_collector_does(segment, span)
    half = bytes(a ^ b for a, b in zip(whole[:8], whole[8:], strict=True))

    (row,) = read_messages(store, [("sw8", sw8(trace, segment, span))])

    assert contexts(row) == [(as_the_collector_does(plain).hex(), half.hex())]
    assert row["source"] == "cart"


def test_skywalking_names_the_producer_where_nothing_else_does(store: Store) -> None:
    header = ("sw8", sw8(T1, "no id", 0, service="läden"))
    rows = read_messages(
        store, [header], [header, ("ce_source", "/shop")], [("sw8", "1-x-y")], [("sw8", "")]
    )
    assert [row["source"] for row in rows] == ["läden", "/shop", "", ""]
    assert [contexts(row) for row in rows] == [[], [], [], []]


def test_all_kinds_beside_each_other_are_kept_in_order_of_trust(store: Store) -> None:
    told = [
        ("x-b3-traceid", f"{9:032x}"),
        ("x-b3-spanid", f"{9:016x}"),
        ("uber-trace-id", "07:7:0:1"),
        ("b3", f"{5:032x}-{5:016x}-1"),
        ("traceparent", OURS),
        ("traceparent", OTHER),
        ("MT-Activity-Id", f"00-{3:032x}-{3:016x}-01"),
    ]
    three, five, seven, nine = [(f"{n:032x}", f"{n:016x}") for n in (3, 5, 7, 9)]
    assert read(store, told) == [[(T1, S1), (T2, S2), three, five, seven, nine]]


def test_every_name_is_read_in_any_case(store: Store) -> None:
    values = {"b3": f"{T1}-{S1}", "uber-trace-id": f"{T1}:{S1}:0:1"}
    xray = f"Root=1-{T1[:8]}-{T1[8:]};Parent={S1}"
    values |= dict.fromkeys(("awstraceheader", "x-amzn-trace-id"), xray)
    told: list[Told] = [[(name.upper(), values.get(name, OURS))] for name in CONTEXTS]
    assert read(store, *told) == [[(T1, S1)]] * len(CONTEXTS)


def test_where_an_event_began_is_found_by_its_trace_and_is_no_context_of_the_hop(
    store: Store,
) -> None:
    (row,) = read_messages(store, [("ce_traceparent", OTHER), ("traceparent", OURS)])
    assert contexts(row) == [(T1, S1)]

    facts = StoreFacts(store)
    (began,) = facts.resolve(T2)
    assert (began.kind, began.position and began.position.offset) == (IdKind.TRACE, 0)
    (hop,) = facts.resolve(T1)
    assert hop.kind is IdKind.TRACE
    assert store.query("SELECT count() FROM relations") == [(1,)]
