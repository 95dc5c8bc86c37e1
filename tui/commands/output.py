"""How commands speak: data to stdout, narration to stderr, an exit code for scripts."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import typer

from tui.drawing.segments import Line, SegmentRole, text_of
from tui.source import (
    CollectorAway,
    NothingRecorded,
    SourceError,
    StoreBusy,
    Unauthorised,
)

E = TypeVar("E", bound=StrEnum)

OK = 0
FAILED = 1
"""Not found, or something is wrong; the message says what."""
USAGE = 2
AMBIGUOUS = 3
AWAY = 4
"""No collector, no store, or no leave to ask it."""

EXIT_CODES = "Exit codes: 0 done, 1 not found or failed, 2 wrong usage, 3 ambiguous, 4 no source."

_STYLES: dict[SegmentRole, str] = {
    "title": "1",
    "label": "2",
    "dim": "2",
    "service": "36",
    "destination": "35",
    "group": "36;2",
    "unknown": "33",
    "event": "1",
    "time": "2",
    "id": "2",
    "edge": "2",
    "edge.inferred": "2",
    "evidence.observed": "32",
    "evidence.declared": "34",
    "evidence.matched": "33",
    "evidence.inferred": "33;2",
    "ok": "32",
    "error": "31;1",
    "warning": "33",
    "wait": "33",
    "work": "",
    "command": "1",
}
"""Each role's look in a terminal, as SGR parameters; the words say it too."""


def width() -> int:
    """Columns of the terminal; 80 where stdout is none."""
    return shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else 80


def say(text: str) -> None:
    """Narrate."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def put(text: str, file: Path | None = None) -> None:
    """Write data as it is, to stdout or a file."""
    text = text if text.endswith("\n") else f"{text}\n"
    if file is None:
        sys.stdout.write(text)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        stop(f"cannot write {file}: {error.strerror}")


def put_json(answer: Any, file: Path | None = None) -> None:
    """Write data as JSON."""
    put(json.dumps(answer, ensure_ascii=False, indent=2), file)


def put_lines(lines: Iterable[Line], file: Path | None = None) -> None:
    """Write a drawing, in colours where a person looks on."""
    coloured = (
        file is None
        and sys.stdout.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )
    put("\n".join(_coloured(line) if coloured else text_of(line) for line in lines), file)


def _coloured(line: Line) -> str:
    parts = []
    for segment in line:
        style = _STYLES.get(segment.role, "")
        parts.append(f"\x1b[{style}m{segment.text}\x1b[0m" if style else segment.text)
    return "".join(parts)


def stop(
    detail: str, hint: str = "", *, code: int = FAILED, error: str = "failed", as_json: bool = False
) -> NoReturn:
    """End the command with an error: told on stderr, with --json as data too."""
    if as_json:
        put_json({"error": error, "detail": detail, "hint": hint})
    say(f"flowtap: {detail}")
    if hint:
        say(f"  {hint}")
    raise typer.Exit(code)


def usage(detail: str) -> NoReturn:
    """End the command because of how it was called."""
    stop(detail, code=USAGE)


def choice(kind: type[E], name: str, option: str) -> E:
    """The member of that value; ends the command where there is none."""
    try:
        return kind(name)
    except ValueError:
        usage(f"{option} is one of {', '.join(kind)}, not {name}")


@contextmanager
def explained(as_json: bool = False) -> Iterator[None]:
    """Turns what a source or the configuration says is wrong into the command's end."""
    from collector.places import ConfigError
    from graph.moments import MomentError

    try:
        yield
    except (CollectorAway, NothingRecorded, StoreBusy, Unauthorised) as away:
        stop(away.detail, away.hint, code=AWAY, error="no_source", as_json=as_json)
    except SourceError as error:
        name = type(error).__name__
        code = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
        stop(error.detail, error.hint, error=code, as_json=as_json)
    except MomentError as error:
        stop(str(error), code=USAGE, error="usage", as_json=as_json)
    except ConfigError as error:
        stop(str(error), code=USAGE, error="config", as_json=as_json)
