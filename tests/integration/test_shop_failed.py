"""Events at rest that a consumer failed at, or put aside to try again, held against the ledger."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from graph.fate import Fate, Status
from graph.model import Evidence
from samples.kafka.broker import Broker
from samples.shop.entries import Outcome
from samples.shop.faults import Faults
from samples.shop.flow import TOPICS
from samples.shop.shop import Shop
from samples.shop.truth import Copy, Delivery
from tests.integration.shop_run import at_rest, fates_of
from tests.running import RunningCollector, eventually
from tui.remote import ApiClient

pytestmark = pytest.mark.kafka

FAULTS = Faults(
    payment_failures=0,
    poison=0,
    points_given_up=0.25,
    points_retried=0.25,
    redelivery={},
    slow={},
    down="",
)
EXPECTED = {
    Outcome.HANDLED: (Status.HANDLED, Evidence.OBSERVED),
    Outcome.RETRIED: (Status.RETRIED, Evidence.DECLARED),  # The copy's headers say what it is.
    Outcome.GIVEN_UP: (Status.FAILED, Evidence.OBSERVED),
}

RETRY = "order.completed.retry"
LATER = "points-later"
"""A group that is to try again, and is not running: all it has is what it committed."""

Told = dict[Outcome, list[tuple[Delivery, Fate]]]


@dataclass(frozen=True)
class Run:
    """What is said of the deliveries of completed orders at points, and what the ledger says."""

    told: Told
    """By what the ledger says of them, each with its fate."""
    copies: list[Copy]
    committed: int
    """The offset that a group then committed on the retry topic: that of the last copy."""
    later: dict[str, Fate]
    """By the original's id, what is said of those that were put aside after that."""
    printed: str
    """What the command prints of the one whose copy is the last."""


@pytest.fixture(scope="module")
def run(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Run:
    directory = tmp_path_factory.mktemp("failed")
    tap = {"bootstrap": kafka.bootstrap, "include": list(TOPICS), "groups_interval": 0.25}
    settings = {"FLOWTAP_KAFKA": json.dumps([tap])}
    with RunningCollector(directory / "store", settings) as collector:
        shop = Shop(
            kafka.bootstrap,
            collector.endpoint(),
            directory / "shop",
            rate=5,
            seed=7,
            faults=FAULTS,
        )
        client = collector.client()
        with shop:
            shop.run(3)
            shop.drain()
        truth = shop.truth()
        eventually(lambda: at_rest(client), 60, every=0.3)
        found: Told = {}
        for chain in truth.chains:
            for delivery in chain.deliveries:
                if (delivery.service, delivery.topic) == ("points", "order.completed"):
                    fate = _at_points(client, delivery.ce_id)
                    found.setdefault(delivery.outcome, []).append((delivery, fate))
        copies = [copy for chain in truth.chains for copy in chain.copies if copy.topic == RETRY]
        last = max(copies, key=lambda copy: copy.offset)
        _commit(kafka.bootstrap, last.offset)
        eventually(lambda: LATER in {one.group for one in client.consumers()}, 60, every=0.3)
        retried = {each.ce_id: each for each, _ in found[Outcome.RETRIED]}
        later = {ce_id: _at_points(client, ce_id) for ce_id in retried}
        (waiting,) = (ce_id for ce_id, each in retried.items() if _place(each) == last.of)
        printed = _why(waiting, client.url)
    return Run(found, copies, last.offset, later, printed)


def _at_points(client: ApiClient, ce_id: str) -> Fate:
    (fate,) = (one for one in fates_of(client, ce_id).consumers if one.name == "points")
    return fate


def _place(delivery: Delivery) -> str:
    return f"{delivery.topic}/{delivery.partition}/{delivery.offset}"


def _commit(bootstrap: str, offset: int) -> None:
    """For a group without members, as an administrator does it."""
    there = ConsumerGroupTopicPartitions(LATER, [TopicPartition(RETRY, 0, offset)])
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.alter_consumer_group_offsets([there]).values():
        future.result(60)


def _why(ce_id: str, url: str) -> str:
    """What `flowtap why` prints, in one line."""
    ended = subprocess.run(
        [sys.executable, "-m", "tui", "why", ce_id, "--url", url],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return " ".join(ended.stdout.split())


def test_each_is_what_the_ledger_says(run: Run) -> None:
    found = run.told
    assert found.keys() == EXPECTED.keys(), "the run has some of each"
    for outcome, pairs in found.items():
        for delivery, fate in pairs:
            assert (fate.status, fate.evidence) == EXPECTED[outcome], fate
            assert fate.attempts == delivery.attempts
            assert fate.group == delivery.group


def test_what_was_given_up_failed_for_good(run: Run) -> None:
    for delivery, fate in run.told[Outcome.GIVEN_UP]:
        assert delivery.attempts == 2
        assert fate.error == "the account is locked"
        assert fate.copy is None
        assert "nobody tries again" in fate.explanation
        assert fate.passed_by


def test_what_is_to_be_tried_again_lies_where_the_ledger_says(run: Run) -> None:
    places = {copy.of: f"{copy.topic}/{copy.partition}/{copy.offset}" for copy in run.copies}
    assert len(places) == len(run.told[Outcome.RETRIED])
    for delivery, fate in run.told[Outcome.RETRIED]:
        assert str(fate.copy) == places[_place(delivery)]
        assert "the account is locked" in fate.error
        assert "nothing tells whether it was read there" in fate.explanation
        assert fate.needed == "the progress of who reads order.completed.retry"


def test_it_waits_for_a_group_that_has_not_come_so_far(run: Run) -> None:
    offsets = {copy.of: copy.offset for copy in run.copies}
    waiting = []
    for delivery, before in run.told[Outcome.RETRIED]:
        fate = run.later[delivery.ce_id]
        assert fate.copy == before.copy
        waits = offsets[_place(delivery)] >= run.committed
        waiting.append(waits)
        if waits:
            assert (fate.status, fate.evidence) == EXPECTED[Outcome.RETRIED]
            assert fate.explanation.endswith("it waits there.")
            assert fate.needed == ""
        else:
            assert (fate.status, fate.evidence) == EXPECTED[Outcome.GIVEN_UP]
            assert "read past, and no span tells how that ended" in fate.explanation
            assert fate.needed == f"a process span of who reads {RETRY}"
    assert set(waiting) == {True, False}, "the run has both"


def test_the_command_says_that_it_waits(run: Run) -> None:
    assert f"put a copy at {RETRY}/0/{run.committed}, to be tried again" in run.printed
    assert "it waits there." in run.printed
