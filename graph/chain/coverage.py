"""Where a chain may have been cut because what came before has left the store."""

from __future__ import annotations

from graph.chain.result import Chain, Event, EventKey
from graph.figures import date
from graph.gaps import Gap

NEAR = 3600 * 10**9
"""Nanoseconds after the covered window's beginning in which an event may well have been led to by
one before it."""


def cut_events(chain: Chain) -> tuple[EventKey, ...]:
    """Events without a cause in the chain that may have one before what is covered: they happened
    before its beginning or soon after, or name a cause that nobody knows."""
    if not chain.covered_from:
        return ()
    near = chain.covered_from + NEAR
    roots = (chain.event(key) for key in chain.roots)
    return tuple(one.key for one in roots if one.time < near or one.causation_id)


def missed_by(chain: Chain, event: Event) -> Gap | None:
    """The gap in which the message of an event lay that is known from spans only."""
    if event.messages or not chain.gaps:
        return None
    held = (gap for gap in chain.gaps for position in event.positions if gap.holds(position))
    return next(held, None)


def missed_message(gap: Gap) -> str:
    """What is said beside an event whose message is in a gap."""
    return f"the tap missed its message: {gap.reason} ({gap})"


def pruned_before(covered_from: int) -> str:
    """The time in words: `2026-11-12 00:00 UTC`."""
    return f"{date(covered_from)[:16]} UTC"


def missing_causes(covered_from: int) -> str:
    """What is said beside an event whose causes may have left."""
    return f"may have causes before {pruned_before(covered_from)}, which was pruned"
