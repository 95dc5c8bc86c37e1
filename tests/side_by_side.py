"""How `make test` shares out the tests between its processes."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import merge

from xdist.scheduler import LoadFileScheduling

ONE_RUN = (
    {
        "tests/integration/test_shop.py",
        "tests/integration/test_shop_fate.py",
        "tests/integration/test_shop_findings.py",
        "tests/integration/test_shop_graph.py",
    },
    {"tests/integration/test_walk.py", "tests/integration/test_web.py"},
)
"""Files that look at the same run of the shop, which each process would else make anew."""


SCREENS = "tests/tui/"
"""Stories on screens mostly wait, for a screen at rest."""

LAST = "tests/unit/"
"""Many short files, so that at the end no process waits for another for long."""


def woven(files: Sequence[str]) -> list[str]:
    """The files in the order in which they are begun: those that wait lie evenly among those that
    compute, so that not all processes do the same at the same time."""
    screens = [file for file in files if file.startswith(SCREENS)]
    last = [file for file in files if file.startswith(LAST)]
    others = [file for file in files if file not in {*screens, *last}]
    spread = (
        [((at + 0.5) / len(some), file) for at, file in enumerate(some)]
        for some in (others, screens)
    )
    return [file for _, file in merge(*spread)] + last


class Together(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A process gets whole files, for many a fixture is made once for a file's tests."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((min(files) for files in ONE_RUN if file in files), file)
