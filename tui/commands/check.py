"""flowtap check: rules that the graph has to keep."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui.client import open_source
from tui.commands import options
from tui.commands.output import FAILED, explained, put, put_json, usage

if TYPE_CHECKING:
    from graph.listing import EventRow
    from graph.rules.rule import Checked, Flow, Rule
    from tui.source import Source

EVENTS = 50


def command(
    file: Annotated[
        Path, typer.Argument(metavar="RULES", help="A TOML file of [[rules]]; see docs/graph.md.")
    ],
    graph: Annotated[
        Path | None,
        typer.Option(
            "--graph",
            metavar="FILE",
            help="Check the graph that flowtap graph --format json saved, not what is known now.",
        ),
    ] = None,
    since: options.Since = None,
    until: options.Until = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Exit with 1 also where a rule matches nothing or cannot be checked."
        ),
    ] = False,
    events: Annotated[
        int,
        typer.Option(
            "--events",
            metavar="N",
            min=1,
            help=f"For rules of successors look at the newest N events [default: {EVENTS}].",
        ),
    ] = EVENTS,
    junit: Annotated[
        Path | None,
        typer.Option("--junit", metavar="FILE", help="Also write JUnit's XML to this file."),
    ] = None,
    as_json: options.Json = False,
    url: options.Url = None,
    store: options.Store = None,
    config: options.Config = None,
    files: options.Files = None,
) -> None:
    """Reads the rules, asks or reads the graph, and says which rules hold."""
    rules = _rules(file)
    from graph.rules import told
    from graph.rules.checking import check
    from graph.rules.rule import Checked, Status

    with explained(as_json):
        now = time.time_ns()
        start, end = options.window_of(since, until, now)
        if graph is not None:
            from tui.commands.graphs import read_graph

            if since or until:
                usage("--since and --until are of what is known now, --graph has its own window")
            checked = Checked(read_graph(graph))
        else:
            source = open_source(url, store=store, config=config, files=files or ())
            try:
                checked = _asked(source, rules, (start, end), now, events)
            finally:
                source.close()
    verdicts = check(rules, checked)
    if junit is not None:
        put(told.junit(verdicts, str(file)), junit)
    if as_json:
        put_json(told.data(verdicts))
    else:
        put(told.text(verdicts))
    bad = {Status.BROKEN} if not strict else set(Status) - {Status.HOLDS}
    if any(one.status in bad for one in verdicts):
        raise typer.Exit(FAILED)


def _rules(file: Path) -> list[Rule]:
    """The rules of a file; what is wrong with it ends the command."""
    from graph.rules.reading import RuleError, rules_of

    try:
        return rules_of(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        usage(f"cannot read {file}: {error.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RuleError) as error:
        usage(f"{file}: {error}")


def _asked(
    source: Source, rules: Sequence[Rule], window: tuple[int, int], now: int, most: int
) -> Checked:
    from graph.rules.rule import Checked

    topology = source.topology(start=window[0], end=window[1])
    flows = {
        rule.name: _flows(source, rule, window, now, most)
        for rule in rules
        if rule.kind == "successors"
    }
    return Checked(topology, source.consumers(), flows)


def _flows(source: Source, rule: Rule, window: tuple[int, int], now: int, most: int) -> list[Flow]:
    """The newest events of the rule's type that are old enough, and what followed each."""
    from graph.direction import Direction
    from graph.listing import EventFilter
    from graph.rules.rule import Flow
    from graph.terms import Field, Pattern, Term

    patterns = tuple(Pattern(tuple(one.split("*"))) for one in rule.patterns("type"))
    settled = now - round((rule.number("within") or 0.0) * 1e9)
    rows: Sequence[EventRow] = ()
    # What tells no type is called as its topic.
    for field in (Field.TYPE, Field.TOPIC):
        wanted = EventFilter(
            since=window[0],
            until=min(window[1] or settled, settled),
            limit=most,
            terms=(Term(field, patterns),),
        )
        rows = rows or source.events(wanted).rows
    flows = []
    for row in rows:
        chain = source.chain(row.id, direction=Direction.EFFECTS)
        begun = chain.event(chain.focus)
        followers = tuple(
            (event.title, (event.time - begun.time) / 1e9)
            for event in chain.events
            if event.key != chain.focus
        )
        flows.append(Flow(row.message_id or row.id, followers, chain.stopped is not None))
    return flows
