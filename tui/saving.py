"""Writes a text to a file, so that what was there is kept until the new text is whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def save(text: str, file: Path, *, over: bool = False) -> int:
    """Writes UTF-8 and gives its bytes; what UTF-8 cannot hold is replaced.

    Raises FileExistsError unless what is there is to be written `over`, and OSError; after one
    nothing is left of what was written.
    """
    data = text.encode("utf-8", "replace")
    if over and file.is_file():
        file = file.resolve()
        beside = file.with_name(f".{file.name[:200]}.{os.getpid()}.new")
        _create(data, beside)
        try:
            shutil.copymode(file, beside)
            beside.replace(file)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
    else:
        _create(data, file)
    return len(data)


def _create(data: bytes, file: Path) -> None:
    with file.open("xb") as opened:
        try:
            opened.write(data)
            opened.flush()
        except OSError:
            file.unlink(missing_ok=True)
            raise
