"""The truth about a run of the shop, from what its services wrote down.

`truth(read(directory))` gives what an observer should find: the edges of the graph with exact
counts, the chain of every order and user, each with how it can be known from outside, and what
nobody outside could know, with reasons.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from samples.shop.entries import Called, Committed, Consumed, Entry, Outcome, Position, Produced
from samples.shop.flow import ROLES, Known, Role, consumers
from samples.shop.truth import Chain, Copy, Delivery, Edge, Event, Truth, Unknowable


@dataclass(frozen=True, slots=True)
class Pending:
    """A message that a service has not handled, or not committed, yet."""

    position: Position
    service: str
    handled: bool


def truth(entries: Iterable[Entry]) -> Truth:
    """What an observer of this run should find, and what it could not."""
    entries = list(entries)
    produced = [entry for entry in entries if isinstance(entry, Produced)]
    taken = _deliveries(
        entry
        for entry in entries
        if isinstance(entry, Consumed) and entry.outcome is not Outcome.SKIPPED
    )
    calls = [entry for entry in entries if isinstance(entry, Called)]
    return Truth(
        edges=(*_produce_edges(produced), *_consume_edges(taken), *_call_edges(calls)),
        chains=tuple(_chains(produced, taken)),
        unknowable=tuple(_unknowable(produced, taken)),
    )


def pending(entries: Iterable[Entry]) -> list[Pending]:
    """What is still to be handled or committed; empty once everything has come to rest."""
    handled: set[tuple[str, Position]] = set()
    committed: dict[tuple[str, str, int], int] = {}
    produced: list[Position] = []
    for entry in entries:
        if isinstance(entry, Produced):
            produced.append(entry.position)
        elif isinstance(entry, Consumed) and entry.outcome.final:
            handled.add((entry.service, entry.position))
        elif isinstance(entry, Committed):
            committed[entry.service, entry.topic, entry.partition] = entry.offset
    return [
        Pending(position, role.name, (role.name, position) in handled)
        for position in produced
        for role in consumers(position.topic)
        if (role.name, position) not in handled
        or committed.get((role.name, position.topic, position.partition), 0) <= position.offset
    ]


def _deliveries(consumed: Iterable[Consumed]) -> list[Delivery]:
    attempts: defaultdict[tuple[str, Position], list[Consumed]] = defaultdict(list)
    for entry in consumed:
        attempts[entry.service, entry.position].append(entry)
    return [
        Delivery(
            ce_id=tries[0].ce_id,
            topic=position.topic,
            partition=position.partition,
            offset=position.offset,
            service=service,
            group=tries[0].group,
            seen_as=_seen_as(ROLES[service]),
            outcome=_outcome(tries),
            attempts=len(tries),
            known=ROLES[service].delivery_known,
        )
        for (service, position), tries in attempts.items()
    ]


def _outcome(tries: Sequence[Consumed]) -> Outcome:
    did = [each.outcome for each in tries if each.outcome is not Outcome.DUPLICATE]
    return did[-1] if did else Outcome.DUPLICATE


def _seen_as(role: Role) -> str:
    return role.name if role.group_known or not role.group else role.group


def _produce_edges(produced: Iterable[Produced]) -> Iterable[Edge]:
    counts = Counter((entry.service, entry.topic) for entry in produced)
    for (service, topic), count in sorted(counts.items()):
        role = ROLES[service]
        if role.producer_known:
            # A copy keeps its original's source header, which then names the wrong service.
            copies = any(e.copy_of for e in produced if (e.service, e.topic) == (service, topic))
            known = (Known.SPAN,) if copies else role.producer_known
            yield Edge("produce", service, topic, count, 0, known, seen_as=service)


def _consume_edges(taken: Iterable[Delivery]) -> Iterable[Edge]:
    counts: Counter[tuple[str, str]] = Counter()
    errors: Counter[tuple[str, str]] = Counter()
    for delivery in taken:
        counts[delivery.topic, delivery.service] += 1
        errors[delivery.topic, delivery.service] += delivery.outcome.error
    for (topic, service), count in sorted(counts.items()):
        role = ROLES[service]
        yield Edge(
            "consume",
            topic,
            service,
            count,
            errors[topic, service],
            role.delivery_known,
            group=role.group,
            group_known=role.group_known,
            seen_as=_seen_as(role),
        )


def _call_edges(calls: Iterable[Called]) -> Iterable[Edge]:
    counts: Counter[tuple[str, str]] = Counter()
    errors: Counter[tuple[str, str]] = Counter()
    for call in calls:
        counts[call.client, call.server] += 1
        errors[call.client, call.server] += call.status >= 400
    for (client, server), count in sorted(counts.items()):
        failed = errors[client, server]
        yield Edge("call", client, server, count, failed, (Known.SPAN,), seen_as=client)


def _chains(produced: Sequence[Produced], taken: Sequence[Delivery]) -> Iterable[Chain]:
    effects: defaultdict[str, list[Produced]] = defaultdict(list)
    copies: defaultdict[str, list[Produced]] = defaultdict(list)
    deliveries: defaultdict[str, list[Delivery]] = defaultdict(list)
    for entry in produced:
        if entry.copy_of:
            copies[entry.ce_id].append(entry)
        elif entry.ce_id:
            effects[entry.cause].append(entry)
    for delivery in taken:
        deliveries[delivery.ce_id].append(delivery)
    for root in effects[""]:
        events = [root]
        for event in events:  # Grows while it is walked: effects of effects.
            events += effects.get(event.ce_id, [])
        yield _chain(
            root,
            events,
            [each for event in events for each in deliveries.get(event.ce_id, [])],
            [each for event in events for each in copies.get(event.ce_id, [])],
        )


def _chain(
    root: Produced,
    events: Sequence[Produced],
    deliveries: Sequence[Delivery],
    copies: Sequence[Produced],
) -> Chain:
    services = {event.service for event in events} | {each.service for each in deliveries}
    return Chain(
        root=root.ce_id,
        correlation=root.correlation,
        outcome=_chain_outcome({event.type for event in events}, bool(copies)),
        services=tuple(sorted(services)),
        events=tuple(
            Event(
                event.ce_id,
                event.type,
                event.service,
                *event.position,
                cause=event.cause,
                cause_known=ROLES[event.service].cause_known if event.cause else (),
                service_known=ROLES[event.service].producer_known,
                time=event.time,
            )
            for event in events
        ),
        deliveries=tuple(deliveries),
        copies=tuple(
            Copy(copy.ce_id, *copy.position, of=copy.copy_of, service=copy.service, known=_COPY)
            for copy in copies
        ),
    )


_COPY = (Known.SPAN,)


def _chain_outcome(types: set[str], dead: bool) -> str:
    if "user.registered" in types:
        return "registered"
    if "order.completed" in types:
        return "completed"
    if "order.cancelled" in types:
        return "cancelled"
    return "dead-lettered" if dead else "open"


def _unknowable(produced: Sequence[Produced], taken: Sequence[Delivery]) -> Iterable[Unknowable]:
    made = Counter((entry.service, entry.topic) for entry in produced)
    for (service, topic), count in sorted(made.items()):
        role = ROLES[service]
        if not role.producer_known:
            yield Unknowable(
                "producer",
                service,
                topic,
                count,
                "the service exports no spans and its messages have no headers; "
                "a Kafka record does not name its producer",
            )
        if not role.cause_known:
            yield Unknowable(
                "cause",
                service,
                topic,
                count,
                "neither span nor header says which messages led to it",
            )
    had = Counter((delivery.service, delivery.topic) for delivery in taken)
    for (service, topic), count in sorted(had.items()):
        role = ROLES[service]
        if not role.group_known:
            yield Unknowable(
                "consumer name",
                service,
                topic,
                count,
                f"the broker knows only the group {role.group!r}, and no span names it",
            )
        if role.delivery_known == (Known.PROGRESS,):
            yield Unknowable(
                "attempts",
                service,
                topic,
                count,
                "a group's progress tells that it passed a message, not how often it tried",
            )
