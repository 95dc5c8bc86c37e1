"""What taps missed as dicts, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graph.gaps import Gap
from graph.wire.facts import Json, plain, same, times

_PLAIN = plain(Gap, "noticed")


def gap_to_dict(gap: Gap) -> Json:
    """A gap with its fields' own names, and `noticed` as two."""
    return {
        **{name: getattr(gap, name) for name in _PLAIN},
        **times("noticed", gap.noticed),
    }


def gap_from_dict(data: Mapping[str, Any]) -> Gap:
    return Gap(noticed=data["noticed_ns"], **same(data, *_PLAIN))
