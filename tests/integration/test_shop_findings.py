"""What is found in the shop's run, held against its ledger: what went wrong is found, on the right
events, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from graph.findings.model import Finding, Kind
from graph.wire.findings import findings_from_dict
from samples.shop.entries import Consumed, Outcome
from tests.integration.shop_run import Run

pytestmark = pytest.mark.kafka

LOOK = """
import json, sys, time
from pathlib import Path
from collector.findings import Watch
from collector.store.client import Store
from collector.store.rollup import Rollup
from graph.wire.findings import findings_to_dict
with Store(Path(sys.argv[1])) as store:
    Rollup(store).run(settle=0)
    watch = Watch(store, clock=lambda: time.time() + 3600)  # All minutes are complete by then.
    watch.look(live=False)
    assert watch.troubles == {}, watch.troubles
    print(json.dumps(findings_to_dict(watch.found())))
"""


@pytest.fixture(scope="module")
def found(run: Run) -> list[Finding]:
    """In a process of its own: one engine a process."""
    store = run.directory.parent / "store"
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(store)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return list(findings_from_dict(told).findings)


def test_only_what_went_wrong_is_found(found: list[Finding]) -> None:
    kinds = {one.kind for one in found}
    assert {Kind.DEAD_LETTER, Kind.DUPLICATE} <= kinds
    assert kinds <= {Kind.DEAD_LETTER, Kind.DUPLICATE, Kind.BROKEN_CONTEXT}, found
    # Its producer is not instrumented: see `samples.shop.flow.NOTIFICATION`.
    broken = [one for one in found if one.kind is Kind.BROKEN_CONTEXT]
    assert {one.subject.service for one in broken} <= {"notification"}


def test_each_dead_letter_is_counted(run: Run, found: list[Finding]) -> None:
    gone = [
        entry
        for entry in run.entries
        if isinstance(entry, Consumed) and entry.outcome is Outcome.DEAD_LETTERED
    ]
    letters = [one for one in found if one.kind is Kind.DEAD_LETTER]
    assert sum(one.count for one in letters) == len(gone)
    assert {one.subject.destination for one in letters} == {entry.topic for entry in gone}
    lying = {message.position for message in run.messages.values()}
    for one in letters:
        for proof in one.proof:
            topic, partition, offset = proof.id.rsplit("/", 2)
            assert (topic, int(partition), int(offset)) in lying
            assert topic == one.subject.peer


def test_what_was_handled_twice_is_counted(run: Run, found: list[Finding]) -> None:
    twice: Counter[tuple[str, str]] = Counter()
    for chain in run.truth.chains:
        for delivery in chain.deliveries:
            if delivery.attempts == 2 and delivery.outcome is Outcome.HANDLED:
                twice[delivery.service, delivery.topic] += 1
    doubled = [one for one in found if one.kind is Kind.DUPLICATE]
    for one in doubled:
        assert one.count <= twice[one.subject.service, one.subject.destination], one
    points = {place: count for (name, place), count in twice.items() if name == "points"}
    assert points == {
        one.subject.destination: one.count for one in doubled if one.subject.service == "points"
    }
