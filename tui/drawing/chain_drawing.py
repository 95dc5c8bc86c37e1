"""A chain as a drawing to move in: rows that fold, the way to a cause, to effects, beside."""

from __future__ import annotations

from collections.abc import Collection, Hashable

from graph.chain.result import Chain, Event, EventKey
from tui.drawing.chain_bundles import bundled
from tui.drawing.chain_fates import NO_FATES, KnownFates
from tui.drawing.chain_filter import Only, filtered
from tui.drawing.chain_findings import NOTHING_FOUND, FoundInChain
from tui.drawing.chain_rows import ChainColumns, draw_heading, draw_row
from tui.drawing.chain_tree import (
    Row,
    RowKey,
    RowKind,
    parent_of,
    sibling_of,
    tree,
    way_to,
    without_folded,
)
from tui.drawing.segments import Line
from tui.drawing.waterfall import TimeSpan


class ChainDrawing:
    """A `Drawing` of a chain in a width; its targets are `RowKey`s."""

    def __init__(
        self,
        chain: Chain,
        width: int,
        folded: Collection[RowKey] = (),
        opened: Collection[RowKey] | None = (),
        only: Only = Only.ALL,
        fates: KnownFates = NO_FATES,
        found: FoundInChain = NOTHING_FOUND,
    ) -> None:
        """What is many and alike is one row, unless its bundle is among the `opened`; None
        stands for all of them."""
        self.chain = chain
        self.fates = fates
        self.found = found
        self.folded = frozenset(folded)
        self.opened = frozenset(opened or ())
        rows = filtered(tree(chain), chain, only, fates)
        self._whole = rows if opened is None else bundled(rows, self.opened)
        self.rows = without_folded(self._whole, self.folded)
        self.columns = ChainColumns.for_width(width)
        self.span = TimeSpan.of(chain)
        self._index = {row.key: number for number, row in enumerate(self.rows)}

    @property
    def height(self) -> int:
        return len(self.rows)

    @property
    def heading(self) -> Line:
        """The line that names the columns."""
        return draw_heading(self.columns, self.span)

    def line(self, y: int, selected: Hashable | None) -> Line:
        if not 0 <= y < len(self.rows):
            return ()
        row = self.rows[y]
        return draw_row(
            row,
            self.chain,
            self.columns,
            self.span,
            selected=row.key == selected,
            fates=self.fates,
            found=self.found,
        )

    def lit(self, selected: Hashable | None) -> frozenset[object]:
        """The causes and effects of what is selected, and its other places."""
        row = self.row(selected)
        if row is None or row.event is None:
            return frozenset()
        key = row.event.key
        near = {cause.cause for cause in self.chain.causes_of(key)}
        near |= {cause.effect for cause in self.chain.effects_of(key)} | {key}
        return frozenset(
            other.key
            for other in self.rows
            if other.key.event in near and other.key.kind is not RowKind.DELIVERY
        )

    def rows_of(self, target: Hashable) -> range | None:
        at = self._index.get(target) if isinstance(target, RowKey) else None
        return None if at is None else range(at, at + 1)

    def first(self) -> Hashable | None:
        """The event that was asked for."""
        return self.place_of(self.chain.focus) or (self.rows[0].key if self.rows else None)

    def step(self, target: Hashable, columns: int, rows: int) -> Hashable | None:
        at = self.rows_of(target)
        if at is None:
            return self.first()
        beside = max(0, min(len(self.rows) - 1, at.start + rows))
        return self.rows[beside].key if beside != at.start else None

    def row(self, target: Hashable | None) -> Row | None:
        at = self._index.get(target) if isinstance(target, RowKey) else None
        return None if at is None else self.rows[at]

    def place_of(self, event: EventKey) -> RowKey | None:
        """Where an event is drawn; None where it is folded away."""
        key = RowKey(RowKind.EVENT, event)
        return key if key in self._index else None

    def above(self, target: RowKey) -> RowKey | None:
        """The row that led here."""
        row = self._index.get(target)
        parent = None if row is None else parent_of(self.rows, row)
        return None if parent is None else self.rows[parent].key

    def below(self, target: RowKey) -> RowKey | None:
        """The first row that this one led to; a reference leads to where its event is drawn."""
        row = self.row(target)
        if row is None:
            return None
        if row.key.kind is RowKind.REFERENCE and row.event is not None:
            return self.place_of(row.event.key)
        following = self._index[target] + 1
        if row.inside and not row.folded and following < len(self.rows):
            return self.rows[following].key
        return None

    def beside(self, target: RowKey, step: int) -> RowKey | None:
        """The next (1) or previous (-1) row below the same cause."""
        row = self._index.get(target)
        sibling = None if row is None else sibling_of(self.rows, row, step)
        return None if sibling is None else self.rows[sibling].key

    def way_to(self, target: Hashable | None) -> list[Event]:
        """The events from the root down to the selected row."""
        at = self._index.get(target) if isinstance(target, RowKey) else None
        return [] if at is None else way_to(self.rows, at)

    def below_level(self, depth: int) -> frozenset[RowKey]:
        """Rows of the whole chain, from this depth on, that have something to hide."""
        return frozenset(row.key for row in self._whole if row.inside and row.depth >= depth)

    def hiding(self, event: EventKey) -> frozenset[RowKey]:
        """What must be unfolded, or opened, for an event to show."""
        whole = self._whole
        wanted = RowKey(RowKind.EVENT, event)
        at = next(
            (
                number
                for number, row in enumerate(whole)
                if row.key == wanted or any(one.key == wanted for one in row.alike)
            ),
            None,
        )
        hiding: set[RowKey] = set()
        while at is not None:
            row = whole[at]
            if row.key in self.folded or (row.alike and row.key not in self.opened):
                hiding.add(row.key)
            at = parent_of(whole, at)
        return frozenset(hiding)
