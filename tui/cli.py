"""The command table. A command's file is loaded when it is called, so that each starts fast."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from tui.commands.parameters import PlainCommand, ReadPlainly


class Entry(NamedTuple):
    """One command: its file in `tui.commands` has a function `command`."""

    name: str
    module: str
    help: str


TABLE = (
    Entry("up", "up", "Run a collector: receive spans, tap brokers, answer questions."),
    Entry("demo", "demo", "Show a whole shop on a real Kafka, with the collector watching it."),
    Entry("tui", "tui", "Open the terminal UI: live graph, events, chains, consumers."),
    Entry("trace", "trace", "Tell what happened to an event, and because of it."),
    Entry("why", "why", "Tell what became of an event at each consumer that should have had it."),
    Entry("events", "events", "List the newest events that fit a filter, or follow them."),
    Entry("consumers", "consumers", "List consumer groups, who is behind first."),
    Entry("findings", "findings", "List what did not happen, or not as it should."),
    Entry("graph", "graph", "Print who produces and consumes what."),
    Entry("diff", "diff", "Compare two windows, saved graphs, or what was declared and what is."),
    Entry("check", "check", "Hold a file of rules against the graph, as a pipeline does."),
    Entry("sql", "sql", "Ask the store in SQL, reading only."),
    Entry("import", "import_files", "Put recorded spans into the store."),
    Entry("export", "export", "Write the graph, or one event's chain, to a file."),
    Entry("prune", "prune", "Let old weeks leave the store."),
    Entry("reindex", "reindex", "Normalise stored spans and messages again."),
    Entry("doctor", "doctor", "Check engine, store, ports and brokers; say what to do."),
)

EPILOG = "Exit codes: 0 done, 1 not found or failed, 2 wrong usage, 3 ambiguous, 4 no source."


class Commands(ReadPlainly, TyperGroup):
    """Commands by the table; each is made from its function when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [entry.name for entry in TABLE]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = next((entry for entry in TABLE if entry.name == cmd_name), None)
        return load(entry) if entry else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """From the table alone: help loads no command."""
        with formatter.section("Commands"):
            formatter.write_dl([(entry.name, entry.help) for entry in TABLE])


def load(entry: Entry) -> TyperCommand:
    """The command itself."""
    function = import_module(f"tui.commands.{entry.module}").command
    single = typer.Typer(
        add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
    )
    single.command(entry.name, cls=PlainCommand, help=entry.help, epilog=EPILOG)(function)
    made = typer.main.get_command(single)
    assert isinstance(made, TyperCommand)
    return made


app = typer.Typer(
    name="flowtap",
    cls=Commands,
    help="What happened to this event, and because of it?",
    epilog=EPILOG,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)


@app.callback(invoke_without_command=True)
def _flowtap(
    version: bool = typer.Option(False, "--version", help="Say the version and stop."),
) -> None:
    if version:
        from importlib.metadata import version as installed

        sys.stdout.write(f"flowtap {installed('flowtap')}\n")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> None:
    """The program `flowtap`."""
    app(args=None if arguments is None else list(arguments), prog_name="flowtap")
