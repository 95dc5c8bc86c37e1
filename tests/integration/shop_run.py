"""One run of the shop on a real Kafka, that several tests look at: with a collector that watches it
and is asked, while it runs and when it is over, what became of its events."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from graph.edges import View
from graph.fate import Fates
from graph.listing import Consumer
from graph.payloads import Payloads
from graph.topology import Topology
from graph.wire.payloads import payloads_from_dict
from graph.wire.topology import topology_from_dict
from samples.shop import ledger
from samples.shop.entries import Entry, Outcome, Produced
from samples.shop.faults import Faults
from samples.shop.flow import ROLES, TOPICS
from samples.shop.shop import Shop
from samples.shop.truth import Chain, Truth
from tests.integration.outside import Context, Message, Sink, Span, ends, messages, sink
from tests.running import RunningCollector, eventually
from tui.remote import ApiClient
from tui.source import NotFound

FAULTS = Faults(
    payment_failures=0.3,
    poison=0.1,
    redelivery={"notification": 0.2, "points": 0.2},
    slow={"recommendation": 0.25},
    down="order-view",
    down_after=2,
    down_for=60,  # it comes back when the shop is brought to rest
)


@dataclass(frozen=True)
class Run:
    """One run of the shop that came to rest: what it says, and what is seen from outside."""

    directory: Path
    produced: list[Produced]
    truth: Truth
    left: list[ledger.Pending]
    pids: dict[str, int]
    spans: list[Span]
    messages: dict[tuple[str, int, int], Message]
    bootstrap: str
    entries: list[Entry]
    live: list[Fates]
    """Of orders that had just been made, while one service was away and another was slow."""
    fates: dict[str, Fates]
    """By `ce_id`, when all had come to rest: of one chain of each outcome, and of what was handled
    twice."""
    graphs: dict[View, Topology]
    payloads: Payloads
    """Of the whole run, in each view, when the collector had stopped: while it runs, edges may come
    late."""
    consumers: list[Consumer]

    def orders(self, outcome: str) -> list[Chain]:
        return [chain for chain in self.truth.chains if chain.outcome == outcome]

    def carrying(self) -> dict[Context, Message]:
        """The message that each context was made for: a copy has its original's too, in front."""
        return {
            message.contexts[-1]: message for message in self.messages.values() if message.contexts
        }

    def deliveries(self) -> dict[str, dict[tuple[str, int, int], list[Span]]]:
        """Consumer spans by service and by the message that they point at."""
        found: defaultdict[str, defaultdict[tuple[str, int, int], list[Span]]]
        found = defaultdict(lambda: defaultdict(list))
        carrying = self.carrying()
        for span in self.spans:
            if span.kind == "consumer":
                for position in {
                    carrying[context].position for context in span.points_at if context in carrying
                }:
                    found[span.service][position].append(span)
        return {service: dict(positions) for service, positions in found.items()}


def begin(bootstrap: str, directory: Path) -> Run:
    """The whole run; everything that it starts has ended when it returns."""
    before = ends(bootstrap, list(TOPICS))
    tap = {"bootstrap": bootstrap, "include": list(TOPICS), "groups_interval": 0.25}
    settings = {"FLOWTAP_KAFKA": json.dumps([tap])}
    with RunningCollector(directory / "store", settings) as collector, _exporting(collector) as got:
        shop = Shop(bootstrap, got.endpoint, directory / "shop", rate=5, seed=7, faults=FAULTS)
        client = collector.client()
        with shop:
            pids = shop.pids
            shop.run(3.6)
            live = [fates_of(client, _newest_order(shop).ce_id) for _ in range(2)]
            shop.run(2)
            shop.drain()
            assert shop.pids.keys() == pids.keys() - {"customer"}
            left = ledger.pending(shop.entries())
        truth = shop.truth()
        eventually(lambda: at_rest(client), 60, every=0.3)
        fates = {ce_id: fates_of(client, ce_id) for ce_id in _chosen(truth, live)}
        consumers = client.consumers()
    entries = shop.entries()
    graphs, payloads = _graphs(directory / "store")
    return Run(
        directory=shop.directory,
        produced=[entry for entry in entries if isinstance(entry, Produced)],
        truth=truth,
        left=left,
        pids=pids,
        spans=got.spans,
        messages={each.position: each for each in messages(bootstrap, before, list(TOPICS))},
        bootstrap=bootstrap,
        entries=entries,
        live=live,
        fates=fates,
        graphs=graphs,
        payloads=payloads,
        consumers=consumers,
    )


GRAPHS = """
import json, sys
from pathlib import Path
from collector import questions
from collector.backend import StoreBackend
from collector.store.client import Store
from collector.store.rollup import Rollup
from graph.edges import View
from graph.wire.payloads import payloads_to_dict
from graph.wire.topology import topology_to_dict
with Store(Path(sys.argv[1])) as store:
    Rollup(store).run(settle=0)
    backend = StoreBackend(store)
    graphs = {view.value: questions.topology(backend, view=view) for view in View}
    told = {view: topology_to_dict(graph) for view, graph in graphs.items()}
    print(json.dumps(told | payloads_to_dict(questions.payloads(backend, start=0))))
"""


def _graphs(store: Path) -> tuple[dict[View, Topology], Payloads]:
    """In a process of its own: one engine a process."""
    done = subprocess.run(
        [sys.executable, "-c", GRAPHS, str(store)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    graphs = {view: topology_from_dict(told[view.value]) for view in View}
    return graphs, payloads_from_dict(told)


@contextmanager
def _exporting(collector: RunningCollector) -> Iterator[Sink]:
    """Takes the shop's spans for the tests, and hands them on to the collector."""
    with sink(hand_on=collector.endpoint()) as exported:
        yield exported


def _newest_order(shop: Shop) -> Produced:
    made = [one for one in shop.entries() if isinstance(one, Produced)]
    return [one for one in made if one.type == "order.created"][-1]


def fates_of(client: ApiClient, ce_id: str) -> Fates:
    """As soon as the collector knows the event and its message: the table of ids is filled some
    hundred milliseconds before that of messages."""

    def found() -> Fates | None:
        try:
            fates = client.fate(ce_id)
        except NotFound:
            return None
        return fates if fates.event.message_id else None

    # Asking all the time would hold up what is waited for.
    return eventually(found, 60, every=0.3)


def at_rest(client: ApiClient) -> bool:
    """Whether all spans are stored, and all groups are seen at the ends of what they read."""
    parts = {part["name"]: part["figures"] for part in client.health()["components"]}
    groups = {role.group for role in ROLES.values() if role.group}
    lags = [one.lag for one in client.consumers() if one.group in groups]
    return not parts["spool"]["bytes"] and len(lags) == len(groups) and not any(lags)


def _chosen(truth: Truth, live: Sequence[Fates]) -> set[str]:
    """A completed order's events, the first of a chain of each other outcome, one that each service
    handled twice, and what was asked for before."""
    chains = {chain.outcome: chain for chain in truth.chains}
    twice = {
        each.service: each.ce_id
        for chain in truth.chains
        for each in chain.deliveries
        if each.attempts == 2 and each.outcome is Outcome.HANDLED
    }
    return {
        *(event.ce_id for event in chains["completed"].events),
        *(chain.root for chain in chains.values()),
        *twice.values(),
        *(fates.event.message_id for fates in live),
    }
