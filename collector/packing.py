"""What is stored of tapped messages: masked, cut, and written down as the engine takes it.

That is done where a tap hands over, while the engine stores what came before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from collector.conventions.own import Own
from collector.conventions.plain import Plain
from collector.masks import MASK, BodyMasks
from collector.store import native, views
from collector.taps.tap import Batch

HEADERS_KEPT = 256
"""Headers stored of one message, at most."""

Headers = tuple[Sequence[Sequence[str]], Sequence[Sequence[bytes]]]
"""Names and values of each message."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch, ready for the store."""

    batch: Batch
    columns: bytes | bytearray
    """All but the time of receipt; see `Store.insert_messages`."""
    plain: bool
    """No message bears a mark."""
    bytes: int
    """What it takes of memory: its columns, and the bodies as they came."""

    def __len__(self) -> int:
        return len(self.batch)


class Packing:
    """Thread-safe."""

    def __init__(
        self,
        own: Own,
        *,
        environment: str = "",
        masked: Sequence[str] = (),
        masked_paths: Sequence[str] = (),
        body_bytes: int = 64 << 10,
        header_bytes: int = 8 << 10,
    ) -> None:
        self._environment = environment
        self._masked = frozenset(masked)
        self._body_masks = BodyMasks(masked_paths)
        self._body_bytes = body_bytes
        self._header_bytes = header_bytes
        self._seen_names: set[str] = set()
        self._masked_names: set[str] = set()
        self._plain = Plain(own)
        self.cut_values = 0
        """Values and headers that were longer than is stored of them."""

    def packed(self, batch: Batch) -> Packed:
        """Raises as `native.columns` for what cannot be written down."""
        if not len(batch):
            return Packed(batch, b"", True, 0)
        columns = native.columns(views.MESSAGE_TYPES, self._columns(batch))
        plain = self._plain.covers(batch.header_names, batch.header_values, batch.value)
        size = len(columns) + sum(map(len, filter(None, batch.value)))
        return Packed(batch, columns, plain, size)

    def _columns(self, batch: Batch) -> dict[str, Sequence[Any]]:
        count = len(batch)
        names, values = self._headers(batch)
        bodies, events = self._bodies(batch)
        return {
            "environment": [self._environment] * count,
            "system": [batch.system] * count,
            "cluster": [batch.cluster] * count,
            "destination": batch.destination,
            "incarnation": batch.incarnation,
            "partition": batch.partition,
            "offset": batch.offset,
            "time": batch.time,
            "key": batch.key,
            "header_names": names,
            "header_values": values,
            "value": bodies,
            "value_size": [-1 if v is None else len(v) for v in batch.value],
            "event": events,
        }

    def _bodies(self, batch: Batch) -> tuple[list[bytes | None], list[bytes]]:
        """Bodies as they are stored, and what may be JSON whole where it is cut: it is read
        before it is forgotten."""
        cap = self._body_bytes
        events = [b""] * len(batch)
        bodies = batch.value
        if self._body_masks:
            bodies = [v and self._body_masks.applied(v) for v in bodies]
        long = [at for at, v in enumerate(bodies) if v is not None and len(v) > cap]
        if not long:
            return bodies, events
        self.cut_values += len(long)
        cut = list(bodies)
        for at in long:
            value = cut[at] or b""
            cut[at] = value[:cap]
            if value[:64].lstrip()[:1] in (b"{", b"["):
                events[at] = value
        return cut, events

    def _headers(self, batch: Batch) -> Headers:
        """Headers as they are stored. Nearly always that is as they came, which is seen at once."""
        spelt = set(chain.from_iterable(batch.header_names))
        if not self._seen_names.issuperset(spelt):
            self._learn(spelt)
        masked = self._masked_names & spelt
        longest = max(map(len, chain.from_iterable(batch.header_values)), default=0)
        most = max(map(len, batch.header_names))
        if not masked and longest <= self._header_bytes and most <= HEADERS_KEPT:
            return batch.header_names, batch.header_values
        kept = [
            self._kept(names, values, masked)
            for names, values in zip(batch.header_names, batch.header_values, strict=True)
        ]
        return [names for names, _ in kept], [values for _, values in kept]

    def _kept(
        self, names: Sequence[str], values: Sequence[bytes], masked: set[str]
    ) -> tuple[Sequence[str], Sequence[bytes]]:
        """One message's headers."""
        cap = self._header_bytes
        if not masked.isdisjoint(names):
            values = [
                MASK if name in masked else value for name, value in zip(names, values, strict=True)
            ]
        if any(len(value) > cap for value in values):
            self.cut_values += 1
            values = [value[:cap] for value in values]
        if len(values) > HEADERS_KEPT:
            self.cut_values += 1
            names, values = names[:HEADERS_KEPT], values[:HEADERS_KEPT]
        return names, values

    def _learn(self, names: set[str]) -> None:
        """Headers are masked in any case; the spellings that occur are few, so they are kept."""
        if len(self._seen_names) > 100_000:
            self._seen_names.clear()
        # In this order: what another tap finds seen must be known to be masked.
        self._masked_names.update(name for name in names if name.lower() in self._masked)
        self._seen_names.update(names)
