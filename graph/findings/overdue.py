"""Overdue: after A, B follows in nearly all flows within some time; in this one it has not.

Which kinds of events follow which is learned from the flows of the last hour, by correlation id:
see `graph.findings.steps`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from graph.figures import SECOND, duration
from graph.findings import steps
from graph.findings.facts import FindingFacts, Run
from graph.findings.model import MINUTE, PROOFS, Finding, Kind, Proof, Severity, Sighting, Subject
from graph.findings.steps import MARGIN, Step, What
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

LEARN_AGAIN = 600 * SECOND

FORGET = 6 * 3600 * SECOND
"""A step that is not confirmed for so long counts no more; in the first hours of an outage it
is what should be."""

FLOWS = 1_000
"""Flows learned from, at most."""

LOOKED_AT = 5_000
"""Flows of one run, at most; of more it is a sample."""

PATIENCE = 3
"""Times the longest delay seen that a next step may take."""

NEAR = 3600 * SECOND


class _Known(NamedTuple):
    step: Step
    since: int
    """The beginning of the run that it was learned for first."""
    confirmed: int
    """And last."""


class _Memory(NamedTuple):
    at: int
    steps: dict[tuple[What, tuple[What, ...]], _Known]


def _steps(facts: FindingFacts, run: Run) -> Iterable[_Known]:
    """The next steps known, learned anew from time to time."""
    memory: _Memory = facts.memory.get("steps") or _Memory(0, {})
    again = LEARN_AGAIN if memory.steps else LEARN_AGAIN // 5
    if abs(run.start - memory.at) >= again:
        since = run.end - min(LEARN, facts.flow_span(run.end))
        until = run.end - MARGIN
        found = facts.flows(since, until, until=run.end, most=FLOWS) if since < until else ()
        kept = {
            key: known
            for key, known in memory.steps.items()
            if abs(run.start - known.confirmed) < FORGET
        }
        fresh = steps.learned(found, run.end, steps.leads(facts.ends()) if found else frozenset())
        # What is known of the same beginning is told anew, unless it is not confirmed at all.
        for one in fresh:
            key = (one.after, one.followers)
            since = kept[key].since if key in kept else run.start
            kept[key] = _Known(one, since, run.start)
        memory = _Memory(run.start, kept)
        facts.memory["steps"] = memory
    return memory.steps.values()


def look(facts: FindingFacts, run: Run, rules: Rules) -> Iterable[Sighting] | None:
    """Flows in which what is due has not followed in time; None when this look can tell nothing
    that an earlier one could not, or less: the tap reads no more."""
    due = []
    later = False
    for step, since, _ in _steps(facts, run):
        subject = Subject(destination=step.after[0], event_type=step.after[1], peer=step.names)
        least = rules.of(KIND, subject, "overdue_seconds")
        patience = max(round(least * SECOND), PATIENCE * step.longest)
        if rules.says(KIND, subject, "overdue_seconds"):
            patience = round(least * SECOND)
        if patience <= run.waited * SECOND:
            due.append((step, subject, patience))
            # It was not due then, or not known.
            later = later or patience > SOON or since > run.start
    if run.delay == DELAYS[-1] and not later:
        return None
    span = facts.flow_span(run.end) if due else 0
    due = [one for one in due if run.end - run.start + one[2] <= span]
    return _hanging(facts, run, due) if due else ()


def _hanging(
    facts: FindingFacts, run: Run, due: Sequence[tuple[Step, Subject, int]]
) -> Iterable[Sighting] | None:
    longest = max(patience for *_, patience in due)
    flows = facts.flows(run.start, run.end, until=run.end + longest, most=LOOKED_AT)
    hanging: dict[tuple[int, Subject], list[tuple[int, str, str]]] = defaultdict(list)
    about: dict[Subject, tuple[Step, int, str, str]] = {}
    for flow in flows:
        first = steps.firsts(flow)
        for step, subject, patience in due:
            at = first.get(step.after)
            if at is None or not run.start <= at < run.end or steps.given_up(flow, step.after):
                continue
            if step.met(first, patience):
                continue
            (_, _, _, place, system, cluster), *_ = (
                one for one in flow.events if one[:3] == (*step.after, at)
            )
            hanging[at // MINUTE * MINUTE, subject].append((at, place, flow.id))
            about[subject] = (step, patience, system, cluster)
    if not hanging:
        return ()
    places = {place for step, *_ in about.values() for place, _ in step.followers}
    read = facts.read_to(places, run.end + longest)
    gaps = facts.gaps()
    began: dict[str, int] = {}
    for end in facts.ends():
        began[end.destination] = min(end.first, began.get(end.destination, end.first))
    found: list[Sighting] = []
    unread = False
    for (minute, subject), each in hanging.items():
        each.sort()
        step, patience, system, cluster = about[subject]
        following = {place for place, _ in step.followers}
        # Not when a tap lags behind, or reads no more, nor before it did.
        if not following <= set(read):
            unread = True
            continue
        if any(began.get(place, minute) >= minute for place in following):
            continue
        if any(
            gap.destination in places and run.start - NEAR < gap.noticed < run.end + NEAR
            for gap in gaps
        ):
            continue
        found.append(
            Sighting(
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
                f"Learned from {step.flows:,} flows by correlation id; the tap had read all of "
                "what should have followed by then, and missed nothing there.",
            )
        )
    return None if unread and not found else found


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
