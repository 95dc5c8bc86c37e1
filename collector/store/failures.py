"""Which events failed, as far as spans tell: sending them, or an attempt at handling them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from collector.store.client import Store

Context = tuple[str, str]
"""Trace id and span id."""

POINTED_AT = (
    "SELECT arrayJoin(arrayConcat([(trace_id, span_id), (trace_id, parent_span_id)], "
    "arrayMap(l -> (l.1, l.2), links))) FROM operations WHERE error"
)
"""Contexts of all events that failed, and of some that did not; a condition may follow."""

_HANDLES = "type IN ('receive', 'process', 'settle')"
_KEYS = "{contexts:Array(Tuple(String, String))}"


class Failures:
    """Attempts at handling the messages of some contexts that failed."""

    def __init__(self, store: Store, contexts: Collection[Context]) -> None:
        self._by_context: dict[Context, list[tuple[str, str, int | None]]] = {}
        if not contexts:
            return
        parameters = {"contexts": list(contexts)}
        pointing = f"(target_trace_id, target_span_id) IN {_KEYS} AND kind != 'header'"
        failed: dict[Context, tuple[str, str, int | None]] = {
            (row[0], row[1]): (row[2], row[3], row[4])
            for row in store.query(
                "SELECT trace_id, span_id, destination, partition, offset FROM operations "
                f"WHERE error AND {_HANDLES} AND (trace_id, span_id) IN "
                f"(SELECT trace_id, span_id FROM relations WHERE {pointing})",
                parameters,
            )
        }
        if not failed:
            return
        for row in store.query(
            "SELECT target_trace_id, target_span_id, trace_id, span_id, destination, partition, "
            f"offset FROM relations WHERE {pointing} AND (trace_id, span_id) IN "
            "{failed:Array(Tuple(String, String))}",
            {**parameters, "failed": list(failed)},
        ):
            destination, partition, offset = failed[row[2], row[3]]
            place = (
                row[4] or destination,
                row[5] or partition,
                offset if row[6] is None else row[6],
            )
            self._by_context.setdefault((row[0], row[1]), []).append(place)

    def of(self, contexts: Sequence[Any], destination: str, partition: str, offset: int) -> bool:
        """Whether handling failed of the message that lies there and carries these contexts.

        Where a failed span names a position, only the message there; messages of a batch whose
        spans name none share their failures.
        """
        return any(
            there in ("", destination)
            and (at is None or at < 0 or offset < 0 or (part in ("", partition) and at == offset))
            for context in contexts
            for there, part, at in self._by_context.get((context[0], context[1]), ())
        )
