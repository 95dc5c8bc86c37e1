"""Whether one of some short texts is in a long one.

The C library looks three times as fast as `bytes.find`, and lets other threads go on meanwhile.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Any


class Needles:
    """Thread-safe."""

    def __init__(self, needles: Iterable[bytes]) -> None:
        self._needles = tuple(needles)
        self._memmem: Any = None
        try:
            memmem = ctypes.CDLL(None).memmem
        except (AttributeError, OSError, TypeError):  # another C library
            return
        size, text = ctypes.c_size_t, ctypes.c_char_p
        memmem.restype = ctypes.c_void_p
        memmem.argtypes = (text, size, text, size)
        self._memmem = memmem

    def any_in(self, text: bytes) -> bool:
        """Whether one of them is in it."""
        if self._memmem is None:
            return any(needle in text for needle in self._needles)
        size = len(text)
        return any(
            self._memmem(text, size, needle, len(needle)) is not None for needle in self._needles
        )
