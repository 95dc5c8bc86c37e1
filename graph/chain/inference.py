"""Causes where only a correlation id is left: who consumed what, in which order.

Candidates are the events of the same correlation that the producing service had been given
before; the latest of them is taken, and when two are equally late, both. It never replaces a
join that spans or headers give.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from graph.chain.cause import Lead
from graph.chain.names import may_be_same, service_names
from graph.chain.result import Delivery, EventKey, Via
from graph.chain.view import View
from graph.model import Evidence

MILLISECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class _Given:
    """An event that a service was given, and when."""

    time: int
    key: EventKey
    service: str
    instances: frozenset[str] = frozenset()


class Inference:
    """Candidates by correlation id and consumer."""

    def __init__(
        self,
        view: View,
        deliveries: Mapping[EventKey, Iterable[Delivery]],
        subscribers: Mapping[str, Collection[str]],
    ) -> None:
        self._view = view
        given: dict[tuple[str, str], list[_Given]] = defaultdict(list)
        for key, ours in deliveries.items():
            correlations = view.correlations(key)
            if not correlations:
                continue
            known: set[str] = set()
            for one in _given(view, key, ours, subscribers, known):
                for name in service_names(one.service):
                    for correlation in correlations:
                        given[correlation, name].append(one)
        self._given = {
            place: sorted(ones, key=lambda one: one.time) for place, ones in given.items()
        }
        self._times = {place: [one.time for one in ones] for place, ones in self._given.items()}

    def of(
        self, key: EventKey, service: str, leads: Mapping[EventKey, Iterable[Lead]]
    ) -> tuple[Lead, ...]:
        """Who may have caused this event of that producer; `leads` are the surer causes."""
        if self._answers_a_request(key):
            return ()
        until = self._view.time(key)
        if not self._view.identity.producers(key):
            until += MILLISECOND - 1  # brokers' clocks say milliseconds, spans nanoseconds
        latest: list[_Given] = []
        for place in sorted(
            (correlation, name)
            for correlation in self._view.correlations(key)
            for name in service_names(service)
        ):
            ones = self._given.get(place, [])
            for index in range(bisect_right(self._times.get(place, []), until) - 1, -1, -1):
                one = ones[index]
                if latest and one.time < latest[0].time:
                    break
                if self._may_be(one, key, leads):
                    if latest and one.time > latest[0].time:
                        latest = []
                    latest.append(one)
        found = {one.key: one for one in latest}
        return tuple(
            Lead(one.key, Evidence.INFERRED, Via.CORRELATION_ID, one.service, candidates=len(found))
            for one in found.values()
        )

    def _answers_a_request(self, key: EventKey) -> bool:
        """Whether its trace begins with a call from outside, which then is what led to it."""
        for operation, _ in self._view.identity.producers(key):
            for context in self._view.known.ancestors(operation.context):
                span = self._view.known.spans.get(context)
                if span is not None and not span.parent and span.kind == "server":
                    return True
        return False

    def _may_be(self, one: _Given, key: EventKey, leads: Mapping[EventKey, Iterable[Lead]]) -> bool:
        if one.key == key:
            return False
        environment, _ = self._view.identity.realm(key)
        if not may_be_same(environment, self._view.identity.realm(one.key)[0]):
            return False
        instances = {op.instance for op, _ in self._view.identity.producers(key)} - {""}
        if instances and one.instances and not instances & one.instances:
            return False
        return not _comes_from(one.key, key, leads)


def _given(
    view: View,
    key: EventKey,
    deliveries: Iterable[Delivery],
    subscribers: Mapping[str, Collection[str]],
    known: set[str],
) -> Iterable[_Given]:
    for delivery in deliveries:
        for name in dict.fromkeys((delivery.service, delivery.group)):
            if name:
                instances = frozenset(op.instance for op in delivery.operations) - {""}
                known |= service_names(name)
                yield _Given(delivery.start, key, name, instances)
    for position in view.identity.positions(key):
        for name in sorted(subscribers.get(position.destination, ())):
            if name and not known & service_names(name):
                known |= service_names(name)
                yield _Given(view.time(key), key, name)


def _comes_from(key: EventKey, origin: EventKey, leads: Mapping[EventKey, Iterable[Lead]]) -> bool:
    """Whether surer causes lead from `origin` to `key`."""
    seen = {key}
    todo = [key]
    while todo:
        for lead in leads.get(todo.pop(), ()):
            if lead.key == origin:
                return True
            if lead.key not in seen:
                seen.add(lead.key)
                todo.append(lead.key)
    return False
