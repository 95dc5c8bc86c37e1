"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Id = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="Any id: message, CloudEvents, correlation, trace or span id, record key, or "
        "DESTINATION/PARTITION/OFFSET. KIND:ID says which kind is meant, as in key:order-7.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", help="Configuration file [default: ./flowtap.toml, else the user's]."),
]
Store = Annotated[
    str | None,
    typer.Option(
        "--store", metavar="PATH|URL", help="The store: a directory, or a ClickHouse server's URL."
    ),
]
Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="FLOWTAP_URL",
        help="Ask the collector there; its token is read from FLOWTAP_API_TOKEN, authorities for "
        "https from the file FLOWTAP_CA_FILE.",
    ),
]


class ThemeName(StrEnum):
    """What `--theme` may be: the names of the terminal UI's themes."""

    DARK = "dark"
    LIGHT = "light"
    CONTRAST = "contrast"


Theme = Annotated[
    ThemeName,
    typer.Option("--theme", envvar="FLOWTAP_THEME", help="The colours; the key T changes them."),
]
Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--file", metavar="FILE", help="Ask recorded spans in this file instead; can be repeated."
    ),
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="From then on: 15m, 2h, 1d, or a date."),
]
Services = Annotated[
    list[str] | None,
    typer.Option(
        "--service", metavar="NAME", help="Only what is of these, or of these groups; pay* will do."
    ),
]
Destinations = Annotated[
    list[str] | None,
    typer.Option("--destination", metavar="NAME", help="Only what is of these destinations."),
]
Environments = Annotated[
    list[str] | None,
    typer.Option("--environment", metavar="NAME", help="Only these environments."),
]
View = Annotated[
    str | None,
    typer.Option(
        "--view",
        "-v",
        metavar="NAME",
        help="What stands between services: destinations, events (their types), or services "
        "(nothing: who handled whose) [default: destinations, or the first that the format has].",
    ),
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Until then, written like --since."),
]


def moment_of(text: str | None, now: int) -> int:
    """The time that --since or --until names, 0 without one. Raises MomentError."""
    if text is None:
        return 0
    from graph.moments import moment

    return moment(text, now)


def window_of(since: str | None, until: str | None, now: int) -> tuple[int, int]:
    """Start and end of what --since and --until name, 0 where one is open. Raises MomentError."""
    from graph.moments import MomentError

    start, end = moment_of(since, now), moment_of(until, now)
    if end and end <= start:
        raise MomentError("--until lies before --since, so nothing can be there")
    return start, end
