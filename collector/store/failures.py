"""Which events failed, as far as spans tell: sending them, or an attempt at handling them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from collector.store.client import Store
from collector.store.pointing import MAY_POINT_THERE, asked

Context = tuple[str, str]
"""Trace id and span id."""

Place = tuple[str, str, int | None]
"""Destination, partition and offset, as far as they are named."""

POINTED_AT = (
    "SELECT arrayJoin(arrayConcat([(trace_id, span_id), (trace_id, parent_span_id)], "
    "arrayMap(l -> (l.1, l.2), links))) FROM operations WHERE error"
)
"""Contexts of all events that failed, and of some that did not; a condition may follow."""

_HANDLES = "type IN ('receive', 'process', 'settle')"


class Failures:
    """Attempts at handling the messages of some contexts that failed."""

    def __init__(self, store: Store, contexts: Collection[Context]) -> None:
        self._by_context: dict[Context, list[Place]] = {}
        if not contexts:
            return
        wanted = set(contexts)
        failed = store.query(
            "SELECT trace_id, parent_span_id, links, destination, partition, offset "
            f"FROM operations WHERE error AND {_HANDLES} AND {MAY_POINT_THERE}",
            asked(contexts),
        )
        for trace_id, parent, links, destination, partition, offset in failed:
            places: dict[Context, list[Place]] = {}
            for link in links:
                at = link["offset"]
                places.setdefault((link["trace_id"], link["span_id"]), []).append(
                    (
                        link["destination"] or destination,
                        link["partition"] or partition,
                        offset if at is None else at,
                    )
                )
            # A link says more than that it is the parent too.
            places.setdefault((trace_id, parent), [(destination, partition, offset)])
            for context in wanted & places.keys():
                self._by_context.setdefault(context, []).extend(places[context])

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
