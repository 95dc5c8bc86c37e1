"""Events at rest that a consumer failed at, or put aside to try again, held against the ledger."""

from __future__ import annotations

import json

import pytest

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

Told = dict[Outcome, list[tuple[Delivery, Fate]]]


@pytest.fixture(scope="module")
def told(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> tuple[Told, list[Copy]]:
    """Deliveries of completed orders at points by what the ledger says of them, each with its fate;
    and the copies that were made."""
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
                    fates = fates_of(client, delivery.ce_id)
                    (fate,) = (one for one in fates.consumers if one.name == "points")
                    found.setdefault(delivery.outcome, []).append((delivery, fate))
    return found, [copy for chain in truth.chains for copy in chain.copies]


def test_each_is_what_the_ledger_says(told: tuple[Told, list[Copy]]) -> None:
    found, _ = told
    assert found.keys() == EXPECTED.keys(), "the run has some of each"
    for outcome, pairs in found.items():
        for delivery, fate in pairs:
            assert (fate.status, fate.evidence) == EXPECTED[outcome], fate
            assert fate.attempts == delivery.attempts
            assert fate.group == delivery.group


def test_what_was_given_up_failed_for_good(told: tuple[Told, list[Copy]]) -> None:
    found, _ = told
    for delivery, fate in found[Outcome.GIVEN_UP]:
        assert delivery.attempts == 2
        assert fate.error == "the account is locked"
        assert fate.copy is None
        assert "nobody tries again" in fate.explanation
        assert fate.passed_by


def test_what_is_to_be_tried_again_lies_where_the_ledger_says(
    told: tuple[Told, list[Copy]],
) -> None:
    found, copies = told
    places = {copy.of: f"{copy.topic}/{copy.partition}/{copy.offset}" for copy in copies}
    assert len(places) == len(found[Outcome.RETRIED])
    for delivery, fate in found[Outcome.RETRIED]:
        original = f"{delivery.topic}/{delivery.partition}/{delivery.offset}"
        assert str(fate.copy) == places[original]
        assert "the account is locked" in fate.error
        assert "nothing tells whether it was read there" in fate.explanation
        assert fate.needed == "the progress of who reads order.completed.retry"
