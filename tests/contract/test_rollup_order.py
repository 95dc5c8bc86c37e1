"""In whatever order and pieces spans and messages arrive, the edges come out the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.store.client import Store
from collector.store.rollup import Rollup
from collector.store.rollup import rollup as module
from graph.chain.known import consumes
from graph.model import OperationType, Position, SpanContext
from tests import poured, stores
from tests.builders import EPOCH, Flow, Sent

SECOND = 10**9
MINUTE = 60 * SECOND
BORDER = EPOCH // MINUTE * MINUTE + MINUTE

WAYS = ("process below receive", "receive and process", "link", "parent")

Edge = tuple[int, str, str, str, str]
"""Minute, role, service, destination, evidence."""


@dataclass(frozen=True)
class Attempt:
    delay: int
    """Seconds after the message."""
    lasts: int
    """Seconds from polled to processed."""
    fails: bool


@dataclass(frozen=True)
class Consumer:
    service: str
    way: str
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True)
class Event:
    second: int
    producer: str
    destination: str
    known: str
    """What is left of it: both, its span only, or its message only."""
    consumers: tuple[Consumer, ...]
    answered: bool
    """Whether its first consumer sends what carries its context, and not that of the send."""


# Few times, on both sides of few borders between minutes, so that most stories cross one.
attempts = st.builds(Attempt, st.sampled_from([1, 2, 61]), st.sampled_from([0, 60]), st.booleans())
consumers = st.builds(
    Consumer,
    st.sampled_from(["payment", "points"]),
    st.sampled_from(WAYS),
    st.lists(attempts, min_size=1, max_size=3).map(tuple),
)
events = st.builds(
    Event,
    st.sampled_from([-62, -2, 0]),
    st.sampled_from(["shop", "bank"]),
    st.sampled_from(["orders", "payments"]),
    st.sampled_from(["both", "span", "message"]),
    st.lists(consumers, max_size=2, unique_by=lambda one: one.service).map(tuple),
    st.booleans(),
)


def happened(event: Event, flow: Flow, truth: Counter[Edge]) -> None:
    """Tell the event to the flow, and count what it adds to the edges."""
    flow.now = BORDER + event.second * SECOND
    sent = flow.send(event.producer, event.destination, tapped=event.known != "span")
    spanned = event.known != "message"
    if not spanned:
        flow.forget(sent)
    truth[
        _minute(sent.time),
        "produce",
        event.producer if spanned else "",
        event.destination,
        "observed" if spanned else "matched",
    ] += 1
    for consumer in event.consumers:
        began = min(_attempted(flow, sent, consumer, one) for one in consumer.attempts)
        truth[_minute(began), "consume", consumer.service, event.destination, "observed"] += 1
    if event.answered and event.consumers:
        _answered(flow, sent, event.consumers[0].service, truth)


def _answered(flow: Flow, sent: Sent, service: str, truth: Counter[Edge]) -> None:
    assert sent.context
    for handled in list(flow.operations.values()):
        targets = {relation.target for relation in handled.relations}
        if handled.service == service and consumes(handled) and sent.context in targets:
            flow.now = handled.start
            answer = flow.operation(service, "answers", OperationType.SEND, inside=handled)
            flow.now += SECOND
            flow.message("answers", contexts=(sent.context,))
            truth[_minute(answer.start), "produce", service, "answers", "observed"] += 1
            return


def _attempted(flow: Flow, sent: Sent, consumer: Consumer, attempt: Attempt) -> int:
    """The spans of one attempt; returns when it began."""
    flow.now = sent.time + attempt.delay * SECOND
    service = consumer.service
    if consumer.way in ("link", "parent"):
        handled = flow.process(service, sent, by=consumer.way, error=attempt.fails)
        return handled.start
    polled = flow.receive(service, sent, by="link")
    flow.now += attempt.lasts * SECOND
    if consumer.way == "receive and process":
        flow.process(service, sent, by="link", error=attempt.fails)
        return polled.start
    below = flow.operation(service, sent.destination, OperationType.PROCESS, inside=polled)
    return below.start


def _minute(ns: int) -> int:
    return ns // MINUTE * 60


def rows(store: Store) -> list[tuple[object, ...]]:
    """All current edges, without when they were computed."""
    return [
        tuple(row)
        for row in store.query(
            "SELECT toUnixTimestamp(minute), role, service, destination, evidence, peer, "
            "consumer_group, cluster, system, event_type, count, errors, last_seen, "
            "toString(finalizeAggregation(latency)), toString(finalizeAggregation(wait)) "
            "FROM edges WHERE role != 'empty' AND (minute, version) IN "
            "(SELECT minute, max(version) FROM edges GROUP BY minute) ORDER BY ALL"
        )
    ]


def counts(store: Store) -> Counter[Edge]:
    found: Counter[Edge] = Counter()
    for row in rows(store):
        minute, role, service, destination, evidence = row[:5]
        found[int(str(minute)), str(role), str(service), str(destination), str(evidence)] += int(
            str(row[10])
        )
    return found


def _part(flow: Flow, keys: list[SpanContext | Position]) -> Flow:
    part = Flow()
    part.spans = {key: flow.spans[key] for key in keys if isinstance(key, SpanContext)}
    part.operations = {key: flow.operations[key] for key in part.spans}
    part.messages = {key: flow.messages[key] for key in keys if isinstance(key, Position)}
    return part


GAPS = (0, 30, 90, 150, 400)
"""Seconds from the last beginning in a part to its receipt: what belongs together may be received
long after each other, as it is when a consumer lags or an exporter tries again."""


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=st.lists(events, min_size=1, max_size=4), data=st.data())
def test_edges_are_exact_in_any_order_of_arrival(
    store: Store, story: list[Event], data: st.DataObject
) -> None:
    flow, truth = Flow(), Counter[Edge]()
    for event in story:
        happened(event, flow, truth)
    stores.empty(store)
    everything: list[SpanContext | Position] = [*flow.spans, *flow.messages]
    # Some are exported, or read, twice.
    everything += data.draw(st.lists(st.sampled_from(everything), max_size=2))
    arrivals = data.draw(st.permutations(everything))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(arrivals)), max_size=3)))
    clock = Clock()
    rollup = Rollup(store, clock=clock.time)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stores, "time", clock)
        for start, end in zip([0, *cuts], [*cuts, len(arrivals)], strict=True):
            part = _part(flow, arrivals[start:end])
            if part.spans or part.messages:
                clock.after(part, data.draw(st.sampled_from(GAPS)))
                poured.pour(part, store)
                rollup.run(settle=0)

        step_by_step = rows(store)
        assert counts(store) == truth
        # From scratch, and mostly by whole minutes, also of what older versions stored.
        if data.draw(st.booleans()):
            stores.relate_within(store)
        patch.setattr(module, "KEPT", 1)
        Rollup(store, clock=clock.time).compute_all(lambda done, total: None)
        assert rows(store) == step_by_step


@pytest.mark.parametrize("older", [False, True])
def test_an_attempt_long_after_belongs_to_what_only_an_old_message_tells(
    store: Store, older: bool
) -> None:
    flow, truth = Flow(), Counter[Edge]()
    attempts = (Attempt(1, 0, True), Attempt(61, 0, False))
    consumers = (Consumer("payment", "parent", attempts),)
    happened(Event(-2, "shop", "orders", "message", consumers, False), flow, truth)
    first, second = flow.spans
    arrivals: list[list[SpanContext | Position]] = [[*flow.messages, first], [second]]
    clock = Clock()
    rollup = Rollup(store, clock=clock.time)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stores, "time", clock)
        for keys, gap in zip(arrivals, (0, 400), strict=True):
            part = _part(flow, keys)
            clock.after(part, gap)
            poured.pour(part, store)
            if older:
                stores.relate_within(store)
            rollup.run(settle=0)
    assert counts(store) == truth


class Clock:
    """What the time is where things are stored."""

    def __init__(self) -> None:
        self._now = 0

    def after(self, part: Flow, seconds: int) -> None:
        """So long after all that a part tells has begun."""
        last = max(
            *(span.start for span in part.spans.values()),
            *(message.time for message in part.messages.values()),
            0,
            0,
        )
        self._now = max(self._now + SECOND, last + seconds * SECOND)

    def time_ns(self) -> int:
        self._now += 1000
        return self._now

    def time(self) -> float:
        """Seconds since the epoch, a little later."""
        return self._now / SECOND + 0.001
