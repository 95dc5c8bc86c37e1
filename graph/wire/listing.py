"""What lists show as dicts, and back: event rows, activity, consumers, located ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graph.listing import Activity, Consumer, EventRow, Member
from graph.model import IdKind, Location, Progress
from graph.wire.facts import (
    Json,
    context_from_dict,
    context_to_dict,
    plain,
    position_from_dict,
    position_to_dict,
    same,
    times,
)

_ROW_PLAIN = plain(EventRow, "time", "received")
_PROGRESS_PLAIN = plain(Progress, "time")
_LOCATION_PLAIN = plain(Location, "kind", "position", "context", "time")


def event_row_to_dict(row: EventRow) -> Json:
    """A row with its fields' own names; `time` and `received` as two fields each."""
    return {
        **times("time", row.time),
        **times("received", row.received),
        **{name: getattr(row, name) for name in _ROW_PLAIN},
    }


def event_row_from_dict(data: Mapping[str, Any]) -> EventRow:
    return EventRow(time=data["time_ns"], received=data["received_ns"], **same(data, *_ROW_PLAIN))


def activity_to_dict(activity: Activity) -> Json:
    """`kind` (`message` or `operation`), `operation`, `group`, `duration_ns`, and `event`."""
    return {
        "kind": "operation" if activity.operation else "message",
        "operation": activity.operation,
        "group": activity.group,
        "duration_ns": activity.duration,
        "event": event_row_to_dict(activity.event),
    }


def activity_from_dict(data: Mapping[str, Any]) -> Activity:
    return Activity(
        event=event_row_from_dict(data["event"]),
        duration=data["duration_ns"],
        **same(data, "operation", "group"),
    )


def consumer_to_dict(consumer: Consumer) -> Json:
    """`group`, `cluster`, `state`, `lag`, `services`, `destinations`, `members`, `progress`."""
    return {
        "group": consumer.group,
        "cluster": consumer.cluster,
        "state": consumer.state,
        "lag": consumer.lag,
        "services": list(consumer.services),
        "destinations": list(consumer.destinations),
        **times("time", consumer.time),
        "members": [
            {
                "member_id": member.member_id,
                "client_id": member.client_id,
                "host": member.host,
                "assignment": [list(pair) for pair in member.assignment],
            }
            for member in consumer.members
        ],
        "progress": [
            {**times("time", at.time), **{name: getattr(at, name) for name in _PROGRESS_PLAIN}}
            for at in consumer.progress
        ],
    }


def consumer_from_dict(data: Mapping[str, Any]) -> Consumer:
    return Consumer(
        services=tuple(data["services"]),
        time=data["time_ns"],
        members=tuple(
            Member(
                assignment=tuple((name, partition) for name, partition in member["assignment"]),
                **same(member, "member_id", "client_id", "host"),
            )
            for member in data["members"]
        ),
        progress=tuple(
            Progress(time=at["time_ns"], **same(at, *_PROGRESS_PLAIN)) for at in data["progress"]
        ),
        **same(data, "group", "cluster", "state"),
    )


def location_to_dict(location: Location) -> Json:
    """A located id; exactly one of `position` and `context` is not null."""
    return {
        "kind": location.kind.value,
        "position": position_to_dict(location.position) if location.position else None,
        "context": context_to_dict(location.context) if location.context else None,
        **times("time", location.time),
        **{name: getattr(location, name) for name in _LOCATION_PLAIN},
    }


def location_from_dict(data: Mapping[str, Any]) -> Location:
    return Location(
        kind=IdKind(data["kind"]),
        position=position_from_dict(data["position"]) if data["position"] else None,
        context=context_from_dict(data["context"]) if data["context"] else None,
        time=data["time_ns"],
        **same(data, *_LOCATION_PLAIN),
    )
