"""What people ask, whether by HTTP or in process: the thinking of `graph` over a backend."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import cache, cached_property, partial
from importlib.metadata import version
from typing import Any

from collector.api.backend import Backend
from graph.chain import Chain, Event, Limits, NoEvent, find
from graph.chain.coverage import pruned_before
from graph.chain.names import normal_id
from graph.direction import Direction, directed
from graph.edges import MOST_EDGES, Edges, Patterns, View
from graph.facts import Facts
from graph.fate import Fates
from graph.fate.judge import fates
from graph.findings.model import Findings
from graph.findings.wanted import Wanted
from graph.gaps import Gap, missed
from graph.listing import EventFilter, Listing
from graph.lookup import Unknown, focused, look_up
from graph.model import Evidence, Position
from graph.payloads import Payloads, payloads_of
from graph.remembered import Remembered
from graph.series import MinuteCount
from graph.topology import NodeKey, Topology
from graph.views import seen_as
from graph.wire.facts import times

AROUND = 3600 * 10**9
"""Nanoseconds before and after an event in which who consumed its destinations counts as its
consumer."""

DAY = 86_400 * 10**9

_installed = cache(version)
"""A package's version. To look for it reads its files, and health is asked for every second."""

_PLACE = re.compile(r"(.+?)[/:](\d+)[/:@](\d{1,18})")
"""A position as it is shown and as people write it."""

SEARCHED = (
    "Looked for it as message, causation and correlation id, record key, business id (with or "
    "without its name, as in order_id=123), trace id, span id and destination/partition/offset."
)
"""What a look-up that found nothing has tried."""


def topology(
    backend: Backend,
    *,
    start: int = 0,
    end: int = 0,
    services: Collection[str] = (),
    destinations: Collection[str] = (),
    event_types: Collection[str] = (),
    environments: Collection[str] = (),
    evidence: Collection[Evidence] = (),
    view: View = View.DESTINATIONS,
    limit: int = MOST_EDGES,
) -> Topology:
    """The topology of a window (0: not bounded), up to this moment, as the patterns select it: of
    its busiest edges, where there are more than `limit`."""
    backend.refresh()
    wanted = Patterns(services, destinations, event_types, environments)
    alone = view is View.SERVICES
    edges = partial(backend.edges, start, end, limit, wanted, by_producer=alone)
    found: dict[str, Any] = {}

    def ask(name: str, question: Callable[[], object]) -> None:
        found[name] = question()

    backend.facts.together(
        [
            partial(ask, "members", backend.members),
            partial(ask, "producers", partial(backend.producers, start)),
            partial(ask, "edges", edges),
        ]
    )
    told: Edges = found["edges"]
    topology = Topology.build(told.rows, found["members"], found["producers"], start=start, end=end)
    if alone and services:
        # Who produced is an end only then.
        topology = topology.filtered(**wanted._replace(services=())._asdict(), evidence=evidence)
        topology = seen_as(topology, view).filtered(services=services)
    else:
        if any(wanted) or evidence:
            topology = topology.filtered(**wanted._asdict(), evidence=evidence)
        topology = seen_as(topology, view)
    return replace(topology, left=told.left, covered_from=backend.covered_from())


def payloads(backend: Backend, *, start: int, end: int = 0) -> Payloads:
    """What the bodies of a window's messages look like, as far as they are stored and JSON."""
    return payloads_of(backend.bodies(start, end))


def minutes(backend: Backend, node: NodeKey, *, start: int, end: int = 0) -> list[MinuteCount]:
    """What went over a node's edges minute by minute, up to this moment."""
    backend.refresh()
    return list(backend.minutes(node, start, end))


def chain(
    backend: Backend,
    text: str,
    *,
    direction: Direction = Direction.BOTH,
    limits: Limits | None = None,
    explained: bool = False,
) -> Chain:
    """The chain of what a text names, if wanted with its explanations.

    Raises `graph.lookup`'s Unknown and SeveralMeanings.
    """
    facts = Remembered(backend.facts)
    named = look_up(facts, text, time.monotonic, ahead=True)
    try:
        whole = find(
            facts,
            named.start,
            limits,
            clock=time.monotonic,
            subscribers=_Subscribers(backend),
            explained=explained,
        )
    except NoEvent:
        raise Unknown(text) from None
    found = directed(focused(whole, named.focus), direction)
    return replace(found, covered_from=backend.covered_from(), gaps=_gaps(backend, found))


def _gaps(backend: Backend, chain: Chain) -> tuple[Gap, ...]:
    """What taps missed where events lie of which no message is known."""
    positions = [at for event in chain.events if not event.messages for at in event.positions]
    if not positions:
        return ()
    return missed(backend.gaps({position.destination for position in positions}), positions)


def events(backend: Backend, wanted: EventFilter) -> Listing:
    """The events that fit, at most `wanted.limit`."""
    # One more than is told tells whether there are more.
    rows = backend.recent(replace(wanted, limit=wanted.limit + 1))
    more = len(rows) > wanted.limit
    return Listing(rows[: wanted.limit], more, backend.covered_from())


def event(backend: Backend, text: str, *, limits: Limits | None = None) -> Chain:
    """The event that a text names, of several all of them, with its deliveries: neither what
    caused it nor its effects are looked for. Raises as `chain`."""
    return _event(Remembered(backend.facts), text, limits)


def _event(facts: Facts, text: str, limits: Limits | None) -> Chain:
    named = look_up(facts, text, time.monotonic)
    most = (limits or Limits()).events
    if named.found is not None and len(named.found.events) <= most:
        return focused(named.found, named.focus)
    try:
        whole = find(facts, named.start, limits, clock=time.monotonic, follow=False)
    except NoEvent:
        raise Unknown(text) from None
    return focused(whole, named.focus)


def fate(backend: Backend, text: str, *, limits: Limits | None = None) -> Fates:
    """What became of the event that a text names, at each consumer that should have had it; of
    several the earliest. Raises as `chain`."""
    facts = Remembered(backend.facts)
    chain = _event(facts, text, limits)
    event = chain.event(chain.focus)
    if _is_only_its_cause(event, text):
        raise Unknown(text)
    # Not refreshed before: who consumes there is seen in the minutes that are computed already.
    places = {event.destination, *(at.destination for at in event.positions)}
    judged = fates(
        chain,
        facts.passages(event.positions),
        backend.edges(
            max(1, event.time - AROUND),
            event.time + AROUND,
            wanted=Patterns(destinations=places),
        ).rows,
        backend.consumers(paces=False),
        backend.declared(),
        now=time.time_ns(),
    )
    covered_from = backend.covered_from()
    if event.time >= covered_from:
        return judged
    gone = f"What was received before {pruned_before(covered_from)} was pruned."
    return replace(judged, notes=(*judged.notes, gone))


def findings(backend: Backend, wanted: Wanted) -> Findings:
    """The findings that fit, at most `wanted.limit`; without a beginning, of the last day."""
    if not wanted.since:
        wanted = replace(wanted, since=max(1, time.time_ns() - DAY))
    found = backend.findings(wanted.since, wanted.kinds)
    fitting = [one for one in found.findings if wanted.accepts(one)]
    more = found.more or len(fitting) > wanted.limit
    return Findings(fitting[: wanted.limit], found.until, more, found.since)


def searched(backend: Backend, text: str) -> str:
    """What a look-up that found nothing has tried, and where nothing can be found any more."""
    said = [SEARCHED]
    if covered_from := backend.covered_from():
        said.append(f"What was received before {pruned_before(covered_from)} was pruned.")
    if place := _PLACE.fullmatch(text.strip()):
        destination, partition, offset = place.groups()
        position = Position("", "", destination, "", partition, int(offset))
        for gap in missed(backend.gaps([destination]), [position]):
            said.append(f"A tap missed {gap}: {gap.reason}.")
    return " ".join(said)


def _is_only_its_cause(event: Event, text: str) -> bool:
    """Whether the text names what caused the event: what became of that is another question."""
    own = {normal_id(one) for one in (event.message_id, event.correlation_id, event.record_key)}
    return normal_id(event.causation_id) == normal_id(text) and normal_id(text) not in own


class _Subscribers(Mapping[str, Collection[str]]):
    """Names of those who read each destination, as far as the brokers tell; asked for only when
    somebody looks."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __getitem__(self, destination: str) -> Collection[str]:
        return self._names[destination]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @cached_property
    def _names(self) -> dict[str, set[str]]:
        names: dict[str, set[str]] = defaultdict(set)
        for consumer in self._backend.consumers(paces=False):
            for destination in consumer.destinations:
                names[destination].add(consumer.group)
                names[destination].update(consumer.services)
        return dict(names)


def pruned(
    backend: Backend, *, days: int | None, most: int | None, dry_run: bool
) -> dict[str, Any]:
    """What leaves the store, as JSON: `dry_run`, `until`, `weeks`, `rows`, `bytes`."""
    leaving = backend.prune(days=days, most=most, dry_run=dry_run)
    return {
        "dry_run": dry_run,
        **times("until", leaving.until),
        "weeks": list(leaving.weeks),
        "rows": leaving.rows,
        "bytes": leaving.bytes,
    }


def health(backend: Backend) -> dict[str, Any]:
    """How each part is doing, as JSON: `status`, `version`, `covered_from`, `components`."""
    parts = backend.health()
    return {
        "status": "ok" if all(part.ok for part in parts) else "degraded",
        "version": _installed("flowtap"),
        **times("covered_from", backend.covered_from()),
        "components": [
            {
                "name": part.name,
                "ok": part.ok,
                "detail": part.detail,
                "figures": dict(part.figures or {}),
            }
            for part in parts
        ],
    }
