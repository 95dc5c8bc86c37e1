"""How `make test` shares out the tests between its processes."""

from __future__ import annotations

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


class Together(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A process gets whole files, for many a fixture is made once for a file's tests."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((min(files) for files in ONE_RUN if file in files), file)
