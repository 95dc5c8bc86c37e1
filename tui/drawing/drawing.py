"""What a widget asks of a drawing: its lines one by one, and how a selection moves in it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol, runtime_checkable

from tui.drawing.segments import Line


class Drawing(Protocol):
    """Lines that are drawn when they are asked for, so that only what shows costs time.

    Targets name what can be selected; they keep their names from one drawing to the next.
    """

    @property
    def height(self) -> int:
        """Lines in all."""

    def line(self, y: int, selected: Hashable | None) -> Line:
        """Line y, counted from 0, of the full width."""

    def lit(self, selected: Hashable | None) -> frozenset[object]:
        """Targets that light up with the selected one."""

    def rows_of(self, target: Hashable) -> range | None:
        """The lines that show a target; None when it is not (any more) here."""

    def first(self) -> Hashable | None:
        """What is selected at first."""

    def step(self, target: Hashable, columns: int, rows: int) -> Hashable | None:
        """What lies beside a target: one step right or left, or some rows down or up.

        None when there is nothing that way.
        """


@runtime_checkable
class Wide(Protocol):
    """A drawing that may be wider than what shows it, which then moves sideways."""

    width: int
    """Columns of each line."""

    def columns_of(self, target: Hashable) -> range | None:
        """The columns that show a target; None when it is not (any more) here."""
