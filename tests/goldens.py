"""Texts that a reviewer reads: written once by hand of the program, then compared.

`FLOWTAP_GOLDENS=write pytest ...` writes those that differ; the change shows in the diff.
"""

from __future__ import annotations

import os
from difflib import unified_diff
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def assert_golden(name: str, text: str) -> None:
    """The text is what tests/golden/NAME says."""
    file = FOLDER / name
    text = text.rstrip("\n") + "\n"
    if os.environ.get("FLOWTAP_GOLDENS") == "write":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.is_file(), f"{name} is missing: run with FLOWTAP_GOLDENS=write, then read it"
    expected = file.read_text(encoding="utf-8")
    changes = unified_diff(expected.splitlines(), text.splitlines(), name, "now", n=0, lineterm="")
    assert text == expected, "\n".join(changes)
