"""The limit of open files, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

ALLOW = """
import resource
from collector import descriptors
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
descriptors.ENOUGH = 1000
print(descriptors.allow(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "told"),
    [(100, 500, "500 500 500"), (100, 2000, "1000 1000 2000"), (1500, 2000, "1500 1500 2000")],
)
def test_as_many_as_are_allowed_and_of_use(soft: int, hard: int, told: str) -> None:
    script = ALLOW.format(soft=soft, hard=hard)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == told
