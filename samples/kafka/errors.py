"""What can go wrong before a broker answers."""

from __future__ import annotations


class BrokerError(RuntimeError):
    """The broker could not be fetched, started or kept; the text says why and what to do."""
