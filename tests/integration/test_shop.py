"""The shop on a real Kafka: its sagas, its faults, and whether its ledger tells the truth."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from samples.shop import entries
from samples.shop.entries import Outcome, Produced, Ready
from samples.shop.errors import ShopError
from samples.shop.flow import ROLES, Known, consumers
from samples.shop.shop import Shop
from tests.integration.outside import Context, Message, Span, committed
from tests.integration.shop_run import Run

pytestmark = pytest.mark.kafka


class TestTheRun:
    def test_comes_to_rest_with_nothing_lost(self, run: Run) -> None:
        assert run.left == []
        had = {
            (d.service, d.topic, d.partition, d.offset)
            for c in run.truth.chains
            for d in c.deliveries
        }
        for entry in run.produced:
            for role in consumers(entry.topic):
                assert (role.name, *entry.position) in had

    def test_wrote_down_exactly_the_messages_that_lie_on_the_broker(self, run: Run) -> None:
        assert Counter(entry.position for entry in run.produced) == Counter(list(run.messages))
        for entry in run.produced:
            assert run.messages[entry.position].header("ce_id") == entry.ce_id

    def test_every_order_ends_in_one_way(self, run: Run) -> None:
        saga = ("order.created", "stock.reserved")
        for chain in run.truth.chains:
            types = Counter(event.type for event in chain.events)
            del types["notification.sent"]
            expected = {
                "completed": [*saga, "payment.completed", "order.completed", "points.awarded"],
                "cancelled": [*saga, "payment.failed", "stock.released", "order.cancelled"],
                "dead-lettered": ["order.created"],
                "registered": ["user.registered"],
            }[chain.outcome]
            assert types == Counter(expected)
        for outcome in ("completed", "cancelled", "dead-lettered", "registered"):
            assert run.orders(outcome), outcome

    def test_a_completed_order_is_followed_over_at_least_six_services(self, run: Run) -> None:
        for chain in run.orders("completed"):
            assert len(chain.services) >= 8
            assert {event.service for event in chain.events} == {
                "storefront",
                "inventory",
                "payment",
                "points",
                "notification",
            }

    def test_messages_are_handled_twice_after_a_place_was_lost(self, run: Run) -> None:
        twice = {
            delivery.service: chain
            for chain in run.truth.chains
            for delivery in chain.deliveries
            if delivery.attempts == 2 and delivery.outcome is Outcome.HANDLED
        }
        assert {"notification", "points"} <= set(twice)
        causes = Counter(
            event.cause for event in twice["notification"].events if event.service == "notification"
        )
        assert 2 in causes.values(), "an SMS sent twice"

    def test_poison_is_tried_twice_and_lies_on_the_dead_letter_topic(self, run: Run) -> None:
        chain = run.orders("dead-lettered")[0]
        [copy] = chain.copies
        [delivery] = [each for each in chain.deliveries if each.service == "inventory"]
        assert (delivery.attempts, delivery.outcome) == (2, Outcome.DEAD_LETTERED)
        original = run.messages[delivery.topic, delivery.partition, delivery.offset]
        dead = run.messages[copy.topic, copy.partition, copy.offset]
        assert dead.headers[: len(original.headers)] == original.headers
        assert copy.of == "/".join(
            dead.header(f"__connect.errors.{name}") for name in ("topic", "partition", "offset")
        )
        assert len(dead.contexts) == 2

    def test_a_service_that_was_away_catches_up(self, run: Run) -> None:
        started = [
            each.pid
            for each in entries.read(run.directory)
            if isinstance(each, Ready) and each.service == "order-view"
        ]
        assert len(started) == 2
        batches = [s for s in run.spans if s.service == "order-view" and len(s.links) > 1]
        assert batches, "the backlog was taken several messages at once"

    def test_leaves_no_process(self, run: Run) -> None:
        assert set(run.pids) == set(ROLES)
        assert not [name for name, pid in run.pids.items() if alive(pid)]


class TestWhatTheLedgerCallsKnowable:
    """Each way of knowing is tried out on the spans, messages and offsets of the run."""

    def test_producers(self, run: Run) -> None:
        spans = {span.context: span for span in run.spans}
        tried = Counter[Known]()
        for chain in run.truth.chains:
            for event in chain.events:
                message = run.messages[event.topic, event.partition, event.offset]
                for known in event.service_known:
                    tried[known] += 1
                    if known is Known.SPAN:
                        span = spans[message.contexts[-1]]
                        assert (span.service, span.kind) == (event.service, "producer")
                    else:
                        assert message.header("ce_source") == event.service
        assert set(tried) == {Known.SPAN, Known.SOURCE}

    def test_causes(self, run: Run) -> None:
        spans = {span.context: span for span in run.spans}
        ids = {entry.ce_id: entry for entry in run.produced if not entry.copy_of}
        tried = Counter[Known]()
        for event in (event for chain in run.truth.chains for event in chain.events if event.cause):
            message = run.messages[event.topic, event.partition, event.offset]
            cause = run.messages[ids[event.cause].position]
            assert (Known.CAUSATION in event.cause_known) == bool(message.header("ce_causationid"))
            for known in event.cause_known:
                tried[known] += 1
                if known is Known.SPAN:
                    assert cause.contexts[-1] in above(spans, message.contexts[-1])
                elif known is Known.CAUSATION:
                    assert message.header("ce_causationid") == event.cause
                else:
                    assert not message.contexts
                    assert latest_before(run, event.service, message) == cause
        assert set(tried) == {Known.SPAN, Known.CAUSATION, Known.CORRELATION}

    def test_spans_show_a_cause_only_where_the_ledger_says_so(self, run: Run) -> None:
        spans = {span.context: span for span in run.spans}
        carrying = run.carrying()
        for event in (event for chain in run.truth.chains for event in chain.events if event.cause):
            message = run.messages[event.topic, event.partition, event.offset]
            if Known.SPAN not in event.cause_known and message.contexts:
                assert not set(above(spans, message.contexts[-1])) & set(carrying)

    def test_deliveries_and_their_attempts(self, run: Run) -> None:
        seen = run.deliveries()
        reporting = committed(run.bootstrap, "reporting")
        for delivery in (each for chain in run.truth.chains for each in chain.deliveries):
            position = (delivery.topic, delivery.partition, delivery.offset)
            if delivery.known == (Known.PROGRESS,):
                assert reporting[delivery.topic, delivery.partition] > delivery.offset
                continue
            at = seen[delivery.service][position]
            if delivery.service in ("inventory", "points"):  # They open process spans themselves.
                at = [span for span in at if span.name.startswith("process")]
            assert len(at) == delivery.attempts

    def test_edges_have_exactly_these_counts(self, run: Run) -> None:
        seen = Counter[tuple[str, str, str]]()
        for service, positions in run.deliveries().items():
            for topic, _, _ in positions:
                seen["consume", topic, service] += 1
        spans = {span.context: span for span in run.spans}
        for message in run.messages.values():
            if message.contexts:
                seen["produce", spans[message.contexts[-1]].service, message.topic] += 1
            elif message.header("ce_source"):
                seen["produce", message.header("ce_source"), message.topic] += 1
        for span in run.spans:
            if span.kind == "server" and span.parent:
                seen["call", spans[span.parent].service, span.service] += 1
        for (topic, _), end in progress(run, "reporting").items():
            seen["consume", topic, "reporting"] += end
        told = {
            (e.kind, *((e.source, e.seen_as) if e.kind == "consume" else (e.source, e.target))): e
            for e in run.truth.edges
        }
        assert seen == Counter({edge: told[edge].count for edge in told})

    def test_failed_handlings_are_errors_of_their_spans(self, run: Run) -> None:
        failed = Counter[tuple[str, str]]()
        for service, positions in run.deliveries().items():
            for (topic, _, _), at in positions.items():
                failed[topic, service] += any(span.error for span in at)
        for edge in run.truth.edges:
            if edge.kind == "consume" and Known.SPAN in edge.known:
                assert edge.errors == failed[edge.source, edge.target]

    def test_which_service_a_group_is(self, run: Run) -> None:
        named = {
            (span.attributes["messaging.consumer.group.name"], span.service)
            for span in run.spans
            if "messaging.consumer.group.name" in span.attributes
        }
        assert named == {
            (role.group, role.name)
            for role in ROLES.values()
            if role.group_known == (Known.SPAN,) and role.group
        }


class TestWhatTheLedgerCallsUnknowable:
    def test_really_is(self, run: Run) -> None:
        assert {(each.fact, each.service) for each in run.truth.unknowable} == {
            ("producer", "analytics"),
            ("cause", "analytics"),
            ("consumer name", "analytics"),
            ("attempts", "analytics"),
        }
        tallies = [each for each in run.messages.values() if each.topic == "sales.tally"]
        assert tallies and all(each.headers == () and each.key == "" for each in tallies)
        assert not [span for span in run.spans if "analytics" in (span.service, span.name)]
        assert not [span for span in run.spans if "sales.tally" in span.attributes.values()]


class TestTheProcesses:
    def test_another_run_needs_another_directory(self, run: Run) -> None:
        with pytest.raises(ShopError, match="earlier run"):
            Shop(run.bootstrap, "", run.directory).start()

    def test_end_when_their_owner_is_killed_and_never_mind_a_dead_collector(
        self, run: Run, tmp_path: Path
    ) -> None:
        command = [sys.executable, "-m", "samples.shop", "--bootstrap", run.bootstrap]
        command += ["--otlp", "http://127.0.0.1:9", "--rate", "5", "--ledger", str(tmp_path)]
        owner = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            eventually(lambda: completed(tmp_path) >= 3)
        finally:
            owner.send_signal(signal.SIGKILL)
            owner.wait()
        pids = {e.service: e.pid for e in entries.read(tmp_path) if isinstance(e, Ready)}
        assert set(pids) == set(ROLES)
        eventually(lambda: not any(alive(pid) for pid in pids.values()))


def completed(directory: Path) -> int:
    return sum(
        isinstance(entry, Produced) and entry.topic == "order.completed"
        for entry in entries.read(directory)
    )


def above(spans: dict[Context, Span], context: Context) -> list[Context]:
    """Everything that a span and its ancestors in the same service point at."""
    found: list[Context] = []
    span = spans.get(context)
    service = span.service if span else ""
    while span and span.service == service:
        found += span.points_at
        span = spans.get(span.parent) if span.parent else None
    return found


def latest_before(run: Run, service: str, effect: Message) -> Message:
    """The message of the same correlation that the service was handling when it sent this one."""
    candidates = [
        (span.start, run.messages[position])
        for position, at in run.deliveries()[service].items()
        for span in at
        if span.start // 1_000_000 <= effect.time
        and run.messages[position].header("ce_correlationid") == effect.header("ce_correlationid")
    ]
    return max(candidates, key=lambda candidate: candidate[0])[1]


def progress(run: Run, group: str) -> dict[tuple[str, int], int]:
    """How many messages of this run the group has passed, by partition."""
    passed = committed(run.bootstrap, group)
    return {
        partition: sum(
            (topic, number) == partition and offset < end for topic, number, offset in run.messages
        )
        for partition, end in passed.items()
    }


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def eventually(condition: Callable[[], bool], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen"
        threading.Event().wait(0.05)
