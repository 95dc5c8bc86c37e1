"""Fates as a dict, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graph.fate.result import Fate, Fates, GroupKnown, Status
from graph.model import Evidence
from graph.wire.facts import Json, position_from_dict, position_to_dict, same, times
from graph.wire.listing import event_row_from_dict, event_row_to_dict

FORMAT = 1

_PLAIN = ("group", "explanation", "needed", "attempts", "error", "ahead", "rate")
_TIMES = ("time", "expected", "passed_after", "passed_by")


def fates_to_dict(fates: Fates) -> Json:
    """`event` (a row as in lists), `copies`, `consumers`, `notes`, `others`."""
    return {
        "format": FORMAT,
        "event": event_row_to_dict(fates.event),
        "copies": [position_to_dict(position) for position in fates.copies],
        "consumers": [_fate_to(fate) for fate in fates.consumers],
        "notes": list(fates.notes),
        "others": fates.others,
    }


def fates_from_dict(data: Mapping[str, Any]) -> Fates:
    return Fates(
        event=event_row_from_dict(data["event"]),
        copies=tuple(position_from_dict(position) for position in data["copies"]),
        consumers=tuple(_fate_from(fate) for fate in data["consumers"]),
        notes=tuple(data["notes"]),
        others=data["others"],
    )


def _fate_to(fate: Fate) -> Json:
    moments: Json = {}
    for name in _TIMES:
        moments |= times(name, getattr(fate, name))
    return {
        "name": fate.name,
        "services": list(fate.services),
        "group_known": fate.group_known.value if fate.group_known else None,
        "status": fate.status.value,
        "evidence": fate.evidence.value if fate.evidence else None,
        "notes": list(fate.notes),
        "duration_ns": fate.duration,
        "copy_at": position_to_dict(fate.copy) if fate.copy else None,
        **{name: getattr(fate, name) for name in _PLAIN},
        **moments,
    }


def _fate_from(data: Mapping[str, Any]) -> Fate:
    return Fate(
        services=tuple(data["services"]),
        group_known=GroupKnown(data["group_known"]) if data["group_known"] else None,
        status=Status(data["status"]),
        evidence=Evidence(data["evidence"]) if data["evidence"] else None,
        notes=tuple(data["notes"]),
        duration=data["duration_ns"],
        copy=position_from_dict(data["copy_at"]) if data["copy_at"] else None,
        **{name: data[f"{name}_ns"] for name in _TIMES},
        **same(data, *_PLAIN),
    )
