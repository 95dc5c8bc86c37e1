"""What points at a context: operations of its own trace say so themselves, and of links that lead
from another trace `relations` tells."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

KEYS = "{keys:Array(Tuple(String, String))}"
"""The contexts that are asked for, each a trace id and a span id."""

POINTS_AT = """arrayConcat(if(parent_span_id = '', [], [(trace_id, parent_span_id)]),
    arrayMap(l -> (l.1, l.2), links))"""
"""The contexts that an operation points at."""

MAY_POINT_THERE = f"""(trace_id IN {{traces:Array(String)}} OR trace_id IN (
    SELECT trace_id FROM relations
    WHERE kind = 'link' AND (target_trace_id, target_span_id) IN {KEYS}))"""
"""That an operation lies in a trace from which something may point at `KEYS`: what it does point
at is to be looked at besides."""


def asked(contexts: Collection[tuple[str, str]]) -> dict[str, Any]:
    """The parameters of `KEYS` and `MAY_POINT_THERE`."""
    return {"keys": list(contexts), "traces": sorted({trace for trace, _ in contexts})}
