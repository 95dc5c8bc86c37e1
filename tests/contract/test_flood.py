"""The graph under a flood of names: the busiest edges, what fits what is asked for, and a sum of
the rest."""

from __future__ import annotations

import time

import pytest

from collector import questions
from collector.backend import StoreBackend
from collector.store import queries
from collector.store.client import Store
from graph.edges import Patterns
from tests.memory_backend import MemoryBackend
from tests.serving import serving
from tests.tui import shop
from tui.client import ApiClient

ALL = (1, 2**62)
NAMES = 2_000

FLOOD = f"""INSERT INTO edges SELECT
    toStartOfMinute(now()) - 60 * (number % 2) AS minute, 1 AS version,
    if(number % 4 < 2, 'produce', 'consume') AS role, '' AS environment,
    concat('svc-', toString(intDiv(number, 2))) AS service, '' AS consumer_group, '' AS peer,
    'kafka' AS system, 'c1' AS cluster, concat('orders-', toString(intDiv(number, 2) % 7)),
    concat('type-', toString(intDiv(number, 2) % 3)), 'observed', intDiv(number, 2) + 1 AS count, 0,
    now64(9), quantilesTDigestState(0.5, 0.95, 0.99)(toFloat32(1)),
    quantilesTDigestState(0.5, 0.95, 0.99)(toFloat32(1)), now()
FROM numbers({2 * NAMES}) GROUP BY number"""
"""Each service has one edge, in two minutes; the n-th carries 2 (n + 1)."""

CARRIED = NAMES * (NAMES + 1)


@pytest.fixture
def flooded(store: Store) -> Store:
    store.command(FLOOD)
    return store


def test_the_busiest_are_kept_and_the_rest_is_summed_up(flooded: Store) -> None:
    edges = queries.edge_rows(flooded, *ALL, 100)
    assert {row.service for row in edges.rows} == {
        f"svc-{number}" for number in range(NAMES - 100, NAMES)
    }
    assert edges.left.edges == NAMES - 100
    assert edges.left.count == CARRIED - sum(row.count for row in edges.rows)
    whole = queries.edge_rows(flooded, *ALL, NAMES)
    assert (len(whole.rows), bool(whole.left)) == (NAMES, False)
    assert sum(row.count for row in whole.rows) == CARRIED


@pytest.mark.parametrize(
    ("wanted", "fitting"),
    [
        (Patterns(services=["SVC-7"]), ["svc-7"]),
        (
            Patterns(services=["svc-1?"], destinations=["orders-*"]),
            [f"svc-1{n}" for n in range(10)],
        ),
        (Patterns(services=["svc-[12]"], event_types=["type-*"]), ["svc-1", "svc-2"]),
        (Patterns(destinations=["orders-3"], services=["svc-3", "svc-4", "svc.3"]), ["svc-3"]),
    ],
)
def test_what_is_asked_for_is_found_among_the_many(
    flooded: Store, wanted: Patterns, fitting: list[str]
) -> None:
    topology = questions.topology(StoreBackend(flooded), limit=50, **wanted._asdict())
    assert sorted({node.key.name for node in topology.nodes} & set(fitting)) == sorted(fitting)
    assert len(topology.edges) == len(fitting)
    assert not topology.left


def test_of_too_many_that_fit_the_rest_is_told(flooded: Store) -> None:
    topology = questions.topology(StoreBackend(flooded), limit=50, destinations=["orders-0"])
    fitting = range(0, NAMES, 7)
    assert len(topology.edges) == 50
    assert topology.left.edges == len(fitting) - 50
    carried = sum(2 * (number + 1) for number in fitting)
    assert topology.left.count == carried - sum(edge.count for edge in topology.edges)


def test_the_api_and_its_clients_tell_it() -> None:
    made = MemoryBackend(edge_rows=shop.edges(), pruned=time.time_ns())
    with serving(made) as url:
        source = ApiClient(url)
        whole = source.topology()
        few = source.topology(limit=3)
    assert not whole.left
    assert (len(few.edges), few.left.edges) == (3, len(made.edge_rows) - 3)
    kept = sum(edge.count for edge in few.edges)
    assert few.left.count == sum(row.count for row in made.edge_rows) - kept
    assert min(edge.count for edge in few.edges) >= max(
        edge.count for edge in whole.edges if edge.key not in {one.key for one in few.edges}
    )
    assert whole.covered_from == made.pruned
    assert whole.cut
