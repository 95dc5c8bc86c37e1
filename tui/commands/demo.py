"""`flowtap demo`: a whole shop on a real Kafka, and the collector watching it."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from tui.commands import options
from tui.commands.output import FAILED, put, put_json, put_lines, say, stop, width


def command(
    headless: Annotated[
        bool, typer.Option("--headless", help="Print what was seen, and compare; no UI.")
    ] = False,
    seconds: Annotated[
        int, typer.Option("--seconds", min=1, help="Of traffic, with --headless.")
    ] = 30,
    bootstrap: Annotated[
        str | None,
        typer.Option("--bootstrap", metavar="HOST:PORT", help="Use the Kafka there."),
    ] = None,
    rate: Annotated[int, typer.Option("--rate", min=1, help="Orders a second.")] = 2,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", help="Keep store, ledgers and logs there."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Starts Kafka, the shop and a collector, and opens the terminal UI on it.

    Without a terminal, or with --headless, it lets traffic flow for some seconds, prints the
    graph, one order's chain and a comparison with the ledgers that the services keep, and exits
    with 1 if they differ. It ends whatever it started, also after Ctrl-C.

    What goes wrong in the shop is switched by variables as SHOP_HANGING=0.01: docs/findings.md.
    """
    try:
        import jgo  # noqa: F401 - asked for here, where the remedy can be told
        import opentelemetry.sdk  # noqa: F401
    except ImportError as error:
        stop(
            f"the demo needs more packages: {error.name} is missing",
            "pip install 'flowtap[demo]'",
            as_json=as_json,
        )
    signal.signal(signal.SIGTERM, _interrupt)
    headless = headless or as_json or not sys.stdout.isatty()
    with tempfile.TemporaryDirectory(prefix="flowtap-demo-") as temporary:
        directory = keep or Path(temporary)
        try:
            agrees = _run(directory, headless, seconds, bootstrap or "", rate, as_json)
        except KeyboardInterrupt:
            say("flowtap: stopped, and everything that the demo had started")
            raise typer.Exit(130) from None
    if not agrees:
        raise typer.Exit(FAILED)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _run(
    directory: Path, headless: bool, seconds: int, bootstrap: str, rate: int, as_json: bool
) -> bool:
    from samples.kafka.errors import BrokerError
    from samples.shop.errors import ShopError
    from tui.demo.stage import Stage, StageError
    from tui.remote import ApiClient
    from tui.source import SourceError

    try:
        with Stage(directory, bootstrap=bootstrap, rate=rate, progress=say) as stage:
            assert stage.runtime is not None
            source = ApiClient(stage.runtime.url, stage.runtime.token)
            if not headless:
                from tui.app import run

                say(f"also: flowtap trace --store {stage.store} ID")
                run(source)
                return True
            from tui.demo.headless import watch

            say(f"letting traffic flow for {seconds} s")
            outcome = watch(stage, source, float(seconds))
            say("stopping the shop, the collector and Kafka")
    except (BrokerError, ShopError, StageError, SourceError, FileExistsError) as error:
        stop(str(error), as_json=as_json)
    if as_json:
        _print_json(outcome)
    else:
        _print_text(outcome)
    return outcome.report.agrees


def _print_json(outcome: Any) -> None:
    from graph.wire import chain_to_dict, topology_to_dict
    from tui.demo.report import report_to_dict

    put_json(
        {
            "report": report_to_dict(outcome.report),
            "graph": topology_to_dict(outcome.topology),
            "order": chain_to_dict(outcome.order) if outcome.order else None,
        }
    )


def _print_text(outcome: Any) -> None:
    from tui.demo.report import report_lines
    from tui.drawing.chain_lines import chain_lines
    from tui.drawing.graph_lines import graph_lines

    columns = width()
    put_lines(graph_lines(outcome.topology, columns))
    put("")
    if outcome.order is not None:
        put_lines(chain_lines(outcome.order, columns))
        put("")
    put_lines(report_lines(outcome.report, columns))
