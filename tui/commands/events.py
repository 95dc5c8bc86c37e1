"""flowtap events: what passes by, or did."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, NoReturn

import typer

from graph.filter import FilterError, parse
from graph.listing import EventFilter, EventRow
from tui.client import open_source
from tui.commands import options
from tui.commands.output import (
    AWAY,
    explained,
    put_json,
    put_lines,
    say,
    stop,
    usage,
    width,
)
from tui.source import Source

LOOK_SECONDS = 1.0

Put = Callable[[Sequence[EventRow]], None]


def command(
    filter: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILTER...]",
            help="topic:order.* type:paid key:42 service:payment error:yes since:10m; a,b is "
            "either, -type:x (behind --) leaves out, other text begins an id or key.",
            show_default=False,
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="So many at most.")] = 20,
    oldest: Annotated[
        bool, typer.Option("--oldest", help="The oldest that fit, instead of the newest.")
    ] = False,
    as_json: options.Json = False,
    url: options.Url = None,
    store: options.Store = None,
    config: options.Config = None,
    files: options.Files = None,
) -> None:
    """Prints events, the newest at the bottom; as JSON with --follow one in a line."""
    wanted = replace(_parsed(" ".join(filter or ()), as_json), limit=limit)
    wanted = replace(wanted, oldest=oldest or wanted.oldest)
    if follow and wanted.oldest:
        usage("--follow goes on with the newest: leave out --oldest, or order:oldest")
    with explained(as_json):
        source = open_source(url, store=store, config=config, files=files or ())
        try:
            if follow:
                _follow(source, wanted, as_json)
                return
            listing = source.events(wanted)
        finally:
            source.close()
    if (wanted.since or wanted.oldest) and wanted.since < listing.covered_from:
        from graph.chain.coverage import pruned_before

        say(f"what was received before {pruned_before(listing.covered_from)} was pruned")
    if as_json:
        from graph.wire.listing import listing_to_dict

        put_json(listing_to_dict(listing))
    elif not listing.rows:
        say("no event fits" if filter else "no event is stored")
    else:
        rows = listing.rows
        _table(rows)(rows if wanted.oldest else rows[::-1])
        if listing.more:
            say(f"{'later' if wanted.oldest else 'earlier'} ones fit too: --limit shows more")


def _parsed(text: str, as_json: bool) -> EventFilter:
    """The filter; a text that is none ends the command."""
    try:
        return parse(text, time.time_ns())
    except FilterError as error:
        if as_json:
            stop(f"{text}: {error.detail}", code=2, error="usage", as_json=True)
        mark = " " * error.start + "^" * (error.end - error.start)
        usage(f"this is no filter\n  {text}\n  {mark}\n  {error.detail}")


def _follow(source: Source, wanted: EventFilter, as_json: bool) -> None:
    """The newest, and then what comes, until somebody interrupts or the source goes away."""
    if wanted.failed_only:
        _look_again(source, wanted, as_json)
    following = source.follow(wanted, listed=True)
    try:
        listed = source.events(wanted).rows
        put = _lines_of_json if as_json else _table(listed)
        put(listed[::-1])
        seen = {(row.id, row.time) for row in listed}
        missed = 0
        for activity in following:
            if following.missed > missed:
                say(f"{following.missed - missed:,} dropped: they came too fast")
                missed = following.missed
            if (activity.event.id, activity.event.time) not in seen:
                put([activity.event])
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        # Whoever read has had enough; the interpreter would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    finally:
        with suppress(KeyboardInterrupt):
            following.close()
    stop("the collector has gone away", "flowtap doctor says more.", code=AWAY, error="no_source")


def _look_again(source: Source, wanted: EventFilter, as_json: bool) -> NoReturn:
    """The same for what failed, which no tail tells: handling fails after an event was stored."""
    listed = source.events(wanted).rows
    put = _lines_of_json if as_json else _table(listed)
    seen: dict[tuple[str, int], None] = {}
    try:
        while True:
            fresh = [row for row in listed[::-1] if (row.id, row.time) not in seen]
            put(fresh)
            seen |= dict.fromkeys((row.id, row.time) for row in fresh)
            time.sleep(LOOK_SECONDS)
            listed = source.events(replace(wanted, limit=max(wanted.limit, 100))).rows
    except KeyboardInterrupt:
        raise typer.Exit from None


def _lines_of_json(rows: Sequence[EventRow]) -> None:
    from graph.wire.listing import event_row_to_dict

    for row in rows:
        text = json.dumps(event_row_to_dict(row), ensure_ascii=False, separators=(",", ":"))
        sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _table(listed: Sequence[EventRow]) -> Put:
    """Prints rows below a heading, in columns that suit the first ones."""
    from tui.drawing.event_columns import USUAL, natural
    from tui.drawing.event_rows import EventsDrawing, measured

    wants = measured(listed)
    # Nobody reads along: nothing is cut.
    room = width() if sys.stdout.isatty() else max(80, natural(USUAL, wants))
    begun = False

    def put(rows: Sequence[EventRow]) -> None:
        nonlocal begun
        drawing = EventsDrawing(rows, room, USUAL, wants)
        lines = [drawing.line(y, None) for y in range(drawing.height)]
        put_lines(lines if begun else [drawing.heading, *lines])
        begun = True
        sys.stdout.flush()

    return put
