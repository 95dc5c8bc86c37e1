"""Themes, and the look that each role of a drawing has in them.

Text has a contrast of 4.5:1 at least (WCAG AA) on everything it stands on, of 7:1 (AAA) in the
theme of high contrast; that is tested for each role.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from rich.style import Style
from textual.theme import Theme

from tui.drawing.segments import SegmentRole


class Look(dict[str, Style]):
    """Styles by role; `selected`, `lit` and `lit.edge` are laid over them, `selected` last."""


DARK = Theme(
    name="flowtap",
    dark=True,
    primary="#7fb0ff",
    secondary="#c8a4ff",
    accent="#f2c879",
    foreground="#d7dbe8",
    background="#0f1119",
    surface="#151824",
    panel="#1c2131",
    success="#8fd694",
    warning="#ffb066",
    error="#ff7b8a",
    variables={
        "flow-dim": "#8f98bd",
        "flow-label": "#98a2c8",
        "flow-service": "#72d2ef",
        "flow-edge": "#747eac",
        "flow-border": "#2b3350",
        "flow-id": "#b4bcdc",
        "flow-selected": "#242c4a",
        "scrollbar": "#2b3350",
        "scrollbar-hover": "#46527d",
        "scrollbar-active": "#7fb0ff",
        "scrollbar-background": "#0f1119",
        "scrollbar-background-hover": "#0f1119",
        "scrollbar-background-active": "#0f1119",
        "scrollbar-corner-color": "#0f1119",
    },
)

LIGHT = Theme(
    name="flowtap-light",
    dark=False,
    primary="#1f5fbf",
    secondary="#7a3fb5",
    accent="#7a4f00",
    foreground="#20242f",
    background="#fbfbfd",
    surface="#f1f3f8",
    panel="#e6e9f2",
    success="#1a6b2d",
    warning="#8f4700",
    error="#b3202f",
    variables={
        "flow-dim": "#565f77",
        "flow-label": "#4b546f",
        "flow-service": "#006480",
        "flow-edge": "#68718a",
        "flow-border": "#c3cad9",
        "flow-id": "#414a61",
        "flow-selected": "#d9e4f8",
    },
)

CONTRAST = Theme(
    name="flowtap-contrast",
    dark=True,
    primary="#7fc4ff",
    secondary="#e0b0ff",
    accent="#ffe066",
    foreground="#ffffff",
    background="#000000",
    surface="#0a0a0a",
    panel="#1a1a1a",
    success="#6dff8a",
    warning="#ffc04d",
    error="#ff9a9a",
    variables={
        "flow-dim": "#c8c8c8",
        "flow-label": "#e0e0e0",
        "flow-service": "#66f0ff",
        "flow-edge": "#b0b0b0",
        "flow-border": "#b0b0b0",
        "flow-id": "#f0f0f0",
        "flow-selected": "#ffe066",
        "flow-selected-text": "#000000",
        "scrollbar": "#707070",
        "scrollbar-hover": "#b0b0b0",
        "scrollbar-active": "#ffe066",
        "scrollbar-background": "#000000",
        "scrollbar-background-hover": "#000000",
        "scrollbar-background-active": "#000000",
        "scrollbar-corner-color": "#000000",
    },
)

THEMES = {"dark": DARK, "light": LIGHT, "contrast": CONTRAST}
"""By the names that somebody chooses them by."""


def theme_after(name: str) -> str:
    """The name, as Textual knows it, of the theme that follows the one called so."""
    names = [theme.name for theme in THEMES.values()]
    return names[(names.index(name) + 1) % len(names)] if name in names else DARK.name


_COLOURS: dict[SegmentRole, tuple[str, str]] = {
    "title": ("foreground", "bold"),
    "label": ("flow-label", ""),
    "dim": ("flow-dim", ""),
    "service": ("flow-service", ""),
    "destination": ("secondary", "bold"),
    "group": ("flow-service", "italic"),
    "unknown": ("flow-dim", "italic"),
    "event": ("accent", ""),
    "time": ("flow-dim", ""),
    "number": ("foreground", ""),
    "id": ("flow-id", ""),
    "edge": ("flow-edge", ""),
    "edge.inferred": ("flow-edge", ""),
    "evidence.observed": ("success", ""),
    "evidence.declared": ("primary", ""),
    "evidence.matched": ("primary", ""),
    "evidence.inferred": ("warning", ""),
    "ok": ("success", ""),
    "error": ("error", "bold"),
    "warning": ("warning", ""),
    "wait": ("flow-dim", ""),
    "work": ("primary", ""),
    "key": ("primary", "bold"),
    "string": ("success", ""),
    "command": ("accent", "bold"),
    "match": ("accent", "bold underline"),
}
"""For each role a theme variable and attributes."""


def look(variables: Mapping[str, str], *, plain: bool = False) -> Look:
    """The style of each role by a theme's variables; `plain` is for a terminal that shows no
    colours, where what is selected can only be told by turning it round."""
    background = variables["background"]
    styles = Look()
    for role in get_args(SegmentRole):
        name, attributes = _COLOURS.get(role, ("foreground", ""))
        styles[role] = Style.parse(f"{attributes} {variables[name]} on {background}")
    text = variables.get("flow-selected-text", "")
    chosen = f"{text} on {variables['flow-selected']}"
    styles["selected"] = Style.parse("bold reverse" if plain else f"bold {chosen}")
    styles["lit"] = Style.parse("bold")
    styles["lit.edge"] = Style.parse(f"bold {variables['primary']}")
    return styles
