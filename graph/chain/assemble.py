"""Puts a chain together from all that was reached: events, deliveries, causes, in their order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from graph.chain.cause import Lead
from graph.chain.deliveries import deliveries_of
from graph.chain.inference import Inference
from graph.chain.names import service_names
from graph.chain.result import (
    Cause,
    Chain,
    Creation,
    Delivery,
    Event,
    EventKey,
    Stop,
)
from graph.chain.view import View
from graph.model import Evidence, Position


def assemble(
    view: View,
    *,
    starts: Sequence[EventKey],
    members: Sequence[EventKey],
    reached: Collection[EventKey],
    whole: bool,
    stopped: Stop | None,
    inference: Inference,
) -> Chain:
    """The chain of `starts`; `members` are those and what shares a correlation id with them."""
    events = {key: event_of(view, key) for key in reached}
    deliveries = {key: deliveries_of(view, key) for key in reached}
    leads = {key: view.causes.of(key) for key in reached}
    unknown = [key for key in reached if not leads[key]]
    inference.learn(unknown)
    leads |= {key: inference.of(key) for key in unknown}
    kept = set(events) if whole else _lineage(members, leads)
    order = sorted(kept, key=lambda key: (events[key].time, _by_key(key)))
    rank = {key: index for index, key in enumerate(order)}
    by_consumer = {
        (key, operation.context): delivery
        for key in order
        for delivery in deliveries[key]
        for operation in delivery.operations
    }
    causes = []
    for key in order:
        near = [lead for lead in leads[key] if lead.key in rank]
        for lead in sorted(near, key=lambda lead: rank[lead.key]):
            delivery = by_consumer.get((lead.key, lead.consumer)) if lead.consumer else None
            if delivery is None:
                delivery = _delivered(lead, events[key], deliveries[lead.key])
            causes.append(_cause(lead, events[lead.key], events[key], delivery))
    asked = sorted(rank.keys() & set(starts), key=rank.__getitem__)
    joined = _connected(asked, causes)
    return Chain(
        focus=asked[0],
        starts=tuple(asked),
        events=tuple(events[key] for key in order),
        deliveries=tuple(one for key in order for one in sorted(deliveries[key], key=_by_start)),
        causes=tuple(causes),
        related=tuple(key for key in order if key not in joined),
        stopped=stopped,
    )


def event_of(view: View, key: EventKey) -> Event:
    """An event with all that is known of it."""
    identity = view.identity
    messages = identity.messages(key)
    producers = (*identity.producers(key), *identity.copiers(key))
    operations = tuple(operation for operation, _ in producers)
    handlers = tuple(operation for operation, _ in view.consumption.handlers(key))
    positions = identity.positions(key)
    service, evidence = view.producer(key)
    spoken = (*operations, *handlers)
    return Event(
        key=key,
        time=view.time(key),
        destination=_first(
            (position.destination for position in positions),
            (operation.destination for operation in operations),
            [key.destination] if isinstance(key, Creation) else (),
            (operation.destination for operation in handlers),
        ),
        system=_first((p.system for p in positions), (op.system for op in spoken)),
        cluster=_first((p.cluster for p in positions), (op.cluster for op in spoken)),
        environment=_first((m.environment for m in messages), (op.environment for op in spoken)),
        event_type=_first((m.event_type for m in messages), (op.event_type for op in spoken)),
        service=service,
        service_evidence=evidence,
        message_id=_first((m.message_id for m in messages), (op.message_id for op in spoken)),
        correlation_id=_first(
            (m.correlation_id for m in messages), (op.conversation_id for op in spoken)
        ),
        causation_id=_first(m.causation_id for m in messages),
        record_key=_first((m.key for m in messages), (op.key for op in operations)),
        messages=messages,
        positions=positions,
        contexts=tuple(
            dict.fromkeys((*identity.contexts(key), *(op.context for op in operations)))
        ),
        operations=operations,
        joins=tuple(join for _, join in producers),
        batch=max((len(identity.created(op.context)) for op in operations), default=1),
    )


def _first(*texts: Iterable[str]) -> str:
    return next((text for some in texts for text in some if text), "")


def _delivered(lead: Lead, effect: Event, deliveries: list[Delivery]) -> Delivery | None:
    """The delivery of the cause through which the effect came about.

    Where no span tells of it, one is added: that the service took the event's context is a
    delivery too. A causation id alone says nothing about who consumed.
    """
    service = lead.service or effect.service
    fitting = [
        delivery
        for delivery in deliveries
        if service_names(service) & {delivery.service.casefold(), delivery.group.casefold()}
    ]
    if fitting:
        before = [delivery for delivery in fitting if delivery.start <= effect.time]
        return max(before or fitting, key=lambda one: (len(one.operations) > 0, _by_start(one)))
    if lead.evidence is Evidence.DECLARED or not service:
        return None
    start = 0
    if lead.evidence is not Evidence.INFERRED:
        start = lead.way[0].start if lead.way else effect.time
    added = Delivery(lead.key, service, start=start, end=start, evidence=lead.evidence)
    deliveries.append(added)
    return added


def _by_start(delivery: Delivery) -> tuple[int, str, str]:
    return delivery.start, delivery.service, delivery.group


def _cause(lead: Lead, cause: Event, effect: Event, delivery: Delivery | None) -> Cause:
    since = delivery.start if delivery and delivery.start else cause.time
    return Cause(
        cause=cause.key,
        effect=effect.key,
        evidence=lead.evidence,
        via=lead.via,
        service=delivery.service if delivery else "",
        group=delivery.group if delivery else "",
        way=lead.way,
        delay=effect.time - since,
        candidates=lead.candidates,
    )


def _by_key(key: EventKey) -> tuple[object, ...]:
    if isinstance(key, Position):
        return (0, *key)
    return (1, *key.context, key.destination)


def _lineage(starts: Iterable[EventKey], leads: Mapping[EventKey, Sequence[Lead]]) -> set[EventKey]:
    """Starts, all their causes, all their effects, and what else caused those directly."""
    causes = {key: [lead.key for lead in ours] for key, ours in leads.items()}
    effects: dict[EventKey, list[EventKey]] = defaultdict(list)
    for key, above in causes.items():
        for cause in above:
            effects[cause].append(key)
    known = [key for key in starts if key in leads]
    down = _closure(known, effects)
    beside = {cause for key in down for cause in causes.get(key, ())}
    return (_closure(known, causes) | down | beside) & leads.keys()


def _connected(starts: Iterable[EventKey], causes: Iterable[Cause]) -> set[EventKey]:
    """What any joins, in either direction, lead to."""
    beside: dict[EventKey, list[EventKey]] = defaultdict(list)
    for cause in causes:
        beside[cause.cause].append(cause.effect)
        beside[cause.effect].append(cause.cause)
    return _closure(starts, beside)


def _closure(
    starts: Iterable[EventKey], beside: Mapping[EventKey, Sequence[EventKey]]
) -> set[EventKey]:
    found = set(starts)
    todo = list(found)
    while todo:
        new = set(beside.get(todo.pop(), ())) - found
        found |= new
        todo.extend(new)
    return found
