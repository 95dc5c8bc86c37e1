"""One filter, three ways to ask: the store's SQL, rows in memory, and HTTP all say the same."""

from __future__ import annotations

import json
import random
import urllib.request
from dataclasses import replace
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from collector.backend import StoreBackend
from collector.store import filters, lists
from collector.store.client import Store
from graph.filter import parse
from graph.filter import quoted as in_quotes
from graph.listing import EventFilter, EventRow
from graph.model import OperationType
from tests import stores
from tests.builders import EPOCH, MILLISECOND, Flow
from tests.flow_in_store import put_flow
from tests.serving import serving
from tui.client import ApiClient

TOPICS = ["orders", "Orders", "order.created", "order_created", "pay%ments"]
TYPES = ["", "Placed", "placed", "Order Placed", "com.shop.Paid_v1"]
KEYS = ["", "42", "key-42", "KEY-42", "a%b", "a_b", 'q"uote', "back\\slash", "ß-Straße", "hex:ab"]
SERVICES = ["storefront", "Payment", "mail_er", ""]
SOURCES = ["", "/shops/storefront", "urn:mail_er", "Payment/"]
CORRELATIONS = ["", "cart-1", "cart-2", "{f93a2b3c-1d5e-4c6f-8a7b-9c0d1e2f3a4b}"]
UUID = "F93A2B3C-1D5E-4C6F-8A7B-{:012X}"


def world(seed: int = 7) -> Flow:
    """Messages with and without spans, failed sends, batches, and sends that no tap saw."""
    chance = random.Random(seed)
    flow = Flow()
    for number in range(240):
        service = chance.choice(SERVICES)
        fields: dict[str, Any] = {
            "key": chance.choice(KEYS),
            "event_type": chance.choice(TYPES),
            "message_id": UUID.format(number) if number % 2 else f"msg_{number}",
            "correlation_id": chance.choice(CORRELATIONS),
            "source": chance.choice(SOURCES),
        }
        topic = chance.choice(TOPICS)
        span = {
            "error": chance.random() < 0.2,
            "key": fields["key"],
            "event_type": fields["event_type"],
        }
        if not service:
            flow.send("", topic, spanned=False, **fields)
        elif number % 9 == 0:
            flow.send(service, "untapped", tapped=False, span=span)
        else:
            sent = flow.send(service, topic, span=span, **fields)
            flow.process("consumer", sent, error=chance.random() < 0.2)
        flow.tick(chance.choice([1, 1, 1, 400_000]))
    flow.batch("storefront", "orders", 3, key="42")
    flow.operation("storefront", "orders", OperationType.CREATE)
    return flow


_VALUES = {
    "topic": TOPICS,
    "type": TYPES,
    "key": KEYS,
    "service": SERVICES,
    "correlation": CORRELATIONS,
    "id": [UUID.format(1), "msg_2", "orders/0/1", "pay%ments/0/3"],
    "": ["msg_1", "key", "cart", "f93a2b3c-1d", "F93A2B3C1D", "orders/0", "{f93", "ß", "a%", "00"],
    "error": ["yes", "no"],
}


@st.composite
def _term(draw: st.DrawFn) -> str:
    name = draw(st.sampled_from(list(_VALUES)))
    values = []
    for value in draw(st.lists(st.sampled_from(_VALUES[name]), min_size=1, max_size=2)):
        cut = draw(st.integers(0, len(value)))
        star = name != "error" and draw(st.booleans())
        shown = (
            f"{in_quotes(value[:cut])}*{in_quotes(value[cut + 1 :])}" if star else in_quotes(value)
        )
        values.append(shown.replace('""', "") if star else shown)
    sign = draw(st.sampled_from(["", "", "-"]))
    text = ",".join(values)
    return f"{sign}{name}:{text}" if name else f"{sign}{text}"


def test_all_three_say_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "LOOKS_BACK", ())
    put_flow(store, world())
    backend = StoreBackend(store)
    whole = backend.recent(EventFilter(limit=10_000))
    assert len(whole) == len(world().messages) + sum(
        one.destination == "untapped" and one.type is OperationType.SEND
        for one in world().operations.values()
    )
    now = world().now
    with serving(backend) as url:
        client = ApiClient(url)

        @settings(max_examples=60, suppress_health_check=list(HealthCheck))
        @given(st.lists(_term(), min_size=1, max_size=3), st.sampled_from([3, 1000]), st.booleans())
        @example(["service:storefront"], 1000, False)
        @example(['service:""'], 1000, False)
        @example(['service:"",mail*'], 1000, False)
        @example(["error:yes", "service:Payment,mail_er"], 5, False)
        @example(["error:yes", "service:Payment,mail_er"], 5, True)
        @example(["f93a2b3c-1d5e-4c6f-8a7b-0000000000"], 1000, False)
        def same(terms: list[str], limit: int, oldest: bool) -> None:
            text = " ".join((*terms, "order:oldest") if oldest else terms)
            try:
                wanted = parse(text, now)
            except ValueError:
                return
            assert wanted.oldest is oldest
            wanted = EventFilter(terms=wanted.terms, limit=limit, oldest=oldest)
            expected = [row for row in whole if wanted.accepts(row)][:: -1 if oldest else 1]
            told = backend.recent(wanted)
            assert [row.time for row in told] == [row.time for row in expected[:limit]], text
            assert {row.id for row in told} <= {row.id for row in expected}, text
            if limit >= len(expected):
                assert {(row.id, row) for row in told} == {(row.id, row) for row in expected}
            asked = client.events(wanted).rows
            assert [row.time for row in asked] == [row.time for row in told]
            assert set(asked) == set(told)
            address = f"{url}/api/v1/events?limit={limit}&q={quote(text)}"
            with urllib.request.urlopen(address) as answer:
                said = json.loads(answer.read())
            assert [one["time_ns"] for one in said["events"]] == [row.time for row in told]
            assert said["more"] is (len(expected) > limit)

        same()


def test_the_oldest_are_looked_for_from_the_beginning_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In windows that follow one another, each of them asked only while too few were found."""
    put_flow(store, world())
    backend = StoreBackend(store)
    whole = backend.recent(EventFilter(limit=10_000))[::-1]
    first, middle, last = whole[0].time, whole[120].time, whole[-1].time
    assert last - first > lists.LOOKS_BACK[1], "more than two windows hold events"
    looks: list[tuple[int, int]] = []

    def looked(store: Store, wanted: EventFilter, few: filters.Tests | None) -> list[EventRow]:
        looks.append((wanted.since, wanted.until))
        return messages(store, wanted, few)

    messages = lists._messages
    monkeypatch.setattr(lists, "_messages", looked)
    for since in (first, middle, last + 1):
        for until in (0, since + lists.LOOKS_BACK[0] // 2, last):
            for limit in (1, 20, 1000):
                looks.clear()
                wanted = EventFilter(since=since, until=until, limit=limit, oldest=True)
                expected = [row for row in whole if wanted.accepts(row)]
                told = backend.recent(wanted)
                assert [row.time for row in told] == [row.time for row in expected[:limit]]
                assert {row.id for row in told} <= {row.id for row in expected}
                assert looks[0][0] == since and all(a[1] == b[0] for a, b in pairwise(looks))
                begun = [row for row in expected if row.time < looks[-1][0]]
                assert len(looks) == 1 or len(begun) < limit, "the last window was needed"


class TestWhatFailed:
    """`error:yes` finds what could not be sent, and what could not be handled."""

    def failed(self, store: Store, flow: Flow) -> set[str]:
        put_flow(store, flow)
        backend = StoreBackend(store)
        rows = backend.recent(replace(parse("error:yes", 0), limit=1000))
        fine = backend.recent(replace(parse("error:no", 0), limit=1000))
        assert not {row.id for row in rows} & {row.id for row in fine}
        assert len(rows) + len(fine) == len(backend.recent(EventFilter(limit=1000)))
        stores.relate_within(store)
        assert backend.recent(replace(parse("error:yes", 0), limit=1000)) == rows
        return {row.id for row in rows}

    def test_one_of_a_batch_whose_context_is_the_parent_too(self, store: Store) -> None:
        flow = Flow()
        batch = flow.batch("storefront", "prices", 3)
        flow.process("shop", batch[1], by="links with positions", inside=batch[1], error=True)
        assert self.failed(store, flow) == {str(batch[1].position)}

    def test_handling_in_the_same_trace_by_a_link(self, store: Store) -> None:
        flow = Flow()
        fine, bad = (flow.send("storefront", "orders") for _ in range(2))
        for order in (fine, bad):
            flow.process("payment", order, by="link", inside=order, error=order is bad)
        assert self.failed(store, flow) == {str(bad.position)}

    @pytest.mark.parametrize("by", ["parent", "link", "links with positions"])
    def test_handling(self, store: Store, by: str) -> None:
        flow = Flow()
        fine, bad, _ = (flow.send("storefront", "orders") for _ in range(3))
        flow.process("payment", fine, by=by)
        flow.process("payment", bad, by=by, error=True)
        flow.process("payment", bad, by=by)
        assert self.failed(store, flow) == {str(bad.position)}, "an attempt is enough"

    def test_sending(self, store: Store) -> None:
        flow = Flow()
        flow.send("storefront", "orders")
        bad = flow.send("storefront", "orders", span={"error": True})
        lost = flow.send("storefront", "nowhere", tapped=False, span={"error": True})
        assert lost.context is not None
        there = f"{lost.context.trace_id}/{lost.context.span_id}"
        assert self.failed(store, flow) == {str(bad.position), there}

    def test_handling_what_no_tap_saw(self, store: Store) -> None:
        flow = Flow()
        bad = flow.send("audit", "secrets", tapped=False)
        flow.send("audit", "secrets", tapped=False)
        flow.process("archive", bad, by="link", error=True)
        assert bad.context is not None
        assert self.failed(store, flow) == {f"{bad.context.trace_id}/{bad.context.span_id}"}

    def test_one_of_a_batch_where_its_span_says_which(self, store: Store) -> None:
        flow = Flow()
        batch = flow.batch("storefront", "prices", 3)
        flow.process("shop-view", batch[1], by="links with positions", error=True)
        assert self.failed(store, flow) == {str(batch[1].position)}

    def test_what_failed_below_is_not_what_failed(self, store: Store) -> None:
        """A call that a consumer made, or what it sent on, is not the event that it handled."""
        flow = Flow()
        order = flow.send("storefront", "orders")
        paying = flow.process("payment", order)
        paid = flow.send("payment", "payments", inside=paying)
        flow.process("shipping", paid, error=True)
        assert self.failed(store, flow) == {str(paid.position)}


@pytest.mark.parametrize("text", ["since:10m", "until:10m", "since:20m until:5m key:42", ""])
def test_times_are_bounds_everywhere(store: Store, text: str) -> None:
    put_flow(store, world())
    backend = StoreBackend(store)
    whole = backend.recent(EventFilter(limit=10_000))
    wanted = parse(text, world().now)
    found = backend.recent(replace(wanted, limit=10_000))
    assert found == [row for row in whole if wanted.accepts(row)]


@pytest.mark.parametrize("text", ["key:42", "key-", "service:storefront", "error:yes", "-key:42"])
def test_short_ways_and_windows_change_nothing(
    store: Store, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few `FEW` are, and however the look back is cut."""
    put_flow(store, world())
    backend = StoreBackend(store)
    wanted = EventFilter(terms=parse(text, 0).terms, limit=20)
    expected = backend.recent(wanted)
    assert expected
    monkeypatch.setattr(lists, "FEW", 0)
    assert filters.short_way(wanted) is None or backend.recent(wanted) == expected
    wanted = EventFilter(terms=wanted.terms, limit=20, until=EPOCH + 10**15)
    back = [10**15 - step * 1000 * MILLISECOND for step in (3_000_000, 2_000_000, 10_000)]
    monkeypatch.setattr(lists, "LOOKS_BACK", tuple(back))
    assert backend.recent(wanted) == expected
