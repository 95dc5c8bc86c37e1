"""What became of an event at each consumer that should have had it.

`result` is the answer. `judge` finds it: `consumers` are who should have had the event, and
`by_spans` and `by_progress` say what speaks for which fate.
"""

from __future__ import annotations

from graph.fate.result import Fate, Fates, GroupKnown, Status

__all__ = ["Fate", "Fates", "GroupKnown", "Status"]
