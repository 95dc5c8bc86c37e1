"""flowtap graph: who produces and consumes what."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from graph.edges import View
from graph.export import FORMATS, Format
from graph.model import Evidence
from graph.topology import Topology
from tui.client import open_source
from tui.commands import options
from tui.commands.output import (
    choice,
    explained,
    put,
    put_json,
    put_lines,
    say,
    stop,
    usage,
    width,
)
from tui.drawing.segments import text_of
from tui.source import with_payloads

TEXT = "text"


def command(
    format: Annotated[
        str,
        typer.Option("--format", "-f", metavar="NAME", help=f"{', '.join((TEXT, *FORMATS))}."),
    ] = TEXT,
    view: options.View = None,
    since: options.Since = None,
    until: options.Until = None,
    services: options.Services = None,
    destinations: options.Destinations = None,
    event_types: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="NAME", help="Only edges with these event types."),
    ] = None,
    environments: options.Environments = None,
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
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write to this file; asyncapi and eventcatalog also to a folder, where the name "
            "has no ending.",
        ),
    ] = None,
    as_json: options.Json = False,
    url: options.Url = None,
    store: options.Store = None,
    config: options.Config = None,
    files: options.Files = None,
) -> None:
    """Asks a source for the topology of a window and prints it."""
    written = None if as_json or format == TEXT else format_of(format)
    shown = view_of(view, written)
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
            if written is not None:
                topology = with_payloads(written, topology, source)
        finally:
            source.close()
    from tui.drawing.graph_lines import graph_lines, told_beside

    if written is not None:
        # What is kept says until when it is, also where it is until now.
        put_as(written, replace(topology, end=topology.end or now), output)
        for line in told_beside(topology):
            say(text_of(line))
    elif as_json:
        from graph.wire.topology import topology_to_dict

        put_json(topology_to_dict(topology), output)
    else:
        put_lines(graph_lines(topology, width()), output)


def format_of(name: str) -> Format[Topology]:
    """The format of that name; an unknown one ends the command."""
    if name not in FORMATS:
        usage(f"{name} is no format: choose one of {', '.join((TEXT, *FORMATS))}")
    return FORMATS[name]


def view_of(name: str | None, written: Format[Topology] | None) -> View:
    """The view that is asked for, or meant; one that the format has not ends the command."""
    possible = written.views if written is not None else tuple(View)
    if name is None:
        return possible[0]
    view = choice(View, name, "--view")
    if written is not None and view not in possible:
        usage(f"{written.name} is written of the view {' or '.join(possible)}, not of {view}")
    return view


def put_as(written: Format[Topology], topology: Topology, file: Path | None) -> int:
    """Writes a topology to stdout or a file, or as files to a folder; says how many files."""
    if file is None or written.files is None or (file.suffix and not file.is_dir()):
        put(written.function(topology), file)
        return 1
    texts = written.files(topology)
    for path, text in texts.items():
        target = file / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            stop(f"cannot write {target}: {error.strerror}")
        put(text, target)
    return len(texts)
