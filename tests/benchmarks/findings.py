"""How much of what went wrong is found, and how much of what is found went wrong.

Histories with known faults lie beside each other in one store, each with names of its own, and the
collector's own watch looks at them: what it says of each is held against what was planted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count, product
from pathlib import Path
from typing import Any, NamedTuple

from collector.findings import Watch
from collector.store.client import Store
from graph.findings.model import Finding, Kind
from tests import stores
from tests.benchmarks.figures import Figure, Goal, Report
from tests.benchmarks.world import World, apart, say
from tests.histories import (
    FAULTS,
    MINUTE,
    SECOND,
    SLOW_FAULTS,
    THINNED,
    History,
    NamedFlow,
    thin,
)
from tests.histories_groups import FAULTS as GROUP_FAULTS
from tests.histories_groups import GroupHistory, joined
from tests.poured import pour

THIN_FAULTS = ("", "dead letter")
"""Of histories of which not all is seen: what can be found in all of them."""

HEALTHY = 0.25
"""Healthy histories for each one with a fault, at least."""


class Planted(NamedTuple):
    """A history and what is to be found in it."""

    number: int
    fault: str
    kind: Kind | None
    proofs: frozenset[str]
    """Of which each has to be named; empty: of its subject."""
    subject: str = ""


@dataclass
class Score:
    """Of one kind."""

    planted: int = 0
    """Events, or subjects, that went wrong."""
    found: int = 0
    """Of them those that a finding names."""
    right: int = 0
    claims: int = 0
    """Findings."""
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def add(self, other: Score) -> None:
        self.planted += other.planted
        self.found += other.found
        self.right += other.right
        self.claims += other.claims
        self.wrong += other.wrong
        self.missed += other.missed


Scores = Mapping[Kind | None, Score]
"""By kind; None: of histories of which not all was seen, whatever the kind."""


def accuracy(world: World) -> Report:
    """Precision and recall of each kind."""
    scores: dict[Kind | None, Score] = defaultdict(Score)
    histories = 0
    for number in range(world.sizes.batches):
        say(f"findings: batch {number + 1} of {world.sizes.batches}")
        folder = world.folder()
        world.before_run()
        many, found = apart(batch, folder / "store", number)
        world.forget(folder)
        histories += many
        for kind, score in found.items():
            scores[kind].add(score)
    figures = []
    for kind in Kind:
        one = scores[kind]
        precision = one.right / one.claims if one.claims else 1.0
        recall = one.found / one.planted if one.planted else 1.0
        figures += [
            Figure(f"{kind}: right of {one.claims} findings", "", (precision,), Goal(1.0)),
            Figure(f"{kind}: found of {one.planted} faults", "", (recall,), Goal(0.99)),
        ]
    thinned = scores[None]
    precision = thinned.right / thinned.claims
    name = f"not all seen: right of {thinned.claims} findings"
    figures.append(Figure(name, "", (precision,), Goal(1.0)))
    remarks = [f"wrong: {one}" for score in scores.values() for one in score.wrong[:5]]
    remarks += [f"missed: {one}" for score in scores.values() for one in score.missed[:5]]
    did = (
        f"{histories} generated histories, a fault of one kind in most, looked at by the "
        "collector's own watch over a real store"
    )
    return Report("findings", did, tuple(figures), tuple(remarks))


def batch(folder: Path, number: int) -> tuple[int, Scores]:
    """Histories of each fault, and healthy ones; how many they were. The same for the same
    number."""
    scores: dict[Kind | None, Score] = defaultdict(Score)
    seeds = count(number * 1_000 + 1)
    with Store(folder) as store:
        many = 0
        for lay in (_lay_flows, _lay_slow_flows, _lay_groups, _lay_thinned):
            stores.empty(store)
            planted, now, live = lay(store, seeds)
            many += len(planted)
            watch = Watch(store, clock=partial(_seconds, now))
            watch.look(live=live, seconds=600)
            if watch.troubles:
                raise RuntimeError(str(watch.troubles))
            found = list(watch.found().findings)
            if lay is _lay_thinned:
                own: dict[Kind | None, Score] = defaultdict(Score)
                _score(planted, found, own)
                for score in own.values():
                    score.missed = []  # What is not seen cannot be found.
                    scores[None].add(score)
            else:
                _score(planted, found, scores)
    return many, dict(scores)


def _seconds(now: int) -> float:
    return now / SECOND


Laid = tuple[list[Planted], int, bool]
"""What was planted, when it is looked at, and whether brokers are watched then."""


def _faults(faults: Mapping[str, Kind]) -> list[tuple[str, Kind | None]]:
    healthy = max(1, round(HEALTHY * len(faults)))
    return [*faults.items(), *[("", None)] * healthy]


def _lay_flows(store: Store, seeds: Iterable[int]) -> Laid:
    return _lay_histories(store, seeds, FAULTS, minutes=3, orders=60, faults=3)


def _lay_slow_flows(store: Store, seeds: Iterable[int]) -> Laid:
    return _lay_histories(store, seeds, SLOW_FAULTS, minutes=12, orders=15, faults=1)


def _lay_histories(
    store: Store, seeds: Iterable[int], kinds: Mapping[str, Kind], **sizes: Any
) -> Laid:
    made = [
        (kind, History(seed, fault, flow=NamedFlow(seed), **sizes))
        for (fault, kind), seed in zip(_faults(kinds), seeds, strict=False)
    ]
    return _stored(store, made)


def _lay_thinned(store: Store, seeds: Iterable[int]) -> Laid:
    made = []
    for (how, fault), seed in zip(product(THINNED, THIN_FAULTS), seeds, strict=False):
        history = History(seed, fault, flow=NamedFlow(seed))
        thin(history, how)
        made.append((FAULTS.get(fault), history))
    return _stored(store, made)


def _stored(store: Store, made: Sequence[tuple[Kind | None, History]]) -> Laid:
    end = max(one.end for _, one in made)
    pour(joined([one.flow for _, one in made]), store)
    # Its broker is watched: how far a tap has read is known.
    stores.put_members(store, [(end + 10 * MINUTE, "orders-readers", "m-1", "Stable")])
    stores.rolled_up(store)
    planted = [
        Planted(one.seed, one.fault, kind, frozenset(one.proofs if kind else ()))
        for kind, one in made
    ]
    return planted, end + 60 * MINUTE, False


def _lay_groups(store: Store, seeds: Iterable[int]) -> Laid:
    made = [
        (kind, GroupHistory(seed, fault))
        for (fault, kind), seed in zip(_faults(GROUP_FAULTS), seeds, strict=False)
    ]
    pour(joined([one.flow for _, one in made]), store)
    for _, one in made:
        one.told(store)
    stores.rolled_up(store)
    planted = [Planted(one.seed, one.fault, kind, frozenset(), one.subject) for kind, one in made]
    return planted, made[0][1].end, True


def _score(
    planted: Sequence[Planted], findings: Iterable[Finding], scores: dict[Kind | None, Score]
) -> None:
    by_history: dict[int, list[Finding]] = defaultdict(list)
    for one in findings:
        by_history[_history(one)].append(one)
    for history in planted:
        own = by_history.pop(history.number, [])
        for one in own:
            right = one.kind is history.kind and history.subject in ("", *one.subject)
            score = scores[one.kind]
            score.claims += 1
            score.right += right
            if not right:
                score.wrong.append(f"{one.kind} in {history.fault or 'health'}: {one.sentence}")
        if history.kind is None:
            continue
        score = scores[history.kind]
        shown = " ".join(
            f"{proof.id} {proof.note}"
            for one in own
            if one.kind is history.kind
            for proof in one.proof
        )
        wanted = history.proofs or {""}
        is_there = any(one.kind is history.kind for one in own)
        found = {proof for proof in wanted if is_there and proof in shown}
        score.planted += len(wanted)
        score.found += len(found)
        score.missed += [f"{history.fault} of {history.number}: {one}" for one in wanted - found]
    for strange in by_history.values():
        raise RuntimeError(f"of no history: {strange}")


def _history(finding: Finding) -> int:
    """By the names that its subject bears."""
    for name in finding.subject:
        if name.startswith("h") and (number := name[1:].partition(".")[0]).isdigit():
            return int(number)
    return -1
