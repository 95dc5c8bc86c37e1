"""Lines that are only read, or a list of them to choose from, as a `Drawing`."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from tui.drawing.segments import Line


class Sheet:
    """Ready lines; what can be chosen are their segments' targets, one a line at most."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._rows: dict[Hashable, range] = {}
        for y, drawn in enumerate(lines):
            for segment in drawn:
                if segment.target is not None:
                    begun = self._rows.get(segment.target)
                    self._rows[segment.target] = range(begun.start if begun else y, y + 1)
        self._targets = list(self._rows)

    @property
    def height(self) -> int:
        return len(self._lines)

    def line(self, y: int, selected: Hashable | None) -> Line:
        if not 0 <= y < len(self._lines):
            return ()
        drawn = self._lines[y]
        if selected is None:
            return drawn
        for number, segment in enumerate(drawn):
            if segment.target == selected and segment.text.startswith(" "):
                pointed = segment._replace(text="▸" + segment.text[1:])
                return (*drawn[:number], pointed, *drawn[number + 1 :])
        return drawn

    def lit(self, selected: Hashable | None) -> frozenset[object]:
        return frozenset()

    def rows_of(self, target: Hashable) -> range | None:
        return self._rows.get(target)

    def first(self) -> Hashable | None:
        return self._targets[0] if self._targets else None

    def step(self, target: Hashable, columns: int, rows: int) -> Hashable | None:
        if target not in self._rows:
            return self.first()
        at = self._targets.index(target)
        beside = max(0, min(len(self._targets) - 1, at + rows))
        return self._targets[beside] if beside != at else None
