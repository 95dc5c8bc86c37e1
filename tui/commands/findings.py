"""flowtap findings: what did not happen, or not as it should."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from graph.findings.model import Kind, State
from graph.findings.wanted import Wanted
from tui.client import open_source
from tui.commands import options
from tui.commands.output import explained, put_json, put_lines, say, usage, width

KINDS = ", ".join(kind.value for kind in Kind)


def command(
    since: options.Since = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="KIND", help=f"Only these: {KINDS}."),
    ] = None,
    services: options.Services = None,
    destinations: options.Destinations = None,
    only_open: Annotated[
        bool, typer.Option("--open", help="Only what was still there at the last look.")
    ] = False,
    muted: Annotated[bool, typer.Option("--muted", help="Also what is muted.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="So many at most.")] = 50,
    as_json: options.Json = False,
    url: options.Url = None,
    store: options.Store = None,
    config: options.Config = None,
    files: options.Files = None,
) -> None:
    """Asks a source for findings of the last day, or since then, and prints them, the open and
    worst first."""
    with explained(as_json):
        wanted = Wanted(
            since=options.moment_of(since, time.time_ns()) or (1 if files else 0),
            kinds=tuple(map(_kind, kinds or ())),
            services=tuple(services or ()),
            destinations=tuple(destinations or ()),
            state=State.OPEN if only_open else None,
            muted=muted,
            limit=limit,
        )
        source = open_source(url, store=store, config=config, files=files or ())
        try:
            found = source.findings(wanted)
        finally:
            source.close()
    if as_json:
        from graph.wire.findings import findings_to_dict

        put_json(findings_to_dict(found))
        return
    from tui.drawing.finding_lines import finding_lines, summary

    if found.findings:
        put_lines(finding_lines(found.findings, width()))
    say(summary(found))


def _kind(name: str) -> Kind:
    """The kind of that name; another one ends the command."""
    if name not in list(Kind):
        usage(f"{name} is no kind of finding: choose one of {KINDS}")
    return Kind(name)
