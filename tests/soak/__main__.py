"""`python -m tests.soak [--minutes N] [--rate N] [--json FILE]`: exit code 0 when it passes."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from samples.kafka.broker import Broker
from tests.benchmarks import machine
from tests.benchmarks.collector import FLOWTAP, Collector, CollectorFailed
from tests.benchmarks.figures import Figure, Goal, Report
from tests.benchmarks.messages import shop_topics
from tests.benchmarks.steps import SHOP
from tests.benchmarks.world import apart, say
from tests.soak.terminal import Terminal, pause
from tests.soak.watch import Sample, Sender, counted, figures, look

SETTLE_SECONDS = 60.0
"""How long what was sent last may take into the store."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak",
        description="A steady load with the terminal UI open; says PASS or FAIL, with a table.",
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=5_000.0, help="spans, and messages, a second")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was seen there")
    asked = parser.parse_args()
    # As Ctrl-C does: what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="flowtap-soak-") as folder:
        here = machine.describe(Path(folder))
        print(here.line(), flush=True)
        samples, found = soak(Path(folder), asked.minutes * 60, asked.rate)
    did = (
        f"{asked.rate:,.0f} spans/s and messages/s for {asked.minutes:g} minutes, with the UI open"
    )
    report = Report("soak", did, (*figures(samples, asked.rate), *found))
    passed = all(one.goal is None or one.goal.met(one.value) for one in report.figures)
    print("", *report.lines(), "PASS" if passed else "FAIL", sep="\n")
    if asked.json is not None:
        told = {
            "passed": passed,
            "machine": asdict(here),
            "report": report.to_dict(),
            "samples": [asdict(sample) for sample in samples],
        }
        asked.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    sys.exit(0 if passed else 1)


def soak(folder: Path, seconds: float, rate: float) -> tuple[list[Sample], list[Figure]]:
    """What was seen each second, and what was found at the end."""
    samples: list[Sample] = []
    with ExitStack() as stack:
        say("starting Kafka")
        broker = stack.enter_context(Broker(progress=say))
        shop_topics(broker.bootstrap)
        tap = {"bootstrap": broker.bootstrap, "since": "beginning"}
        collector = stack.enter_context(Collector(folder, kafka=tap))
        store = collector.store
        terminal = stack.enter_context(Terminal([*FLOWTAP, "tui"], collector.environment))
        sender = Sender(collector, broker.bootstrap, rate / len(SHOP))
        stack.callback(sender.stop)
        began = time.monotonic()
        say(f"sending for {seconds:.0f} s")
        while time.monotonic() < began + seconds and terminal.runs and sender.runs:
            pause(began + len(samples) + 1)
            samples.append(look(collector, terminal, sender, began, rate))
            if len(samples) % 30 == 0:
                say(samples[-1].line())
        shown = terminal.runs and terminal.drawn > 0
        sender.stop()
        told = sender.told
        settle(collector, told.messages)
    log = (folder / "collector.log").read_text(errors="replace")
    complaints = [line for line in log.splitlines() if " WARNING " in line or " ERROR " in line]
    for line in complaints[:20]:
        say(line)
    counts = apart(counted, store)
    none = Goal(0, at_least=False)

    def one(name: str, unit: str, value: float, goal: Goal) -> Figure:
        return Figure(name, unit, (float(value),), goal)

    return samples, [
        one("missing at the end", "spans", told.spans - counts["spans"], none),
        one("missing at the end", "messages", told.messages - counts["messages"], none),
        one("warnings and errors in the log", "lines", len(complaints), none),
        one("the UI was open to the end", "", shown, Goal(1)),
    ]


def settle(collector: Collector, messages: int) -> None:
    """Until all is in the store, or long enough: what is missing then is counted."""
    try:
        collector.wait(lambda: stored(collector) >= messages, SETTLE_SECONDS, "messages wait")
        collector.wait_inserted(SETTLE_SECONDS)
    except CollectorFailed as failed:
        say(str(failed).partition("\n")[0])


def stored(collector: Collector) -> int:
    """Messages."""
    return int(collector.component("intake").get("kafka", {}).get("stored", 0))


if __name__ == "__main__":
    main()
