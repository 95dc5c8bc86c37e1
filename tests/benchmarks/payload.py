"""Shop orders as OTLP requests and as messages, the same ones for the same seed.

A kind of span is serialised once by the protobuf library; what differs from order to order has
the same length everywhere, so each span is its template with the gaps filled: two million take
seconds.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter

from google.protobuf.message import Message as Protobuf
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.benchmarks.steps import CREATED, MESSAGE, ORDER, SHOP, TOPICS, Step, Value

PARTITIONS = 6
VALUE_BYTES = 500
MILLISECOND = 1_000_000
MOST_SPANS = 12
"""Of one order."""

# What stands in a template where an order's own value will be, in bytes of the same length.
_TRACE = bytes(range(0x80, 0x90))
_SELF, _PARENT = bytes(range(0x90, 0x98)), bytes(range(0x98, 0xA0))
_START, _END = 0xA7A6A5A4A3A2A1A0, 0xAFAEADACABAAA9A8


@dataclass(frozen=True, slots=True)
class Order:
    """One order: what its spans and messages are made of."""

    number: int
    start: int
    """Nanoseconds since the Unix epoch."""
    chance: bytes = field(repr=False)

    @property
    def trace(self) -> bytes:
        return self.chance[:16]

    def span(self, step: int) -> bytes:
        """The id of that step's span."""
        return self.chance[16 + 8 * step : 24 + 8 * step]

    def message_id(self, topic: str) -> str:
        """The id of the message that this order has on a topic: a UUID."""
        at = _IDS_AT + 16 * TOPICS.index(topic)
        text = self.chance[at : at + 16].hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    @property
    def key(self) -> str:
        return f"order-{self.number:08d}"

    @property
    def partition(self) -> int:
        """The same on each topic."""
        return self.number % PARTITIONS

    @property
    def offset(self) -> int:
        """The same on each topic: an order has one message on each."""
        return self.number // PARTITIONS


_IDS_AT = 16 + 8 * MOST_SPANS
_CHANCE_BYTES = _IDS_AT + 16 * len(TOPICS)


def orders(
    count: int, *, start: int, interval: int = 200_000, seed: int = 1, first: int = 0
) -> Iterator[Order]:
    """Orders, `interval` nanoseconds one after the other from `start` on, numbered from `first`."""
    chance = random.Random(seed)
    for number in range(count):
        yield Order(first + number, start + number * interval, chance.randbytes(_CHANCE_BYTES))


# Spans


def requests(steps: tuple[Step, ...], made: Iterable[Order], size: int) -> Iterator[bytes]:
    """Serialised `ExportTraceServiceRequest`s, each of one service and of `size` spans at most.

    A service's last one is whatever is left.
    """
    templates = [_Template(step, number) for number, step in enumerate(steps)]
    heads = {step.service: _head(step.service) for step in steps}
    waiting: dict[str, list[bytes]] = {service: [] for service in heads}
    for order in made:
        values = _values(order)
        for template in templates:
            spans = waiting[template.service]
            spans.append(template.fill(order, values))
            if len(spans) == size:
                yield _request(heads[template.service], spans)
                spans.clear()
    for service, spans in waiting.items():
        if spans:
            yield _request(heads[service], spans)


_VARYING: tuple[tuple[bytes, str], ...] = (
    (_TRACE, "trace"),
    (_SELF, "self"),
    (_PARENT, "parent"),
    (_START.to_bytes(8, "little"), "start"),
    (_END.to_bytes(8, "little"), "end"),
    (MESSAGE.encode(), "message"),
    (ORDER.encode(), "order"),
)


def _values(order: Order) -> dict[str, bytes]:
    """What fills the gaps in every template of one order; a step adds its own."""
    offset = KeyValue(key="messaging.kafka.offset")
    offset.value.int_value = order.offset
    partition = KeyValue(key="messaging.destination.partition.id")
    partition.value.string_value = str(order.partition)
    place = _field(9, _bytes(partition)) + _field(9, _bytes(offset))
    values = {"trace": order.trace, "order": order.key.encode(), "place": place}
    values |= {topic: order.message_id(topic).encode() for topic in TOPICS}
    return values


class _Template:
    """One step's span, serialised, with gaps."""

    def __init__(self, step: Step, number: int) -> None:
        self.service = step.service
        self._step = step
        self._number = number
        gaps: list[str] = []

        def gap(found: re.Match[bytes]) -> bytes:
            name = dict(_VARYING)[found[0]]
            gaps.append(step.topic if name == "message" else name)
            return b"%b"

        whole = _bytes(_example(step)).replace(b"%", b"%%")
        marks = b"|".join(re.escape(mark) for mark, _ in _VARYING)
        self._template = re.sub(marks, gap, whole)
        if step.consumes:
            # Of varying length, so outside of everything that has a length of its own.
            self._template += b"%b"
            gaps.append("place")
        self._pick: Callable[[dict[str, bytes]], tuple[bytes, ...]] = itemgetter(*gaps)

    def fill(self, order: Order, values: dict[str, bytes]) -> bytes:
        start = order.start + self._step.at * MILLISECOND
        values["self"] = order.span(self._number)
        if self._step.parent is not None:
            values["parent"] = order.span(self._step.parent)
        values["start"] = start.to_bytes(8, "little")
        values["end"] = (start + self._step.lasts * MILLISECOND).to_bytes(8, "little")
        return self._template % self._pick(values)


def _example(step: Step) -> Span:
    """A span of this step with marks where an order's own values belong."""
    span = Span(
        trace_id=_TRACE,
        span_id=_SELF,
        name=step.name,
        kind=step.kind,
        start_time_unix_nano=_START,
        end_time_unix_nano=_END,
        flags=0x301 if step.consumes else 0x101,
    )
    if step.parent is not None:
        span.parent_span_id = _PARENT
    for key, value in step.said:
        _say(span, key, value)
    if step.consumes:
        # As the conventions ask: the message's creation context is linked to, whatever the parent.
        span.links.add(trace_id=_TRACE, span_id=_PARENT, flags=0x301)
    return span


def _say(into: Span | Resource, key: str, value: Value) -> None:
    said = into.attributes.add(key=key).value
    if isinstance(value, str):
        said.string_value = value
    else:
        said.int_value = value


def _head(service: str) -> tuple[bytes, bytes]:
    """A service's resource, and its scope, as fields."""
    resource = Resource()
    for key, value in (
        ("service.name", service),
        ("service.namespace", "shop"),
        ("service.instance.id", f"{service}-5f7d8c9b4-x2x7k"),
        ("deployment.environment.name", "production"),
        ("telemetry.sdk.name", "opentelemetry"),
        ("telemetry.sdk.language", "python"),
        ("telemetry.sdk.version", "1.38.0"),
    ):
        _say(resource, key, value)
    scope = InstrumentationScope(name="opentelemetry.instrumentation.kafka", version="0.59b0")
    return _field(1, _bytes(resource)), _field(1, _bytes(scope))


def _request(head: tuple[bytes, bytes], spans: list[bytes]) -> bytes:
    resource, scope = head
    scope_spans = b"".join((scope, *(_field(2, span) for span in spans)))
    return _field(1, resource + _field(2, scope_spans))


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return bytes((number << 3 | 2,)) + _varint(len(content)) + content


@lru_cache(maxsize=4096)
def _varint(number: int) -> bytes:
    coded = bytearray()
    while number > 0x7F:
        coded.append(number & 0x7F | 0x80)
        number >>= 7
    coded.append(number)
    return bytes(coded)


def _bytes(message: Protobuf) -> bytes:
    return message.SerializeToString(deterministic=True)


# Messages


@dataclass(frozen=True, slots=True)
class Record:
    """A message as it lies on a topic."""

    topic: str
    partition: int
    offset: int
    time: int
    """Nanoseconds since the Unix epoch."""
    key: bytes
    headers: tuple[tuple[str, bytes], ...]
    value: bytes


_GOODS = ("teapot", "lamp", "notebook", "umbrella", "bicycle bell", "scarf", "clock", "kettle")
_NOTE = b"leave it at the door, ring twice; " * 15


def record(order: Order, topic: str = CREATED) -> Record:
    """The message that an order has on a topic: JSON of `VALUE_BYTES`, three headers."""
    step = next(at for at, step in enumerate(SHOP) if step.topic == topic)
    headers = (
        ("traceparent", f"00-{order.trace.hex()}-{order.span(step).hex()}-01".encode()),
        ("ce_id", order.message_id(topic).encode()),
        ("ce_type", topic.encode()),
    )
    chance = order.chance
    items = ", ".join(
        f'{{"sku": "{chance[at : at + 5].hex()}", "name": "{_GOODS[chance[at] % 8]}", '
        f'"quantity": {1 + chance[at + 5] % 5}, "cents": {int.from_bytes(chance[at : at + 2])}}}'
        for at in range(8, 32, 6)
    )
    said = (
        f'{{"order_id": "{order.key}", "customer": "customer-{int.from_bytes(chance[:3]):08d}", '
        f'"address": "{chance[3]} Harbour Street, {chance[4] * 389:05d} Northport", '
        f'"items": [{items}], "note": "'
    ).encode()
    value = said + _NOTE[: VALUE_BYTES - 2 - len(said)] + b'"}'
    time = order.start + SHOP[step].at * MILLISECOND
    return Record(topic, order.partition, order.offset, time, order.key.encode(), headers, value)


READINGS = "reading.taken"


def reading(order: Order, number: int, of: int) -> Record:
    """The `number`th of so many messages beside an order that no trace and no span tells of."""
    at = order.number * of + number
    chance = order.chance[number : number + 12].hex()
    name = f"{chance[:8]}-{chance[8:12]}-7000-8000-{at:012x}"
    headers = (("ce_id", name.encode()), ("ce_type", READINGS.encode()))
    sensor = f"sensor-{at % 5000:05d}"
    said = f'{{"sensor": "{sensor}", "celsius": {order.chance[number] / 8}, "note": "'.encode()
    value = said + (_NOTE * 2)[: VALUE_BYTES - 2 - len(said)] + b'"}'
    return Record(
        READINGS,
        at % PARTITIONS,
        at // PARTITIONS,
        order.start + number * MILLISECOND,
        sensor.encode(),
        headers,
        value,
    )
