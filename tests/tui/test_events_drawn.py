"""The list of events without a screen: what it holds, how it divides a width, what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graph.filter import FilterError, parse
from graph.listing import EventRow
from graph.terms import Field
from tests.tui.shop import MS, NOON
from tui.drawing.event_columns import USUAL, Column, divided, natural
from tui.drawing.event_lines import (
    Standing,
    filter_line,
    mistake_lines,
    state_line,
    type_lines,
)
from tui.drawing.event_rows import EventsDrawing, RowKey, measured
from tui.drawing.facts import body
from tui.drawing.passing import OTHERS, TYPES, Kind, Passing
from tui.drawing.segments import text_of, width_of

SECOND = 1_000_000_000


def row(number: int, event_type: str = "Paid", **fields: object) -> EventRow:
    made = EventRow(
        f"payments/0/{number}", NOON + number * MS, "payments", event_type=event_type, key="42"
    )
    return replace(made, **fields)  # type: ignore[arg-type]


class TestPassing:
    def test_what_is_listed_and_then_comes_is_there_once(self) -> None:
        passing = Passing()
        passing.came([row(3), row(4)], NOON)
        passing.listed([row(3), row(2), row(1)])
        passing.came([row(2), row(5)], NOON)
        assert [one.id[-1] for one in passing.rows] == list("12345")
        assert passing.seen == 5

    def test_a_list_overtakes_the_stream(self) -> None:
        """It tells the newest before the stream has told what came before them: that finds its
        place by time, in what shows as in what waits below it."""
        passing = Passing()
        passing.came([row(1)], NOON)
        passing.listed([row(5), row(4), row(1)])
        passing.came([row(2), row(3), row(4), row(6)], NOON)
        assert [one.id[-1] for one in passing.rows] == list("123456")

    def test_a_list_overtakes_the_stream_while_held_still(self) -> None:
        """Nothing moves; once it is followed again, each is at its place by time."""
        passing = Passing()
        passing.came([row(1), row(4)], NOON)
        passing.hold()
        passing.listed([row(9), row(6), row(4)])
        passing.came([row(2), row(7), row(8)], NOON)
        assert [one.id[-1] for one in passing.rows] == list("14")
        assert passing.new == 5
        passing.follow()
        assert [one.id[-1] for one in passing.rows] == list("1246789")

    def test_one_id_in_two_clusters_is_two_events(self) -> None:
        passing = Passing()
        passing.listed([row(1, cluster="a"), row(1, cluster="b")])
        assert len(passing.rows) == 2
        drawing = EventsDrawing(passing.rows, 80)
        first = RowKey.of(passing.rows[0])
        assert drawing.step(first, 0, 1) == RowKey.of(passing.rows[1])

    def test_held_still_nothing_moves_but_what_failed_is_marked(self) -> None:
        passing = Passing()
        passing.came([row(1), row(2)], NOON)
        passing.hold()
        passing.came([row(3)], NOON)
        passing.listed([row(4), row(1, error=True)])
        assert [(one.id[-1], one.error) for one in passing.rows] == [("1", True), ("2", False)]
        assert passing.new == 2
        passing.follow()
        assert [one.id[-1] for one in passing.rows] == list("1234")

    def test_rates_are_those_of_the_last_seconds(self) -> None:
        passing = Passing()
        paid, failed = Kind(Field.TYPE, "Paid"), Kind(Field.TYPE, "Failed")
        assert passing.rates(NOON) == {}
        passing.opened(NOON)
        for second in range(30):
            passing.came([row(second * 10 + n) for n in range(5)], NOON + second * SECOND)
        passing.came([row(1_000, "Failed")], NOON + 29 * SECOND)
        rates = passing.rates(NOON + 30 * SECOND)
        assert rates[paid] == pytest.approx(5, rel=0.2)
        assert 0 < rates[failed] < 0.2
        assert passing.rates(NOON + 60 * SECOND)[paid] == 0

    def test_what_a_list_told_before_the_stream_did_flows_once(self) -> None:
        passing = Passing()
        paid = Kind(Field.TYPE, "Paid")
        passing.listed([row(1)])
        passing.opened(NOON)
        passing.listed([row(number) for number in (5, 4, 3, 2, 1)])
        passing.came([row(number) for number in (3, 4, 5, 6)], NOON + SECOND)
        passing.came([row(6)], NOON + SECOND)
        assert passing.seen == 6
        assert passing.rates(NOON + 2 * SECOND)[paid] == pytest.approx(4 / 2)

    def test_an_event_without_a_type_counts_for_its_topic(self) -> None:
        passing = Passing()
        passing.came([row(1, "")], NOON)
        assert dict(passing.counts) == {Kind(Field.TOPIC, "payments"): 1}

    def test_so_many_types_are_counted_one_by_one(self) -> None:
        passing = Passing()
        passing.came([row(number, f"type.{number}") for number in range(TYPES + 9)], NOON)
        assert len(passing.counts) == TYPES + 1
        assert passing.counts[OTHERS] == 9
        lines = type_lines(passing, {}, 40)
        assert text_of(lines[-1]).split()[:2] == ["others", "9"]


ROWS = [
    row(1, "com.example.payments.v1.PaymentWasCaptured", service="payment", message_id="x" * 36),
    row(2, "決済", service="決済サービス", size=1_204, received=NOON + 300 * MS),
    row(3, "a\x1b[31m", error=True, tapped=False, id="5b8efff7" * 4 + "/eee19b7ec3c1b174"),
]


@pytest.mark.parametrize("chosen", [USUAL, frozenset(Column), frozenset({Column.SIZE}), {"id"}])
@pytest.mark.parametrize("width", [20, 40, 80, 97, 200])
def test_every_line_has_exactly_the_width(chosen: frozenset[Column], width: int) -> None:
    drawing = EventsDrawing(ROWS, width, chosen)
    lines = [drawing.heading, *(drawing.line(y, None) for y in range(drawing.height))]
    assert {width_of(line) for line in lines} == {width}
    assert "\x1b" not in "".join(map(text_of, lines))
    assert "✗" in text_of(drawing.line(2, None))


def test_nothing_is_cut_in_the_natural_width() -> None:
    wants = measured(ROWS)
    for chosen in (USUAL, frozenset(Column)):
        drawing = EventsDrawing(ROWS[:2], natural(chosen, wants), chosen, wants)
        assert "…" not in text_of(drawing.line(0, None)) + text_of(drawing.line(1, None))


def test_names_get_room_before_ids() -> None:
    wants = {Column.TYPE: 17, Column.KEY: 36, Column.ID: 36, Column.PRODUCER: 12}
    columns = divided(USUAL, wants, 80)
    assert (columns[Column.TYPE], columns[Column.PRODUCER]) == (17, 12)
    assert columns[Column.KEY] == pytest.approx(columns[Column.ID], abs=1)


@pytest.mark.parametrize("width", [40, 80, 140])
def test_what_the_state_says(width: int) -> None:
    passing = Passing()
    passing.came([row(1)], NOON)
    live, away = Standing(following=True), Standing(away=True, following=True)
    assert "● following  12/s" in text_of(state_line(passing, live, 12.0, width))
    assert "○ the collector is away" in text_of(state_line(passing, away, None, width))
    assert "▪ 1 events" in text_of(state_line(passing, Standing(live=False), None, width))
    cut = Standing(live=False, more=True)
    assert "▪ the newest 1 events" in text_of(state_line(passing, cut, None, width))
    passing.hold()
    passing.missed = 1_204
    told = state_line(passing, live, None, width)
    assert "‖ paused, nothing" in text_of(told)
    assert "1,204 dropped" in text_of(told)
    assert width_of(told) == width


def test_a_list_that_follows_says_that_more_came_before() -> None:
    passing = Passing(kept=2)
    passing.listed([row(2), row(1)])
    cut = Standing(following=True, more=True)
    assert text_of(state_line(passing, cut, 2.0, 80)).endswith("more came before")
    passing.came([row(3)], NOON)
    assert text_of(state_line(passing, cut, 2.0, 80)).endswith("newest 2 of 3")


def test_the_filters_line_is_where_its_input_is() -> None:
    for text in ("", "type:Paid", "x" * 500):
        told = filter_line(text, 80)
        assert width_of(told) == 80
        assert {part.target for part in told} == {"filter"}


@pytest.mark.parametrize("text", ["key:1 colour:red", "key:" + "x" * 100 + " colour:red"])
def test_a_mistake_is_underlined_also_where_the_text_is_long(text: str) -> None:
    with pytest.raises(FilterError) as error:
        parse(text, NOON)
    shown, mark, *_ = map(text_of, mistake_lines(text, error.value, 60))
    assert shown[mark.index("^") : len(mark)] == "colour:"


def test_bytes_are_shown_as_bytes() -> None:
    lines = [text_of(line) for line in body("hex:" + b"\x00\x01PNG".hex(), 80)]
    assert lines == [f"0000  {'00 01 50 4e 47':48} ··PNG"]
    assert len(body("hex:" + "00" * 40, 30)) == 10
    assert text_of(body("hex:zz", 80)[0]) == "hex:zz"
