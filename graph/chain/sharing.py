"""Events that share a record key or a business id with others, in windows of time.

Such an id can be on any number of events for any length of time. So it is only looked for
around a delivery or an event, and where it is on very many events it says nothing. What decides
is always the window of the effect, so that a join is the same from either of its ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from graph.chain.gather import Gatherer
from graph.chain.inference import HANDLING, SKEW, WAITING, WAYS, received
from graph.chain.reach import Seed
from graph.chain.result import EventKey
from graph.chain.view import View
from graph.facts import Window
from graph.model import IdKind, OperationType

COMMON = 200
"""Places with one id in one window from which on it is too common to join anything."""

EVER = 2**63 - 1

BOUNDED = tuple(way.kind for way in WAYS if way.bounded)


class Sharing:
    """What was seen in the windows that were asked for."""

    def __init__(self, gatherer: Gatherer) -> None:
        self._gatherer = gatherer
        self._seen: dict[Window, set[Seed]] = {}
        self._common: set[Window] = set()

    def ask(self, windows: Collection[Window]) -> set[Seed]:
        """What lies in these windows; of one with very many, the earliest."""
        new = [window for window in dict.fromkeys(windows) if window not in self._seen]
        if new:
            found = self._gatherer.seen(new, COMMON)
            for window in new:
                inside = found.get((window.kind, window.id), ())
                places = [place for place, time in inside if window.start <= time <= window.end]
                self._seen[window] = set(places)
                if len(places) >= COMMON:
                    self._common.add(window)
        return {seed for window in windows for seed in self._seen[window]}

    def seeds(self) -> set[Seed]:
        """All that was seen."""
        return {seed for seeds in self._seen.values() for seed in seeds}

    def usable(self, view: View, key: EventKey, kind: IdKind) -> set[str]:
        """The ids of an event whose window was asked for, and is not too full; none where its
        flow is too large to look at."""
        if not self._common.isdisjoint(flows_of(view, key)):
            return set()
        return {
            window.id
            for window in causes_of(view, key)
            if window.kind is kind and window in self._seen and window not in self._common
        }

    def too_common(self, view: View, key: EventKey, kind: IdKind) -> set[str]:
        """The ids of an event that are on too many others."""
        windows = causes_of(view, key)
        return {one.id for one in windows if one.kind is kind and one in self._common}


def causes_of(view: View, key: EventKey) -> list[Window]:
    """Where the causes of an event are, if a key or business id joins them."""
    time = view.time(key)
    start, end = max(0, time - HANDLING - WAITING - SKEW), time + SKEW
    return [Window(kind, text, start, end) for kind, text in _ids(view, key)]


def flows_of(view: View, key: EventKey) -> list[Window]:
    """The flow of an event, by correlation id: it may tell more than a key does."""
    texts = sorted(view.ids(key, IdKind.CORRELATION))
    return [Window(IdKind.CORRELATION, text, 0, EVER) for text in texts]


def effects_of(view: View, key: EventKey) -> list[Window]:
    """Where the effects of an event are, likewise."""
    handlers = view.consumption.handlers(key)
    if not any(op.type is OperationType.RECEIVE for op, _ in handlers):
        return []
    ids = _ids(view, key)
    if not ids:
        return []
    windows = {(max(0, one.time - SKEW), one.until) for one in received(view, key) if one.until}
    return [Window(*one, *window) for window in sorted(windows) for one in ids]


def _ids(view: View, key: EventKey) -> list[tuple[IdKind, str]]:
    return [(kind, text) for kind in BOUNDED for text in sorted(view.ids(key, kind))]


def pooled(view: View, seeds: Iterable[Seed]) -> list[EventKey]:
    """The events of seeds."""
    return list(dict.fromkeys(key for seed in seeds for key in view.keys(seed)))
