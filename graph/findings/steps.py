"""Next steps: which kind of event follows which in nearly all flows, learned from many.

Where a kind is followed by one of several (a payment succeeds or fails) any of them will do, so
that a compensation is a next step as any other. One that is rarer than that is known by its
coming alone: flows that have what follows do not have it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from graph.figures import SECOND
from graph.findings.facts import End, Flow

MARGIN = 300 * SECOND
"""In which what follows has mostly followed: later flows are not learned from."""

ENOUGH = 30
"""Flows with a kind of event, from which on its next step is known."""

NEARLY_ALL = 0.98
ALTERNATIVES = 3

LIKELY = 12
"""Kinds of events that are looked at as alternatives, at most: those that come most."""

What = tuple[str, str]
"""Destination and event type."""

Leads = Set[tuple[str, str]]
"""Pairs of destinations: some service is known to consume of the first one and to produce to the
second."""

_Having = Mapping[What, Set[int]]
"""Of each kind of event the numbers of the flows that have it."""


class Step(NamedTuple):
    """A kind of event and what follows it: one of the followers."""

    after: What
    followers: tuple[What, ...]
    flows: int
    share: float
    longest: int
    """Nanoseconds."""
    beside: frozenset[What]
    """What comes in the same flows as the followers, at whatever time."""

    @property
    def names(self) -> str:
        return " or ".join(event_type or destination for destination, event_type in self.followers)

    def met(self, first: Mapping[What, int], patience: int) -> bool:
        """Whether a flow that has the first kind of event went on: with a follower in time, or
        in a way that other flows do not go. `first` is when each kind came first."""
        since = first[self.after]
        return any(
            other in first and first[other] <= since + patience for other in self.followers
        ) or any(
            at > since and other not in self.beside and other not in self.followers
            for other, at in first.items()
        )


def firsts(flow: Flow) -> dict[What, int]:
    """When each kind of event came first in a flow."""
    found: dict[What, int] = {}
    for destination, event_type, at, *_ in flow.events:
        what = (destination, event_type)
        found[what] = min(at, found.get(what, at))
    return found


def given_up(flow: Flow, what: What) -> bool:
    """Whether its event lies as a dead letter: that is told as such, and nothing can follow."""
    return what[0] in flow.dead or "" in flow.dead


def leads(ends: Sequence[End]) -> Leads:
    """Where services lead from and to."""
    made: dict[str, set[str]] = defaultdict(set)
    for end in ends:
        if end.role == "produce" and end.service:
            made[end.service].add(end.destination)
    return {
        (end.destination, place)
        for end in ends
        if end.role == "consume"
        for place in made.get(end.service, ())
    }


def learned(flows: Sequence[Flow], until: int, known: Leads = frozenset()) -> list[Step]:
    """The next steps that these flows, known until then, show."""
    delays: dict[What, list[dict[What, int]]] = defaultdict(list)
    for flow in flows:
        first = firsts(flow)
        for what, at in first.items():
            # What had no time to follow yet says nothing, nor what was given up.
            if at + MARGIN <= until and not given_up(flow, what):
                delays[what].append({other: then - at for other, then in first.items()})
    steps: dict[frozenset[What], list[Step]] = defaultdict(list)
    surely: dict[What, set[What]] = {}
    for what, each in delays.items():
        if len(each) < ENOUGH:
            continue
        having: dict[What, set[int]] = defaultdict(set)
        whole: dict[What, set[int]] = defaultdict(set)
        for number, seen in enumerate(each):
            for other, delay in seen.items():
                whole[other].add(number)
                if delay > 0:
                    having[other].add(number)
        certain = {other for other, of in having.items() if len(of) >= NEARLY_ALL * len(each)}
        surely[what] = certain
        ways: list[tuple[What, ...]] = [(other,) for other in sorted(certain)]
        ways += _alternatives({k: of for k, of in having.items() if k not in certain}, each)
        for way in ways:
            covered = set().union(*(having[other] for other in way))
            steps[frozenset(way)].append(
                Step(
                    what,
                    way,
                    flows=len(each),
                    share=len(covered) / len(each),
                    longest=max(min(_delays(each[number], way)) for number in covered),
                    beside=frozenset(k for k, of in whole.items() if not _apart(of, covered)),
                )
            )
    direct = []
    for others in steps.values():
        # What only goes on beside a flow comes before its next step as well.
        others = [one for one in others if _known(one, known)] or others
        befores = {one.after for one in others}
        # B and what follows B anyway: only B is the next step.
        direct += [one for one in others if not surely[one.after] & befores]
    return direct


def _known(step: Step, known: Leads) -> bool:
    return any((step.after[0], place) in known for place, _ in step.followers)


def _delays(seen: Mapping[What, int], way: Sequence[What]) -> Iterable[int]:
    """After which the followers came that came after."""
    return (seen[other] for other in way if seen.get(other, 0) > 0)


def _apart(of: Set[int], covered: Set[int]) -> bool:
    """Whether nearly all flows that have the one do not have the others."""
    return len(of & covered) <= (1 - NEARLY_ALL) * len(of)


def _alternatives(
    having: _Having, each: Sequence[Mapping[What, int]]
) -> Iterable[tuple[What, ...]]:
    """A few that exclude each other and of which one follows in nearly all flows, where there are
    any. The nearest of those that come as often."""
    near = {
        other: sum(each[number][other] for number in of) / len(of) for other, of in having.items()
    }
    likely = sorted(having, key=lambda one: (-len(having[one]), near[one], one))[:LIKELY]
    # The one that comes most may be of a branch beside them: each is tried as the first.
    for first in likely:
        chosen: tuple[What, ...] = (first,)
        covered = set(having[first])
        for other in likely:
            if len(chosen) == ALTERNATIVES or len(covered) >= NEARLY_ALL * len(each):
                break
            if _apart(having[other], covered):
                chosen = (*chosen, other)
                covered |= having[other]
        if len(covered) >= NEARLY_ALL * len(each):
            return [chosen]
    return []
