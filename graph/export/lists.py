"""Lists of events and of consumer groups: JSON as the API tells it, and CSV."""

from __future__ import annotations

import json
from collections.abc import Sequence

from graph.export.cells import csv_text
from graph.findings.model import Finding
from graph.listing import Consumer, EventRow
from graph.wire.facts import iso
from graph.wire.findings import finding_to_dict
from graph.wire.listing import consumer_to_dict, event_row_to_dict

EVENT_COLUMNS = (
    *("time", "received", "id", "destination", "event_type", "key", "message_id"),
    *("correlation_id", "service", "source", "error", "size", "system", "cluster", "environment"),
)

CONSUMER_COLUMNS = (
    *("group", "cluster", "state", "lag", "lag_seconds", "oldest", "rate", "growth"),
    *("catch_up_seconds", "services", "destinations", "members", "time"),
)

FINDING_COLUMNS = (
    *("kind", "severity", "state", "first", "last", "count", "minutes"),
    *("service", "group", "system", "cluster", "destination", "event_type", "peer", "environment"),
    *("sentence", "advice", "coverage", "muted", "proof"),
)


def event_lines(events: Sequence[EventRow]) -> str:
    """JSON lines: the dict of `graph.wire.listing.event_row_to_dict` on a line each."""
    return "".join(
        json.dumps(event_row_to_dict(row), ensure_ascii=False, separators=(",", ":")) + "\n"
        for row in events
    )


def event_table(events: Sequence[EventRow]) -> str:
    """CSV: a header and a row for each event; times as ISO 8601 in UTC, empty when unknown."""
    return csv_text(
        EVENT_COLUMNS,
        (
            (iso(row.time), iso(row.received), *(getattr(row, name) for name in EVENT_COLUMNS[2:]))
            for row in events
        ),
    )


def consumers_json(consumers: Sequence[Consumer]) -> str:
    """`consumers`: the dict of `graph.wire.listing.consumer_to_dict` for each."""
    told = {"consumers": [consumer_to_dict(one) for one in consumers]}
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def consumer_table(consumers: Sequence[Consumer]) -> str:
    """CSV: a header and a row for each group; what is unknown is empty, members are counted."""
    return csv_text(CONSUMER_COLUMNS, map(_consumer, consumers))


def _consumer(one: Consumer) -> list[object]:
    return [
        *(one.group, one.cluster, one.state, one.lag, one.lag_seconds, iso(one.oldest)),
        *(one.rate, one.growth, one.catch_up, " ".join(one.services), " ".join(one.destinations)),
        *(len(one.members), iso(one.time)),
    ]


def findings_json(findings: Sequence[Finding]) -> str:
    """`findings`: the dict of `graph.wire.findings.finding_to_dict` for each."""
    told = {"findings": [finding_to_dict(one) for one in findings]}
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def finding_table(findings: Sequence[Finding]) -> str:
    """CSV: a header and a row for each finding; its proofs' ids with spaces between."""
    return csv_text(FINDING_COLUMNS, map(_finding, findings))


def _finding(one: Finding) -> list[object]:
    about = one.subject._asdict()
    names = FINDING_COLUMNS[7:15]
    return [
        *(one.kind.value, one.severity.value, one.state.value, iso(one.first), iso(one.last)),
        *(one.count, one.minutes, *(about[name] for name in names)),
        *(one.sentence, one.advice, one.coverage, one.muted),
        " ".join(proof.id for proof in one.proof if proof.id),
    ]
