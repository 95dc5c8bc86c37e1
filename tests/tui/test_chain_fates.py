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
from tui.drawing.chain_fates import ConsumerFates, KnownFates, fate_of, fate_section, in_words
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
