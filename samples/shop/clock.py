"""A service's wall clock, which the fault `clock` sets wrong.

It goes wrong before any other module of the service is imported (`services/__init__.py`), so that
whatever the service says has the wrong time: spans, messages, events. Only the ledger has the true
one.
"""

from __future__ import annotations

import time

true_time_ns = time.time_ns
"""What the machine's clock says, whatever this process believes."""

_true_time = time.time


def set_off(seconds: float) -> None:
    """From now on this process believes that it is so much later; below 0, earlier."""
    nanoseconds = round(seconds * 10**9)
    time.time = lambda: _true_time() + seconds
    time.time_ns = lambda: true_time_ns() + nanoseconds


def milliseconds() -> int:
    """What this process believes: since the Unix epoch, as messages are stamped.

    Clients are told it: those that are not written in Python would ask the machine.
    """
    return time.time_ns() // 1_000_000
