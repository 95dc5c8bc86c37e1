"""flowtap sql: ask the store in SQL, reading only."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from tui.client import open_source
from tui.commands import options
from tui.commands.output import explained, put, put_json, put_lines, say, usage

FORMATS = ("text", "csv", "json")


def command(
    query: Annotated[
        str,
        typer.Argument(
            metavar="QUERY",
            help="One SELECT (also with WITH, or EXPLAIN before it), DESCRIBE TABLE, SHOW TABLES, "
            "SHOW CREATE TABLE, in ClickHouse's SQL; - reads it from stdin.",
        ),
    ],
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=10_000, help="So many rows at most.")
    ] = 100,
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="NAME", help=f"{', '.join(FORMATS)}.")
    ] = "text",
    as_json: options.Json = False,
    url: options.Url = None,
    store: options.Store = None,
    config: options.Config = None,
    files: options.Files = None,
) -> None:
    """Asks the collector that runs on the store, else the store itself, for rows."""
    if format not in FORMATS:
        usage(f"{format} is no format: choose one of {', '.join(FORMATS)}")
    as_json = as_json or format == "json"
    text = sys.stdin.read() if query == "-" else query
    with explained(as_json):
        source = open_source(url, store=store, config=config, files=files or ())
        try:
            table = source.sql(text, limit)
        finally:
            source.close()
    if as_json:
        from graph.table import table_to_dict

        put_json(table_to_dict(table))
        return
    if format == "csv":
        from graph.export.cells import csv_text

        put(csv_text(table.names, (map(_flat, row) for row in table.rows)))
    else:
        from tui.drawing.table_lines import table_lines

        put_lines(table_lines(table))
    if table.more:
        say(f"the first {len(table.rows):,} rows, there are more: --limit asks for up to 10,000")


def _flat(value: object) -> object:
    """A list or a map in a cell is JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
