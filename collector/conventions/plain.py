"""Messages that bear no mark: what they say as SQL, and how they are told beforehand.

Most systems write plain headers, CloudEvents and W3C contexts only. An insert pays for each
expression of its view, however few its rows are, so that these have a view of their own: of such
messages it reads the same as the whole tables would.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from collector.conventions import headers
from collector.conventions.contexts import STARTING, W3C
from collector.conventions.own import Own
from collector.conventions.render_contexts import CODES
from collector.conventions.render_messages import (
    OWN,
    business,
    recogniser,
    stored_time,
)
from collector.conventions.sql import RANKS, few, lookup, pick, quote
from collector.needles import Needles

TOGETHER = 500
"""Bodies that are searched at once."""


class Plain:
    """Tells batches of which no message bears a mark. Remembers the spellings that it has seen.
    Thread-safe."""

    def __init__(self, own: Own | None = None) -> None:
        marks = recogniser(own or Own())
        self._marked = {name for table in marks.tables for name in table.single} | CODES.keys()
        self._marked -= {STARTING}
        self._together = marks.together
        self._types = tuple(text.encode() for text in marks.types)
        self._needles = Needles(text.encode() for text in marks.needles)
        self._seen: set[str] = set()
        self._odd: set[str] = set()
        self._type_names: set[str] = set()

    def covers(
        self,
        names: Sequence[Sequence[str]],
        values: Sequence[Sequence[bytes]],
        bodies: Sequence[bytes | None],
    ) -> bool:
        """Whether all these messages are plain; a message has names and values of headers, alike in
        order, and a body."""
        spelt = set().union(*names)
        if not self._seen.issuperset(spelt):
            self._learn(spelt)
        if not self._odd.isdisjoint(spelt):
            return False
        lower = {name.lower() for name in spelt}
        if any(together <= lower for together in self._together):
            return False
        for spelling in self._type_names & spelt:
            said = {
                v[n.index(spelling)] for n, v in zip(names, values, strict=True) if spelling in n
            }
            if any(value.lower().startswith(self._types) for value in said):
                return False
        return not self._in_bodies(bodies)

    def _in_bodies(self, bodies: Sequence[bytes | None]) -> bool:
        # Searching some of them at once is faster than each.
        for at in range(0, len(bodies), TOGETHER):
            joined = b"\n".join(filter(None, bodies[at : at + TOGETHER]))
            if self._needles.any_in(joined):
                return True
        return False

    def _learn(self, names: Collection[str]) -> None:
        if len(self._seen) > 100_000:
            self._seen.clear()
        # In this order: what another tap finds seen must be known to be odd.
        self._odd.update(name for name in names if name.lower() in self._marked)
        self._type_names.update(name for name in names if name.lower() == headers.CONTENT_TYPE)
        self._seen.update(names)


def plain_select(source: str = "messages_plain_in", own: Own | None = None) -> str:
    """Records of `source` that bear no mark, in the columns of `messages` that have something to
    say then."""
    codes = {
        name: index * RANKS + rank
        for index, field in enumerate(headers.FIELDS, start=1)
        for rank, name in enumerate(few(field.headers, RANKS - OWN))
    }
    known = (
        "arraySort(x -> x.1, arrayFilter(x -> x.1 > 0 AND x.2 != '', arrayMap((n, v) -> "
        f"({lookup(codes, 'lower(n)')}, v), header_names, header_values)))"
    )
    fields = ",\n    ".join(
        f"{pick(index, 'known')} AS {field.column}"
        for index, field in enumerate(headers.FIELDS, start=1)
    )
    found = ", ".join(_contexts(pattern) for pattern in W3C.patterns)
    valid = "c.1 != repeat('0', 32) AND c.2 != repeat('0', 16)"
    return f"""WITH {known} AS known
SELECT
    received, environment, system, cluster, destination, incarnation, partition, offset,
    {stored_time("m.time")} AS time, ifNull(m.key, '') AS key, m.key IS NULL AS key_null,
    {fields},
    arrayDistinct(arrayFilter(c -> {valid}, arrayConcat({found}))) AS contexts,
    {business(own or Own())} AS business,
    arrayZip(header_names, header_values) AS headers, ifNull(m.value, '') AS value, value_size
FROM {source} AS m"""


def _contexts(pattern: str) -> str:
    """The contexts of this pattern, in the order of the message. Both patterns have the ids at the
    same places, and to cut them out costs half of what groups do."""
    carrying = f"lower(n) = {quote(STARTING)} AND match(v, {quote(f'^{pattern}$')})"
    values = f"arrayFilter((v, n) -> {carrying}, header_values, header_names)"
    said = "trimLeft(v, ' \\t')"
    return f"arrayMap(v -> (substring({said}, 4, 32), substring({said}, 37, 16)), {values})"
