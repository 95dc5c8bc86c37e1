"""Who received, and how it went, in a few words."""

from __future__ import annotations

from graph.chain.result import Delivery
from tui.drawing import figures
from tui.drawing.chain_bundles import failures
from tui.drawing.chain_tree import Row
from tui.drawing.segments import Segment


def consumer_of(delivery: Delivery) -> list[Segment]:
    """Its service, and its group where that has another name."""
    group = "" if delivery.group in ("", delivery.service) else delivery.group
    names = [Segment(delivery.service, "service", delivery.key)] if delivery.service else []
    if group or not names:
        text = f"group {group}" if group else "unknown consumer"
        names.append(Segment(f" ({text})" if names else text, "group", delivery.key))
    return names


def results_of(row: Row) -> Segment:
    """`all ok`, `ok, 3 retried`, `12 FAILED`, or how many have no span."""
    failed = failures(row)
    if failed:
        return Segment(f"{failed:,} FAILED", "error")
    silent = sum(not one.delivery.attempts for one in row.alike if one.delivery)
    if silent:
        return Segment(f"{silent:,} without span", "dim")
    retried = sum(len(one.delivery.attempts) > 1 for one in row.alike if one.delivery)
    return Segment(f"ok, {retried:,} retried" if retried else "all ok", "ok")


def result_of(delivery: Delivery) -> Segment:
    """`ok 31 ms`, `ok, try 2  1.2 s`, `FAILED x3 142 ms`, or that there is no span."""
    if not delivery.attempts:
        return Segment("no span", "dim")
    took = figures.duration(delivery.end - delivery.start)
    tries = len(delivery.attempts)
    if delivery.error:
        return Segment(f"FAILED{f' x{tries}' if tries > 1 else ''} {took}", "error")
    return Segment(f"ok{f', try {tries},' if tries > 1 else ''} {took}", "ok")
