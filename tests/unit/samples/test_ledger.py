"""What the shop's ledger makes of its services' lines."""

from __future__ import annotations

import json
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from samples.shop import entries
from samples.shop.entries import (
    Called,
    Committed,
    Consumed,
    Entry,
    Journal,
    Outcome,
    Position,
    Produced,
    Ready,
)
from samples.shop.flow import ROLES, Known
from samples.shop.ledger import Pending, pending, truth
from samples.shop.truth import Chain, Edge, Truth


class Story:
    """Writes the ledger of a small run, one thing after the other."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._offsets: dict[str, count[int]] = {}
        self._clock = count(1)
        self._types: dict[str, Produced] = {}

    def produces(self, service: str, topic: str, ce_id: str = "", cause: str = "") -> Produced:
        offset = next(self._offsets.setdefault(topic, count()))
        type = topic if ce_id else ""
        entry = Produced(
            service, topic, 0, offset, ce_id, type, cause, "order-1", time=next(self._clock)
        )
        self._types[ce_id] = entry
        self.entries.append(entry)
        return entry

    def copies(self, service: str, original: Produced, topic: str) -> Produced:
        entry = Produced(
            service,
            topic,
            0,
            0,
            original.ce_id,
            correlation=original.correlation,
            copy_of=str(original.position),
            time=next(self._clock),
        )
        self.entries.append(entry)
        return entry

    def handles(self, service: str, message: Produced, *outcomes: Outcome) -> None:
        """Each outcome is an attempt; the last one is committed."""
        role = ROLES[service]
        for attempt, outcome in enumerate(outcomes or (Outcome.HANDLED,), start=1):
            self.entries.append(
                Consumed(
                    service,
                    role.group,
                    *message.position,
                    ce_id=message.ce_id,
                    outcome=outcome,
                    attempt=attempt,
                    time=next(self._clock),
                )
            )
        topic, partition, offset = message.position
        self.entries.append(
            Committed(service, role.group, topic, partition, offset + 1, time=next(self._clock))
        )

    def calls(self, status: int = 201) -> None:
        self.entries.append(Called("customer", "storefront", "/orders", status, next(self._clock)))

    @property
    def truth(self) -> Truth:
        return truth(self.entries)

    @property
    def chain(self) -> Chain:
        [chain] = self.truth.chains
        return chain

    def edge(self, source: str, target: str) -> Edge:
        [edge] = [e for e in self.truth.edges if (e.source, e.target) == (source, target)]
        return edge


@pytest.fixture
def story() -> Story:
    return Story()


def cancelled_order(story: Story) -> None:
    """An order whose payment fails: the saga gives the stock back and calls the order off."""
    created = story.produces("storefront", "order.created", "e1")
    story.handles("inventory", created)
    reserved = story.produces("inventory", "stock.reserved", "e2", cause="e1")
    story.handles("payment", reserved)
    failed = story.produces("payment", "payment.failed", "e3", cause="e2")
    story.handles("inventory", failed)
    released = story.produces("inventory", "stock.released", "e4", cause="e3")
    story.handles("storefront", released)
    story.produces("storefront", "order.cancelled", "e5", cause="e4")


class TestChains:
    def test_an_order_holds_everything_that_followed_from_it(self, story: Story) -> None:
        cancelled_order(story)
        chain = story.chain
        assert chain.root == "e1"
        assert [(event.type, event.cause) for event in chain.events] == [
            ("order.created", ""),
            ("stock.reserved", "e1"),
            ("payment.failed", "e2"),
            ("stock.released", "e3"),
            ("order.cancelled", "e4"),
        ]
        assert chain.services == ("inventory", "payment", "storefront")
        assert chain.outcome == "cancelled"

    def test_each_cause_says_how_it_can_be_known(self, story: Story) -> None:
        cancelled_order(story)
        known = {event.type: event.cause_known for event in story.chain.events}
        assert known == {
            "order.created": (),
            "stock.reserved": (Known.SPAN, Known.CAUSATION),
            "payment.failed": (Known.CAUSATION,),
            "stock.released": (Known.SPAN, Known.CAUSATION),
            "order.cancelled": (Known.SPAN,),
        }

    def test_two_orders_are_two_chains(self, story: Story) -> None:
        story.produces("storefront", "order.created", "e1")
        story.produces("storefront", "order.created", "f1")
        story.produces("inventory", "stock.reserved", "f2", cause="f1")
        assert [(chain.root, len(chain.events)) for chain in story.truth.chains] == [
            ("e1", 1),
            ("f1", 2),
        ]

    def test_an_sms_sent_twice_is_two_effects_of_one_delivery(self, story: Story) -> None:
        created = story.produces("storefront", "order.created", "e1")
        story.produces("notification", "notification.sent", "n1", cause="e1")
        story.produces("notification", "notification.sent", "n2", cause="e1")
        story.handles("notification", created, Outcome.HANDLED, Outcome.HANDLED)
        [delivery] = story.chain.deliveries
        assert delivery.attempts == 2
        assert [event.cause for event in story.chain.events[1:]] == ["e1", "e1"]
        assert story.chain.events[1].cause_known == (Known.CORRELATION,)

    def test_a_duplicate_does_not_undo_the_handling(self, story: Story) -> None:
        created = story.produces("storefront", "order.completed", "e1")
        story.handles("points", created, Outcome.HANDLED, Outcome.DUPLICATE)
        assert story.chain.deliveries[0].outcome is Outcome.HANDLED

    def test_a_dead_letter_is_a_copy_and_no_new_event(self, story: Story) -> None:
        created = story.produces("storefront", "order.created", "e1")
        story.handles("inventory", created, Outcome.FAILED, Outcome.DEAD_LETTERED)
        story.copies("inventory", created, "order.created.dlt")
        chain = story.chain
        assert len(chain.events) == 1
        assert [(copy.topic, copy.of) for copy in chain.copies] == [
            ("order.created.dlt", "order.created/0/0")
        ]
        assert chain.outcome == "dead-lettered"

    def test_an_order_under_way_is_open(self, story: Story) -> None:
        story.produces("storefront", "order.created", "e1")
        assert story.chain.outcome == "open"


class TestEdges:
    def test_a_message_delivered_twice_counts_once(self, story: Story) -> None:
        created = story.produces("storefront", "order.created", "e1")
        story.handles("notification", created, Outcome.HANDLED, Outcome.HANDLED)
        assert story.edge("order.created", "notification").count == 1

    def test_poison_is_one_failed_message_however_often_it_was_tried(self, story: Story) -> None:
        good = story.produces("storefront", "order.created", "e1")
        bad = story.produces("storefront", "order.created", "e2")
        story.handles("inventory", good)
        story.handles("inventory", bad, Outcome.FAILED, Outcome.DEAD_LETTERED)
        edge = story.edge("order.created", "inventory")
        assert (edge.count, edge.errors) == (2, 1)

    def test_the_copy_is_known_by_its_span_alone(self, story: Story) -> None:
        story.copies(
            "inventory", story.produces("storefront", "order.created", "e1"), "order.created.dlt"
        )
        assert story.edge("inventory", "order.created.dlt").known == (Known.SPAN,)

    def test_an_uninstrumented_consumer_is_seen_as_its_group(self, story: Story) -> None:
        story.handles("analytics", story.produces("storefront", "order.created", "e1"))
        edge = story.edge("order.created", "analytics")
        assert (edge.seen_as, edge.known) == ("reporting", (Known.PROGRESS,))

    def test_a_message_without_trace_context_names_its_producer_in_a_header(
        self, story: Story
    ) -> None:
        story.produces("notification", "notification.sent", "n1")
        assert story.edge("notification", "notification.sent").known == (Known.SOURCE,)

    def test_calls_count_and_their_errors_too(self, story: Story) -> None:
        story.calls()
        story.calls(status=503)
        edge = story.edge("customer", "storefront")
        assert (edge.kind, edge.count, edge.errors) == ("call", 2, 1)


class TestUnknowable:
    def test_a_headerless_message_of_an_uninstrumented_service(self, story: Story) -> None:
        story.produces("analytics", "sales.tally")
        story.produces("analytics", "sales.tally")
        found = {(each.fact, each.topic, each.count) for each in story.truth.unknowable}
        assert found == {("producer", "sales.tally", 2), ("cause", "sales.tally", 2)}
        assert story.truth.edges == ()
        assert story.truth.chains == ()

    def test_an_uninstrumented_consumer_has_no_name_and_no_attempts(self, story: Story) -> None:
        story.handles("analytics", story.produces("storefront", "order.created", "e1"))
        found = {(each.fact, each.service) for each in story.truth.unknowable}
        assert found == {("consumer name", "analytics"), ("attempts", "analytics")}

    def test_nothing_is_unknowable_about_instrumented_services(self, story: Story) -> None:
        cancelled_order(story)
        assert story.truth.unknowable == ()


class TestPending:
    def test_who_has_not_handled_a_message_is_pending(self, story: Story) -> None:
        reserved = story.produces("inventory", "stock.reserved", "e1")
        story.handles("payment", reserved)
        assert pending(story.entries) == [
            Pending(Position("stock.reserved", 0, 0), "order-view", handled=False)
        ]

    def test_what_was_gone_past_is_neither_pending_nor_a_delivery(self, story: Story) -> None:
        reserved = story.produces("inventory", "stock.reserved", "e1")
        story.handles("payment", reserved)
        story.handles("order-view", reserved, Outcome.SKIPPED)
        assert pending(story.entries) == []
        assert [each.service for each in story.chain.deliveries] == ["payment"]

    def test_handled_but_not_committed_is_pending(self, story: Story) -> None:
        reserved = story.produces("inventory", "stock.reserved", "e1")
        story.handles("order-view", reserved)
        story.handles("payment", reserved)
        story.entries.pop()  # payment's commit
        assert pending(story.entries) == [
            Pending(Position("stock.reserved", 0, 0), "payment", handled=True)
        ]

    def test_a_failed_attempt_is_pending_though_later_messages_are_committed(
        self, story: Story
    ) -> None:
        failed = story.produces("payment", "payment.failed", "e1")
        story.handles("order-view", failed)
        story.handles("inventory", failed, Outcome.FAILED)
        assert [each.service for each in pending(story.entries)] == ["inventory"]

    def test_topics_without_consumers_are_never_pending(self, story: Story) -> None:
        story.produces("analytics", "sales.tally")
        assert pending(story.entries) == []


class TestFiles:
    def test_lines_come_back_in_order_of_time(self, tmp_path: Path) -> None:
        late = Called("customer", "storefront", "/orders", 201, time=3)
        early = Consumed("points", "loyalty", "order.completed", 2, 7, "e1", Outcome.FAILED, 1, 2)
        with closing(Journal(tmp_path, "customer")) as journal:
            journal.write(late)
        with closing(Journal(tmp_path, "points")) as journal:
            journal.write(early)
            journal.write(Ready("points", 42, "", time=1))
        assert entries.read(tmp_path) == [Ready("points", 42, "", time=1), early, late]

    def test_a_line_that_is_being_written_is_left_out(self, tmp_path: Path) -> None:
        whole = entries.encode(Ready("points", 42, "", time=1))
        (tmp_path / "points.jsonl").write_text(f"{whole}\n{whole[:10]}")
        assert entries.read(tmp_path) == [Ready("points", 42, "", time=1)]

    @pytest.mark.parametrize("line", ["[]", "{}", '{"kind": "sold"}', '{"kind": "ready"}', "x"])
    def test_what_is_no_line_of_a_ledger_is_refused(self, line: str) -> None:
        with pytest.raises(ValueError):
            entries.decode(line)

    def test_the_truth_is_json(self, story: Story) -> None:
        cancelled_order(story)
        story.produces("analytics", "sales.tally")
        said = json.loads(story.truth.to_json())
        assert said["chains"][0]["events"][1]["cause_known"] == ["span", "causation id"]
        assert said["unknowable"][0]["fact"] == "producer"
