"""Goes on, where spans and headers end, to events that share only a record key or a business id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from graph.chain.inference import Inference
from graph.chain.reach import Directions, Reach, Seed, seed_of
from graph.chain.result import EventKey
from graph.chain.sharing import causes_of, effects_of, flows_of, pooled
from graph.chain.view import View
from graph.model import IdKind

if TYPE_CHECKING:
    from graph.chain.expand import Expansion


class Alike:
    """The part of a search that follows keys and business ids, in both directions.

    An effect is looked at as if it had been the start: with all that may have caused it. So it
    does not matter from which of its ends a join is found.
    """

    def __init__(self) -> None:
        self._followed: dict[EventKey, Directions] = {}

    def found(self, expansion: Expansion) -> dict[EventKey, Directions]:
        """Events that were reached in this way just now. The search is not kept: it holds this, and
        what holds itself is there until somebody looks for it, which takes long."""
        follow = {
            key: reach
            for key, reach in expansion.reached.items()
            if reach & ~self._followed.get(key, Reach.SHOWN)
        }
        self._followed |= follow
        above = _unknown(expansion, follow)
        below = _candidates(expansion, follow)
        if not above and not below:
            return {}
        view = expansion.view()
        seeds = expansion.sharing.ask(
            [
                window
                for key in (*above, *below)
                for window in (*causes_of(view, key), *flows_of(view, key))
            ]
        )
        expansion.complete(dict.fromkeys(seeds, Reach.SHOWN))
        view = expansion.view()
        above, below = expansion.canonical(view, above), expansion.canonical(view, below)
        inference = expansion.inference(view)
        inference.learn((*above, *below))
        return expansion.reach(_joined(expansion, inference, above, below), effects=set())


def _unknown(expansion: Expansion, follow: Mapping[EventKey, Directions]) -> list[EventKey]:
    """Of those whose causes are followed, the ones that neither spans nor their flow tell."""
    view = expansion.view()
    unknown = [k for k, reach in follow.items() if reach & Reach.CAUSES and _open(view, k)]
    if not unknown:
        return []
    inference = expansion.inference(view)
    inference.learn(unknown)
    return [key for key in unknown if not inference.of(key)]


def _candidates(expansion: Expansion, follow: Mapping[EventKey, Directions]) -> list[EventKey]:
    """What may be an effect of those whose effects are followed."""
    view = expansion.view()
    windows = [
        window
        for key, reach in follow.items()
        if reach & Reach.EFFECTS
        for window in effects_of(view, key)
    ]
    if not windows:
        return []
    seeds = expansion.sharing.ask(windows)
    expansion.complete(dict.fromkeys(seeds, Reach.SHOWN))
    view = expansion.view()
    return [
        key
        for key in pooled(view, seeds)
        if not expansion.reached.get(key, Reach.SHOWN) & Reach.EFFECTS and _open(view, key)
    ]


def _joined(
    expansion: Expansion, inference: Inference, above: Iterable[EventKey], below: Iterable[EventKey]
) -> dict[Seed, Directions]:
    """The causes of the ones, and those of the others that the reached ones led to."""
    reached, whole = expansion.reached, expansion.whole
    found: dict[Seed, Directions] = {}

    def add(key: EventKey, reach: Directions) -> None:
        found[seed_of(key)] = found.get(seed_of(key), Reach.SHOWN) | reach

    for key in above:
        for lead in inference.of(key):
            add(lead.key, Reach.BOTH if whole else Reach.CAUSES)
    for key in below:
        leads = inference.of(key)
        if any(reached.get(lead.key, Reach.SHOWN) & Reach.EFFECTS for lead in leads):
            add(key, Reach.BOTH if whole else Reach.EFFECTS)
            for lead in leads:
                add(lead.key, Reach.BOTH if whole else Reach.SHOWN)
    return found


def _open(view: View, key: EventKey) -> bool:
    """Whether nothing tells what led to an event, and a key or business id of it could."""
    return (
        not view.causes.of(key)
        and bool(view.ids(key, IdKind.KEY) or view.ids(key, IdKind.BUSINESS))
        and bool(view.actor(key))
        and view.request(key) is None
    )
