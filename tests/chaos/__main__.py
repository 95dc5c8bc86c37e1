"""`python -m tests.chaos [--rounds N] [--seed N] [--keep FOLDER]`: exit code 0 when nothing that
was acknowledged is lost, and nothing is counted twice."""

from __future__ import annotations

import argparse
import random
import secrets
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from samples.kafka.broker import Broker
from tests.chaos.rounds import drawn, run


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description="Ends the collector at random moments under load, and counts what is left.",
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, help="the same rounds again; moments differ a little")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave store and log there")
    asked = parser.parse_args()
    # As Ctrl-C does: what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    seed = asked.seed if asked.seed is not None else secrets.randbelow(2**32)
    print(f"seed {seed}, {asked.rounds} rounds", flush=True)
    chance = random.Random(seed)
    rounds = drawn(asked.rounds, chance)
    began = time.monotonic()
    with ExitStack() as stack:
        folder = asked.keep or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="flowtap-chaos-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        broker = stack.enter_context(Broker())
        try:
            run(rounds, broker.bootstrap, folder, chance, most_orders=200, tell=_say)
        except AssertionError as wrong:
            print(f"FAIL after {time.monotonic() - began:.0f} s with seed {seed}: {wrong}")
            sys.exit(1)
    print(f"PASS after {time.monotonic() - began:.0f} s")


def _say(what: str) -> None:
    print(what, flush=True)


if __name__ == "__main__":
    main()
