"""A chain as a sequence diagram: a line of life for each service, an arrow for each delivery."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from graph.chain.lanes import consumer_of, handovers, lanes_of, producer_of
from graph.chain.result import Chain, Delivery, Event
from graph.model import Evidence
from tui.drawing import figures
from tui.drawing.chain_fates import NO_FATES, KnownFates, counts_besides, fate_of, said_of
from tui.drawing.chain_tree import RowKey, RowKind
from tui.drawing.evidence import DASHES
from tui.drawing.segments import Line, Segment, SegmentRole, cells, cut, fit, line, pad, printable

TIME = 10
"""Columns at the left for when it happened."""

LEAST = 6
"""Columns that a line of life takes at least; services for whom no room is left share the last."""


class Arrow(NamedTuple):
    """A delivery, or an event that nobody received."""

    key: RowKey
    event: Event
    delivery: Delivery | None
    time: int


class SequenceDrawing:
    """A `Drawing`: one line for each arrow, whose label stands on it or on the line before.

    Its targets are the `RowKey`s of the tree, so what is selected stays so from one to another.
    """

    def __init__(self, chain: Chain, width: int, fates: KnownFates = NO_FATES) -> None:
        self.chain = chain
        self.width = width
        self.fates = fates
        lanes = lanes_of(chain)
        room = max(1, (width - TIME) // LEAST)
        self._shared = len(lanes) > room
        self._names = [*list(lanes)[: room - 1], "others"] if self._shared else list(lanes)
        self._lane = {name: min(at, len(self._names) - 1) for name, at in lanes.items()}
        self._step = (width - TIME) // max(1, len(self._names))
        self._base = min((event.time for event in chain.events if event.time), default=0)
        self.arrows = _arrows(chain)
        self._lines: list[tuple[Arrow, bool]] = []
        self._rows: dict[RowKey, range] = {}
        for arrow in self.arrows:
            at = len(self._lines)
            if not self._fits(arrow):
                self._lines.append((arrow, True))
            self._lines.append((arrow, False))
            self._rows[arrow.key] = range(at, len(self._lines))
            event = RowKey(RowKind.EVENT, arrow.event.key)
            self._rows.setdefault(event, self._rows[arrow.key])
        self._ends_with: dict[int, list[Segment]] = {}
        """Lines at whose right end it stands what became of an event at other consumers."""
        self._place_counts()

    def _place_counts(self) -> None:
        """Each event's counts at the end of its first line that has room for them."""
        counts = {
            event.key: counts_besides(event, self.fates, short=True) for event in self.chain.events
        }
        for y, (arrow, label_only) in enumerate(self._lines):
            said = counts.get(arrow.event.key)
            if said:
                at, parts = self._label(arrow) if label_only else self._drawn(arrow)
                size = sum(cells(part.text) for part in (*parts, *said))
                if at + size <= self.width - TIME:
                    self._ends_with[y] = counts.pop(arrow.event.key)

    @property
    def height(self) -> int:
        return len(self._lines)

    @property
    def heading(self) -> Line:
        """The names of the services above their lines."""
        names = (pad(printable(name), self._step - 1) + " " for name in self._names)
        return fit(line(pad("", TIME), *(Segment(name, "service") for name in names)), self.width)

    def line(self, y: int, selected: Hashable | None) -> Line:
        if not 0 <= y < len(self._lines):
            return ()
        arrow, label_only = self._lines[y]
        at, parts = self._label(arrow) if label_only else self._drawn(arrow)
        time = figures.offset(arrow.time - self._base) if arrow.time and self._base else ""
        here = not label_only and self.rows_of(selected) == self._rows[arrow.key]
        end = self._ends_with.get(y, [])
        drawn = self._over(at, parts, "" if label_only else time, here, end)
        return tuple(part._replace(target=arrow.key) for part in fit(drawn, self.width))

    def lit(self, selected: Hashable | None) -> frozenset[object]:
        """Arrows of the same event, and of those that it led to."""
        if not isinstance(selected, RowKey) or selected.event is None:
            return frozenset()
        near = {selected.event, *(one.effect for one in self.chain.effects_of(selected.event))}
        return frozenset(arrow.key for arrow in self.arrows if arrow.event.key in near)

    def rows_of(self, target: Hashable | None) -> range | None:
        return self._rows.get(target) if isinstance(target, RowKey) else None

    def first(self) -> Hashable | None:
        asked = RowKey(RowKind.EVENT, self.chain.focus)
        rows = self._rows.get(asked)
        return self._lines[rows.start][0].key if rows else None

    def step(self, target: Hashable, columns: int, rows: int) -> Hashable | None:
        keys = [arrow.key for arrow in self.arrows]
        at = self.rows_of(target)
        if at is None:
            return self.first()
        here = keys.index(self._lines[at.start][0].key)
        beside = max(0, min(len(keys) - 1, here + rows))
        return keys[beside] if beside != here else None

    # One arrow

    def _ends(self, arrow: Arrow) -> tuple[int, int]:
        """The columns of its lines of life, from the left of all of them."""
        start = self._lane[producer_of(arrow.event)] * self._step
        if arrow.delivery is None:
            return start, start
        return start, self._lane[consumer_of(arrow.delivery)] * self._step

    def _fits(self, arrow: Arrow) -> bool:
        start, end = self._ends(arrow)
        return start == end or cells(arrow.event.title) <= abs(end - start) - 5

    def _label(self, arrow: Arrow) -> tuple[int, list[Segment]]:
        """From which column on what stands, on the line before an arrow that is too short."""
        start, end = self._ends(arrow)
        at = min(start, end) + 2
        label = cut(printable(arrow.event.title), self.width - TIME - at)
        return at, [Segment(label, "event")]

    def _drawn(self, arrow: Arrow) -> tuple[int, list[Segment]]:
        """From which column on what stands, on an arrow's own line."""
        start, end = self._ends(arrow)
        title = printable(arrow.event.title)
        delivery = arrow.delivery
        failed = delivery.error if delivery else arrow.event.error
        role: SegmentRole = "error" if failed else "edge"
        if delivery is None:
            said = [Segment(title, "event"), Segment(" nobody", "dim")]
            return self._stub(start, "○", role, said)
        sure = delivery.evidence in (Evidence.OBSERVED, Evidence.DECLARED)
        if not sure:
            role = "edge.inferred"
        if start == end:
            said = [Segment(title, "event"), *self._result(delivery)]
            return self._stub(start, "↺", role, said)
        length = abs(end - start) - 2
        dash = DASHES[delivery.evidence]
        inside = [Segment(dash * length, role)]
        if self._fits(arrow):
            rest = length - cells(title) - 2
            inside = [
                Segment(dash * (rest // 2) + " ", role),
                Segment(title, "event"),
                Segment(" " + dash * (rest - rest // 2), role),
            ]
        head = "✗" if failed else "▸" if end > start else "◂"
        at_head: SegmentRole = "error" if failed else role
        if end > start:
            parts = [Segment("├", role), *inside, Segment(head, at_head), Segment("┤", role)]
        else:
            parts = [Segment("├", role), Segment(head, at_head), *inside, Segment("┤", role)]
        result = self._result(delivery)
        size = sum(cells(part.text) for part in result)
        at = min(start, end)
        if at + length + 2 + size > self.width - TIME and size <= at:
            # At the right there is no room, but at the left.
            before = [part._replace(text=f"{part.text.strip()} ") for part in result]
            return at - size, [*before, *parts]
        return at, [*parts, *result]

    def _stub(
        self, at: int, mark: str, role: SegmentRole, said: list[Segment]
    ) -> tuple[int, list[Segment]]:
        """What goes nowhere else, beside its line of life: on the side where there is room."""
        size = 3 + sum(cells(part.text) for part in said)
        if at + size <= self.width - TIME or at < size:
            return at, [Segment(f"├{mark} ", role), *said]
        return at + 1 - size, [*said, Segment(f" {mark}┤", role)]

    def _result(self, delivery: Delivery) -> list[Segment]:
        tries = len(delivery.attempts)
        role: SegmentRole = "error" if delivery.error else "warning"
        said = "failed" if delivery.error else ""
        fate = fate_of(delivery, self.fates)
        if fate is not None:
            _, said, role = said_of(fate)
        if tries > 1:
            said = f"{said} {tries} tries".strip()
        return [Segment(f" {said}", role)] if said else []

    def _over(
        self, at: int, parts: list[Segment], time: str, selected: bool, end: list[Segment]
    ) -> Line:
        """Parts from a column on, and others at the end, over the lines of life; what is not
        covered shows them."""
        size = sum(cells(part.text) for part in parts)
        mark = Segment("▸" if selected else " ", "title")
        before = Segment(self._life(0, at), "edge.inferred")
        room = self.width - TIME - sum(cells(part.text) for part in end)
        after = Segment(self._life(at + size, room), "edge.inferred")
        when = Segment(pad(time, TIME - 2, "right") + " ", "time")
        return line(mark, when, before, *parts, after, *end)

    def _life(self, start: int, end: int) -> str:
        """The lines of life between two columns."""
        last = (len(self._names) - 1) * self._step
        return "".join(
            "│" if at % self._step == 0 and at <= last else " " for at in range(start, end)
        )


def _arrows(chain: Chain) -> list[Arrow]:
    """By time; deliveries whose start nobody knows stand at their event's."""
    return [
        Arrow(
            RowKey(RowKind.DELIVERY, event.key, delivery.key)
            if delivery
            else RowKey(RowKind.EVENT, event.key),
            event,
            delivery,
            time,
        )
        for event, delivery, time in handovers(chain)
    ]
