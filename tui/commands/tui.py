"""flowtap tui: the terminal UI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tui.client import open_source
from tui.commands import options
from tui.commands.output import explained


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
) -> None:
    """Opens a source and shows it."""
    with explained():
        source = open_source(url, store=store, config=config, files=files or ())
    try:
        from tui.app import FlowtapApp

        FlowtapApp(source, find=find, theme=theme.value).run()
    finally:
        source.close()
