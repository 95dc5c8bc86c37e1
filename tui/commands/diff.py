"""flowtap diff: what is different between two graphs."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from graph.topology import Topology
from tui.client import open_source
from tui.commands import options
from tui.commands.output import FAILED, explained, put, put_json, usage
from tui.source import Source

FORMATS = ("text", "markdown", "json")

SIDE = (
    "a window of time (1h, 2h..1h, now: the last hour, all), a graph that flowtap graph --format "
    "json saved, or AsyncAPI and Backstage files, or a folder of them"
)


def command(
    before: Annotated[str, typer.Argument(metavar="A", help=f"{SIDE[0].upper()}{SIDE[1:]}.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same, later.")],
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="NAME",
            help=f"{', '.join(FORMATS)}; markdown is for a pull request.",
        ),
    ] = "text",
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 where there is a difference.")
    ] = False,
    services: options.Services = None,
    destinations: options.Destinations = None,
    environments: options.Environments = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file.")
    ] = None,
    as_json: options.Json = False,
    url: options.Url = None,
    store: options.Store = None,
    config: options.Config = None,
    files: options.Files = None,
) -> None:
    """Reads or asks both sides, and prints what is different."""
    if format not in FORMATS:
        usage(f"{format} is no format: choose one of {', '.join(FORMATS)}")
    from graph import diff_report, diff_text
    from tui.commands.graphs import side_of

    now = time.time_ns()
    with explained(as_json), ExitStack() as stack:
        opened: list[Source] = []

        def ask(start: int, end: int) -> Topology:
            if not opened:
                source = open_source(url, store=store, config=config, files=files or ())
                stack.callback(source.close)
                opened.append(source)
            return opened[0].topology(
                start=start,
                end=end,
                services=services or (),
                destinations=destinations or (),
                environments=environments or (),
            )

        sides: list[diff_report.Side] = []
        notes: list[str] = []
        for text in (before, after):
            side, said = side_of(text, now, ask)
            if services or destinations or environments:
                # A source has filtered already; a file has not.
                kept = side.topology.filtered(
                    services=services or (),
                    destinations=destinations or (),
                    environments=environments or (),
                )
                side = diff_report.narrowed(side, kept)
            sides.append(side)
            notes += said
    try:
        report = diff_report.report(sides[0], sides[1], notes)
    except ValueError as error:
        usage(str(error))
    if as_json or format == "json":
        put_json(diff_text.data(report), output)
    else:
        write = diff_text.markdown if format == "markdown" else diff_text.text
        put(write(report), output)
    if exit_code and report.items:
        raise typer.Exit(FAILED)
