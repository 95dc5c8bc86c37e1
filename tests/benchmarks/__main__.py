"""`python -m tests.benchmarks [NAME...] [--quick | --full] [--keep FOLDER] [--json FILE]`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from tests.benchmarks import (
    findings,
    findings_cost,
    left_on,
    lookups,
    machine,
    messages,
    spans,
    ui,
    ui_first,
    ui_graph,
    visible,
)
from tests.benchmarks.figures import Report
from tests.benchmarks.world import DEFAULT, FULL, QUICK, World, say

BENCHMARKS: Mapping[str, Callable[[World], Report]] = {
    "engine": spans.engine_only,
    **{way.name: partial(spans.through_collector, way=way) for way in spans.WAYS},
    "kafka": messages.taps,
    "left_on": left_on.left_on,
    "visible": visible.visible,
    "lookup": lookups.answers,
    "edges": lookups.edges,
    "findings": findings.accuracy,
    "findings_cost": findings_cost.cost,
    "ui_first": ui_first.starts,
    "ui": ui.follows,
    "ui_graph": ui_graph.screen,
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Figures with the machine's noise (lowest..highest run), beside their goals.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_true", help="one short run of each")
    sizes.add_argument("--full", action="store_true", help="the sizes that the goals are about")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="leave the store of look-ups there, and use it"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}: there are {', '.join(BENCHMARKS)}")
    # As Ctrl-C does: what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    chosen = QUICK if asked.quick else FULL if asked.full else DEFAULT
    reports: list[Report] = []
    with tempfile.TemporaryDirectory(prefix="flowtap-bench-") as folder:
        here = machine.describe(Path(folder))
        print(here.line(), flush=True)
        with World(Path(folder), chosen, asked.keep) as world:
            for name, benchmark in BENCHMARKS.items():
                if asked.names and name not in asked.names:
                    continue
                before = time.monotonic()
                reports.append(benchmark(world))
                print("", *reports[-1].lines(), sep="\n", flush=True)
                say(f"{name} took {time.monotonic() - before:.0f} s")
            noise = machine.noise(world.works)
    seconds = time.monotonic() - began
    last = Report("machine", f"{chosen.runs} runs of each, {seconds:.0f} s in all", (noise,))
    print("", *last.lines(), sep="\n")
    if asked.json is not None:
        told = {
            "machine": asdict(here),
            "sizes": asdict(chosen),
            "seconds": seconds,
            "reports": [report.to_dict() for report in (*reports, last)],
        }
        asked.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
