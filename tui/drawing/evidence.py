"""Marks for evidence: one character each, from identity to mere likeness."""

from __future__ import annotations

from graph.model import Evidence
from tui.drawing.segments import Segment, SegmentRole

MARKS = {
    Evidence.OBSERVED: "≡",
    Evidence.DECLARED: "=",
    Evidence.MATCHED: "≈",
    Evidence.INFERRED: "~",
}

ROLES: dict[Evidence, SegmentRole] = {
    Evidence.OBSERVED: "evidence.observed",
    Evidence.DECLARED: "evidence.declared",
    Evidence.MATCHED: "evidence.matched",
    Evidence.INFERRED: "evidence.inferred",
}

DASHES = {
    Evidence.OBSERVED: "─",
    Evidence.DECLARED: "─",
    Evidence.MATCHED: "╌",
    Evidence.INFERRED: "┄",
}
"""What an edge of this evidence is drawn with."""

HEADS = {
    Evidence.OBSERVED: "▶",
    Evidence.DECLARED: "▶",
    Evidence.MATCHED: "▷",
    Evidence.INFERRED: "▷",
}

MEANINGS = {
    Evidence.OBSERVED: "a span or the message's own trace context says so",
    Evidence.DECLARED: "a header of the producer says so",
    Evidence.MATCHED: "both sides name the same position or message id",
    Evidence.INFERRED: "only correlation id or key, and order in time, speak for it",
}


def mark(evidence: Evidence) -> Segment:
    """The one-character mark of this evidence."""
    return Segment(MARKS[evidence], ROLES[evidence])
