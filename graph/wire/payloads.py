"""Schemas of payloads as a dict, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graph.payloads import PayloadKey, Payloads
from graph.wire.facts import Json, same


def payloads_to_dict(payloads: Payloads) -> Json:
    """`payloads`: `system`, `cluster`, `destination`, `event_type` and `schema`, of each."""
    return {"payloads": [{**key._asdict(), "schema": payloads[key]} for key in payloads]}


def payloads_from_dict(data: Mapping[str, Any]) -> Payloads:
    return {PayloadKey(**same(one, *PayloadKey._fields)): one["schema"] for one in data["payloads"]}
