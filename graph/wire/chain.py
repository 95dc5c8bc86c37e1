"""A chain as a dict, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from graph.chain.coverage import cut_events
from graph.chain.result import (
    Attempt,
    Cause,
    Chain,
    Creation,
    Delivery,
    Event,
    EventKey,
    Join,
    Stop,
    Via,
)
from graph.model import Evidence, Operation, Position
from graph.wire.facts import (
    Json,
    context_from_dict,
    context_to_dict,
    message_from_dict,
    message_to_dict,
    operation_from_dict,
    operation_to_dict,
    position_from_dict,
    position_to_dict,
    same,
    span_from_dict,
    span_to_dict,
    times,
)
from graph.wire.gaps import gap_from_dict, gap_to_dict

if TYPE_CHECKING:
    from graph.chain.explanation import Explanation

FORMAT = 1


def event_ids(chain: Chain) -> dict[EventKey, str]:
    """A short text for each event, unique in its chain, which `flowtap trace` understands.

    `destination/partition/offset`, or `trace id/span id` for an event that no tap saw; where
    two events would have the same, the rest of their key follows after `@`.
    """
    short = {event.key: str(event.key) for event in chain.events}
    count = Counter(short.values())
    return {
        key: text if count[text] == 1 else f"{text}@{_rest(key)}" for key, text in short.items()
    }


def _rest(key: EventKey) -> str:
    if isinstance(key, Position):
        return "/".join((key.system, key.cluster, key.incarnation))
    return key.destination


def chain_to_dict(chain: Chain, *, bodies: bool = True) -> Json:
    """A chain as a dict; without `bodies`, headers and values of messages are left out (null).

    - `format`, `focus` and `starts` (event ids), `complete`, `stopped_by` (`events`, `depth`,
      `deadline` or null), `services`, `roots`, `related` (event ids)
    - `events`: `id`, `key`, `title`, `time`, `event_type`, `destination`, `system`, `cluster`,
      `environment`, `service` and `service_evidence`, `message_id`, `correlation_id`,
      `causation_id`, `record_key`, `batch`, `error`, `messages`, `positions`, `contexts`,
      `operations` (each with its `join`)
    - `covered_from`: what was received before has been pruned (0: nothing has); `cut`: ids of
      events that may have causes before it
    - `gaps`: what taps missed where events lie that are known from spans only, see
      `graph.wire.gaps`
    - `deliveries`: `event` (id), `service`, `group`, `evidence`, `start`, `end`, `error`,
      `error_message`, `attempts`, `operations` (each with its `join`)
    - `causes`: `cause` and `effect` (event ids), `evidence`, `via`, `service` and `group` (of
      the delivery), `delay_ns` (can be negative), `candidates`, `way` (spans in between)
    - `explanations`: only where they were asked for, see `graph.wire.explanation`
    """
    ids = event_ids(chain)
    return {
        "format": FORMAT,
        "focus": ids[chain.focus],
        "starts": [ids[key] for key in chain.starts],
        "complete": chain.stopped is None,
        "stopped_by": chain.stopped.value if chain.stopped else None,
        "services": list(chain.services),
        "roots": [ids[key] for key in chain.roots],
        "related": [ids[key] for key in chain.related],
        **times("covered_from", chain.covered_from),
        "cut": [ids[key] for key in cut_events(chain)],
        "gaps": [gap_to_dict(gap) for gap in chain.gaps],
        "events": [_event_to(event, ids[event.key], bodies) for event in chain.events],
        "deliveries": [_delivery_to(delivery, ids) for delivery in chain.deliveries],
        "causes": [_cause_to(cause, ids) for cause in chain.causes],
        **_explanations_to(chain, ids),
    }


def _explanations_to(chain: Chain, ids: Mapping[EventKey, str]) -> Json:
    if not chain.explanations:
        return {}
    from graph.wire.explanation import explanation_to_dict

    return {"explanations": [explanation_to_dict(one, ids) for one in chain.explanations]}


def _explanations_from(
    data: Mapping[str, Any], keys: Mapping[str, EventKey]
) -> tuple[Explanation, ...]:
    if not data.get("explanations"):
        return ()
    from graph.wire.explanation import explanation_from_dict

    return tuple(explanation_from_dict(one, keys) for one in data["explanations"])


def chain_from_dict(data: Mapping[str, Any]) -> Chain:
    """The chain that `chain_to_dict` told; raises KeyError or ValueError when it is none."""
    keys = {event["id"]: _key_from(event["key"]) for event in data["events"]}
    return Chain(
        focus=keys[data["focus"]],
        starts=tuple(keys[one] for one in data["starts"]),
        events=tuple(_event_from(event, keys) for event in data["events"]),
        deliveries=tuple(_delivery_from(delivery, keys) for delivery in data["deliveries"]),
        causes=tuple(_cause_from(cause, keys) for cause in data["causes"]),
        related=tuple(keys[one] for one in data["related"]),
        stopped=Stop(data["stopped_by"]) if data["stopped_by"] else None,
        covered_from=data["covered_from_ns"],
        gaps=tuple(gap_from_dict(gap) for gap in data["gaps"]),
        explanations=_explanations_from(data, keys),
    )


def _event_to(event: Event, name: str, bodies: bool) -> Json:
    return {
        "id": name,
        "key": _key_to(event.key),
        "title": event.title,
        **times("time", event.time),
        "event_type": event.event_type,
        "destination": event.destination,
        "system": event.system,
        "cluster": event.cluster,
        "environment": event.environment,
        "service": event.service,
        "service_evidence": event.service_evidence.value if event.service_evidence else None,
        "message_id": event.message_id,
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
        "record_key": event.record_key,
        "batch": event.batch,
        "error": event.error,
        "messages": [message_to_dict(message, bodies=bodies) for message in event.messages],
        "positions": [position_to_dict(position) for position in event.positions],
        "contexts": [context_to_dict(context) for context in event.contexts],
        "operations": _operations_to(event.operations, event.joins),
    }


def _event_from(data: Mapping[str, Any], keys: Mapping[str, EventKey]) -> Event:
    evidence = data["service_evidence"]
    operations, joins = _operations_from(data["operations"])
    return Event(
        key=keys[data["id"]],
        time=data["time_ns"],
        service_evidence=Evidence(evidence) if evidence else None,
        messages=tuple(message_from_dict(message) for message in data["messages"]),
        positions=tuple(position_from_dict(position) for position in data["positions"]),
        contexts=tuple(context_from_dict(context) for context in data["contexts"]),
        operations=operations,
        joins=joins,
        **same(
            data,
            *("event_type", "destination", "system", "cluster", "environment", "service"),
            *("message_id", "correlation_id", "causation_id", "record_key", "batch"),
        ),
    )


def _delivery_to(delivery: Delivery, ids: Mapping[EventKey, str]) -> Json:
    return {
        "event": ids[delivery.event],
        "service": delivery.service,
        "group": delivery.group,
        "evidence": delivery.evidence.value,
        **times("start", delivery.start),
        **times("end", delivery.end),
        "error": delivery.error,
        "error_message": delivery.error_message,
        "attempts": [
            {
                **times("start", attempt.start),
                **times("end", attempt.end),
                "error": attempt.error,
                "error_message": attempt.error_message,
                "operations": [context_to_dict(context) for context in attempt.operations],
                "position": position_to_dict(attempt.position) if attempt.position else None,
            }
            for attempt in delivery.attempts
        ],
        "operations": _operations_to(delivery.operations, delivery.joins),
    }


def _delivery_from(data: Mapping[str, Any], keys: Mapping[str, EventKey]) -> Delivery:
    operations, joins = _operations_from(data["operations"])
    return Delivery(
        event=keys[data["event"]],
        service=data["service"],
        group=data["group"],
        start=data["start_ns"],
        end=data["end_ns"],
        operations=operations,
        joins=joins,
        attempts=tuple(
            Attempt(
                start=attempt["start_ns"],
                end=attempt["end_ns"],
                operations=tuple(context_from_dict(context) for context in attempt["operations"]),
                position=position_from_dict(attempt["position"]) if attempt["position"] else None,
                **same(attempt, "error", "error_message"),
            )
            for attempt in data["attempts"]
        ),
        evidence=Evidence(data["evidence"]),
    )


def _cause_to(cause: Cause, ids: Mapping[EventKey, str]) -> Json:
    return {
        "cause": ids[cause.cause],
        "effect": ids[cause.effect],
        "evidence": cause.evidence.value,
        "via": cause.via.value,
        "service": cause.service,
        "group": cause.group,
        "delay_ns": cause.delay,
        "candidates": cause.candidates,
        "way": [span_to_dict(span) for span in cause.way],
    }


def _cause_from(data: Mapping[str, Any], keys: Mapping[str, EventKey]) -> Cause:
    return Cause(
        cause=keys[data["cause"]],
        effect=keys[data["effect"]],
        evidence=Evidence(data["evidence"]),
        via=Via(data["via"]),
        way=tuple(span_from_dict(span) for span in data["way"]),
        delay=data["delay_ns"],
        **same(data, "service", "group", "candidates"),
    )


def _operations_to(operations: Iterable[Operation], joins: Iterable[Join]) -> list[Json]:
    return [
        {
            **operation_to_dict(operation),
            "join": {
                "evidence": join.evidence.value,
                "via": join.via.value,
                "candidates": join.candidates,
            },
        }
        for operation, join in zip(operations, joins, strict=True)
    ]


def _operations_from(
    data: Iterable[Mapping[str, Any]],
) -> tuple[tuple[Operation, ...], tuple[Join, ...]]:
    operations, joins = [], []
    for item in data:
        operation, join = operation_from_dict(item), item["join"]
        operations.append(operation)
        joins.append(
            Join(
                operation.context, Evidence(join["evidence"]), Via(join["via"]), join["candidates"]
            )
        )
    return tuple(operations), tuple(joins)


def _key_to(key: EventKey) -> Json:
    if isinstance(key, Position):
        return {"position": position_to_dict(key)}
    return {"context": context_to_dict(key.context), "destination": key.destination}


def _key_from(data: Mapping[str, Any]) -> EventKey:
    if "position" in data:
        return position_from_dict(data["position"])
    return Creation(context_from_dict(data["context"]), data["destination"])
