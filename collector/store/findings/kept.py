"""Findings in the store: sightings by minute are put there, runs of them are read."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from collector.store.client import Store
from collector.store.rows import nanoseconds
from graph.findings.model import MINUTE, Finding, Kind, Proof, Severity, Sighting, State, Subject

_SUBJECT = "environment, service, consumer_group, system, cluster, destination, event_type, peer"

_PROOF = "arrayMap(p -> (p.1, toUnixTimestamp64Nano(p.2), p.3), arg{}(proof, minute))"

MARK = "findings"
"""In `state`: how far the minutes were looked at."""


def put(
    store: Store, minutes: Collection[int], kinds: Collection[Kind], found: Iterable[Sighting]
) -> None:
    """Replace what these minutes (their beginnings) showed of these kinds. Raises `StoreError`."""
    rows = {(one.kind.value, one.id, one.minute // 10**9): one for one in found}
    gone = {
        (kind, id_, minute): (severity, subject)
        for kind, id_, minute, severity, *subject in store.query(
            f"SELECT kind, id, toInt64(toUnixTimestamp(minute)), severity, {_SUBJECT} "
            "FROM findings FINAL WHERE count > 0 AND kind IN {kinds:Array(String)} "
            "AND toUnixTimestamp(minute) IN {minutes:Array(Int64)}",
            {
                "kinds": [kind.value for kind in kinds],
                "minutes": [minute // 10**9 for minute in minutes],
            },
        )
        if (kind, id_, minute) not in rows
    }
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    version, computed = time.time_ns(), datetime.now(UTC).replace(microsecond=0)
    for (kind, id_, minute), (severity, subject) in gone.items():
        _row(columns, kind, id_, minute, version, severity, subject, 0, 0, 0, [], "", "", computed)
    for (kind, id_, minute), one in rows.items():
        proof = [(each.id, each.time, each.note) for each in one.proof]
        told = (json.dumps(dict(one.said), ensure_ascii=False), one.coverage)
        figures = (one.count, one.first, one.last)
        _row(
            columns,
            *(kind, id_, minute, version, one.severity.value, one.subject),
            *figures,
            *(proof, *told, computed),
        )
    store.insert("findings", columns)


_COLUMNS = (
    *("kind", "id", "minute", "version", "severity", *_SUBJECT.split(", ")),
    *("count", "first", "last", "proof", "said", "coverage", "computed"),
)


def _row(columns: Mapping[str, list[Any]], *values: Any) -> None:
    kind, id_, minute, version, severity, subject, *rest = values
    at = datetime.fromtimestamp(minute, UTC)
    flat = (kind, id_, at, version, severity, *subject, *rest)
    for name, value in zip(_COLUMNS, flat, strict=True):
        columns[name].append(value)


def runs(
    store: Store,
    quiet: Mapping[Kind, int],
    *,
    until: int,
    since: int = 0,
    kinds: Collection[Kind] = (),
    limit: int = 1_000,
) -> list[Finding]:
    """Runs of sightings that were last seen at `since` or later, the newest first, without their
    sentences. A pause of more than `quiet` minutes ends one; one is open as long as less than that
    has been looked at, up to `until`, since it was last seen. Raises `StoreError`.
    """
    rows = store.query(
        f"""SELECT kind, id, min(minute) AS began, max(minute) AS ended, count() AS minutes,
            argMax(severity, minute), sum(count), {nanoseconds("min(first)")},
            {nanoseconds("max(last)")} AS newest, {_PROOF.format("Min")}, {_PROOF.format("Max")},
            argMax(said, minute), argMax(coverage, minute),
            {", ".join(f"any({name})" for name in _SUBJECT.split(", "))},
            toInt64(toUnixTimestamp(ended))
        FROM (
            SELECT *, sum(apart) OVER (PARTITION BY kind, id ORDER BY minute
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS run
            FROM (
                SELECT *, toInt64(minute) - toInt64(lagInFrame(minute, 1, minute) OVER (
                    PARTITION BY kind, id ORDER BY minute
                    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW))
                    > 60 * transform(toString(kind), {{kinds:Array(String)}},
                        {{quiet:Array(Int64)}}, 60) AS apart
                FROM (SELECT * EXCEPT (version, computed) FROM findings FINAL
                    WHERE count > 0 AND kind IN {{wanted:Array(String)}} AND (kind, id) IN (
                        SELECT kind, id FROM findings
                        WHERE minute >= toDateTime({{from:Int64}})))
            )
        )
        GROUP BY kind, id, run HAVING newest >= {{since:Int64}}
        ORDER BY newest DESC, kind, id LIMIT {{limit:UInt32}}""",
        {
            "kinds": [kind.value for kind in quiet],
            "quiet": list(quiet.values()),
            "wanted": [kind.value for kind in kinds or Kind],
            "since": since,
            # What was last seen then is of that minute.
            "from": max(0, since // 10**9 - 60),
            "limit": limit,
        },
    )
    return [_finding(row, quiet, until) for row in rows if row[0] in list(Kind)]


def _finding(row: Sequence[Any], quiet: Mapping[Kind, int], until: int) -> Finding:
    kind = Kind(row[0])
    over = (int(row[21]) + 60) * 10**9 + quiet[kind] * MINUTE
    proofs = dict.fromkeys(Proof(id_, int(at), note) for id_, at, note in (*row[9], *row[10]))
    return Finding(
        id=f"{row[1]}-{int(row[2].timestamp()) // 60:x}",
        kind=kind,
        severity=Severity(row[5]),
        state=State.CLOSED if over <= until else State.OPEN,
        subject=Subject(*row[13:21]),
        first=row[7],
        last=row[8],
        count=int(row[6]),
        minutes=int(row[4]),
        proof=tuple(proofs),
        said=json.loads(row[11] or "{}"),
        coverage=row[12],
    )


def looked_to(store: Store) -> dict[str, int]:
    """How far was looked, as `note_looked` noted it; empty at first. Raises `StoreError`."""
    rows = store.query(
        "SELECT value FROM state WHERE name = {name:String} ORDER BY stored DESC LIMIT 1",
        {"name": MARK},
    )
    return {str(name): int(value) for name, value in json.loads(rows[0][0]).items()} if rows else {}


def note_looked(store: Store, marks: Mapping[str, int]) -> None:
    """Raises `StoreError`."""
    store.insert(
        "state",
        {"name": [MARK], "value": [json.dumps(dict(marks))], "stored": [datetime.now(UTC)]},
    )
