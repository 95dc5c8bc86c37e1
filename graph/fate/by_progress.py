"""Fates where no span tells of the event: what a group's progress says, or that nothing does."""

from __future__ import annotations

from graph import figures
from graph.fate.case import Case, begun
from graph.fate.result import Fate, Status
from graph.figures import SECOND, counted
from graph.model import Evidence, Passage

SETTLING = 60 * SECOND
"""A group's first commit may come so long after it began to read, and what a broker tells of one
group so long after what it tells of another."""

LATE = 15 * SECOND
"""How much later than what they tell of spans mostly come: exporters collect them first."""

ENOUGH = 20
"""Spans of a service among which a type of event that it handles would not be missing."""


def from_progress(case: Case, passage: Passage) -> Fate:
    """Pending, passed, skipped or not subscribed."""
    if passage.waits:
        others = [one.latest for one in case.everybody if one.position == passage.position]
        newest = max(others, key=lambda one: (one.end, one.time))
        seen = passage.latest
        if newest.end > seen.end and newest.time > seen.time + SETTLING:
            return _ceased(case, passage)
        return _pending(case, passage)
    if _began_beyond(passage) and case.event.time + SETTLING < passage.absent:
        later = figures.duration(passage.began.time - case.event.time)
        return case.told(
            Status.NOT_SUBSCRIBED,
            Evidence.INFERRED,
            passage.began.time,
            f"{begun(case.group)} first committed {later} after the event, and was beyond it "
            "already: it began to read later, or read it before that.",
            needed=case.span_needed(),
        )
    types = {row.event_type for row in case.consumer.seen} - {""}
    spoken = sum(row.count for row in case.consumer.seen if row.event_type)
    wanted = case.event.event_type
    if wanted and wanted not in types and spoken >= ENOUGH:
        return case.told(
            Status.SKIPPED,
            Evidence.INFERRED,
            passage.after.time if passage.after else passage.latest.time,
            f"{case.who} read past it; of {spoken:,} messages that its spans tell of around that "
            f"time none is {wanted}, so it seems to leave these out.",
            needed=case.span_needed(),
        )
    return _passed(case, passage)


def _began_beyond(passage: Passage) -> bool:
    """Whether the group's very first commit was beyond it."""
    return bool(passage.absent) and passage.began.committed > passage.position.offset


def _passed(case: Case, passage: Passage) -> Fate:
    before, after = passage.before, passage.after
    by = after.time if after else passage.latest.time
    notes = []
    if before is None:
        when = f"was beyond it already when it was first seen, at {case.clock(by)}"
    elif before.time > by:
        when = f"had read past it by {case.clock(by)}"
        notes = [
            f"Its offset was set back: at {case.clock(before.time)} the group was before the "
            "message again, and has read past it once more since."
        ]
    else:
        when = f"read past it between {case.clock(before.time)} and {case.clock(by)}"
    if case.consumer.seen and 0 <= case.now - by < LATE:
        notes.append("That was just now: spans of it may still come.")
    if _began_beyond(passage):
        notes.append("That was its first commit: it may also have begun to read behind it.")
    return case.told(
        Status.PASSED,
        Evidence.INFERRED if _began_beyond(passage) else case.by_position,
        by,
        f"{begun(case.group)} {when}; no span says what came of it.",
        needed=case.span_needed(),
        notes=notes,
    )


def _pending(case: Case, passage: Passage) -> Fate:
    seen = passage.latest
    between = passage.position.offset - seen.committed
    if seen.committed < 0:
        where = "has committed nothing on this partition yet"
    elif between:
        where = f"has {counted(between, 'message')} before it"
    else:
        where = "has it to read next"
    expected = 0
    told = case.consumer.members
    if told is not None and told.state and not told.members:
        pace = f"it has no members ({told.state}), so nobody reads"
    elif passage.rate:
        expected = seen.time + round(passage.ahead / passage.rate * SECOND)
        due = "it is expected at" if expected > case.now else "it was expected at"
        pace = f"at {figures.rate(passage.rate)} {due} {case.clock(expected)}"
    elif passage.rate == 0 and passage.moved:
        pace = f"it has not moved since {case.clock(passage.moved)}"
    else:
        pace = "how fast it reads is not known yet"
    notes = [f"{case.who} received it at {case.clock(o.attempt.end)}." for o in case.succeeded]
    if passage.after is not None:
        notes += [f"It was beyond it at {case.clock(passage.after.time)}, and was set back since."]
    return case.told(
        Status.PENDING,
        case.by_position,
        seen.time,
        f"{begun(case.group)} {where}; {pace}.",
        needed="" if case.consumer.services else case.span_needed(),
        notes=notes,
        ahead=passage.ahead,
        rate=passage.rate,
        expected=expected,
    )


def _ceased(case: Case, passage: Passage) -> Fate:
    """The broker tells of others, and of this group no more."""
    last = passage.latest.time
    before = case.event.time > last + SETTLING
    return case.told(
        Status.NOT_SUBSCRIBED if before else Status.NO_EVIDENCE,
        Evidence.INFERRED,
        last,
        f"{begun(case.group)} was last seen at {case.clock(last)}, before "
        f"{'the event was there' if before else 'it came so far'}; its broker tells no more of it.",
        needed="" if before else case.span_needed(),
    )


def nothing_known(case: Case) -> Fate:
    """Somebody who consumes such events, and of whom nothing is known about this one."""
    consumer, place = case.consumer, case.event.destination
    seen = sum(row.count for row in consumer.seen)
    last = max((row.last_seen for row in consumer.seen), default=0)
    if seen:
        explanation = (
            f"{case.who} handled {counted(seen, 'message')} of {place} around that time, but no "
            "span of it is about this one."
        )
    elif consumer.members is not None:
        last = consumer.members.time
        explanation = f"{case.who} reads {place}, but has committed nothing there."
    else:
        explanation = (
            f"{case.who} is declared in the configuration, but nothing was seen of it on {place}."
        )
    if not case.event.positions:
        needed = "the message itself: tap the broker that it lies on"
    elif consumer.group:
        needed = f"the progress of group {consumer.group}: is its broker tapped, with its groups?"
    else:
        needed = (
            f"the consumer group of {case.who}: put it into its spans, or name it in the "
            "configuration"
        )
    return case.told(Status.NO_EVIDENCE, None, last, explanation, needed=needed)
