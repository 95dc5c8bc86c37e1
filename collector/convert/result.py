"""What a conversion gives: a request, or the reason why it cannot."""

from __future__ import annotations

from dataclasses import dataclass


class Malformed(Exception):
    """This input will never be accepted, however often it is sent; the message says why."""


@dataclass(frozen=True, slots=True)
class Converted:
    """One serialised ExportTraceServiceRequest and what was left out of it."""

    payload: bytes
    """Empty when there is no span in it."""
    spans: int
    rejected: int = 0
    """Spans that were left out."""
    reason: str = ""
    """Why the first of them was."""
