"""Causes where only an id is left that others share: who was given what, in which order.

Candidates are events with the same id that the producing service had been given. A correlation
id names a flow, so all of it is looked at. A business id or a record key can go on for ever:
it counts only soon after a delivery whose consumer span ended before the handler ran, and not
where it is on very many events (see `graph.chain.sharing`).

Of the candidates the latest before the event is taken, and when two are equally late, both.
Where several are left, or the clocks leave none, what recent flows have shown decides. None of
it ever replaces a join that spans or headers give.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from graph.chain.cause import Lead, Tried
from graph.chain.deliveries import deliveries_of
from graph.chain.history import History, Order
from graph.chain.names import may_be_same, service_names
from graph.chain.result import EventKey, Via
from graph.chain.view import View
from graph.facts import Kind
from graph.model import Evidence, IdKind, OperationType

if TYPE_CHECKING:
    from graph.chain.sharing import Sharing

MILLISECOND = 1_000_000
SECOND = 1_000_000_000

HANDLING = 60 * SECOND
"""From a delivery to what it leads to, where only a key or a business id joins them."""

WAITING = 600 * SECOND
"""From production to delivery, likewise."""

SKEW = 10 * SECOND
"""By how much clocks may differ, likewise."""

NEAREST = 20
"""Candidates on either side of an event that are looked at."""


Id = tuple[IdKind, str]


class Way(NamedTuple):
    """An id that a cause and its effect can share."""

    via: Via
    kind: IdKind
    bounded: bool
    """Whether it counts only soon after a delivery."""


WAYS = (
    Way(Via.CORRELATION_ID, IdKind.CORRELATION, False),
    Way(Via.BUSINESS_ID, IdKind.BUSINESS, True),
    Way(Via.KEY, IdKind.KEY, True),
)
"""In the order in which they are tried; the first that finds a candidate decides."""


@dataclass(frozen=True, slots=True)
class Given:
    """An event that a service was given, and when."""

    time: int
    key: EventKey
    service: str
    instances: frozenset[str] = frozenset()
    until: int = 0
    """How long a key or business id counts; 0 where the consumer's span was around its handler."""


class Inference:
    """Candidates by shared ids and consumers, among the events of a pool."""

    def __init__(
        self,
        view: View,
        pool: Iterable[EventKey],
        history: History,
        subscribers: Mapping[str, Collection[str]],
        shared: Sharing,
        followed: Collection[EventKey] | None = None,
    ) -> None:
        """`shared` knows by which business ids and keys the pool is complete; `followed` are the
        events to whose flows it is, when not all that will be asked about."""
        self._followed = None if followed is None else frozenset(followed)
        self.history = history
        self.shared = shared
        self._view = view
        self._subscribers = subscribers
        self._pool = dict.fromkeys(pool)
        self._given: dict[Id, dict[str, list[Given]]] = {}

    def learn(self, keys: Iterable[EventKey]) -> None:
        """Ask at once for all the history that deciding about these events needs."""
        pairs: set[tuple[Kind, Kind]] = set()
        for key in keys:
            for way in WAYS:
                before, after = self._candidates(way, key)
                kinds = {self._view.kind(one.key) for one in (*before, *after)}
                if after or len(kinds) > 1:
                    own = self._view.kind(key)
                    pairs.update((kind, own) for kind in kinds - {own})
        self.history.learn(pairs)

    def of(self, key: EventKey) -> tuple[Lead, ...]:
        """Who may have caused an event that nothing surer tells of."""
        tried = self.tried(key)
        return tried[-1].leads if tried else ()

    def looks_at(self, key: EventKey) -> bool:
        """Whether enough is known to say who may have caused an event."""
        return self._followed is None or key in self._followed

    def tried(self, key: EventKey) -> tuple[Tried, ...]:
        """The ways in their order, up to the first that found something."""
        tried: list[Tried] = []
        for way in WAYS:
            chosen = {one.key: one for one in self._chosen(way, key)}
            leads = tuple(
                Lead(
                    one.key,
                    Evidence.INFERRED,
                    way.via,
                    one.service,
                    way=self._view.way(key),
                    candidates=len(chosen),
                )
                for one in chosen.values()
            )
            tried.append(Tried(way.via, leads))
            if leads:
                break
        return tuple(tried)

    def _chosen(self, way: Way, key: EventKey) -> list[Given]:
        before, after = self._candidates(way, key)
        if len(before) == 1 and not after:
            return before
        orders = {one.key: self._order(one, key, way) for one in (*before, *after)}
        possible = [one for one in before if orders[one.key] is not Order.AFTER]
        sure = [one for one in before if orders[one.key] is Order.BEFORE]
        # Clocks that contradict what every flow shows are wrong: it stays, with its delay.
        skewed = [one for one in after if orders[one.key] is Order.BEFORE]
        chosen = _at(possible, max(map(_time, possible), default=0))
        if sure:
            chosen += _at(sure, max(map(_time, sure)))
        elif skewed:
            chosen += _at(skewed, min(map(_time, skewed)))
        return chosen

    def _order(self, one: Given, key: EventKey, way: Way) -> Order:
        """What history says of a candidate."""
        own = self._view.kind(key)
        order = self.history.order(self._view.kind(one.key), own)
        if order is not Order.BEFORE and any(
            other != key and self._view.kind(other) == own and self._view.time(other) < one.time
            for text in self._view.ids(key, way.kind)
            for other in self.members(way.kind, text)
        ):
            # History knows the first of a kind in a flow; this one comes again.
            return Order.BEFORE
        return order

    @cached_property
    def _members(self) -> dict[Id, list[EventKey]]:
        """The pool by its ids; an ordinary chain never asks."""
        found: dict[Id, list[EventKey]] = defaultdict(list)
        for key in self._pool:
            for way in WAYS:
                for text in self._view.ids(key, way.kind):
                    found[way.kind, text].append(key)
        return found

    def members(self, kind: IdKind, text: str) -> tuple[EventKey, ...]:
        """The events of the pool that have this id, normalised."""
        return tuple(self._members.get((kind, text), ()))

    def candidates(self, via: Via, key: EventKey) -> list[Given]:
        """All that one way leaves to choose from."""
        return [
            one
            for way in WAYS
            if way.via is via
            for side in self._candidates(way, key)
            for one in side
        ]

    def readers(self, key: EventKey) -> list[str]:
        """Who reads where an event lies, as far as the broker knows."""
        positions = self._view.identity.positions(key)
        return sorted({n for at in positions for n in self._subscribers.get(at.destination, ())})

    def _candidates(self, way: Way, key: EventKey) -> tuple[list[Given], list[Given]]:
        """The nearest that the producer was given before the event, and after it by the clocks;
        those after it only count where history knows better."""
        service = self._view.actor(key)
        if not service or not self.looks_at(key) or self._view.request(key) is not None:
            return [], []
        until = self._view.time(key)
        if not self._view.identity.producers(key):
            until += MILLISECOND - 1  # brokers' clocks say milliseconds, spans nanoseconds
        texts: Collection[str] = self._view.ids(key, way.kind)
        if way.bounded:
            texts = self.shared.usable(self._view, key, way.kind)
        before: list[Given] = []
        after: list[Given] = []
        for text in sorted(texts):
            for name in sorted(service_names(service)):
                ones = self._given_to((way.kind, text)).get(name, [])
                middle = bisect_right(ones, until, key=_time)
                near = range(middle - 1, -1, -1), range(middle, len(ones))
                for side, indices in zip((before, after), near, strict=True):
                    found = 0
                    for index in indices:
                        if found >= NEAREST:
                            break
                        if self._may_be(ones[index], key, way):
                            side.append(ones[index])
                            found += 1
        return _unique(before), _unique(after)

    def _given_to(self, id: Id) -> dict[str, list[Given]]:
        """Who was given events with this id, by name and time."""
        if id not in self._given:
            found: dict[str, list[Given]] = defaultdict(list)
            members = self._members.get(id, ())
            for key in members if len(members) > 1 else ():
                # Who reads there is asked of the broker, and only where it can count.
                flow = id[0] is IdKind.CORRELATION
                view = self._view
                ones = given(view, key, self._subscribers) if flow else received(view, key)
                for one in ones:
                    for name in service_names(one.service):
                        found[name].append(one)
            for each in found.values():
                each.sort(key=lambda one: (one.time, str(one.key)))
            self._given[id] = found
        return self._given[id]

    def _may_be(self, one: Given, key: EventKey, way: Way) -> bool:
        if one.key == key:
            return False
        view = self._view
        environment, _ = view.identity.realm(key)
        if not may_be_same(environment, view.identity.realm(one.key)[0]):
            return False
        # Of a caller only the service is known, not the instance.
        producers, actor = view.identity.producers(key), view.actor(key)
        instances = {op.instance for op, _ in producers if op.service == actor} - {""}
        if instances and one.instances and not instances & one.instances:
            return False
        if way.bounded and not self._is_near(one, key):
            return False
        return not self._comes_from(one.key, key)

    def _is_near(self, one: Given, key: EventKey) -> bool:
        """Whether a key or business id may join them: in time, and of one flow."""
        time = self._view.time(key)
        if not one.time - SKEW <= time <= one.until:
            return False
        if self._view.time(one.key) < time - WAITING - HANDLING:
            return False
        ours, theirs = (self._view.ids(each, IdKind.CORRELATION) for each in (key, one.key))
        return not ours or not theirs or bool(ours & theirs)

    def _comes_from(self, key: EventKey, origin: EventKey) -> bool:
        """Whether surer causes lead from `origin` to `key`."""
        seen = {key}
        todo = [key]
        while todo:
            for lead in self._view.causes.of(todo.pop()):
                if lead.key == origin:
                    return True
                if lead.key not in seen:
                    seen.add(lead.key)
                    todo.append(lead.key)
        return False


def given(view: View, key: EventKey, subscribers: Mapping[str, Collection[str]]) -> Iterable[Given]:
    """Who was given an event: by spans, and by who is known to the broker to read there."""
    known: set[str] = set()
    for one in received(view, key):
        known |= service_names(one.service)
        yield one
    time = view.time(key)
    for position in view.identity.positions(key):
        for name in sorted(subscribers.get(position.destination, ())):
            if name and not known & service_names(name):
                known |= service_names(name)
                yield Given(time, key, name)


def received(view: View, key: EventKey) -> Iterable[Given]:
    """Who was given an event as spans tell it: by service, and by group, each time anew."""
    for delivery in deliveries_of(view, key):
        early = all(op.type is OperationType.RECEIVE for op in delivery.operations)
        instances = frozenset(op.instance for op in delivery.operations) - {""}
        names = [name for name in dict.fromkeys((delivery.service, delivery.group)) if name]
        for start in sorted({delivery.start, *(one.start for one in delivery.attempts)}):
            until = start + HANDLING if early else 0
            for name in names:
                yield Given(start, key, name, instances, until)


def _time(one: Given) -> int:
    return one.time


def _at(ones: Iterable[Given], time: int) -> list[Given]:
    return [one for one in ones if one.time == time]


def _unique(ones: Iterable[Given]) -> list[Given]:
    """Each event once, as the nearest of its deliveries."""
    found: dict[EventKey, Given] = {}
    for one in ones:
        found.setdefault(one.key, one)
    return list(found.values())
