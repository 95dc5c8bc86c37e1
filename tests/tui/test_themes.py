"""Every role can be read in every theme, and nothing is said by a colour alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

import pytest
from rich.color import Color
from rich.style import Style
from textual.filter import NoColor

from graph.model import Evidence
from tests.tui.fake import FakeSource
from tests.tui.telling import Story, story
from tui.app import FlowtapApp
from tui.commands.options import ThemeName
from tui.drawing import consumer_table, evidence, fate_lines, flow
from tui.drawing.segments import SegmentRole, text_of
from tui.widgets.canvas import Canvas
from tui.widgets.theme import THEMES, Look, look

LEAST = {"dark": 4.5, "light": 4.5, "contrast": 7.0}
"""Contrasts of text that WCAG 2.2 asks for: 1.4.3 (AA), and 1.4.6 (AAA)."""


def luminance(colour: Color) -> float:
    """Relative luminance as WCAG 2.2 defines it, from 0 to 1."""
    parts = [part / 255 for part in colour.get_truecolor()]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    """Contrast ratio as WCAG 2.2 defines it, from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def of(style: Style) -> float:
    assert style.color is not None and style.bgcolor is not None
    return contrast(style.color, style.bgcolor)


def as_drawn(styles: Look, role: SegmentRole) -> Iterator[tuple[str, Style]]:
    """A role's style in each state that a canvas draws it in."""
    yield "plain", styles[role]
    lit = styles["lit.edge" if role.startswith("edge") else "lit"]
    yield "lit", styles[role] + lit
    edge = styles["lit.edge"] if role.startswith("edge") else Style()
    yield "selected", styles[role] + edge + styles["selected"]


def test_the_measure_of_contrast() -> None:
    black, white = Color.parse("#000000"), Color.parse("#ffffff")
    assert contrast(black, white) == pytest.approx(21)
    assert contrast(white, white) == pytest.approx(1)
    assert contrast(Color.parse("#767676"), white) == pytest.approx(4.54, abs=0.01)


async def variables(name: str) -> dict[str, str]:
    app = FlowtapApp(FakeSource(), theme=name)
    async with app.run_test():
        return app.theme_variables


@pytest.mark.parametrize("name", THEMES)
async def test_each_role_can_be_read(name: str) -> None:
    """On the background and on a selected row, itself and where it is lit."""
    known = await variables(name)
    styles = look(known)
    low = {
        f"{role or 'text'}, {state}": round(of(style), 2)
        for role in get_args(SegmentRole)
        for state, style in as_drawn(styles, role)
        if of(style) < LEAST[name]
    }
    assert not low
    written = [
        contrast(Color.parse(known[text]), Color.parse(known[ground]))
        for text in ("foreground", "flow-dim", "error", "warning")
        for ground in ("background", "surface", "panel")
    ]
    assert min(written) >= LEAST[name], "what stands on a dialog or a notice"


@pytest.mark.parametrize("name", THEMES)
async def test_a_selected_row_is_told_by_more_than_its_colour(name: str) -> None:
    styles = look(await variables(name))
    assert styles["selected"].bold
    assert styles["lit"].bold and styles["lit.edge"].bold
    plain = look(await variables(name), plain=True)
    assert plain["selected"].reverse


def test_what_can_be_chosen_is_what_there_is() -> None:
    assert [one.value for one in ThemeName] == list(THEMES)


async def test_t_goes_through_the_themes() -> None:
    """I press T until I can read it well."""
    async with story() as told:
        await told.sees("order.created")
        seen = [ground(told)]
        for _ in THEMES:
            await told.press("T")
            seen.append(ground(told))
        assert len(set(seen)) == len(THEMES) and seen[0] == seen[-1]


def ground(told: Story) -> str:
    strips = told.app.screen._compositor.render_strips()
    style = next(iter(strips[2])).style
    assert style is not None and style.bgcolor is not None
    return style.bgcolor.name


async def test_no_color_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR is set: no colour is sent, and what is selected is turned round."""
    monkeypatch.setenv("NO_COLOR", "1")
    async with story() as told:
        await told.sees("order.created")
        assert any(isinstance(one, NoColor) for one in told.app._filters)
        shown = [cell for strip in told.app.screen._compositor.render_strips() for cell in strip]
        filtered = NoColor().apply(shown, told.app.screen.background_colors[1])
        assert {cell.style.color.is_default for cell in filtered if cell.style} == {True}  # type: ignore[union-attr]
        assert any(cell.style and cell.style.reverse for cell in filtered)


@pytest.mark.parametrize(
    "signs",
    [
        [(mark, status.value) for status, (mark, _) in fate_lines.MARKS.items()],
        [(mark, standing.value) for standing, (mark, _) in consumer_table.MARKS.items()],
        [(mark,) for mark in evidence.MARKS.values()],
        [(mark,) for mark in flow.MARKS.values()],
    ],
    ids=["fates", "standings", "evidence", "nodes"],
)
def test_what_is_told_apart_by_colour_is_told_apart_by_signs(signs: list[tuple[str, ...]]) -> None:
    """A fate and a standing are a mark with its word; evidence and kinds of nodes a mark."""
    assert len(set(signs)) == len(signs)
    assert all(all(part.strip() for part in sign) for sign in signs)


def test_doubt_is_drawn_by_other_lines() -> None:
    sure = {evidence.DASHES[one] for one in (Evidence.OBSERVED, Evidence.DECLARED)}
    unsure = {evidence.DASHES[one] for one in (Evidence.MATCHED, Evidence.INFERRED)}
    assert sure.isdisjoint(unsure) and len(unsure) == 2


WRONG = re.compile(r"✗|■|failed|nobody|never|\d+ wait|503")
"""What an error says besides being red."""


@pytest.mark.parametrize("keys", ["", "t", "m", "4", "2", "3", "3v", "3vv", "3w"])
async def test_an_error_is_said_and_not_only_coloured(keys: str) -> None:
    async with story(find="7c1f0d9e-0000" if "3" in keys else "", size=(140, 40)) as told:
        await told.sees("order.created")
        await told.press(*keys.removeprefix("3"))
        await told.rests()
        said = [
            text_of(drawn)
            for canvas in told.app.screen.query(Canvas)
            for y in range(canvas.drawing.height)
            for drawn in [canvas.drawing.line(y, None)]
            if any(part.role == "error" and part.text.strip() for part in drawn)
        ]
        assert said or "2" in keys, "something is wrong on every other screen"
        assert [one for one in said if not WRONG.search(one)] == []
