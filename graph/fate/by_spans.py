"""Fates that spans and copies tell of: handled, failed, tried again, given up."""

from __future__ import annotations

from graph import figures
from graph.fate.case import Case, Tried, begun
from graph.fate.copies import Made
from graph.fate.result import Fate, Status
from graph.figures import counted
from graph.model import CopyKind, Evidence, Position

MILLISECOND = 1_000_000


def dead_lettered(case: Case, made: Made) -> Fate:
    """Given up, as a copy shows."""
    copy = made.copy
    count = len(case.failed) or (copy.said.attempt if copy.said and copy.said.attempt else 0)
    after = f" after {counted(count, 'attempt')}" if count else ""
    spoken = next(
        (o.attempt.error_message for o in case.failed[::-1] if o.attempt.error_message), ""
    )
    error = copy.reason or spoken
    return case.told(
        Status.DEAD_LETTERED,
        made.evidence,
        copy.time or case.event.time,
        f"{case.who} gave it up{after}; a copy lies at {copy.position}"
        f"{f': {error}' if error else ''}.",
        needed="" if error else "headers of the dead letter that say why",
        error=error,
        copy=copy.position,
        duration=case.failed[-1].took if case.failed else None,
    )


def handled(case: Case) -> Fate:
    """A span tells of its handling, or at least of its reception."""
    done = [one for one in case.succeeded if one.processed]
    if not done:
        return _received(case)
    first, last = done[0], done[-1]
    before = [one for one in case.failed if one.attempt.start < first.attempt.start]
    after = [one for one in case.failed if one.attempt.start >= first.attempt.start]
    attempt = f", at attempt {len(before) + 1}" if before else ""
    again = f" {len(done)} times, first" if len(done) > 1 else ""
    notes = [f"Attempt {number} failed: {one.error}." for number, one in enumerate(before, 1)]
    if again:
        later = figures.duration(last.attempt.start - first.attempt.start)
        notes.append(f"It was handed over again: the last handling began {later} after the first.")
    notes += [f"A later attempt failed: {one.error}." for one in after]
    return case.told(
        Status.HANDLED,
        first.evidence,
        first.attempt.end,
        f"{case.who} handled it{again} in {figures.duration(first.took)}{attempt}.",
        notes=[*notes, *_uncommitted(case)],
        duration=first.took,
    )


def _received(case: Case) -> Fate:
    """Only receptions: that it was handled too is what one would think."""
    first = case.succeeded[0]
    count = len(case.succeeded)
    again = f" {count} times" if count > 1 else ""
    by = case.passage.after.time if case.passage and case.passage.after else 0
    went_on = f", and {case.group} had read past it by {case.clock(by)}" if by else ""
    return case.told(
        Status.HANDLED,
        Evidence.INFERRED,
        first.attempt.end,
        f"{case.who} received it{again} without an error{went_on}; no span tells of its handling.",
        needed=f"a process span around the handling in {case.who}",
        notes=_uncommitted(case),
    )


def _uncommitted(case: Case) -> list[str]:
    if case.passage is None or not case.passage.waits:
        return []
    return [f"{begun(case.group)} has not committed it yet: it may be handed over again."]


def retried_elsewhere(case: Case, made: Made) -> Fate:
    """A copy waits to be tried again, or nobody knows that it does not."""
    copy = made.copy
    tried = f"failed {counted(len(case.failed), 'time')} and " if case.failed else ""
    why = copy.reason or (case.failed[-1].error if case.failed else "")
    waits = case.waits_at(copy.position)
    return case.told(
        Status.RETRIED,
        made.evidence,
        copy.time or case.event.time,
        f"{case.who} {tried}put a copy at {copy.position}, to be tried again"
        f"{f' ({why})' if why else ''}; "
        f"{'it waits there' if waits else 'nothing tells whether it was read there'}.",
        needed="" if waits else f"the progress of who reads {copy.position.destination}",
        error=why,
        copy=copy.position,
        duration=case.failed[-1].took if case.failed else None,
    )


def failed(case: Case, status: Status) -> Fate:
    """No attempt succeeded; `status` says whether another is under way."""
    *before, last = case.failed
    which = f"at attempt {len(case.failed)}" if before else "at its first attempt"
    needed = ""
    copy = _left(case, last)
    if copy is not None:
        after = f"its copy at {copy} was read past, and no span tells how that ended"
        needed = f"a process span of who reads {copy.destination}"
    elif case.passage is None:
        after = "nothing says whether it will be tried again"
        needed = f"the progress of the consumer group of {case.who}"
    elif case.passage.waits:
        after = f"{case.group} has not committed it, so another attempt is due"
    else:
        after = f"{case.group} went on without it, so nobody tries again"
    return case.told(
        status,
        last.evidence,
        last.attempt.end,
        f"{case.who} failed {which}: {last.error}; {after}.",
        needed=needed,
        notes=[f"Attempt {number} failed: {one.error}." for number, one in enumerate(before, 1)],
        error=last.attempt.error_message,
        copy=copy,
        duration=last.took,
    )


def _left(case: Case, last: Tried) -> Position | None:
    """Where a copy was put after the last attempt, to be tried again, that is read past."""
    made = case.last_made(CopyKind.RETRY)
    if made is None or case.waits_at(made.copy.position) is not False:
        return None
    # Brokers tell a time in milliseconds, rounded down.
    return made.copy.position if last.attempt.start < made.copy.time + MILLISECOND else None
