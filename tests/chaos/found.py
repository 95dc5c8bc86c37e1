"""What a stopped collector's store holds, asked as its users ask: `python -m tests.chaos.found
STORE` answers with one line of JSON. In a process of its own: the engine opens one directory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

TRACES_TOGETHER = 5_000
"""Asked for at once."""


@dataclass(frozen=True)
class Found:
    """Everything that is there, each once."""

    spans: set[str]
    """Trace and span id."""
    operations: int
    counted_spans: int
    counted_messages: int
    records: set[tuple[str, int]]
    """Partition and offset of messages."""
    edges: dict[str, int]
    """`service role destination evidence` -> count."""


def found(store: Path) -> Found:
    """Computes the edges first, as of now. Raises AssertionError with what went wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos.found", str(store)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    told["spans"] = set(told["spans"])
    told["records"] = {(partition, offset) for partition, offset in told["records"]}
    return Found(**told)


def _look(folder: Path) -> Found:
    from collector.store.client import Store
    from collector.store.facts import StoreFacts
    from collector.store.queries import counted, edge_rows
    from collector.store.rollup import Rollup

    with Store(folder) as store:
        Rollup(store).run(settle=0)
        spans = store.query("SELECT DISTINCT concat(TraceId, SpanId) FROM otel_traces")
        traces = iter([row[0] for row in store.query("SELECT DISTINCT TraceId FROM otel_traces")])
        operations = 0
        while some := list(islice(traces, TRACES_TOGETHER)):
            operations += len(StoreFacts(store).operations(some))
        offsets = store.query("SELECT DISTINCT partition, offset FROM messages")
        edges: Counter[str] = Counter()
        for row in edge_rows(store, 0, 2**62).rows:
            edges[f"{row.service} {row.role} {row.destination} {row.evidence}"] += row.count
        counts = counted(store)
    return Found(
        {row[0] for row in spans},
        operations,
        counts["spans"],
        counts["messages"],
        {(row[0], row[1]) for row in offsets},
        dict(edges),
    )


if __name__ == "__main__":
    seen = asdict(_look(Path(sys.argv[1])))
    print(json.dumps({**seen, "spans": [*seen["spans"]], "records": [*seen["records"]]}))
