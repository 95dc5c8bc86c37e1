"""flowtap prune: what is old leaves the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from graph import figures
from graph.sizes import parsed
from tui.client import open_source
from tui.commands import options
from tui.commands.output import explained, put, put_json, usage


def command(
    older_than: Annotated[
        int | None,
        typer.Option(
            "--older-than", metavar="DAYS", min=0, help="Weeks that ended more than DAYS ago."
        ),
    ] = None,
    to_size: Annotated[
        str | None,
        typer.Option(
            "--to-size",
            metavar="SIZE",
            help="The oldest, until the store has this size: 20GB, 512MiB. Never the last hour.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would leave.")] = False,
    as_json: options.Json = False,
    url: options.Url = None,
    store: options.Store = None,
    config: options.Config = None,
) -> None:
    """Asks the collector that runs on the store, else opens the store, and says what leaves."""
    if older_than is None and to_size is None:
        usage("say what is to leave: --older-than DAYS or --to-size SIZE")
    most = None
    if to_size is not None:
        try:
            most = parsed(to_size)
        except ValueError as error:
            usage(f"--to-size: {error}")
    with explained(as_json):
        source = open_source(url, store=store, config=config)
        try:
            told = source.prune(days=older_than, most=most, dry_run=dry_run)
        finally:
            source.close()
    if as_json:
        put_json(told)
    else:
        put(sentence(told))


def sentence(told: Mapping[str, Any]) -> str:
    """What leaves, or has left, and how much room that gives."""
    if not told["until_ns"]:
        return "nothing that is old enough; the store stays as it is"
    verb = "would leave" if told["dry_run"] else "has left"
    weeks = ", ".join(told["weeks"])
    whole = f"\nwhole weeks, by their Mondays: {weeks}" if weeks else ""
    return (
        f"what was received before {figures.date(told['until_ns'])} UTC {verb}: "
        f"{told['rows']:,} spans and messages, {figures.size(told['bytes'])}{whole}"
    )
