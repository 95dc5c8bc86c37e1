"""When findings are looked for: in complete minutes, again when these change, never in all."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from collector import findings as module
from collector.findings import Watch
from collector.store import prune
from collector.store.client import Store
from collector.store.findings import kept
from collector.watching import Watching
from collector.webhook.outbox import Outbox
from collector.webhook.sender import Sender
from collector.webhook.settings import Webhook
from graph.findings.kinds import QUIET
from graph.findings.model import Kind, Proof, Sighting, State, Subject
from graph.findings.thresholds import Rule, Rules
from tests import stores
from tests.builders import EPOCH, Flow
from tests.contract.test_findings import told
from tests.poured import pour
from tests.receiving import SECRET

SECOND = 10**9
MINUTE = 60 * SECOND
BEGIN = EPOCH // MINUTE * MINUTE + MINUTE


class Clock:
    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now / SECOND


def handled(flow: Flow, at: int, times: int = 1) -> None:
    """An order that one consumer handles so many times."""
    order = flow.send("shop", "orders", time=at)
    for number in range(times):
        flow.process("mail", order, by="link", start=at + (1 + number) * SECOND, group="mail")


def put(store: Store, flow: Flow) -> None:
    pour(flow, store)
    stores.rolled_up(store)


def kinds(watch: Watch) -> list[Kind]:
    return [one.kind for one in watch.found().findings]


def test_a_minute_is_looked_at_when_it_is_complete(store: Store) -> None:
    flow = Flow()
    handled(flow, BEGIN, times=2)
    put(store, flow)
    clock = Clock(BEGIN + MINUTE + 30 * SECOND)
    watch = Watch(store, clock=clock)
    assert watch.look(live=False) == 0
    assert (kinds(watch), watch.until) == ([], BEGIN)
    clock.now += 20 * SECOND
    assert watch.look(live=False) == 1
    assert (kinds(watch), watch.until) == ([Kind.DUPLICATE], BEGIN + MINUTE)
    assert watch.look(live=False) == 0, "nothing changed"


def test_what_comes_late_is_found_and_what_it_explains_is_taken_back(store: Store) -> None:
    early, late = Flow(), Flow(first_id=1_000)
    for number in range(30):
        early.send("shop", "orders", time=BEGIN + number * SECOND)
    lost = early.send("shop", "orders", time=BEGIN + 31 * SECOND, tapped=False)
    early.send("shop", "orders", time=BEGIN + 2 * MINUTE)
    put(store, early)
    clock = Clock(BEGIN + 10 * MINUTE)
    watch = Watch(store, clock=clock)
    watch.look(live=False)
    (found,) = watch.found().findings
    assert (found.kind, found.count) == (Kind.LOST, 1)
    assert lost.context is not None
    assert found.proof[0].id == f"{lost.context.trace_id}/{lost.context.span_id}"

    late.message("orders", partition="7", time=lost.time, contexts=(lost.context,))
    put(store, late)
    clock.now += MINUTE
    watch.look(live=False)
    assert kinds(watch) == [Kind.LOST], "it was looked at just now"
    clock.now += 2 * MINUTE
    watch.look(live=False)
    assert kinds(watch) == [], "the tap came to it later"


def test_a_new_start_goes_on_where_the_last_one_was(store: Store) -> None:
    flow = Flow()
    handled(flow, BEGIN, times=2)
    put(store, flow)
    clock = Clock(BEGIN + 3 * 3600 * SECOND)
    assert Watch(store, clock=clock).look(live=False) > 0
    second = Watch(store, clock=clock)
    assert second.look(live=False) == 0
    assert kinds(second) == [Kind.DUPLICATE]
    more = Flow(first_id=1_000)
    handled(more, BEGIN + 5 * MINUTE)
    put(store, more)
    assert second.look(live=False) > 0


def test_what_was_not_looked_at_is_after_a_new_start(store: Store) -> None:
    flow = Flow()
    handled(flow, BEGIN, times=2)
    put(store, flow)
    clock = Clock(BEGIN + MINUTE)
    Watch(store, clock=clock).look(live=False)
    clock.now += 10 * MINUTE
    again = Watch(store, clock=clock)
    assert again.look(live=False) > 0
    assert kinds(again) == [Kind.DUPLICATE]


def test_the_whole_history_is_not_looked_at(store: Store) -> None:
    flow = Flow()
    handled(flow, BEGIN - 3 * 86_400 * SECOND, times=2)
    handled(flow, BEGIN)
    put(store, flow)
    watch = Watch(store, clock=Clock(BEGIN + 10 * MINUTE))
    assert watch.look(live=False) == 2, "one minute, at both of its delays"
    assert kinds(watch) == []


def test_of_very_many_events_a_sample_is_looked_at(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 60)
    flow = Flow()
    for number in range(40):
        handled(flow, BEGIN + number * SECOND, times=2)
    put(store, flow)
    watch = Watch(store, clock=Clock(BEGIN + 10 * MINUTE))
    watch.look(live=False)
    (found,) = watch.found().findings
    assert "One in 3 events was looked at." in found.coverage
    assert found.count % 3 == 0 and 0 < found.count < 80, "scaled to all, which are 40"


def test_a_kind_that_cannot_be_looked_for_does_not_keep_the_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = Flow()
    handled(flow, BEGIN, times=2)
    put(store, flow)
    watch = Watch(store, clock=Clock(BEGIN + 10 * MINUTE))
    monkeypatch.setattr(watch._facts, "copies", lambda run: watch._store.query("SELECT nonsense"))
    watch.look(live=False)
    assert kinds(watch) == [Kind.DUPLICATE]
    assert list(watch.troubles) == [Kind.DEAD_LETTER]


def sighting(minute: int, count: int = 1, service: str = "mail") -> Sighting:
    at = BEGIN + minute * MINUTE
    proof = (Proof(f"orders/0/{minute}", at + 7, "here"),)
    return Sighting(
        Kind.STUCK,
        Subject(service=service),
        at,
        count,
        at + 5,
        at + 9,
        proof=proof,
        said={"lag": minute, "name": "Größe"},
        coverage=f"minute {minute}",
    )


def keep(store: Store, *found: Sighting) -> None:
    kept.put(store, {one.minute for one in found}, [Kind.STUCK], found)


def test_minutes_without_a_long_pause_are_one_finding(store: Store) -> None:
    keep(store, *(sighting(minute, 2) for minute in (0, 1, 3, 20, 21)))
    until = BEGIN + 23 * MINUTE
    late, early = kept.runs(store, QUIET, until=until)
    assert (early.first, early.last) == (BEGIN + 5, BEGIN + 3 * MINUTE + 9)
    assert (early.count, early.minutes, early.state) == (6, 3, State.CLOSED)
    assert (late.count, late.minutes, late.state) == (4, 2, State.OPEN)
    assert late.id != early.id and late.subject == early.subject
    assert [proof.id for proof in early.proof] == ["orders/0/0", "orders/0/3"]
    assert early.proof[0].time == BEGIN + 7
    assert early.said == {"lag": 3, "name": "Größe"}
    assert early.coverage == "minute 3"
    (closed, _) = kept.runs(store, QUIET, until=until + 4 * MINUTE)
    assert closed.state is State.CLOSED
    assert kept.runs(store, QUIET, until=until, since=BEGIN + 10 * MINUTE) == [late]
    assert kept.runs(store, QUIET, until=until, kinds=[Kind.LOST]) == []
    assert len(kept.runs(store, QUIET, until=until, limit=1)) == 1


def test_a_minute_that_is_looked_at_again_is_replaced(store: Store) -> None:
    keep(store, sighting(0), sighting(0, service="points"), sighting(1))
    keep(store, sighting(0, 5))
    (found,) = kept.runs(store, QUIET, until=0)
    assert (found.subject.service, found.count, found.minutes) == ("mail", 6, 2)
    kept.put(store, [BEGIN, BEGIN + MINUTE], [Kind.LOST], [])
    assert len(kept.runs(store, QUIET, until=0)) == 1, "another kind's"
    kept.put(store, [BEGIN, BEGIN + MINUTE], [Kind.STUCK], [])
    assert kept.runs(store, QUIET, until=0) == []


def test_findings_leave_with_their_week(store: Store) -> None:
    keep(store, sighting(0))
    assert kept.runs(store, QUIET, until=0)
    ((newest,),) = store.query("SELECT toInt64(toUnixTimestamp(max(computed))) FROM findings")
    prune.prune(store, (int(newest) + 15 * 86_400) * SECOND)
    assert kept.runs(store, QUIET, until=0) == []


def test_what_is_muted_is_told_with_its_reason_and_not_counted(store: Store) -> None:
    flow = Flow()
    handled(flow, BEGIN, times=2)
    put(store, flow)
    rules = Rules((Rule(services=("MAIL",), mute="by design"),))
    clock = Clock(BEGIN + 10 * MINUTE)
    watch = Watch(store, rules, clock=clock)
    watch.look(live=False)
    (found,) = watch.found().findings
    assert (found.muted, found.state) == ("by design", State.OPEN)
    assert watch.counts[Kind.DUPLICATE] == {"open": 0, "found": 0}
    assert Watch(store, clock=clock).found().findings[0].muted == ""


def test_what_is_open_and_what_began_is_counted(store: Store) -> None:
    first, second = Flow(), Flow(first_id=1_000)
    handled(first, BEGIN)
    put(store, first)
    clock = Clock(BEGIN + 3 * MINUTE)
    watch = Watch(store, clock=clock)
    watch.look(live=False)
    assert watch.counts[Kind.DUPLICATE] == {"open": 0, "found": 0}
    handled(second, BEGIN + 3 * MINUTE, times=2)
    put(store, second)
    clock.now += 3 * MINUTE
    watch.look(live=False)
    assert watch.counts[Kind.DUPLICATE] == {"open": 1, "found": 1}, told(
        list(watch.found().findings)
    )
    clock.now += 60 * MINUTE
    watch.look(live=False)
    assert watch.counts[Kind.DUPLICATE] == {"open": 0, "found": 1}


def test_who_listens_is_told_what_began_and_what_is_over(store: Store, tmp_path: Path) -> None:
    to = Webhook(url="http://example.org", secret=SecretStr(SECRET))
    box = Outbox(tmp_path, to)

    def told() -> list[str]:
        """What waits, in order, and is taken then."""
        said = []
        while (message := box.next()) is not None:
            said.append(message.id)
            box.take(message)
        return said

    early, late = Flow(), Flow(first_id=1_000)
    handled(early, BEGIN, times=2)
    put(store, early)
    clock = Clock(BEGIN + 3 * MINUTE)
    rules = Rules((Rule(services=("points",), mute="by design"),))
    watch = Watch(store, rules, clock=clock, listener=Sender(box, to))
    watch.look(live=False)
    (found,) = watch.found().findings
    assert told() == [f"finding-{found.id}-opened"]
    handled(late, BEGIN - 2 * MINUTE, times=2)
    put(store, late)
    clock.now += 3 * MINUTE
    again = Watch(store, rules, clock=clock, listener=Sender(Outbox(tmp_path, to), to))
    again.look(live=False)
    assert again.found().findings[0].id != found.id, "it began earlier, and it is still the same"
    box = Outbox(tmp_path, to)
    assert told() == []
    clock.now += 90 * MINUTE
    Watch(store, rules, clock=clock, listener=Sender(box, to)).look(live=False)
    assert told() == [f"finding-{found.id}-closed"]


def test_with_no_share_of_a_core_none_are_looked_for(store: Store) -> None:
    watching = Watching(Watch(store), 0.0)
    watching.start()
    assert "findings_share is 0" in watching.component().detail
    assert watching.component().ok
    watching.stop(1.0)
    assert not watching._thread.is_alive()
