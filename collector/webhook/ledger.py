"""What was told of findings, and what there is to tell now. Pure: no clock, no I/O.

Each run of a finding is told twice, when it is new and when it is over; what is over when it is
first seen is told both at once. What was told is known by its subject and its minutes: what comes
late can make a run begin earlier, join two, part one, or take one back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from graph.findings.model import MINUTE, Finding, State
from graph.wire.findings import finding_to_dict

LATEST = 2 * MINUTE
"""A sighting's last time lies at most this long after the beginning of its minute."""


class Reason(StrEnum):
    """Why a finding is over."""

    OVER = "over"
    """It has not been seen for as long as its kind takes to be over."""
    WITHDRAWN = "withdrawn"
    """What came late explains it: it was none."""
    MUTED = "muted"
    """The configuration mutes it since."""


class Told(NamedTuple):
    """A run of which the receiver was told, or never will be."""

    name: str
    """Of kind and subject, the same in each of its runs."""
    began: int
    ended: int
    """Its first and last minute, minutes since the Unix epoch."""
    open: bool
    """Whether it was told that it is there, and not yet that it is over."""
    reference: str = ""
    """What receivers know it by, however its minutes change; empty: nothing was told."""
    times: int = 0
    """How often it was told to be there: it can come back."""
    finding: Mapping[str, Any] | None = None
    """As it was last seen, while it is open."""


class Change(NamedTuple):
    """Something to tell."""

    reference: str
    times: int
    reason: Reason | None
    """Why it is over; None: it is new."""
    finding: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Of this change, the same whenever it is told."""
        again = f"-{self.times}" if self.times > 1 else ""
        return f"finding-{self.reference}-{'closed' if self.reason else 'opened'}{again}"


class Compared(NamedTuple):
    """What is to be told, and what was told once that is."""

    told: Sequence[Told]
    changes: Sequence[Change]
    held_back: int
    """Findings for whose changes there was no room: they are left as they were."""


class _Run(NamedTuple):
    name: str
    began: int
    ended: int
    finding: Finding


def compare(
    told: Iterable[Told],
    findings: Iterable[Finding],
    wants: Callable[[Finding], bool],
    *,
    since: int,
    first: bool = False,
    room: int = 1_000,
) -> Compared:
    """Holds findings against what was told. They must be all that were last seen at `since`
    (nanoseconds) or later; older ones only go on. In a `first` comparison what is
    over already is not told. At most `room` changes are given, oldest findings first."""
    entries: dict[str, list[Told]] = defaultdict(list)
    for one in told:
        entries[one.name].append(one)
    runs: dict[str, list[_Run]] = defaultdict(list)
    for run in sorted(map(_run, findings), key=lambda run: run.began):
        runs[run.name].append(run)
    after: list[Told] = []
    changes: list[Change] = []
    held_back = 0
    for name in dict.fromkeys((*runs, *entries)):
        kept, news = _of_subject(entries[name], runs[name], wants, since, first)
        if len(changes) + len(news) > room:
            held_back += 1
            after += entries[name]
        else:
            after += kept
            changes += news
    return Compared(after, changes, held_back)


def _of_subject(
    entries: Sequence[Told],
    runs: Sequence[_Run],
    wants: Callable[[Finding], bool],
    since: int,
    first: bool,
) -> tuple[list[Told], list[Change]]:
    kept: list[Told] = []
    changes: list[Change] = []
    last_runs = [next((run for run in reversed(runs) if _same(one, run)), None) for one in entries]
    for run in runs:
        own = [entry for entry, its in zip(entries, last_runs, strict=True) if its is run]
        if own:
            # Two that have become one go on as the one that is open.
            entry = max(own, key=lambda entry: (entry.open, entry.reference != "", entry.began))
        elif any(_same(entry, run) for entry in entries):
            kept.append(_silent(run))  # Parted from one that goes on later.
            continue
        elif run.finding.last < since:
            continue
        else:
            entry = _silent(run)
            over = run.finding.state is State.CLOSED
            if over and (first or not wants(run.finding)):
                kept.append(entry)
                continue
            if over:
                entry = _opened(entry, run, changes)
        # Minutes that were taken back stay with it, lest they bear the same name again.
        entry = entry._replace(
            began=min(run.began, *(one.began for one in (entry, *own))),
            ended=max(run.ended, *(one.ended for one in (entry, *own))),
        )
        kept += _goes_on(entry, run, wants, changes)
    for entry, its in zip(entries, last_runs, strict=True):
        if its is not None:
            continue
        asked_for = entry.ended * MINUTE + LATEST >= since
        if entry.open:
            assert entry.finding is not None
            reason = Reason.WITHDRAWN if asked_for else Reason.OVER
            changes.append(Change(entry.reference, entry.times, reason, entry.finding))
        if asked_for:  # It may be found again.
            kept.append(entry._replace(open=False, finding=None))
    return kept, changes


def _goes_on(
    entry: Told, run: _Run, wants: Callable[[Finding], bool], changes: list[Change]
) -> list[Told]:
    """The entry as it is after this run; none where there is nothing to remember."""
    finding = run.finding
    over = finding.state is State.CLOSED
    if not entry.open and not over and wants(finding):
        entry = _opened(entry, run, changes)
    elif entry.open and (over or finding.muted):
        reason = Reason.OVER if over else Reason.MUTED
        changes.append(Change(entry.reference, entry.times, reason, finding_to_dict(finding)))
        entry = entry._replace(open=False, finding=None)
    elif entry.open:
        entry = entry._replace(finding=finding_to_dict(finding))
    # One that is not wanted may be so yet: its severity can grow, rules can change.
    return [entry] if entry.reference or over else []


def _opened(entry: Told, run: _Run, changes: list[Change]) -> Told:
    finding = finding_to_dict(run.finding)
    entry = entry._replace(
        open=True,
        reference=entry.reference or run.finding.id,
        times=entry.times + 1,
        finding=finding,
    )
    changes.append(Change(entry.reference, entry.times, None, finding))
    return entry


def _run(finding: Finding) -> _Run:
    name, _, began = finding.id.partition("-")
    first = int(began, 16)
    return _Run(name, first, max(first, finding.last // MINUTE), finding)


def _silent(run: _Run) -> Told:
    return Told(run.name, run.began, run.ended, False)


def _same(entry: Told, run: _Run) -> bool:
    return entry.began <= run.ended and run.began <= entry.ended
