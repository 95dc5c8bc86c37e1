"""A store that the first schema made opens, becomes a current one, and answers the same."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from collector import questions
from collector.backend import StoreBackend
from collector.store import migrations
from collector.store.client import Store
from collector.store.queries import edge_rows
from graph.listing import EventFilter
from graph.wire.chain import chain_to_dict
from graph.wire.fate import fates_to_dict
from graph.wire.listing import consumer_to_dict, event_row_to_dict
from tests import stores
from tests.builders import Flow
from tests.contract.test_store_opening import process
from tests.poured import pour

OLD = """
from importlib.resources import files
first = (files("collector.store") / "schema" / "001_tables.sql").read_text()
migrations.schema_files = lambda: [first]
migrations._replace_views = lambda *_: None  # what the views of then stored is put in
"""

MAKE = (
    OLD
    + """
import json
with Store(folder, own=Own()) as store:
    rows = store.query(
        "SELECT table, groupArray(name) FROM (SELECT table, name FROM system.columns "
        "WHERE database = currentDatabase() AND table IN (SELECT name FROM system.tables "
        "WHERE engine LIKE '%MergeTree') ORDER BY table, position) GROUP BY table")
    print(json.dumps(dict(map(list, rows))))
"""
)

FILL = (
    OLD
    + """
import json
from pathlib import Path
with Store(folder, own=Own()) as store:
    for table, columns in json.loads(sys.argv[3]).items():
        file = Path(sys.argv[2]) / f"{table}.native"
        if file.exists():
            listed = ", ".join(f"`{name}`" for name in columns)
            store.command(f"INSERT INTO {table} ({listed}) SELECT * FROM file('{file}', Native)")
    store.command("INSERT INTO conventions_version (views, conventions, reindexed) "
                  "VALUES ('then', 'then', true)")
    print(store.query("SELECT max(version), (SELECT count() FROM messages) FROM schema_version"))
"""
)

ASK = """
import json
from tests.contract.test_upgrade import answers
with Store(folder, own=Own()) as store:
    said = answers(store)
    said["stale"] = migrations.needs_reindex(store._writer, Own())
    if len(sys.argv) > 2:
        from collector.store.reindex import reindex
        reindex(store, lambda *_: None)
        said = answers(store) | {"stale": migrations.needs_reindex(store._writer, Own())}
    print(json.dumps(said))
"""

NOT_DATA = ("schema_version", "conventions_version")


def answers(store: Store) -> dict[str, Any]:
    """Whatever people ask of a store, as JSON."""
    backend = StoreBackend(store, writable=False)
    fate = fates_to_dict(questions.fate(backend, "m1"))
    return {
        "chain": chain_to_dict(questions.chain(backend, "m1")),
        "by key": chain_to_dict(questions.chain(backend, "key:k")),
        "fate": fate,
        "edges": [str(row) for row in edge_rows(store, 0, 2**62).rows],
        "events": [event_row_to_dict(row) for row in backend.recent(EventFilter(limit=100))],
        "consumers": [consumer_to_dict(one) for one in backend.consumers()],
    }


def a_story() -> Flow:
    flow = Flow()
    order = flow.send("shop", "orders", message_id="m1", key="k", event_type="order.created")
    handled = flow.process("payment", order, by="links with positions", group="payment")
    paid = flow.send("payment", "payments", inside=handled, message_id="p1", correlation_id="C")
    flow.process("mail", paid)
    flow.send("", "audits", spanned=False, source="/legacy", message_id="a1", causation_id="m1")
    flow.commit("payment", "orders", 0)
    flow.commit("payment", "orders", 1)
    return flow


def test_a_store_of_the_first_schema_becomes_a_current_one(store: Store, tmp_path: Path) -> None:
    pour(a_story(), store)
    stores.rolled_up(store)
    expected = json.loads(json.dumps(answers(store)))
    assert len(expected["chain"]["events"]) == 3
    assert len(expected["edges"]) >= 5
    assert expected["consumers"]

    folder = tmp_path / "old"
    columns = json.loads(process(MAKE, folder))
    assert "progress_newest" not in columns
    assert "profile" not in columns["messages"]
    for table in set(columns) - set(NOT_DATA):
        listed = ", ".join(f"`{name}`" for name in columns[table])
        file = tmp_path / f"{table}.native"
        store.command(f"INSERT INTO FUNCTION file('{file}', Native) SELECT {listed} FROM {table}")
    given = {name: columns[name] for name in set(columns) - set(NOT_DATA)}
    assert process(FILL, folder, tmp_path, json.dumps(given)) == "[(1, 3)]"

    assert json.loads(process(ASK, folder)) == expected | {"stale": True}
    assert json.loads(process(ASK, folder, "reindex")) == expected | {"stale": False}


def test_schema_files_are_numbered_without_a_gap() -> None:
    """A store knows how many it has run: one put in between would never be."""
    folder = files("collector.store") / "schema"
    numbers = sorted(entry.name[:3] for entry in folder.iterdir() if entry.name.endswith(".sql"))
    assert numbers == [f"{at:03}" for at in range(1, len(migrations.schema_files()) + 1)]
