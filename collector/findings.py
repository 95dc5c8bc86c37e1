"""When findings are looked for: in minutes that are complete, anew in those that changed since.

Which minutes changed is what the edges know: each computation of a minute has a version. A minute
is complete some time after its end, for spans come late; what comes later still changes its edges,
and so it is looked at again, and what it showed is replaced. The newest are looked at first.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from collector.store.client import Store, StoreError
from collector.store.findings import kept
from collector.store.findings.events import StoreFindingFacts
from collector.store.rollup import minutes as of
from collector.trouble import Trouble
from graph.findings.facts import Run
from graph.findings.kinds import QUIET, TABLE, told, worst_first
from graph.findings.model import MINUTE, Finding, Findings, Kind, Sighting, State
from graph.findings.thresholds import NO_RULES, Rules

log = logging.getLogger(__name__)

SETTLE = 45.0
"""Seconds after its end in which a minute is not complete yet: exporters and the computation of
edges take some."""

AGAIN = 120.0
"""Seconds between two looks at one minute, at least: late spans come one by one."""

HORIZON = 86_400
"""Seconds before the newest minute in which minutes are looked at: not the whole history."""

MINUTES_AT_ONCE = 5
"""Looked at in one go, newest first."""

ROWS_AT_ONCE = 300_000
"""Operations and messages of a run that are looked at one by one; of more it is a sample."""

DELAYS = tuple(sorted({delay for entry in TABLE.values() for delay in entry.delays}))

TOLD_AT_ONCE = 10_000
"""Findings that a listener is given, at most; of more none, since it would take those that are left
out for taken back."""


class Listener(Protocol):
    """Somebody who is told how findings stand."""

    @property
    def since(self) -> int:
        """Findings that were last seen before are no matter, nanoseconds; 0: it does not know."""

    def note(self, findings: Iterable[Finding], *, since: int, now: int) -> None:
        """Take in all findings that were last seen at `self.since` or later; from `since` on they
        are given next time. It neither raises nor takes long."""


class Watch:
    """One store's. Thread-safe; one look at a time."""

    def __init__(
        self,
        store: Store,
        rules: Rules = NO_RULES,
        *,
        clock: Callable[[], float] = time.time,
        listener: Listener | None = None,
    ) -> None:
        """`clock` tells seconds since the Unix epoch. Raises `StoreError`."""
        self._store = store
        self._rules = rules
        self._clock = clock
        self._listener = listener
        self._flood = Trouble(log, "no findings are told: %s", "findings are told again")
        self._facts = StoreFindingFacts(store)
        self._looking = threading.Lock()
        marks = kept.looked_to(store)
        self._version = marks.get("version", 0)
        self.until = marks.get("until", 0)
        """All complete minutes before this were looked at, nanoseconds."""
        self.since = marks.get("since", 0)
        """The beginning of the first minute that was looked at, nanoseconds; 0: none was."""
        self._changed: dict[int, dict[int, int]] = {delay: {} for delay in DELAYS}
        """By delay, versions of the minutes (seconds) that are to be looked at so long after."""
        self._looked: dict[tuple[int, int], float] = {}
        """When minutes were looked at, by delay and minute."""
        self._stood = 0
        self._saved = marks
        self.counts: dict[Kind, dict[str, int]] = {kind: {"open": 0, "found": 0} for kind in TABLE}
        self._open: frozenset[str] = frozenset()
        self._first_count = True
        self.last_cost = 0.0
        """CPU-seconds that the last look took, at most."""
        self.cost = 0.0
        """Of all looks."""
        self.troubles: dict[Kind, str] = {}
        """Kinds that could not be looked for, and why."""

    def look(self, *, live: bool, seconds: float = 60.0) -> int:
        """Look at what is complete and changed, and, while brokers are watched (`live`), at how
        things stand; says how many minutes that were. It stops after so many seconds, and the next
        look goes on. Raises `StoreError`."""
        with self._looking:
            began, used = time.monotonic(), time.process_time()
            self._learn_changes(live)
            done = 0
            for delay in DELAYS:
                minutes = self._due(delay)[: MINUTES_AT_ONCE if live else None]
                for run in reversed(self._runs(minutes)):
                    if time.monotonic() - began > seconds:
                        break
                    self._look_at(run, delay)
                    done += (run.end - run.start) // MINUTE
            stood = live and self._stand()
            self._save()
            if done or stood or self._first_count:
                self._count()
            self.last_cost = min(time.monotonic() - began, time.process_time() - used)
            self.cost += self.last_cost
            return done

    def found(self, *, since: int = 0, kinds: Sequence[Kind] = (), limit: int = 1_000) -> Findings:
        """Findings that were last seen at `since` or later, worst first. Raises `StoreError`."""
        rows = kept.runs(
            self._store, QUIET, until=self.until, since=since, kinds=kinds, limit=limit + 1
        )
        findings = [told(one, self._rules) for one in rows[:limit]]
        return Findings(
            sorted(findings, key=worst_first), self.until, len(rows) > limit, self.since
        )

    def _learn_changes(self, live: bool) -> None:
        # Old minutes that are imported are looked at when somebody asks, and only then.
        recent = max(0, self.until // 10**9 - HORIZON) if live else 0
        rows = self._store.query(
            "SELECT toInt64(toUnixTimestamp(minute)), max(version) AS newest FROM edges "
            "WHERE version > {version:UInt64} AND minute >= toDateTime({recent:Int64}) "
            "AND minute <= toDateTime({now:Int64}) GROUP BY minute",
            {"version": self._version, "recent": recent, "now": int(self._clock())},
        )
        if rows:
            newest = max(minute for minute, _ in rows)
            self._version = max(version for _, version in rows)
            recent = max(recent, newest - HORIZON)
            fresh = {minute: version for minute, version in rows if minute >= recent}
            for changed in self._changed.values():
                changed |= fresh

    def _due(self, delay: int) -> list[int]:
        """Minutes to look at now, the newest first."""
        now = self._clock()
        before = now - 60 - max(SETTLE, delay)
        return sorted(
            (
                minute
                for minute in self._changed[delay]
                if minute <= before and self._looked.get((delay, minute), 0.0) + AGAIN <= now
            ),
            reverse=True,
        )

    def _runs(self, minutes: Sequence[int]) -> list[Run]:
        """Neighbours together, with the share of their events that can be looked at."""
        if not minutes:
            return []
        runs = []
        between = {"first": min(minutes), "after": max(minutes) + 60}
        rows: Counter[int] = Counter()
        for at, count in self._store.query(of.ROWS, between):
            rows[int(at) // 60 * 60] += int(count)
        run: list[int] = []
        for minute in sorted(minutes):
            many = sum(rows.get(one, 0) for one in (*run, minute))
            full = len(run) == MINUTES_AT_ONCE or many > ROWS_AT_ONCE
            if run and (full or minute != run[-1] + 60):
                runs.append(_run(run, rows))
                run = []
            run.append(minute)
        return [*runs, _run(run, rows)]

    def _look_at(self, run: Run, delay: int) -> None:
        minutes = range(run.start, run.end, MINUTE)
        run = run._replace(waited=int(self._clock() - run.end / 1e9), delay=delay)
        found: list[Sighting] = []
        looked = []
        for kind, entry in TABLE.items():
            if entry.look is None or delay not in entry.delays:
                continue
            try:
                sightings = entry.look(self._facts, run, self._rules)
                if sightings is None:
                    continue
                seen = list(sightings)
            except StoreError as error:
                if not error.passing:
                    log.warning("findings of the kind %s: %s", kind, error)
                self.troubles[kind] = str(error)
                continue
            self.troubles.pop(kind, None)
            looked.append(kind)
            found += [one for one in seen if run.start <= one.minute < run.end]
        kept.put(self._store, minutes, looked, found)
        self.since = min(self.since or run.start, run.start)
        now = self._clock()
        for minute in minutes:
            self._changed[delay].pop(minute // 10**9, None)
            self._looked[delay, minute // 10**9] = now
        for old in [key for key, when in self._looked.items() if when + AGAIN < now]:
            del self._looked[old]

    def _stand(self) -> bool:
        """How things stand in the last whole minute, once; says whether it was looked at."""
        minute = (int(self._clock()) // 60 - 1) * MINUTE
        if minute <= self._stood:
            return False
        run = Run(minute, minute + MINUTE)
        found: list[Sighting] = []
        stood = []
        for kind, entry in TABLE.items():
            if entry.stand is None:
                continue
            try:
                found += entry.stand(self._facts, run, self._rules) or ()
            except StoreError as error:
                self.troubles[kind] = str(error)
                continue
            self.troubles.pop(kind, None)
            stood.append(kind)
        kept.put(self._store, [minute], stood, found)
        self._stood = minute
        return True

    def _save(self) -> None:
        now = self._clock()
        complete = int(now - SETTLE) // 60 * 60
        until = min((at for at in self._changed[0] if at < complete), default=complete) * 10**9
        self.until = max(self.until, until)
        left = [version for changed in self._changed.values() for version in changed.values()]
        marks = {
            # What is left is found again by the next start.
            "version": min((version - 1 for version in left), default=self._version),
            "until": self.until,
            "since": self.since,
        }
        if marks != self._saved:
            kept.note_looked(self._store, marks)
            self._saved = marks

    def _count(self) -> None:
        """What metrics tell: how many are open, and how many began since the start. Who listens is
        told too."""
        recent = max(0, self.until - HORIZON * 10**9)
        since = min(recent, self._listener.since or recent) if self._listener else recent
        runs = kept.runs(self._store, QUIET, until=self.until, since=since, limit=TOLD_AT_ONCE)
        if self._listener and len(runs) < TOLD_AT_ONCE:
            self._flood.end()
            findings = [told(one, self._rules) for one in runs]
            self._listener.note(findings, since=recent, now=int(self._clock() * 1e9))
        elif self._listener:
            self._flood.begin(f"there are more than {TOLD_AT_ONCE:,}")
        open_ones = [one for one in runs if one.state is State.OPEN and one.last >= recent]
        fresh = [one for one in open_ones if _name(one) not in self._open]
        for counts in self.counts.values():
            counts["open"] = 0
        for one in open_ones:
            self.counts[one.kind]["open"] += not self._rules.muted(one)
        for one in fresh if not self._first_count else ():
            self.counts[one.kind]["found"] += not self._rules.muted(one)
        self._open = frozenset(map(_name, open_ones))
        self._first_count = False


def _name(finding: Finding) -> str:
    """Late data can make its run begin earlier: it is the same all the same."""
    return finding.id.partition("-")[0]


def _run(minutes: Sequence[int], rows: dict[int, int]) -> Run:
    many = sum(rows.get(minute, 0) for minute in minutes)
    share = max(1, -(-many // ROWS_AT_ONCE))
    return Run(minutes[0] * 10**9, (minutes[-1] + 60) * 10**9, share)
