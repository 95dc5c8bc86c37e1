"""What lists show as dicts, and back: events, activity, consumers, what an id could mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graph.listing import Activity, Candidate, Consumer, EventRow, Listing, Member
from graph.model import IdKind, Progress
from graph.wire.facts import (
    Json,
    plain,
    same,
    times,
)

_ROW_PLAIN = plain(EventRow, "time", "received")
_PROGRESS_PLAIN = plain(Progress, "time", "assumed")
_CANDIDATE_PLAIN = plain(Candidate, "kind", "time")


def event_row_to_dict(row: EventRow) -> Json:
    """A row with its fields' own names; `time` and `received` as two fields each."""
    return {
        **times("time", row.time),
        **times("received", row.received),
        **{name: getattr(row, name) for name in _ROW_PLAIN},
    }


def event_row_from_dict(data: Mapping[str, Any]) -> EventRow:
    return EventRow(time=data["time_ns"], received=data["received_ns"], **same(data, *_ROW_PLAIN))


def listing_to_dict(listing: Listing) -> Json:
    """`events`, whether there are `more`, and `covered_from`."""
    return {
        "events": [event_row_to_dict(row) for row in listing.rows],
        "more": listing.more,
        **times("covered_from", listing.covered_from),
    }


def listing_from_dict(data: Mapping[str, Any]) -> Listing:
    rows = [event_row_from_dict(row) for row in data["events"]]
    return Listing(rows, data["more"], data["covered_from_ns"])


def activity_to_dict(activity: Activity) -> Json:
    """`kind` (`message` or `operation`), `operation`, `group`, `duration_ns`, `listed`, `event`."""
    return {
        "kind": "operation" if activity.operation else "message",
        "operation": activity.operation,
        "group": activity.group,
        "duration_ns": activity.duration,
        "listed": activity.listed,
        "event": event_row_to_dict(activity.event),
    }


def activity_from_dict(data: Mapping[str, Any]) -> Activity:
    return Activity(
        event=event_row_from_dict(data["event"]),
        duration=data["duration_ns"],
        **same(data, "operation", "group", "listed"),
    )


def consumer_to_dict(consumer: Consumer) -> Json:
    """`group`, `cluster`, `state`, `lag` in messages and seconds, `catch_up_seconds`, rates,
    `services`, `destinations`, `members`, `progress`."""
    return {
        "group": consumer.group,
        "cluster": consumer.cluster,
        "state": consumer.state,
        "lag": consumer.lag,
        "lag_seconds": consumer.lag_seconds,
        **times("oldest", consumer.oldest),
        "rate": consumer.rate,
        "growth": consumer.growth,
        "catch_up_seconds": consumer.catch_up,
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
        oldest=data["oldest_ns"],
        **same(data, "group", "cluster", "state", "rate", "growth"),
    )


def candidate_to_dict(candidate: Candidate) -> Json:
    """One thing that an id could mean; `ask` names exactly this."""
    return {
        "kind": candidate.kind.value,
        **times("time", candidate.time),
        **{name: getattr(candidate, name) for name in _CANDIDATE_PLAIN},
    }


def candidate_from_dict(data: Mapping[str, Any]) -> Candidate:
    return Candidate(
        kind=IdKind(data["kind"]), time=data["time_ns"], **same(data, *_CANDIDATE_PLAIN)
    )
