"""flowtap tui: the terminal UI."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tui.client import open_source
from tui.commands import options
from tui.commands.output import explained, say, stop

FRAMES = "120"
"""A second, at most, where TEXTUAL_FPS says nothing else: what a key changes waits for the next
frame, and what changes meanwhile for the one after. A frame paints what changed only."""


def command(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE...]", help="Show recorded spans in these files.", show_default=False
        ),
    ] = None,
    find: Annotated[
        str, typer.Option("--find", metavar="ID", help="Open on the chain of this id.")
    ] = "",
    theme: options.Theme = options.ThemeName.DARK,
    url: options.Url = None,
    store: options.Store = None,
    config: options.Config = None,
    web: Annotated[
        bool, typer.Option("--web", help="Show it in a browser on this machine.")
    ] = False,
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=65535, help="Of --web; 0 takes any free one."),
    ] = 8412,
) -> None:
    """Opens a source and shows it, here or in a browser."""
    with explained():
        source = open_source(url, store=store, config=config, files=files or ())
    if web:
        # It was opened so that what is wrong with it is said here; each session opens its own.
        source.close()
        if url:
            os.environ["FLOWTAP_URL"] = url
        _serve(_session(files or (), find, theme, store, config), port)
        return
    os.environ.setdefault("TEXTUAL_FPS", FRAMES)  # Read when Textual is loaded.
    from tui.app import run

    run(source, find=find, theme=theme.value)


def _session(
    files: Sequence[Path],
    find: str,
    theme: options.ThemeName,
    store: str | None,
    config: Path | None,
) -> list[str]:
    """The program of one browser session. URL and token reach it in the environment, which other
    people on this machine cannot read."""
    given = [("--find", find), ("--theme", theme.value), ("--store", store), ("--config", config)]
    named = [f"{option}={value}" for option, value in given if value]
    return [sys.executable, "-m", "tui", "tui", *named, "--", *map(str, files)]


def _serve(session: Sequence[str], port: int) -> None:
    try:
        from tui.web.server import serve
    except ImportError as error:
        stop(f"--web needs {error.name}, which is missing", "pip install textual-serve")
    try:
        serve(session, port, _tell)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        stop(f"port {port} is taken", "Name another with --port; --port 0 takes any free one.")


def _tell(address: str) -> None:
    say(f"flowtap is at {address}")
    say("  Whoever has this address can use it, from this machine only. Ctrl-C ends it.")
