"""Numbers as people read them, and text that keeps its columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.drawing import figures
from tui.drawing.segments import (
    Segment,
    cells,
    cut,
    cut_middle,
    fit,
    line,
    pad,
    printable,
    text_of,
    width_of,
)

MS = 1_000_000


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0.0 ms"),
        (400_000, "0.4 ms"),
        (9_960_000, "10 ms"),
        (12 * MS, "12 ms"),
        (999_600_000, "1.0 s"),
        (34_500 * MS, "34 s"),
        (59_700 * MS, "1m 00s"),
        (185_000 * MS, "3m 05s"),
        (7_800_000 * MS, "2h 10m"),
        (90_000_000 * MS, "1d 01h"),
        (-12 * MS, "-12 ms"),
    ],
)
def test_durations(nanoseconds: int, text: str) -> None:
    assert figures.duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("per_second", "text"),
    [(0, "idle"), (1200, "1.2k/s"), (34, "34/s"), (1.24, "1.2/s"), (0.2, "12/min"), (0.01, "36/h")],
)
def test_rates(per_second: float, text: str) -> None:
    assert figures.rate(per_second) == text


@given(st.floats(0, 1e9))
def test_a_rate_never_grows_out_of_its_column(per_second: float) -> None:
    assert len(figures.rate(per_second)) <= 7


@given(st.integers(-(10**16), 10**16))
def test_a_duration_never_grows_out_of_its_column(nanoseconds: int) -> None:
    assert len(figures.duration(nanoseconds).removeprefix("-")) <= 8


@given(st.integers(0, 10**14))
def test_a_count_has_at_most_five_characters(value: int) -> None:
    assert len(figures.count(value)) <= 5


def test_clock_times_are_utc_and_unknown_ones_say_so() -> None:
    assert figures.clock(1_790_856_000_004 * MS) == "12:00:00.004"
    assert figures.date(1_790_856_000_004 * MS) == "2026-10-01 12:00:00.004"
    assert figures.clock(0) == "--:--:--.---"


@given(st.lists(st.text(max_size=12), max_size=6), st.integers(0, 40))
def test_a_fitted_line_has_exactly_its_width(texts: list[str], width: int) -> None:
    fitted = fit(line(*(Segment(printable(text)) for text in texts)), width)
    assert width_of(fitted) == width


@given(st.text(max_size=30), st.integers(0, 20))
def test_cut_text_never_exceeds_its_width(text: str, width: int) -> None:
    assert cells(cut(text, width)) <= max(0, width)
    assert cells(cut_middle(text, width)) <= max(0, width)
    assert cells(pad(text, width)) == width


def test_cutting_says_that_something_is_left_out() -> None:
    assert cut("recommendation", 9) == "recommen…"
    assert cut_middle("0123456789abcdef", 8) == "012…cdef"
    assert text_of(fit(line("abc", "def"), 5)) == "abcd…"
    assert cut("日本語テキスト", 6) == "日本…"
