"""What became of an event at each of its consumers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graph.chain.result import Chain, Event
from graph.edges import EdgeRow
from graph.fate.by_progress import from_progress, nothing_known
from graph.fate.by_spans import dead_lettered, failed, handled, retried_elsewhere
from graph.fate.case import Case
from graph.fate.consumers import Declared, Subscriber, subscribers
from graph.fate.copies import Copy, copies_of, makers
from graph.fate.result import Fate, Fates, Status
from graph.listing import Consumer, EventRow
from graph.lookup import event_id
from graph.model import CopyKind, Passage


def fates(
    chain: Chain,
    passages: Sequence[Passage],
    edges: Iterable[EdgeRow] = (),
    groups: Iterable[Consumer] = (),
    declared: Iterable[Declared] = (),
    *,
    now: int,
) -> Fates:
    """The fates of the chain's focus.

    `passages` are those of all its positions, `edges` those around its time, `groups` what the
    brokers tell, `now` nanoseconds since the Unix epoch.
    """
    event = chain.event(chain.focus)
    consumers = subscribers(
        event, chain.deliveries_of(event.key), passages, edges, groups, declared
    )
    made, left = makers(event, copies_of(event), consumers)
    told = [
        judged(Case(event, consumer, made.get(index, ()), passages, now))
        for index, consumer in enumerate(consumers)
    ]
    told.sort(key=lambda one: (one.status.rank, one.name, one.group))
    return Fates(
        event=_row(event),
        copies=event.positions[1:],
        consumers=tuple(told),
        notes=tuple(_notes(event, left, consumers)),
        others=len(chain.starts) - 1,
    )


def judged(case: Case) -> Fate:
    """Of all that is true of one consumer, what matters most; the rest are its notes."""
    dead = case.last_made(CopyKind.DEAD_LETTER)
    if dead and not any(one.attempt.start > dead.copy.time for one in case.succeeded):
        return dead_lettered(case, dead)
    if case.succeeded and not case.being_handled:
        return handled(case)
    retry = case.last_made(CopyKind.RETRY)
    if retry and case.waits_at(retry.copy.position) is not False:
        return retried_elsewhere(case, retry)
    if case.failed and not case.succeeded:
        waits = case.passage is not None and case.passage.waits
        return failed(case, Status.RETRIED if waits and len(case.failed) > 1 else Status.FAILED)
    if case.passage is not None:
        return from_progress(case, case.passage)
    return nothing_known(case)


def _row(event: Event) -> EventRow:
    return EventRow(
        id=event_id(event.key),
        time=event.time,
        destination=event.destination,
        system=event.system,
        cluster=event.cluster,
        environment=event.environment,
        event_type=event.event_type,
        key=event.record_key,
        message_id=event.message_id,
        correlation_id=event.correlation_id,
        service=event.service,
        tapped=bool(event.messages),
        error=event.error,
        received=max((message.received for message in event.messages), default=0),
    )


def _notes(event: Event, left: Sequence[Copy], consumers: Sequence[Subscriber]) -> Iterable[str]:
    for copy in left:
        kind = "a dead letter" if copy.kind is CopyKind.DEAD_LETTER else "a retry"
        why = f" ({copy.reason})" if copy.reason else ""
        yield f"A copy lies at {copy.position} as {kind}{why}; nothing says who made it."
    if not consumers:
        yield "Nobody was seen consuming it, and the configuration declares no consumer."
    if not event.positions:
        yield (
            "No tap saw its message, so consumer groups say nothing of it: tap the broker that it "
            "lies on."
        )
