"""A captured terminal screen as a picture."""

from __future__ import annotations

import io

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

THEME = TerminalTheme(
    (15, 17, 25),
    (215, 219, 232),
    [
        *((0, 0, 0), (205, 49, 49), (13, 188, 121), (229, 229, 16)),
        *((36, 114, 200), (188, 63, 188), (17, 168, 205), (229, 229, 229)),
    ],
)
"""The app says all its colours itself; these are of what it leaves to the terminal."""


def picture_of(captured: str, columns: int, title: str) -> str:
    """SVG of a screen as `tmux capture-pane -e` gives it."""
    console = Console(
        width=columns,
        file=io.StringIO(),
        record=True,
        force_terminal=True,
        color_system="truecolor",
    )
    for line in captured.rstrip("\n").split("\n"):
        console.print(Text.from_ansi(line), soft_wrap=True)
    return console.export_svg(title=title, theme=THEME)
