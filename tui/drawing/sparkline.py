"""A row of small columns: how much there was, minute by minute."""

from __future__ import annotations

from collections.abc import Sequence

LEVELS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[int], width: int) -> str:
    """The values in at most so many columns, the newest at the right; nothing at all is `·`.

    Where there are more values than columns, a column is the sum of as many as it takes; those
    that do not fill a column at the beginning are left out.
    """
    if not values or width <= 0:
        return ""
    each = -(-len(values) // width)
    whole = len(values) // each * each
    kept = values[len(values) - whole :]
    sums = [sum(kept[at : at + each]) for at in range(0, whole, each)]
    most = max(sums)
    if not most:
        return "·" * len(sums)
    top = len(LEVELS) - 1
    return "".join("·" if not value else LEVELS[round(value / most * top)] for value in sums)
