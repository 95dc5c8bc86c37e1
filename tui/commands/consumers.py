"""flowtap consumers: who is behind."""

from __future__ import annotations

from typing import Annotated

import typer

from tui.client import open_source
from tui.commands import options
from tui.commands.output import explained, put_json, put_lines, say, stop, width


def command(
    group: Annotated[
        str | None,
        typer.Argument(metavar="[GROUP]", help="Only this group, with partitions and members."),
    ] = None,
    as_json: options.Json = False,
    url: options.Url = None,
    store: options.Store = None,
    config: options.Config = None,
    files: options.Files = None,
) -> None:
    """Asks a source for consumer groups and prints them, the worst first."""
    with explained(as_json):
        source = open_source(url, store=store, config=config, files=files or ())
        try:
            consumers = source.consumers()
        finally:
            source.close()
    wanted = [one for one in consumers if group in (None, one.group)]
    if group is not None and not wanted:
        stop(
            f"no broker has told of a group {group}",
            "flowtap consumers lists them.",
            error="not_found",
            as_json=as_json,
        )
    if as_json:
        from graph.wire.listing import consumer_to_dict

        put_json({"consumers": [consumer_to_dict(one) for one in wanted]})
        return
    if not wanted:
        say("no broker has told of a consumer group: flowtap doctor says what is tapped")
        return
    from tui.drawing.consumer_details import consumer_details
    from tui.drawing.consumer_table import WORST, ConsumerTable

    if group is None:
        table = ConsumerTable(wanted, WORST, width())
        put_lines([table.heading, *(table.line(y, None) for y in range(table.height))])
        return
    for number, one in enumerate(wanted):
        put_lines([*([()] if number else []), *consumer_details(one, width())])
