"""flowtap export: the graph, or one event's chain, in a file for another tool."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from graph.export import CHAIN_FORMATS, FORMATS, Format
from tui.client import open_source
from tui.commands import options
from tui.commands.graph import put_as, view_of
from tui.commands.output import explained, put, put_json, say, usage
from tui.commands.trace import chain_of
from tui.source import with_payloads

T = TypeVar("T")


def command(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Written anew; its ending says the format, as --format does. asyncapi and "
            "eventcatalog are files in a folder, where the name has no ending.",
        ),
    ],
    chain: Annotated[
        str | None,
        typer.Option("--chain", metavar="ID", help="The chain of this id, not the graph."),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="NAME",
            help=f"{', '.join(FORMATS)}; for a chain {', '.join(CHAIN_FORMATS)}.",
        ),
    ] = None,
    view: options.View = None,
    since: options.Since = None,
    until: options.Until = None,
    as_json: options.Json = False,
    url: options.Url = None,
    store: options.Store = None,
    config: options.Config = None,
    files: options.Files = None,
) -> None:
    """Asks a source and writes what it answers."""
    from tui.drawing.graph_lines import told_beside
    from tui.drawing.segments import text_of

    with explained(as_json):
        now = time.time_ns()
        start, end = options.window_of(since, until, now)
        if chain is None:
            graph_format = _format(FORMATS, format, file)
            shown = view_of(view, graph_format)
            source = open_source(url, store=store, config=config, files=files or ())
            try:
                topology = source.topology(start=start, end=end, view=shown)
                topology = with_payloads(graph_format, topology, source)
            finally:
                source.close()
            topology = replace(topology, end=topology.end or now)
            beside = [text_of(line) for line in told_beside(topology)]
        else:
            chain_format = _format(CHAIN_FORMATS, format, file)
            source = open_source(url, store=store, config=config, files=files or ())
            try:
                beside = []
                text = chain_format.function(chain_of(source, chain, as_json=as_json))
            finally:
                source.close()
    if chain is None:
        written = put_as(graph_format, topology, file)
    else:
        put(text, file)
    for sentence in beside:
        say(sentence)
    if file.is_dir():
        told: dict[str, object] = {"folder": str(file), "files": written}
        said = f"wrote {written} files to {file}"
    else:
        told, said = {"file": str(file), "bytes": file.stat().st_size}, f"wrote {file}"
    if as_json:
        put_json(told)
    else:
        say(said)


def _format(known: dict[str, Format[T]], name: str | None, file: Path) -> Format[T]:
    """By name, else by the file's ending."""
    if name is not None:
        found = known.get(name)
        said = f"{name} is no format for this: choose"
    else:
        ending = (one for one in known.values() if file.name.endswith(one.suffix))
        found = max(ending, key=lambda one: len(one.suffix), default=None)
        said = f"{file} does not say the format: use --format with"
    if found is None:
        usage(f"{said} one of {', '.join(known)}")
    return found
