"""What the benchmarks send is what they say: counts, sizes, and orders that hang together."""

from __future__ import annotations

from collections import Counter, defaultdict

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.benchmarks.payload import VALUE_BYTES, Order, orders, record, requests
from tests.benchmarks.steps import MIXED, SHOP, TOPICS, Step

START = 1_700_000_000_000_000_000
INTERVAL = 300_000
MESSAGING = (Span.SPAN_KIND_PRODUCER, Span.SPAN_KIND_CONSUMER)

Parsed = list[tuple[str, list[Span]]]
"""Of each request: its service and its spans."""


def made(count: int) -> list[Order]:
    return list(orders(count, start=START, interval=INTERVAL))


def parsed(steps: tuple[Step, ...], count: int, size: int) -> Parsed:
    found: Parsed = []
    for request in requests(steps, made(count), size):
        read = ExportTraceServiceRequest.FromString(request)
        assert read.ByteSize() == len(request), "nothing twice, nothing beside"
        (resource,) = read.resource_spans
        (scope,) = resource.scope_spans
        names = {each.key: each.value.string_value for each in resource.resource.attributes}
        found.append((names["service.name"], list(scope.spans)))
    return found


def said(span: Span) -> dict[str, str | int]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def test_shop_orders_are_eleven_spans_of_seven_services_all_but_one_messaging() -> None:
    found = parsed(SHOP, 1000, 512)
    spans = [span for _, each in found for span in each]
    traces = Counter(span.trace_id for span in spans)
    assert len(traces) == 1000 and set(traces.values()) == {11}
    assert len({(span.trace_id, span.span_id) for span in spans}) == 11_000
    assert len({service for service, _ in found}) == 7
    assert sum(span.kind in MESSAGING for span in spans) == 10_000
    assert max(len(each) for _, each in found) == 512
    left_over = [service for service, each in found if len(each) < 512]
    assert len(left_over) == len(set(left_over)), "only a service's last request may be smaller"


def test_a_span_of_shop_orders_takes_434_bytes() -> None:
    sizes = [len(request) for request in requests(SHOP, made(5000), 512)]
    assert 433 < sum(sizes) / 55_000 < 435


def test_requests_of_ten_hold_the_same_spans() -> None:
    large, small = parsed(SHOP, 50, 512), parsed(SHOP, 50, 10)
    assert max(len(spans) for _, spans in small) == 10

    def whole(requests: Parsed) -> list[bytes]:
        return sorted(
            service.encode() + span.SerializeToString()
            for service, spans in requests
            for span in spans
        )

    assert whole(large) == whole(small)


def test_one_span_in_six_of_mixed_orders_is_messaging() -> None:
    spans = [span for _, each in parsed(MIXED, 300, 512) for span in each]
    assert sum(span.kind in MESSAGING for span in spans) * 6 == len(spans) == 300 * 12
    named = [any(key.startswith("messaging.") for key in said(span)) for span in spans]
    assert sum(named) * 6 == len(spans)


def test_the_spans_of_an_order_hang_together() -> None:
    traces: dict[bytes, dict[bytes, Span]] = defaultdict(dict)
    for _, spans in parsed(SHOP, 40, 512):
        for span in spans:
            traces[span.trace_id][span.span_id] = span
    for order in made(40):
        spans_of_order = traces[order.trace]
        roots = [span for span in spans_of_order.values() if not span.parent_span_id]
        assert [span.name for span in roots] == ["POST /api/v1/orders"]
        for span in spans_of_order.values():
            assert START <= span.start_time_unix_nano < span.end_time_unix_nano
            if span.kind != Span.SPAN_KIND_CONSUMER:
                continue
            parent = spans_of_order[span.parent_span_id]
            topic = span.name.removeprefix("process ")
            assert parent.name == f"send {topic}"
            assert [link.span_id for link in span.links] == [parent.span_id]
            attributes = said(span)
            assert attributes["messaging.message.id"] == order.message_id(topic)
            assert attributes["messaging.kafka.message.key"] == order.key
            assert attributes["messaging.destination.partition.id"] == str(order.partition)
            assert attributes["messaging.kafka.offset"] == order.offset


def test_a_message_is_what_the_spans_of_its_order_say() -> None:
    senders = {
        span.span_id: span
        for _, spans in parsed(SHOP, 30, 512)
        for span in spans
        if span.kind == Span.SPAN_KIND_PRODUCER
    }
    at: Counter[tuple[str, int]] = Counter()
    for order in made(30):
        for topic in TOPICS:
            message = record(order, topic)
            headers = dict(message.headers)
            assert len(headers) == 3 and len(message.value) == VALUE_BYTES
            _, trace, span, _ = headers["traceparent"].decode().split("-")
            sender = senders[bytes.fromhex(span)]
            assert sender.trace_id.hex() == trace and sender.name == f"send {topic}"
            assert said(sender)["messaging.message.id"] == headers["ce_id"].decode()
            assert message.offset == at[topic, message.partition], "offsets leave no gap"
            at[topic, message.partition] += 1


def test_the_same_seed_makes_the_same_orders() -> None:
    again = list(requests(SHOP, orders(20, start=START, interval=INTERVAL, seed=7), 64))
    assert again == list(requests(SHOP, orders(20, start=START, interval=INTERVAL, seed=7), 64))
    assert again != list(requests(SHOP, orders(20, start=START, interval=INTERVAL, seed=8), 64))
