"""What a chain's duration consists of: the way to what ended last, and where its time went."""

from __future__ import annotations

from dataclasses import dataclass

from graph.chain.result import Cause, Chain, Delivery, DeliveryKey, EventKey


@dataclass(frozen=True, slots=True)
class Step:
    """An event on the way, and the delivery by which it went on; times in nanoseconds.

    They are as the clocks said it, so one can be negative where clocks differ.
    """

    event: EventKey
    delivery: DeliveryKey | None = None
    """None where only a header says that the event led on, or where the way ends with it."""
    waited: int = 0
    """From the event to the start of its delivery."""
    handled: int = 0
    """From there to the next event; for the last delivery to its end."""


def critical_path(chain: Chain) -> tuple[Step, ...]:
    """The way from a root to what ended last, the root first.

    Of several causes of an event the one that came last is on it: the others were there already.
    """
    ends = [(delivery.end, delivery.event, delivery) for delivery in chain.deliveries]
    last = max(ends, key=lambda end: (end[0], str(end[1])), default=None)
    latest = max(chain.events, key=lambda event: (event.time, str(event.key)))
    if last is None or latest.time > last[0]:
        way = [Step(latest.key)]
    else:
        _, key, delivery = last
        way = [_step(chain, key, delivery, delivery.end)]
    seen = {way[0].event}
    while True:
        effect = way[-1].event
        causes = [cause for cause in chain.causes_of(effect) if cause.cause not in seen]
        if not causes:
            return tuple(reversed(way))
        cause = max(causes, key=lambda one: (_began(chain, one), str(one.cause)))
        seen.add(cause.cause)
        way.append(_step(chain, cause.cause, _delivery(chain, cause), chain.event(effect).time))


def _step(chain: Chain, key: EventKey, delivery: Delivery | None, until: int) -> Step:
    time = chain.event(key).time
    if delivery is None or not delivery.start:
        return Step(key, delivery.key if delivery else None, until - time)
    return Step(key, delivery.key, delivery.start - time, until - delivery.start)


def _delivery(chain: Chain, cause: Cause) -> Delivery | None:
    deliveries = chain.deliveries_of(cause.cause)
    return next((one for one in deliveries if one.key == cause.delivery), None)


def _began(chain: Chain, cause: Cause) -> int:
    delivery = _delivery(chain, cause)
    return delivery.start if delivery and delivery.start else chain.event(cause.cause).time
