"""flowtap doctor: is everything in order, and if not, what to do."""

from __future__ import annotations

from dataclasses import asdict
from textwrap import wrap
from typing import TYPE_CHECKING

import typer

from tui.commands import options
from tui.commands.output import FAILED, explained, put_json, put_lines, width
from tui.drawing.segments import Line, Segment, SegmentRole, line, pad, printable

if TYPE_CHECKING:
    from tui.commands.checks import Check

NAME = 24


def command(
    as_json: options.Json = False,
    store: options.Store = None,
    config: options.Config = None,
) -> None:
    """Checks one thing after the other; exit code 1 when something is wrong."""
    with explained(as_json):
        from collector import places
        from collector.config import load

        settings = load({"store": store} if store else None, config=config)
        file = places.config_file(config)
    from tui.commands.checks import checks

    found: list[Check] = []
    for check in checks(settings, file):
        found.append(check)
        if not as_json:
            put_lines(check_lines(check, width()))
    wrong = [check for check in found if not check.ok]
    if as_json:
        put_json({"ok": not wrong, "checks": [asdict(check) for check in found]})
    elif wrong:
        noun = "thing" if len(wrong) == 1 else "things"
        put_lines([(), line(Segment(f"{len(wrong)} {noun} to look at.", "error"))])
    else:
        put_lines([(), line(Segment("All is well.", "ok"))])
    if wrong:
        raise typer.Exit(FAILED)


def check_lines(check: Check, width: int) -> list[Line]:
    """A check as text: ok or not, what, what was found, and what to do."""
    mark = Segment("ok    ", "ok") if check.ok else Segment("WRONG ", "error")
    name = Segment(pad(check.name, NAME), "title")
    room = max(20, width - NAME - 8)
    lines: list[Line] = []
    texts: list[tuple[str, SegmentRole]] = [(check.detail, ""), (check.remedy, "command")]
    for text, role in texts:
        for part in wrap(printable(text), room, break_on_hyphens=False):
            before = (mark, name) if not lines else (Segment(" " * 6), Segment(" " * NAME))
            arrow = "→ " if role else "  "
            lines.append(line(*before, arrow, Segment(part, role)))
    return lines
