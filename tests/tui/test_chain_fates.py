"""Fates beside a chain: which row is which consumer's, what is news, and how it reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from graph.chain.result import Chain
from graph.fate import Fate, Fates, Status
from graph.listing import EventRow
from graph.model import Evidence, Position
from tests.goldens import assert_golden
from tests.tui.fates import fate, order_fates
from tests.tui.order import ChainBuilder, order
from tests.tui.shop import MS, NOON
from tui.drawing.chain_details import row_details
from tui.drawing.chain_drawing import ChainDrawing
from tui.drawing.chain_fates import (
    ConsumerFates,
    KnownFates,
    fate_of,
    fate_section,
    in_words,
    is_trouble,
)
from tui.drawing.chain_filter import Only, filtered, is_problem
from tui.drawing.chain_sequence import SequenceDrawing
from tui.drawing.chain_timeline import TimelineDrawing
from tui.drawing.chain_tree import tree
from tui.drawing.segments import text_of, width_of

SECOND = 1_000 * MS


def known(chain: Chain) -> KnownFates:
    """What is known of the order and of its payment."""
    told = order_fates()
    return {
        event.key: ConsumerFates(told[str(event.key)], chain.deliveries_of(event.key))
        for event in chain.events
        if str(event.key) in told
    }


def words(one: Fate) -> str:
    return text_of(in_words(one))


def of(status: Status, **rest: Any) -> Fate:
    return replace(fate("a", status, Evidence.MATCHED, "Said."), **rest)


@pytest.mark.parametrize("width", [80, 148])
def test_a_chain_with_its_fates_looks_so(width: int) -> None:
    chain = order()
    drawing = ChainDrawing(chain, width, fates=known(chain))
    lines = [drawing.heading, *(drawing.line(y, None) for y in range(drawing.height))]
    assert {width_of(line) for line in lines} == {width}
    assert_golden(f"tui/chain-fates-{width}.txt", "\n".join(map(text_of, lines)))


def test_details_with_fates_look_so() -> None:
    chain = order()
    rows, fates = tree(chain), known(chain)
    silent = next(row for row in rows if row.delivery and row.delivery.service == "recommendation")
    parts = [row_details(row, chain, 46, fates) for row in (rows[0], silent)]
    assert all(width_of(line) <= 46 for part in parts for line in part)
    texts = ["\n".join(map(text_of, part[:34])) for part in parts]
    assert_golden("tui/fate-details.txt", f"\n{'=' * 46}\n".join(texts))


def test_what_spans_say_already_is_no_news() -> None:
    chain = order()
    news = {
        one.service: found.status
        for one in chain.deliveries
        if (found := fate_of(one, known(chain))) is not None
    }
    assert news == {
        "recommendation": Status.HANDLED,  # inferred: its span says only that it came
        "notification": Status.DEAD_LETTERED,
    }


def test_two_groups_of_one_service_are_told_apart_and_doubt_marks_nothing() -> None:
    builder = ChainBuilder()
    key = builder.event("paid", 0, "payment")
    plain = builder.handled(key, "search", 3, 2)
    first, second = (replace(plain, group=name) for name in ("index-a", "index-b"))
    chain = builder.chain(key)
    fates = [
        replace(fate("search", status, Evidence.MATCHED, "Said."), group=group)
        for status, group in ((Status.PASSED, "index-a"), (Status.PENDING, "index-b"))
    ]
    told = ConsumerFates(Fates(EventRow("paid/0/1", NOON), (), tuple(fates)), [first, second])
    assert [told.of(one) and told.of(one).status for one in (first, second)] == [  # type: ignore[union-attr]
        Status.PASSED,
        Status.PENDING,
    ]
    assert told.besides == []
    assert told.unsettled
    unsure = ConsumerFates(told.fates, chain.deliveries)
    assert unsure.of(plain) is None, "it could be either"
    assert unsure.besides == fates


def test_words_say_what_matters() -> None:
    assert words(of(Status.PENDING, ahead=1_205, expected=NOON + 124 * SECOND)) == (
        "pending: 1,204 before it, expected 12:02:04  ≈ matched"
    )
    assert words(of(Status.PENDING, ahead=1, rate=0.0)).startswith(
        "pending: next to be read, and nothing is read"
    )
    assert words(of(Status.PENDING, ahead=21, rate=1.5)).startswith(
        "pending: 20 before it, and nobody reads"
    )
    assert words(of(Status.PENDING)) == "pending  ≈ matched"
    assert words(of(Status.PASSED, passed_by=NOON)) == "passed: by 12:00:00  ≈ matched"
    assert words(of(Status.HANDLED, duration=31 * MS, attempts=2)).startswith(
        "handled: in 31 ms, attempt 2"
    )
    place = Position("kafka", "c", "dlt", "", "0", 3)
    assert words(of(Status.DEAD_LETTERED, copy=place, error="a\x1bb")).startswith(
        "dead-lettered: a copy lies at dlt/0/3, a·b"
    )
    assert words(fate("a", Status.NO_EVIDENCE, None, "Said.")) == "no evidence"


def test_an_event_without_consumers_says_so() -> None:
    nobody = Fates(EventRow("t/0/1", NOON))
    shown = [text_of(one) for one in fate_section(ConsumerFates(nobody, ()), 40)]
    assert shown[-1] == "no consumer is known"
    noted = replace(nobody, notes=("Nobody was seen.",))
    shown = [text_of(one) for one in fate_section(ConsumerFates(noted, ()), 40)]
    assert shown[-1] == "Nobody was seen."
    assert fate_section("", 40) == []


def test_only_problems_shows_what_nobody_has_handled() -> None:
    """Who has not got it yet is no less a problem than who failed."""
    chain = order()
    rows, told = tree(chain), known(chain)

    def problems(fates: KnownFates) -> list[str]:
        shown = filtered(rows, chain, Only.PROBLEMS, fates)
        return [
            row.delivery.service if row.delivery else row.event.title
            for row in shown
            if row.event and is_problem(row, fates)
        ]

    assert problems({}) == ["payment", "notification"]
    assert problems(told) == ["order.created", "payment", "payment.captured", "notification"]


@pytest.mark.parametrize(
    ("status", "services", "wanted"),
    [
        (Status.DEAD_LETTERED, ("a",), True),
        (Status.FAILED, ("a",), True),
        (Status.RETRIED, ("a",), True),
        (Status.PENDING, (), True),
        (Status.NO_EVIDENCE, ("a",), True),
        (Status.NO_EVIDENCE, (), False),
        (Status.PASSED, (), False),
        (Status.SKIPPED, ("a",), False),
        (Status.NOT_SUBSCRIBED, ("a",), False),
        (Status.HANDLED, ("a",), False),
    ],
)
def test_what_an_incident_is_about(status: Status, services: tuple[str, ...], wanted: bool) -> None:
    assert is_trouble(replace(of(status), services=services, group="g")) is wanted


def test_a_bundle_counts_the_fates_of_its_members() -> None:
    """Of thirty orders two are known: one waits, one is given up; the row says of how many."""
    builder = ChainBuilder()
    start = builder.event("order.created", 0, "storefront")
    batch = builder.handled(start, "splitter", 1, 5)
    for number in range(30):
        line = builder.event("line.added", 10 + number, "splitter")
        builder.led_to(batch, line)
        builder.handled(line, "picker", 12 + number, 1)
    chain = builder.chain(start)
    lines = [event.key for event in chain.events if event.title == "line.added"]
    told: KnownFates = {
        key: ConsumerFates(
            Fates(
                EventRow("line.added/0/1", NOON), (), (fate("picker", status, evidence, "Said."),)
            ),
            chain.deliveries_of(key) if status is Status.DEAD_LETTERED else (),
        )
        for key, status, evidence in (
            (lines[0], Status.DEAD_LETTERED, Evidence.DECLARED),
            (lines[1], Status.PENDING, Evidence.MATCHED),
        )
    }
    drawing = ChainDrawing(chain, 240, fates=told)
    shown = "\n".join(text_of(drawing.line(y, None)) for y in range(drawing.height))
    assert "● line.added ×30  … 1 pending of 2 looked at" in shown
    assert "picker ×30  ✗ 1 dead-lettered of 2 looked at" in shown


@pytest.mark.parametrize("draw", [SequenceDrawing, TimelineDrawing])
@pytest.mark.parametrize("width", [60, 80, 140])
def test_each_view_bears_the_marks_of_fates(
    draw: type[SequenceDrawing | TimelineDrawing], width: int
) -> None:
    chain = order()
    drawing = draw(chain, width, known(chain))
    lines = [drawing.line(y, None) for y in range(drawing.height)]
    assert {width_of(one) for one in lines} == {width}
    shown = "\n".join(map(text_of, lines))
    assert "…1 ?1 ›1" in shown or "… 1 pending  ? 1 no evidence" in shown
    assert "✗" in shown
    if width == 140 and draw is SequenceDrawing:
        assert "dead-lettered = 3 tries" in shown
