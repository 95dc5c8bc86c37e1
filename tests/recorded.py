"""Recordings of real client libraries (`tests/recordings`), in a real store by the ways that real
spans and messages take."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector.convert import otlp_json
from collector.intake import Intake
from collector.metrics import Counters
from collector.store.client import Store
from collector.taps.tap import Batch, PartitionKey, ProgressRow
from graph.chain import EventKey
from graph.model import Position, SpanContext
from tests import stores

COPY = "(copy)"

DATA = Path(__file__).parent / "recordings" / "data"


@dataclass(frozen=True)
class Recording:
    """One story, told with one library."""

    requests: list[dict[str, Any]]
    """As they were exported, in OTLP's JSON."""
    messages: list[dict[str, Any]]
    progress: list[dict[str, Any]]
    """How far each group had got on each partition in the end."""
    names: dict[Position, str]
    """What the story calls each message: `order-1`, `payment-2`. One that was sent again is
    `order-2(copy)`, if it is not seen as what it is."""
    contexts: dict[Position, SpanContext]
    """The creation context in each message's headers."""
    tapped: bool = True
    """Whether anybody sees its messages, or its spans alone."""

    def called(self, key: EventKey) -> str:
        """What the story calls an event. Without messages it is told by its trace, which goes
        through each destination once, but for what is sent again."""
        if isinstance(key, Position):
            return next(name for at, name in self.names.items() if str(at) == str(key))
        if self.tapped:
            return f"untapped({key.destination})"
        here = [at for at in self.names if at.destination == key.destination]
        for at in sorted(here, key=lambda at: self.contexts[at] != key.context):
            if self.contexts[at].trace_id == key.context.trace_id:
                return self.names[at]
        raise KeyError(key)

    def copies(self, name: str) -> int:
        """At how many positions that event lies."""
        return sum(called in (name, name + COPY) for called in self.names.values())


def read(library: str) -> Recording:
    """The recording of one library, by the name of its file."""
    said = json.loads((DATA / f"{library}.json").read_text(encoding="utf-8"))
    names: dict[Position, str] = {}
    contexts = {}
    for message in said["messages"]:
        position, name = _position(message), _name(message)
        names[position] = name + COPY if name in names.values() else name
        _, trace_id, span_id, _ = dict(_headers(message))["traceparent"].decode().split("-")
        contexts[position] = SpanContext(trace_id, span_id)
    return Recording(said["requests"], said["messages"], said["progress"], names, contexts)


def put(store: Store, recording: Recording, *, spans: bool = True, messages: bool = True) -> None:
    """Store it all, or a part. Edges are computed by who asks for them: `stores.rolled_up`."""
    if spans:
        # Requests in a row are one segment, as the spool has it.
        converted = [otlp_json.convert_document(request) for request in recording.requests]
        stores.put_spans(store, b"".join(one.payload for one in converted))
    if recording.tapped:
        intake = Intake(store, Counters(), lambda: None)
        intake.start()
        intake.messages(_batch(recording.messages))
        intake.progress(_progress(recording))
        assert intake.stop(60)


def _batch(messages: list[dict[str, Any]]) -> Batch:
    batch = Batch(messages[0]["system"], messages[0]["cluster"])
    for message in messages:
        headers = _headers(message)
        batch.destination.append(message["destination"])
        batch.incarnation.append(message["incarnation"])
        batch.partition.append(message["partition"])
        batch.offset.append(message["offset"])
        batch.time.append(message["time"])
        batch.key.append(_bytes(message["key"]))
        batch.header_names.append([name for name, _ in headers])
        batch.header_values.append([value for _, value in headers])
        batch.value.append(_bytes(message["value"]))
        position = _position(message)
        batch.next_offsets[PartitionKey(*position[:5])] = position.offset + 1
    return batch


def _progress(recording: Recording) -> list[ProgressRow]:
    """As a tap tells it that has looked before there was any message, and after the last one."""
    rows: list[ProgressRow] = []
    for row in recording.progress:
        there = [
            message
            for message in recording.messages
            if (message["destination"], message["partition"])
            == (row["destination"], row["partition"])
        ]
        first = there[0]
        place = (first["cluster"], row["group"], first["destination"], first["incarnation"])
        rows.append(ProgressRow(*place, first["partition"], 0, 0, first["time"] - 1))
        rows.append(
            ProgressRow(*place, first["partition"], row["committed"], len(there), row["time"])
        )
    return rows


def _headers(message: dict[str, Any]) -> list[tuple[str, bytes]]:
    """A list of Redis has none: there they are in an envelope, as kombu writes it for every
    transport that has none, and a tap of Redis hands them on as headers."""
    if message["system"] != "redis":
        return [(name, _bytes(value) or b"") for name, value in message["headers"]]
    envelope = json.loads(_bytes(message["value"]) or b"")
    said = {**envelope["headers"], "correlation_id": envelope["properties"]["correlation_id"]}
    return [(name, _text(value).encode()) for name, value in said.items() if value is not None]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def _position(message: dict[str, Any]) -> Position:
    return Position(
        message["system"],
        message["cluster"],
        message["destination"],
        message["incarnation"],
        message["partition"],
        message["offset"],
    )


def _name(message: dict[str, Any]) -> str:
    """Found in the message id where the story gave one, else in the body."""
    headers = dict(_headers(message))
    for name in ("ce_id", "message-id"):
        if name in headers:
            return headers[name].decode()
    body = json.loads(_bytes(message["value"]) or b"")
    if "argsrepr" in headers:
        body = {"order": json.loads(base64.b64decode(body["body"]))[0][0]}
    (name,) = body.values()
    return str(name)
