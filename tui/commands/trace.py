"""flowtap trace: what happened to an event, and because of it."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from graph.chain.result import Chain
from graph.direction import Direction
from tui.client import open_source
from tui.commands import options
from tui.commands.output import (
    AMBIGUOUS,
    explained,
    put_json,
    put_lines,
    say,
    width,
)
from tui.source import Ambiguous, Source


def command(
    id: options.Id,
    causes: Annotated[bool, typer.Option("--causes", help="Only what led to it.")] = False,
    effects: Annotated[bool, typer.Option("--effects", help="Only what came of it.")] = False,
    depth: Annotated[
        int | None, typer.Option("--depth", min=0, help="Generations away from it at most.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Events at most.")] = None,
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", min=0.1, help="What was found by then, when it takes longer."),
    ] = None,
    each: Annotated[
        bool, typer.Option("--each", help="Also where many are alike: a line for each.")
    ] = False,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Also how each join was found, and why others are missing."),
    ] = False,
    as_json: options.Json = False,
    url: options.Url = None,
    store: options.Store = None,
    config: options.Config = None,
    files: options.Files = None,
) -> None:
    """Asks a source for one chain and prints it."""
    direction = Direction.BOTH
    if causes != effects:
        direction = Direction.CAUSES if causes else Direction.EFFECTS
    with explained(as_json):
        source = open_source(url, store=store, config=config, files=files or ())
        try:
            chain = chain_of(
                source,
                id,
                direction=direction,
                depth=depth,
                limit=limit,
                seconds=seconds,
                as_json=as_json,
                explain=explain,
            )
        finally:
            source.close()
    if as_json:
        from graph.wire.chain import chain_to_dict

        put_json(chain_to_dict(chain))
        return
    from tui.drawing.chain_lines import chain_lines

    put_lines(chain_lines(chain, width(), each=each))
    if explain:
        from tui.drawing.explain_lines import explain_lines

        put_lines([(), *explain_lines(chain, width())])


def chain_of(
    source: Source,
    id: str,
    *,
    direction: Direction = Direction.BOTH,
    depth: int | None = None,
    limit: int | None = None,
    seconds: float | None = None,
    as_json: bool = False,
    explain: bool = False,
) -> Chain:
    """The chain of an id; one that could mean several things ends the command with the choice."""
    try:
        return source.chain(
            id,
            direction=direction,
            depth=depth,
            limit=limit,
            seconds=seconds,
            explained=explain,
        )
    except Ambiguous as several:
        choice(several, as_json)


def choice(several: Ambiguous, as_json: bool) -> NoReturn:
    """Prints what the id could mean, and ends the command."""
    if as_json:
        from graph.wire.listing import candidate_to_dict

        put_json(
            {
                "error": "ambiguous",
                "detail": several.detail,
                "hint": several.hint,
                "candidates": [candidate_to_dict(one) for one in several.candidates],
            }
        )
        raise typer.Exit(AMBIGUOUS)
    from tui.drawing.chain_lines import choice_lines

    say(f"{several.detail}. Ask again with one of these:")
    put_lines(choice_lines(several.candidates, width()))
    raise typer.Exit(AMBIGUOUS)
