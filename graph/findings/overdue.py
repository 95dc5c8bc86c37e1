"""Overdue: after A, B follows in nearly all flows within some time; in this one it has not.

Which kinds of events follow which is learned from the flows of the last hour, by correlation id.
Where a kind is followed by one of several (a payment succeeds or fails) any of them will do, so
that a compensation is a next step as any other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from graph.figures import SECOND, duration
from graph.findings.facts import FindingFacts, Flow, Run
from graph.findings.model import MINUTE, PROOFS, Finding, Kind, Proof, Severity, Sighting, Subject
from graph.findings.thresholds import Rules

KIND = Kind.OVERDUE

QUIET = 30

DELAYS = (150, 1800)
"""Seconds after a minute's end at which its flows are looked at: those whose next step is soon
due, and all."""

SOON = DELAYS[0] * SECOND
"""What is due within that, the first look tells."""

LEARN = 3600 * SECOND
"""Before a run's end, of which flows are learned from."""

MARGIN = 300 * SECOND
"""In which what follows has mostly followed: later flows are not learned from."""

LEARN_AGAIN = 600 * SECOND

FORGET = 6 * 3600 * SECOND
"""A step that is not confirmed for so long counts no more; in the first hours of an outage it
is what should be."""

FLOWS = 1_000
"""Flows learned from, at most."""

LOOKED_AT = 5_000
"""Flows of one run, at most; of more it is a sample."""

ENOUGH = 30
"""Flows with a kind of event, from which on its next step is known."""

NEARLY_ALL = 0.98
ALTERNATIVES = 3
PATIENCE = 3
"""Times the longest delay seen that a next step may take."""

NEAR = 3600 * SECOND

What = tuple[str, str]
"""Destination and event type."""


class Step(NamedTuple):
    """A kind of event and what follows it: one of the followers."""

    after: What
    followers: tuple[What, ...]
    flows: int
    share: float
    longest: int
    """Nanoseconds."""

    @property
    def names(self) -> str:
        return " or ".join(event_type or destination for destination, event_type in self.followers)


def learned(flows: Sequence[Flow], until: int) -> list[Step]:
    """The next steps that these flows, known until then, show."""
    firsts = [{one[:2]: one[2] for one in sorted(flow.events, key=_late)} for flow in flows]
    delays: dict[What, list[dict[What, int]]] = defaultdict(list)
    for first in firsts:
        for what, at in first.items():
            # What had no time to follow yet says nothing.
            if at + MARGIN <= until:
                delays[what].append(
                    {other: then - at for other, then in first.items() if then > at}
                )
    single: dict[What, list[Step]] = {}
    several: dict[What, Step] = {}
    for what, each in delays.items():
        if len(each) < ENOUGH:
            continue
        counts: dict[What, int] = defaultdict(int)
        for later in each:
            for other in later:
                counts[other] += 1
        surely = [other for other, count in counts.items() if count >= NEARLY_ALL * len(each)]
        if surely:
            single[what] = [_step(what, (other,), each) for other in sorted(surely)]
        elif step := _alternatives(what, counts, each):
            several[what] = step
    # B and what follows B anyway: only B is the next step.
    direct = []
    for steps in single.values():
        others = {one.followers[0] for one in steps}
        direct += [
            one
            for one in steps
            if not any(
                one.followers[0] in {next_.followers[0] for next_ in single.get(other, ())}
                for other in others - {one.followers[0]}
            )
        ]
    return [*direct, *several.values()]


def _late(event: tuple[str, str, int, str, str, str]) -> int:
    """Sorts the earliest of a kind last, where it stays."""
    return -event[2]


def _step(what: What, followers: tuple[What, ...], each: Sequence[Mapping[What, int]]) -> Step:
    first = [
        min(later[other] for other in followers if other in later)
        for later in each
        if any(other in later for other in followers)
    ]
    return Step(what, followers, len(each), len(first) / len(each), max(first))


def _alternatives(
    what: What, counts: Mapping[What, int], each: Sequence[Mapping[What, int]]
) -> Step | None:
    chosen: tuple[What, ...] = ()
    for other in sorted(counts, key=lambda one: (-counts[one], one)):
        if len(chosen) == ALTERNATIVES:
            return None
        # One that comes with another one chosen already is no alternative to it.
        beside = sum(other in later for later in each if any(one in later for one in chosen))
        if chosen and beside > (1 - NEARLY_ALL) * counts[other]:
            continue
        chosen = (*chosen, other)
        step = _step(what, chosen, each)
        if step.share >= NEARLY_ALL:
            return step
    return None


class _Memory(NamedTuple):
    at: int
    steps: dict[tuple[What, tuple[What, ...]], tuple[int, Step]]
    """With the time when each was confirmed."""


def steps_of(facts: FindingFacts, run: Run) -> list[Step]:
    """The next steps known, learned anew from time to time."""
    memory: _Memory = facts.memory.get("steps") or _Memory(0, {})
    again = LEARN_AGAIN if memory.steps else LEARN_AGAIN // 5
    if abs(run.start - memory.at) >= again:
        since = run.end - min(LEARN, facts.flow_span(run.end))
        until = run.end - MARGIN
        found = facts.flows(since, until, until=run.end, most=FLOWS) if since < until else ()
        kept = {
            key: (at, step)
            for key, (at, step) in memory.steps.items()
            if abs(run.start - at) < FORGET
        }
        fresh = learned(found, run.end)
        # What is known of the same beginning is told anew, unless it is not confirmed at all.
        kept |= {(one.after, one.followers): (run.start, one) for one in fresh}
        memory = _Memory(run.start, kept)
        facts.memory["steps"] = memory
    return [step for _, step in memory.steps.values()]


def look(facts: FindingFacts, run: Run, rules: Rules) -> Iterable[Sighting] | None:
    """Flows in which what is due has not followed in time; None when this look can tell nothing
    that an earlier one could not."""
    due = []
    for step in steps_of(facts, run):
        subject = Subject(destination=step.after[0], event_type=step.after[1], peer=step.names)
        least = rules.of(KIND, subject, "overdue_seconds")
        patience = max(round(least * SECOND), PATIENCE * step.longest)
        if rules.says(KIND, subject, "overdue_seconds"):
            patience = round(least * SECOND)
        if patience <= run.waited * SECOND:
            due.append((step, subject, patience))
    if run.delay == DELAYS[-1] and all(patience <= SOON for *_, patience in due):
        return None
    span = facts.flow_span(run.end) if due else 0
    due = [one for one in due if run.end - run.start + one[2] <= span]
    return _hanging(facts, run, due) if due else ()


def _hanging(
    facts: FindingFacts, run: Run, due: Sequence[tuple[Step, Subject, int]]
) -> Iterable[Sighting]:
    longest = max(patience for *_, patience in due)
    flows = facts.flows(run.start, run.end, until=run.end + longest, most=LOOKED_AT)
    hanging: dict[tuple[int, Subject], list[tuple[int, str, str]]] = defaultdict(list)
    about: dict[Subject, tuple[Step, int, str, str]] = {}
    for flow in flows:
        first = {one[:2]: one for one in sorted(flow.events, key=_late)}
        for step, subject, patience in due:
            start = first.get(step.after)
            if start is None or not run.start <= start[2] < run.end:
                continue
            if any(
                other in first and first[other][2] <= start[2] + patience
                for other in step.followers
            ):
                continue
            hanging[start[2] // MINUTE * MINUTE, subject].append((start[2], start[3], flow.id))
            about[subject] = (step, patience, start[4], start[5])
    if not hanging:
        return
    places = {place for step, *_ in about.values() for place, _ in step.followers}
    read = facts.read_to(places, run.end + longest)
    gaps = facts.gaps()
    began: dict[str, int] = {}
    for end in facts.ends():
        began[end.destination] = min(end.first, began.get(end.destination, end.first))
    for (minute, subject), each in hanging.items():
        step, patience, system, cluster = about[subject]
        following = {place for place, _ in step.followers}
        # Not before a tap reads there, nor when it lags behind.
        if not following <= set(read) or any(
            began.get(place, run.start) >= run.start for place in following
        ):
            continue
        if any(
            gap.destination in places and run.start - NEAR < gap.noticed < run.end + NEAR
            for gap in gaps
        ):
            continue
        yield Sighting(
            KIND,
            subject._replace(system=system, cluster=cluster),
            minute,
            len(each),
            min(at for at, *_ in each),
            max(at for at, *_ in each),
            Severity.ERROR,
            tuple(
                Proof(place, at, f"correlation id {flow}: nothing followed")
                for at, place, flow in each[:PROOFS]
            ),
            {
                "next": step.names,
                "patience": patience,
                "share": round(step.share, 4),
                "flows": step.flows,
                "longest": step.longest,
            },
            f"Learned from {step.flows:,} flows by correlation id; the tap had read all of what "
            "should have followed by then, and missed nothing there.",
        )


def told(finding: Finding) -> tuple[str, str]:
    """Its sentence, and what to do."""
    subject, said = finding.subject, finding.said
    what = subject.event_type or subject.destination
    hang = "flow hangs" if finding.count == 1 else "flows hang"
    patience, longest = duration(int(said["patience"])), duration(int(said["longest"]))
    usual = f"it does in {float(said['share']):.0%} of flows, in {longest} at most"
    return (
        f"{finding.count:,} {hang} after {what}: {said['next']} has not followed within "
        f"{patience}; {usual}.",
        f"flowtap why {finding.proof[-1].id}: who should have gone on?" if finding.proof else "",
    )
