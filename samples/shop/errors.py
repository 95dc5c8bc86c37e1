"""What can go wrong with the shop as a whole."""

from __future__ import annotations


class ShopError(RuntimeError):
    """A service did not start, ended by itself, or did not come to rest; the text says which."""
