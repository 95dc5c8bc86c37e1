"""Edges of the minutes that changed, computed again from unique operations and messages."""

from collector.store.rollup.rollup import Rollup

__all__ = ["Rollup"]
