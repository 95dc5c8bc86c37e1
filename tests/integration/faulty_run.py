"""The shop on a real Kafka, healthy and then with each of its faults, and what is found of it.

Its clocks are some minutes behind, so that what it does lies that long ago when it has done it: all
minutes are complete, and next steps are learned from flows that had time to end. Both runs begin
with a minute of theirs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import samples.shop
from graph.findings.model import MINUTE, Finding
from graph.wire.findings import findings_from_dict
from samples.shop.entries import Consumed, Entry, Outcome, Produced
from samples.shop.faults import Faults
from samples.shop.flow import ROLES, TOPICS
from samples.shop.shop import Shop
from tests.running import RunningCollector, eventually
from tui.remote import ApiClient

CONFIG = Path(samples.shop.__file__).with_name("flowtap.toml")

BEHIND = {"analytics", "recommendation"}
"""Who is slow, and who is stuck."""

FAULTS = Faults(
    payment_failures=0.2,
    poison=0.02,
    lost=0.1,
    skipped=1,
    sent_twice=0.02,
    overtaken=0.02,
    locked=0.02,
    hanging=0.02,
    unread=0.2,
    redelivery={"points": 0.03},
    slow={"analytics": 0.3},
    stuck="recommendation",
    restless={"notification": 2.5},
    contextless="points",
    clock={"order-view": -5.0},
    down="order-view",
    down_after=2,
    down_for=2,
    down_every=600,
)

LONGEST = 120.0
"""Seconds for what takes a quarter of a minute, on a machine that does much else."""


@dataclass(frozen=True)
class Faulty:
    """What is found of both runs, and what the second one's services wrote down."""

    healthy: list[Finding]
    """Of the first run, muted ones too."""
    found: list[Finding]
    """Of the second one."""
    spans: Mapping[str, str]
    """Where the messages lie that spans are about which prove something, by `trace id/span id`."""
    entries: list[Entry]


def begin(bootstrap: str, directory: Path) -> Faulty:
    """Both runs, and a look at all of it; everything that it starts has ended when it returns."""
    config = directory / "flowtap.toml"
    briefly = '\n[[findings]]\nkinds = ["unconsumed"]\nunconsumed_minutes = 1\n'
    config.write_text(CONFIG.read_text() + briefly)
    tap = {"bootstrap": bootstrap, "include": list(TOPICS), "groups_interval": 0.25}
    settings = {"FLOWTAP_CONFIG": str(config), "FLOWTAP_KAFKA": json.dumps([tap])}
    first = (time.time_ns() // MINUTE - 16) * MINUTE
    second = first + 8 * MINUTE
    with RunningCollector(directory / "store", settings) as collector:
        client, spans_to = collector.client(), collector.endpoint()

        def shop(name: str, since: int, rate: float, faults: Faults) -> Shop:
            faults = behind(faults, (since - time.time_ns()) / 1e9)
            return Shop(bootstrap, spans_to, directory / name, rate=rate, seed=7, faults=faults)

        with shop("healthy", first, 15, Faults.healthy()) as healthy:
            run_until(healthy, lambda entries: fewer(entries, {"stock.reserved": 45}))
            healthy.drain()
        eventually(lambda: caught_up(client), 60, every=0.3)
        began = time.time_ns()
        with shop("faulty", second, 10, FAULTS) as faulty:
            members: set[str] = set()

            def missing(entries: list[Entry]) -> list[str]:
                # Not each that came and left was seen.
                members.update(members_of(client, "notification"))
                restless = [] if len(members) > 5 else [f"more members than {len(members)}"]
                return restless + not_yet_happened(entries)

            run_until(faulty, missing)
            faulty.drain(but=BEHIND)
            eventually(lambda: caught_up(client, but=BEHIND), 60, every=0.3)
            # While all are still in their groups.
            collector.stop()
            entries = faulty.entries()
    found, spans = look(directory / "store", config, began)
    return Faulty(
        healthy=[one for one in found if one.first < second - MINUTE],
        found=[one for one in found if one.first >= second - MINUTE],
        spans=spans,
        entries=entries,
    )


def run_until(shop: Shop, missing: Callable[[list[Entry]], list[str]]) -> None:
    """Lets the traffic flow until its ledger has all. Raises ShopError when a service ends."""
    deadline = time.monotonic() + LONGEST
    while lacks := missing(entries := shop.entries()):
        assert time.monotonic() < deadline, (
            f"after {LONGEST} s still no {lacks}, with {produced(entries)}"
        )
        shop.run(0.5)


def produced(entries: list[Entry]) -> Counter[str]:
    return Counter(entry.topic for entry in entries if isinstance(entry, Produced))


def fewer(entries: list[Entry], wanted: Mapping[str, int]) -> list[str]:
    """Topics that have fewer messages than are wanted."""
    made = produced(entries)
    return [topic for topic, least in wanted.items() if made[topic] < least]


def not_yet_happened(entries: list[Entry]) -> list[str]:
    """Of what there must be enough for what is found to be no accident."""
    lacks = fewer(entries, {"order.created": 140, "user.registered": 30})
    if not any(isinstance(one, Consumed) and one.outcome is Outcome.SKIPPED for one in entries):
        lacks.append("skipped message")
    return lacks


def members_of(client: ApiClient, group: str) -> set[str]:
    return {
        member.member_id
        for one in client.consumers()
        if one.group == group
        for member in one.members
    }


def behind(faults: Faults, seconds: float) -> Faults:
    """The same faults where all clocks are ahead by so much."""
    wrong = {name: off + seconds for name, off in faults.clock.items()}
    return replace(faults, clock={"*": seconds, **wrong})


def caught_up(client: ApiClient, but: Collection[str] = ()) -> bool:
    """Whether all spans are stored, and all groups are at the ends of what they read."""
    parts = {part["name"]: part["figures"] for part in client.health()["components"]}
    groups = {role.group for role in ROLES.values() if role.group and role.name not in but}
    lags = [one.lag for one in client.consumers() if one.group in groups]
    return not parts["spool"]["bytes"] and len(lags) == len(groups) and not any(lags)


LOOK = """
import json, sys, time
from pathlib import Path
from collector.config import load
from collector.findings import Watch
from collector.store.client import Store
from collector.store.rollup import Rollup
from graph.wire.findings import findings_to_dict
with Store(Path(sys.argv[1])) as store:
    # The collector took minutes to be complete that the shop was still in, with its clocks. And
    # how groups stand is told by their last minutes, in which the first run was as well.
    before = f"WHERE time < fromUnixTimestamp64Nano({sys.argv[3]})"
    for forgotten in (
        "TRUNCATE TABLE findings",
        "DELETE FROM state WHERE name = 'findings'",
        f"DELETE FROM progress {before}",
        f"DELETE FROM members {before}",
    ):
        store.command(forgotten)
    Rollup(store).run(settle=0)
    ahead = 0
    rules = load(config=Path(sys.argv[2])).rules
    watch = Watch(store, rules, clock=lambda: time.time() + ahead)
    watch.look(live=True)
    ahead = 3600
    watch.look(live=False)
    assert watch.troubles == {}, watch.troubles
    found = watch.found()
    proofs = sorted({proof.id for one in found.findings for proof in one.proof})
    spans = store.query(
        "SELECT concat(trace_id, '/', span_id) AS span, concat(destination, '/', partition, '/', "
        "toString(assumeNotNull(offset))) FROM operations WHERE offset IS NOT NULL "
        "AND span IN {proofs:Array(String)}", {"proofs": proofs})
    print(json.dumps({"findings": findings_to_dict(found), "spans": dict(spans)}))
"""


def look(store: Path, config: Path, began: int) -> tuple[list[Finding], dict[str, str]]:
    """All findings, and where the messages lie that spans are about which prove something. How
    groups stand is told by what they did since the second run began.
    In a process of its own: one engine a process."""
    command = [sys.executable, "-c", LOOK, str(store), str(config), str(began)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    return list(findings_from_dict(told["findings"]).findings), told["spans"]
