"""`python -m samples.shop`: runs the shop for a while, or until Ctrl-C, and tells the truth."""

from __future__ import annotations

import argparse
import dataclasses
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from samples.shop.errors import ShopError
from samples.shop.faults import Faults, parse_pairs
from samples.shop.shop import Shop
from samples.shop.truth import Truth


def main() -> int:
    arguments = _arguments()
    # Both end the shop in order; a shell lets what it runs in the background ignore the first.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)
    directory = arguments.ledger or Path(tempfile.mkdtemp(prefix="shop-"))
    shop = Shop(
        arguments.bootstrap,
        arguments.otlp,
        directory,
        rate=arguments.rate,
        seed=arguments.seed,
        faults=_faults(arguments),
        progress=lambda text: print(text, file=sys.stderr),
        otlp_protocol=arguments.otlp_protocol,
    )
    try:
        with shop:
            print(f"ledger in {directory}; Ctrl-C stops the shop", file=sys.stderr)
            try:
                shop.run(arguments.seconds)
            except KeyboardInterrupt:
                print("stopping", file=sys.stderr)
            shop.drain()
    except KeyboardInterrupt:
        return 130
    except ShopError as error:
        print(error, file=sys.stderr)
        return 1
    truth = shop.truth()
    print(truth.to_json(indent=2) if arguments.json else _text(truth))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m samples.shop", description=__doc__)
    parser.add_argument("--bootstrap", required=True, metavar="HOST:PORT", help="Kafka")
    parser.add_argument("--otlp", default="", metavar="URL", help="where spans go; default nowhere")
    parser.add_argument(
        "--otlp-protocol", choices=("http/protobuf", "grpc"), default="http/protobuf"
    )
    parser.add_argument("--seconds", type=float, default=float("inf"), help="default: until Ctrl-C")
    parser.add_argument("--ledger", type=Path, metavar="DIR", help="default: a temporary directory")
    parser.add_argument("--rate", type=float, default=2.0, help="orders a second")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="the whole truth as JSON")
    faults = parser.add_argument_group(
        "faults", "see samples/shop/faults.py for what they mean, and the defaults"
    )
    faults.add_argument("--no-faults", action="store_true")
    for each in dataclasses.fields(Faults):
        reads, metavar = _READS[type(getattr(Faults(), each.name))]
        faults.add_argument(f"--{each.name.replace('_', '-')}", type=reads, metavar=metavar)
    return parser.parse_args()


_READS: dict[type, tuple[Callable[[str], Any], str]] = {
    float: (float, "NUMBER"),
    int: (int, "NUMBER"),
    str: (str, "SERVICE"),
    dict: (parse_pairs, "SERVICE=NUMBER,..."),
}


def _faults(arguments: argparse.Namespace) -> Faults:
    base = Faults.none() if arguments.no_faults else Faults.from_environment()
    given = {
        each.name: getattr(arguments, each.name)
        for each in dataclasses.fields(Faults)
        if getattr(arguments, each.name) is not None
    }
    return dataclasses.replace(base, **given)


def _text(truth: Truth) -> str:
    lines = ["edges"]
    for edge in truth.edges:
        arrow = f"{edge.source} -> {edge.target}"
        failed = f", {edge.errors} failed" if edge.errors else ""
        lines.append(f"  {edge.kind:8} {arrow:42} {edge.count:5}{failed}  by {edge.known[0]}")
    outcomes: dict[str, int] = {}
    for chain in truth.chains:
        outcomes[chain.outcome] = outcomes.get(chain.outcome, 0) + 1
    lines.append("chains")
    lines += [f"  {outcome:14} {count:5}" for outcome, count in sorted(outcomes.items())]
    lines.append("unknowable")
    lines += [
        f"  {each.fact} of {each.count} on {each.topic} ({each.service}): {each.reason}"
        for each in truth.unknowable
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
