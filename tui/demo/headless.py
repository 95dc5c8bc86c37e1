"""The demonstration without a terminal: traffic for a while, then the graph, one order's chain,
and the comparison with the ledgers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

from graph.chain.result import Chain
from graph.topology import Topology
from samples.shop.truth import Truth
from tui.demo.compare import Report, compare
from tui.demo.stage import Stage
from tui.source import NotFound, Source, SourceError

SETTLE_SECONDS = 45.0
"""How long the last spans and counts may take: exporters send in batches, and a message counts
as nobody's only some time after it came."""

LOOK_AGAIN = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demonstration shows."""

    topology: Topology
    order: Chain | None
    """One completed order's chain."""
    report: Report


def watch(stage: Stage, source: Source, seconds: float) -> Outcome:
    """Let traffic flow, bring it to rest, and look until what is seen agrees with the ledgers, or
    time is up. Raises `SourceError` and what the shop raises."""
    assert stage.shop is not None
    stage.shop.run(seconds)
    stage.shop.drain()
    stage.shop.stop()
    truth = stage.shop.truth()
    until = time.monotonic() + SETTLE_SECONDS
    while True:
        outcome = look(truth, source)
        if outcome.report.agrees or time.monotonic() > until:
            return outcome
        time.sleep(LOOK_AGAIN)


def look(truth: Truth, source: Source) -> Outcome:
    """Ask for everything once, and compare."""
    topology = source.topology()
    report = compare(truth, topology, partial(_chain, source))
    completed = next((chain for chain in truth.chains if chain.outcome == "completed"), None)
    order = _chain(source, completed.root) if completed else None
    return Outcome(topology, order, report)


def _chain(source: Source, text: str) -> Chain | None:
    try:
        return source.chain(text)
    except NotFound:
        return None
    except SourceError:
        # Two meanings of one id, or a chain that could not be read, is a difference too.
        return None
