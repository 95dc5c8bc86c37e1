"""What became of an event at each consumer: a story for each fate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from graph.edges import EdgeRow, Role
from graph.fate import Fate, Fates, GroupKnown, Status
from graph.fate.consumers import Declared
from graph.fate.judge import fates
from graph.listing import Consumer, Member
from graph.model import Copied, CopyKind, Evidence, OperationType
from tests.builders import MILLISECOND, Flow, Sent

MINUTE = 60 * 10**9


def all_of(
    flow: Flow,
    sent: Sent,
    *,
    edges: Sequence[EdgeRow] = (),
    groups: Sequence[Consumer] = (),
    declared: Sequence[Declared] = (),
) -> Fates:
    chain = flow.chain(sent, follow=False)
    passages = flow.facts().passages(chain.event(chain.focus).positions)
    return fates(chain, passages, edges, groups, declared, now=flow.now)


def only(flow: Flow, sent: Sent, **known: Any) -> Fate:
    (fate,) = all_of(flow, sent, **known).consumers
    return fate


def consumed(service: str, count: int = 1, *, type: str = "", group: str = "") -> EdgeRow:
    return EdgeRow(
        Role.CONSUME,
        service=service,
        group=group,
        destination="orders",
        event_type=type,
        count=count,
        last_seen=1,
    )


def producing(service: str) -> EdgeRow:
    return EdgeRow(Role.PRODUCE, service=service, destination="elsewhere", count=1)


def read(
    group: str, *clients: str, state: str = "Stable", services: Sequence[str] = ()
) -> Consumer:
    members = tuple(Member(f"m-{one}", one, "10.0.0.7", (("orders", "0"),)) for one in clients)
    return Consumer(group, "c1", state, members, services=tuple(services), time=5)


class TestHandled:
    def test_by_a_span(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        work = flow.process("points", order, group="loyalty", lasts=55 * MILLISECOND)
        fate = only(flow, order)
        assert (fate.status, fate.evidence, fate.time) == (
            Status.HANDLED,
            Evidence.OBSERVED,
            work.end,
        )
        assert (fate.services, fate.group, fate.group_known) == (
            ("points",),
            "loyalty",
            GroupKnown.SPAN,
        )
        assert (fate.attempts, fate.duration) == (1, 55 * MILLISECOND)
        assert fate.explanation == "points handled it in 55 ms."
        assert (fate.needed, fate.notes) == ("", ())

    def test_at_the_third_attempt(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.process("points", order, error=True, error_message="locked")
        flow.process("points", order, error=True)
        flow.process("points", order)
        fate = only(flow, order)
        assert (fate.status, fate.attempts) == (Status.HANDLED, 3)
        assert fate.explanation == "points handled it in 0.5 ms, at attempt 3."
        assert fate.notes == (
            "Attempt 1 failed: locked.",
            "Attempt 2 failed: its span gives no reason.",
        )

    def test_twice(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.process("points", order)
        flow.tick(2_000)
        flow.process("points", order)
        fate = only(flow, order)
        assert fate.explanation == "points handled it 2 times, first in 0.5 ms."
        assert fate.notes == (
            "It was handed over again: the last handling began 2.0 s after the first.",
        )

    def test_and_a_later_attempt_failed(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.process("points", order)
        flow.process("points", order, error=True, error_message="seen before")
        fate = only(flow, order)
        assert fate.status is Status.HANDLED
        assert fate.notes == ("A later attempt failed: seen before.",)

    def test_a_reception_alone_is_inferred(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.receive("payment", order)
        fate = only(flow, order)
        assert (fate.status, fate.evidence) == (Status.HANDLED, Evidence.INFERRED)
        assert fate.needed == "a process span around the handling in payment"

    def test_a_span_that_ends_before_the_handling_tells_of_a_reception(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.receive("payment", order)
        assert "received it" in only(flow, order).explanation
        flow.process("payment", order, scope="own")
        fate = only(flow, order)
        assert (fate.evidence, fate.attempts) == (Evidence.OBSERVED, 1)

    def test_a_reception_that_is_not_committed_is_still_pending(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        got = flow.receive("payment", order, group="billing")
        flow.commit("billing", "orders", 0)
        fate = only(flow, order)
        assert (fate.status, fate.evidence, fate.attempts) == (
            Status.PENDING,
            Evidence.MATCHED,
            1,
        )
        assert got.end < flow.now
        assert fate.notes == ("payment received it at 22:13:20.002.",)
        flow.commit("billing", "orders", 1)
        fate = only(flow, order)
        assert (fate.status, fate.evidence) == (Status.HANDLED, Evidence.INFERRED)
        assert "and group billing had read past it by 22:13:20.004" in fate.explanation

    def test_before_its_group_has_committed(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.process("points", order, group="loyalty")
        flow.commit("loyalty", "orders", 0)
        fate = only(flow, order)
        assert fate.status is Status.HANDLED
        assert fate.notes == (
            "Group loyalty has not committed it yet: it may be handed over again.",
        )
        flow.commit("loyalty", "orders", 1)
        assert only(flow, order).notes == ()


class TestFailed:
    def test_for_good_when_the_group_went_on(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.process("points", order, group="loyalty", error=True, error_message="no account")
        flow.commit("loyalty", "orders", 1)
        fate = only(flow, order)
        assert (fate.status, fate.error, fate.attempts) == (Status.FAILED, "no account", 1)
        assert fate.explanation == (
            "points failed at its first attempt: no account; group loyalty went on without it, "
            "so nobody tries again."
        )

    def test_and_nobody_knows_how_it_goes_on(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.process("points", order, error=True)
        fate = only(flow, order)
        assert fate.status is Status.FAILED
        assert fate.needed == "the progress of the consumer group of points"

    def test_again_and_again_is_being_retried(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.process("points", order, group="loyalty", error=True, error_message="locked")
        flow.process("points", order, group="loyalty", error=True, error_message="still locked")
        flow.commit("loyalty", "orders", 0)
        fate = only(flow, order)
        assert (fate.status, fate.evidence) == (Status.RETRIED, Evidence.OBSERVED)
        assert "failed at attempt 2: still locked" in fate.explanation
        assert "another attempt is due" in fate.explanation


class TestCopies:
    def failing(self, flow: Flow, place: str, said: Copied | None) -> Sent:
        """Two consumers; payment fails and the order is copied elsewhere."""
        order = flow.send("shop", "orders", message_id="o-1")
        flow.process("points", order)
        flow.process("payment", order, group="billing", error=True, error_message="refused")
        assert order.context
        flow.send("", place, spanned=False, message_id="o-1", carries=[order.context], copied=said)
        return order

    def payment(self, told: Fates) -> Fate:
        (fate,) = [one for one in told.consumers if one.services == ("payment",)]
        return fate

    def test_given_up_as_the_copy_says(self) -> None:
        flow = Flow()
        said = Copied(
            CopyKind.DEAD_LETTER,
            "orders",
            consumer="billing",
            error_type="Refused",
            error_message="no money",
        )
        told = all_of(flow, self.failing(flow, "graveyard", said))
        fate = self.payment(told)
        assert (fate.status, fate.evidence) == (Status.DEAD_LETTERED, Evidence.DECLARED)
        assert str(fate.copy) == "graveyard/0/0"
        assert fate.explanation == (
            "payment gave it up after 1 attempt; a copy lies at graveyard/0/0: Refused: no money."
        )
        assert told.consumers[0] == fate, "what wants looking at comes first"
        assert [one.status for one in told.consumers] == [Status.DEAD_LETTERED, Status.HANDLED]

    def test_given_up_as_the_names_suggest(self) -> None:
        flow = Flow()
        fate = self.payment(all_of(flow, self.failing(flow, "orders.DLT", None)))
        assert (fate.status, fate.evidence) == (Status.DEAD_LETTERED, Evidence.INFERRED)
        assert fate.error == "refused"

    def test_to_be_tried_again_until_it_was_read_there(self) -> None:
        flow = Flow()
        order = self.failing(flow, "orders-retry-0", None)
        fate = self.payment(all_of(flow, order))
        assert (fate.status, fate.evidence) == (Status.RETRIED, Evidence.INFERRED)
        assert "nothing tells whether it was read there" in fate.explanation
        flow.commit("billing", "orders", 1)
        flow.commit("billing", "orders-retry-0", 0)
        fate = self.payment(all_of(flow, order))
        assert fate.status is Status.RETRIED
        assert fate.explanation.endswith("(refused); it waits there.")
        flow.commit("billing", "orders-retry-0", 1)
        fate = self.payment(all_of(flow, order))
        assert (fate.status, fate.evidence) == (Status.FAILED, Evidence.OBSERVED)
        assert fate.explanation.endswith(
            "its copy at orders-retry-0/0/0 was read past, and no span tells how that ended."
        )
        assert str(fate.copy) == "orders-retry-0/0/0"
        assert fate.needed == "a process span of who reads orders-retry-0"
        flow.process("payment", order, group="billing", destination="orders-retry-0", error=True)
        fate = self.payment(all_of(flow, order))
        assert (fate.status, fate.attempts) == (Status.FAILED, 2)
        assert fate.explanation.endswith("so nobody tries again.")
        flow.process("payment", order, group="billing", destination="orders-retry-0")
        fate = self.payment(all_of(flow, order))
        assert (fate.status, fate.attempts) == (Status.HANDLED, 3)

    @pytest.mark.parametrize("told_by", ["header", "span", "nothing"])
    def test_of_two_that_failed_who_gave_up_is_told_by_header_or_span(self, told_by: str) -> None:
        flow = Flow()
        order = flow.send("shop", "orders", message_id="o-1")
        failing = [
            flow.process(name, order, group=f"{name}-workers", error=True)
            for name in ("payment", "points")
        ]
        assert order.context
        said = Copied(CopyKind.DEAD_LETTER, "orders", consumer="points-workers")
        if told_by != "header":
            said = replace(said, consumer="")
        carried = [order.context]
        if told_by == "span":
            sending = flow.operation("points", "dead", OperationType.SEND, inside=failing[1])
            carried.append(sending.context)
        flow.send("", "dead", spanned=False, message_id="o-1", carries=carried, copied=said)
        told = all_of(flow, order)
        given_up = [one.name for one in told.consumers if one.status is Status.DEAD_LETTERED]
        assert given_up == ([] if told_by == "nothing" else ["points"])
        assert bool(told.notes) == (told_by == "nothing")
        if given_up:
            assert told.consumers[0].evidence is Evidence.DECLARED

    def test_a_copy_of_nobody_in_particular_is_told_of_the_event(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders", message_id="o-1")
        flow.process("points", order)
        flow.process("payment", order)
        assert order.context
        flow.send("", "orders.dlq", spanned=False, message_id="o-1", carries=[order.context])
        told = all_of(flow, order)
        assert {one.status for one in told.consumers} == {Status.HANDLED}
        assert told.notes == (
            "A copy lies at orders.dlq/0/0 as a dead letter; nothing says who made it.",
        )

    def test_a_destination_called_so_is_not_always_a_copy(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders.dlt")
        flow.process("janitor", order)
        assert only(flow, order).status is Status.HANDLED

    def test_a_copy_handed_on_is_no_failure(self) -> None:
        flow = Flow()
        order = self.failing(flow, "audit.retry", Copied(CopyKind.FORWARD, "orders"))
        assert self.payment(all_of(flow, order)).status is Status.FAILED


class TestByProgress:
    def test_pending_behind_others_at_a_rate(self) -> None:
        flow = Flow()
        orders = [flow.send("shop", "orders") for _ in range(10)]
        start = flow.now
        flow.commit("reporting", "orders", 0, time=start)
        at = flow.commit("reporting", "orders", 2, time=start + 2 * 10**9)
        flow.now = at.time
        fate = only(flow, orders[7])
        assert (fate.status, fate.evidence, fate.time) == (
            Status.PENDING,
            Evidence.MATCHED,
            at.time,
        )
        assert (fate.ahead, fate.rate) == (6, 1.0)
        assert fate.expected == at.time + 6 * 10**9
        assert fate.explanation.startswith("Group reporting has 5 messages before it; at 1.0/s")
        assert "it is expected at" in fate.explanation
        assert fate.needed.startswith("which service group reporting is")
        assert "has it to read next" in only(flow, orders[2]).explanation

    def test_pending_at_a_group_that_nobody_is_in(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.commit("reporting", "orders", 0)
        fate = only(flow, order, groups=[read("reporting", state="Empty")])
        assert fate.status is Status.PENDING
        assert "no members (Empty), so nobody reads" in fate.explanation

    def test_pending_at_a_group_that_stands_still(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        at = flow.commit("reporting", "orders", 0)
        flow.send("shop", "orders")
        flow.commit("reporting", "orders", 0)
        fate = only(flow, order)
        assert (fate.rate, fate.expected) == (0.0, 0)
        assert "it has not moved since 22:13:20" in fate.explanation
        assert at.time < fate.time

    def test_pending_at_a_group_without_a_commit(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.commit("reporting", "orders", -1)
        assert "has committed nothing on this partition yet" in only(flow, order).explanation

    def test_passed_between_two_looks(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        before = flow.commit("reporting", "orders", 0)
        after = flow.commit("reporting", "orders", 1)
        fate = only(flow, order)
        assert (fate.status, fate.evidence) == (Status.PASSED, Evidence.MATCHED)
        assert (fate.passed_after, fate.passed_by) == (before.time, after.time)
        assert fate.explanation == (
            "Group reporting read past it between 22:13:20.002 and 22:13:20.003; "
            "no span says what came of it."
        )

    def test_passed_before_anybody_looked(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.commit("reporting", "orders", 1, time=flow.now + 60 * MINUTE)
        fate = only(flow, order)
        assert (fate.status, fate.passed_after) == (Status.PASSED, 0)
        assert "was beyond it already when it was first seen" in fate.explanation

    def test_set_back(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.commit("reporting", "orders", 1)
        flow.commit("reporting", "orders", 0)
        fate = only(flow, order)
        assert fate.status is Status.PENDING
        assert "was set back" in fate.notes[0]
        flow.commit("reporting", "orders", 1)
        fate = only(flow, order)
        assert fate.status is Status.PASSED
        assert "was set back" in fate.notes[0]

    def test_a_group_whose_first_commit_is_much_later_was_not_subscribed(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.commit("audit", "orders", 0, time=flow.now + 60 * MINUTE, assumed=True)
        flow.commit("audit", "orders", 1, time=flow.now + 61 * MINUTE)
        fate = only(flow, order)
        assert (fate.status, fate.evidence) == (Status.NOT_SUBSCRIBED, Evidence.INFERRED)
        assert "first committed 1h 01m after the event" in fate.explanation

    def test_a_first_commit_soon_after_is_not_surely_of_it(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.commit("audit", "orders", 0, assumed=True)
        flow.commit("audit", "orders", 1)
        fate = only(flow, order)
        assert (fate.status, fate.evidence) == (Status.PASSED, Evidence.INFERRED)
        assert "may also have begun to read behind it" in fate.notes[0]

    def test_a_first_commit_before_it_is_a_subscription(self) -> None:
        flow = Flow()
        flow.send("shop", "orders")
        order = flow.send("shop", "orders")
        flow.commit("audit", "orders", 0, time=flow.now + 60 * MINUTE, assumed=True)
        flow.commit("audit", "orders", 1, time=flow.now + 61 * MINUTE)
        flow.commit("audit", "orders", 2, time=flow.now + 62 * MINUTE)
        assert only(flow, order).status is Status.PASSED

    def test_a_group_that_has_gone_before_the_event(self) -> None:
        flow = Flow()
        flow.commit("old", "orders", 0)
        flow.now += 60 * MINUTE
        order = flow.send("shop", "orders")
        flow.commit("new", "orders", 0)
        told = {one.group: one for one in all_of(flow, order).consumers}
        assert told["old"].status is Status.NOT_SUBSCRIBED
        assert told["new"].status is Status.PENDING

    def test_a_group_that_ceased_while_the_event_waited(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.commit("old", "orders", 0)
        flow.send("shop", "orders")
        flow.commit("new", "orders", 2, time=flow.now + 60 * MINUTE)
        told = {one.group: one for one in all_of(flow, order).consumers}
        assert told["old"].status is Status.NO_EVIDENCE
        assert "before it came so far" in told["old"].explanation

    def test_a_place_that_only_a_span_names_is_never_surer_than_inferred(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders", tapped=False, span={"partition": "0", "offset": 0})
        flow.process("points", order, partition="0", offset=0, error=True, error_message="no")
        flow.commit("reporting", "orders", 0, end=1)
        flow.commit("reporting", "orders", 1, end=1)
        told = {one.name: one for one in all_of(flow, order).consumers}
        assert told["group reporting"].status is Status.PASSED
        assert told["group reporting"].evidence is Evidence.INFERRED

    def test_a_type_that_the_service_never_handles_is_skipped(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders", event_type="Cancelled")
        flow.commit("loyalty", "orders", 0)
        flow.commit("loyalty", "orders", 1)
        busy = [consumed("points", 20, type="Ordered", group="loyalty")]
        fate = only(flow, order, edges=busy)
        assert (fate.status, fate.evidence) == (Status.SKIPPED, Evidence.INFERRED)
        assert "of 20 messages" in fate.explanation
        few = [consumed("points", 19, type="Ordered", group="loyalty")]
        assert only(flow, order, edges=few).status is Status.PASSED
        also = [*busy, consumed("points", 1, type="Cancelled", group="loyalty")]
        fate = only(flow, order, edges=also)
        assert fate.status is Status.PASSED
        assert fate.needed == (
            "the spans of points: it exports some, but none about this event came"
        )
        assert fate.notes == ("That was just now: spans of it may still come.",)
        flow.tick(20_000)
        assert only(flow, order, edges=also).notes == ()

    def test_what_spans_say_goes_before(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders", event_type="Ordered")
        flow.process("points", order, group="loyalty")
        flow.commit("loyalty", "orders", 1)
        fate = only(flow, order, edges=[consumed("points", 99, type="Other", group="loyalty")])
        assert (fate.status, fate.evidence) == (Status.HANDLED, Evidence.OBSERVED)


class TestWhoCounts:
    def test_a_service_that_consumed_there_around_that_time(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        fate = only(flow, order, edges=[consumed("points", 3)])
        assert (fate.services, fate.status, fate.evidence) == (
            ("points",),
            Status.NO_EVIDENCE,
            None,
        )
        assert fate.needed.startswith("the consumer group of points")

    def test_not_one_of_another_environment_cluster_or_destination(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders", environment="prod")
        row = consumed("points")
        others = [
            replace(row, environment="test"),
            replace(row, cluster="c2"),
            replace(row, destination="payments"),
            replace(row, role=Role.PRODUCE),
        ]
        told = all_of(flow, order, edges=others)
        assert told.consumers == ()
        assert told.notes == (
            "Nobody was seen consuming it, and the configuration declares no consumer.",
        )

    def test_one_that_is_declared(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        fate = only(flow, order, declared=[Declared("audit", destinations=("ord*",))])
        assert (fate.services, fate.status) == (("audit",), Status.NO_EVIDENCE)
        assert "declared in the configuration" in fate.explanation
        others = [Declared("audit", destinations=("payments",)), Declared("x", group="y")]
        assert all_of(flow, order, declared=others).consumers == ()

    def test_a_group_with_members_there(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        fate = only(flow, order, groups=[read("fresh", "rdkafka")])
        assert (fate.group, fate.status) == ("fresh", Status.NO_EVIDENCE)
        assert fate.explanation == "group fresh reads orders, but has committed nothing there."

    @pytest.mark.parametrize(
        ("edges", "groups", "declared", "known"),
        [
            ([consumed("points", group="loyalty")], [], [], GroupKnown.SPAN),
            ([], [read("loyalty", services=["points"])], [], GroupKnown.SPAN),
            (
                [consumed("points")],
                [read("loyalty", "points")],
                [Declared("points", "loyalty")],
                GroupKnown.CONFIGURATION,
            ),
            ([], [], [Declared("points", "loyalty")], GroupKnown.CONFIGURATION),
            ([consumed("points")], [read("loyalty", "Points")], [], GroupKnown.NAME),
            ([producing("points")], [read("loyalty", "points")], [], GroupKnown.NAME),
        ],
    )
    def test_one_consumer_is_told_once(
        self,
        edges: list[EdgeRow],
        groups: list[Consumer],
        declared: list[Declared],
        known: GroupKnown,
    ) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.commit("loyalty", "orders", 0)
        flow.commit("loyalty", "orders", 1)
        fate = only(flow, order, edges=edges, groups=groups, declared=declared)
        assert (fate.services, fate.group, fate.group_known) == (("points",), "loyalty", known)
        assert fate.status is Status.PASSED

    def test_a_group_called_like_a_service_is_not_taken_from_another(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.process("indexer", order, group="search")
        told = all_of(flow, order, edges=[consumed("search")])
        assert [(one.services, one.group) for one in told.consumers] == [
            (("search",), ""),
            (("indexer",), "search"),
        ]

    def test_services_that_share_a_group_are_one_consumer(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.process("worker-a", order, group="workers")
        fate = only(flow, order, edges=[consumed("worker-b", group="workers")])
        assert fate.services == ("worker-a", "worker-b")
        assert fate.status is Status.HANDLED

    def test_a_service_of_two_groups_is_two_consumers(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders")
        flow.process("points", order, group="loyalty")
        told = all_of(flow, order, edges=[consumed("points", group="replay")])
        assert [(one.group, one.status) for one in told.consumers] == [
            ("replay", Status.NO_EVIDENCE),
            ("loyalty", Status.HANDLED),
        ]

    def test_what_no_tap_saw_has_only_spans_to_speak_for_it(self) -> None:
        flow = Flow()
        order = flow.send("shop", "orders", tapped=False)
        flow.process("points", order)
        told = all_of(flow, order, edges=[consumed("points"), consumed("audit")])
        assert [one.status for one in told.consumers] == [Status.NO_EVIDENCE, Status.HANDLED]
        assert told.consumers[0].needed == ("the message itself: tap the broker that it lies on")
        assert "tap the broker" in told.notes[0]
