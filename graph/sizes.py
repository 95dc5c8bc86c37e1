"""Sizes in bytes as people write them: `20 GB`, `512MiB`, a number."""

from __future__ import annotations

import re

_UNITS: dict[str, int] = {
    "": 1,
    "b": 1,
    **{f"{unit}b": 1000**power for power, unit in enumerate("kmgt", start=1)},
    **{f"{unit}ib": 1024**power for power, unit in enumerate("kmgt", start=1)},
}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")


def parsed(text: str) -> int:
    """The bytes that a text names; `k`, `M`, `G`, `T` for short. Raises ValueError."""
    written = text.strip().lower()
    found = _SIZE.fullmatch(written)
    unit = found[2] if found else "?"
    factor = _UNITS.get(unit, _UNITS.get(f"{unit}b"))
    if found is None or factor is None:
        raise ValueError(f"{text!r} is no size: write 20 GB, 512 MiB, or bytes")
    return round(float(found[1]) * factor)
