"""What a pasted text names: the events it can mean, one choice for each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from graph.chain.expand import find
from graph.chain.names import normal, normal_id
from graph.chain.result import Chain, Event, EventKey, Limits, NoEvent, Start
from graph.facts import Facts
from graph.model import IdKind, Location, SpanContext

TOGETHER = (IdKind.TRACE, IdKind.CORRELATION, IdKind.BUSINESS, IdKind.CAUSATION)
"""An id of these kinds names a set of events; one of another kind names each event apart."""

ORDER = (
    IdKind.POSITION,
    IdKind.MESSAGE,
    IdKind.SPAN,
    IdKind.CORRELATION,
    IdKind.BUSINESS,
    IdKind.TRACE,
    IdKind.KEY,
    IdKind.CAUSATION,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that a text can mean."""

    kind: IdKind
    """As what kind of id the text names it."""
    label: str
    """One line to choose by: what happened, where, by whom; for several events how many."""
    start: Start
    events: tuple[EventKey, ...]
    """The events it names; more than one for a trace or a correlation id."""
    time: int = 0
    """Of the earliest of them, nanoseconds since the Unix epoch."""
    correlations: frozenset[str] = frozenset()
    """Their correlation ids, normalised."""
    written: str = ""
    """A business id with its name, `order_id=123`; empty for ids that have none."""
    found: Chain | None = None
    """What `find` tells of the start without `follow`; None where that is not known yet."""


def resolve(
    facts: Facts,
    text: str,
    clock: Callable[[], float] | None = None,
    seconds: float = 10.0,
    *,
    ahead: bool = False,
) -> tuple[Choice, ...]:
    """The different events that a text can mean, surest kind of id first, then the latest.

    Empty when nothing is known by that name. Places that lie in one event are one choice; a
    trace or correlation id is one choice for all its events, and left out where another choice
    names the same ones, or one event whose chain brings them along. `ahead` as in `find`.
    """
    locations = facts.resolve(text)
    if not locations:
        # Nobody saw the message itself, but others say that it caused them.
        locations = facts.located([(IdKind.CAUSATION, text)])
    meant: dict[tuple[IdKind, str], list[Location]] = defaultdict(list)
    for location in locations:
        # One value can be the id of an order, and of a customer.
        business = location.kind is IdKind.BUSINESS
        meant[location.kind, location.id if business else ""].append(location)
    found: dict[tuple[EventKey, ...], Choice] = {}
    for kind, written in sorted(meant, key=lambda one: (ORDER.index(one[0]), one[1])):
        if kind is IdKind.CORRELATION and _begins(text, found.values()):
            continue
        chain = _named(facts, kind, meant[kind, written], clock, seconds, ahead)
        if chain is None:
            continue
        for keys in _sets(kind, chain):
            if keys not in found and not _brought_along(kind, keys, found.values()):
                found[keys] = _choice(kind, chain, keys, written)
    return tuple(
        sorted(found.values(), key=lambda one: (ORDER.index(one.kind), -one.time, one.label))
    )


def _named(
    facts: Facts,
    kind: IdKind,
    locations: Sequence[Location],
    clock: Callable[[], float] | None,
    seconds: float,
    ahead: bool,
) -> Chain | None:
    """The events that these locations lie in, and nothing else."""
    start = Start(
        tuple(dict.fromkeys(one.context for one in locations if one.context is not None)),
        tuple(dict.fromkeys(one.position for one in locations if one.position is not None)),
        (kind, normal(kind, locations[0].id)),
    )
    try:
        return find(facts, start, Limits(seconds=seconds), clock, follow=False, ahead=ahead)
    except NoEvent:
        return None


def _sets(kind: IdKind, chain: Chain) -> list[tuple[EventKey, ...]]:
    return [chain.starts] if kind in TOGETHER else [(key,) for key in chain.starts]


def _brought_along(kind: IdKind, keys: tuple[EventKey, ...], found: Iterable[Choice]) -> bool:
    """Whether a set adds nothing to another choice."""
    return kind in TOGETHER and any(set(keys) <= set(other.events) for other in found)


def _begins(text: str, found: Iterable[Choice]) -> bool:
    """Whether a correlation is called by the id of one of its events, mostly its first: that
    one's chain brings the others along."""
    return any(one.kind is IdKind.MESSAGE and normal_id(text) in one.correlations for one in found)


def _choice(kind: IdKind, chain: Chain, keys: tuple[EventKey, ...], written: str) -> Choice:
    events = [chain.event(key) for key in keys]
    start = _start(chain, events)
    # From a context alone something else may be found than from where it was seen.
    is_it = chain.starts == keys and chain.stopped is None and not start.contexts
    return Choice(
        kind=kind,
        label=_label(written or f"one {kind.value}", events),
        start=start,
        events=keys,
        time=min(event.time for event in events),
        correlations=frozenset(normal_id(one.correlation_id) for one in events),
        written=written,
        found=chain if is_it else None,
    )


def _start(chain: Chain, events: Iterable[Event]) -> Start:
    """By position where a tap saw the message: nothing is found by one that only spans name."""
    contexts: list[SpanContext] = []
    positions = []
    for event in events:
        if event.messages:
            positions.append(event.messages[0].position)
        elif event.contexts:
            contexts.append(event.contexts[0])
        else:
            deliveries = chain.deliveries_of(event.key)
            contexts += [one.context for two in deliveries for one in two.operations[:1]][:1]
    return Start(tuple(contexts), tuple(positions))


def _label(of: str, events: Sequence[Event]) -> str:
    if len(events) == 1:
        (event,) = events
        parts = [event.title]
        if event.destination and event.destination != event.title:
            parts.append(f"on {event.destination}")
        if event.service:
            parts.append(f"by {event.service}")
        if event.positions:
            parts.append(f"at {event.positions[0]}")
        return " ".join(parts)
    destinations = sorted({event.destination for event in events} - {""})
    shown = ", ".join(destinations[:3]) + (", ..." if len(destinations) > 3 else "")
    return f"{len(events)} events of {of}" + (f" on {shown}" if shown else "")
