"""Themes, and the look that each role of a drawing has in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from rich.style import Style
from textual.theme import Theme

from tui.drawing.segments import SegmentRole


class Look(dict[str, Style]):
    """Styles by role; `selected`, `lit` and `lit.edge` are laid over them."""


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
        "flow-dim": "#7f88ab",
        "flow-label": "#98a2c8",
        "flow-service": "#72d2ef",
        "flow-edge": "#56608a",
        "flow-id": "#b4bcdc",
        "flow-selected": "#2b3558",
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
    accent="#8a5a00",
    foreground="#20242f",
    background="#fbfbfd",
    surface="#f1f3f8",
    panel="#e6e9f2",
    success="#1e7a34",
    warning="#a55200",
    error="#b3202f",
    variables={
        "flow-dim": "#667089",
        "flow-label": "#525c78",
        "flow-service": "#00708f",
        "flow-edge": "#98a1b8",
        "flow-id": "#414a61",
        "flow-selected": "#cfdcf5",
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
    error="#ff8080",
    variables={
        "flow-dim": "#c8c8c8",
        "flow-label": "#e0e0e0",
        "flow-service": "#66f0ff",
        "flow-edge": "#a8a8a8",
        "flow-id": "#f0f0f0",
        "flow-selected": "#1f3f8f",
    },
)

THEMES = (DARK, LIGHT, CONTRAST)

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

_STAND_INS = {
    "flow-dim": "text-muted",
    "flow-label": "text-muted",
    "flow-service": "text-primary",
    "flow-edge": "text-disabled",
    "flow-id": "foreground",
    "flow-selected": "primary-muted",
}
"""Variables of themes that are not ours."""


def look(variables: Mapping[str, str]) -> Look:
    """The style of each role by a theme's variables."""
    background = _colour(variables, "background", "#000000")
    styles = Look()
    for role in get_args(SegmentRole):
        name, attributes = _COLOURS.get(role, ("foreground", ""))
        styles[role] = Style.parse(
            f"{attributes} {_colour(variables, name, '#ffffff')} on {background}"
        )
    primary = _colour(variables, "primary", "#ffffff")
    styles["selected"] = Style.parse(f"bold on {_colour(variables, 'flow-selected', '#333366')}")
    styles["lit"] = Style.parse("bold")
    styles["lit.edge"] = Style.parse(f"{primary}")
    return styles


def _colour(variables: Mapping[str, str], name: str, default: str) -> str:
    for one in (name, _STAND_INS.get(name, "")):
        value = variables.get(one, "")
        if value.startswith("#"):
            return value[:7]
    foreground = variables.get("foreground", "")
    return foreground[:7] if foreground.startswith("#") and name != "background" else default
