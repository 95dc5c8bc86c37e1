"""flowtap graph: who produces and consumes what."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from graph.edges import View
from graph.model import Evidence
from graph.topology import Topology
from tui.client import open_source
from tui.commands import options
from tui.commands.output import choice, explained, put, put_json, put_lines, say, usage, width
from tui.drawing.segments import text_of

TEXT = "text"
FORMATS = "text, mermaid, dot, json (networkx's node-link form), graphml, csv"


def command(
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="NAME", help=f"{FORMATS}.")
    ] = TEXT,
    view: Annotated[
        str | None,
        typer.Option(
            "--view",
            "-v",
            metavar="NAME",
            help="What stands between services: destinations, events (their types), or services "
            "(nothing: who handled whose) [default: destinations].",
        ),
    ] = None,
    since: options.Since = None,
    until: options.Until = None,
    services: Annotated[
        list[str] | None,
        typer.Option("--service", metavar="NAME", help="Only edges of these; pay* will do."),
    ] = None,
    destinations: Annotated[
        list[str] | None,
        typer.Option("--destination", metavar="NAME", help="Only edges of these destinations."),
    ] = None,
    event_types: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="NAME", help="Only edges with these event types."),
    ] = None,
    environments: Annotated[
        list[str] | None,
        typer.Option("--environment", metavar="NAME", help="Only these environments."),
    ] = None,
    evidence: Annotated[
        list[str] | None,
        typer.Option(
            "--evidence",
            metavar="NAME",
            help="Only what is observed, declared, matched or inferred; can be repeated.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", "-n", min=1, help="So many edges at most, the busiest [default: 10,000]."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file.")
    ] = None,
    as_json: options.Json = False,
    url: options.Url = None,
    store: options.Store = None,
    config: options.Config = None,
    files: options.Files = None,
) -> None:
    """Asks a source for the topology of a window and prints it."""
    write = None if as_json or format == TEXT else _written(format)
    shown = choice(View, view, "--view") if view else View.DESTINATIONS
    sure = [choice(Evidence, name, "--evidence") for name in evidence or ()]
    with explained(as_json):
        now = time.time_ns()
        start, end = options.window_of(since, until, now)
        source = open_source(url, store=store, config=config, files=files or ())
        try:
            topology = source.topology(
                start=start,
                end=end,
                services=services or (),
                destinations=destinations or (),
                event_types=event_types or (),
                environments=environments or (),
                evidence=sure,
                view=shown,
                limit=limit,
            )
        finally:
            source.close()
    from tui.drawing.graph_lines import graph_lines, told_beside

    if write is not None:
        put(write(topology), output)
        for line in told_beside(topology):
            say(text_of(line))
    elif as_json:
        from graph.wire.topology import topology_to_dict

        put_json(topology_to_dict(topology), output)
    else:
        put_lines(graph_lines(topology, width()), output)


def _written(name: str) -> Callable[[Topology], str]:
    """Who writes a format; an unknown name ends the command."""
    from graph import export

    if name not in export.FORMATS:
        usage(f"{name} is no format: choose one of {FORMATS}")
    return export.FORMATS[name].function
