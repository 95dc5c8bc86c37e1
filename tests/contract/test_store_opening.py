"""Opening a store: one owner, one version, no trace elsewhere. The engine takes one directory a
process, so most of it happens in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from collector.store import migrations
from collector.store.client import Store, StoreBusy, StoreError
from tests.contract.test_store import an_order

OPEN = """
import sys
from pathlib import Path
from collector.conventions.own import Own
from collector.store import migrations
from collector.store.client import Store, StoreBusy, StoreError
folder = Path(sys.argv[1])
"""


def process(script: str, *arguments: object, **options: Any) -> str:
    """Run a program beside ours; what it says."""
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [sys.executable, "-c", OPEN + script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_store_in_use_says_by_whom(store: Store) -> None:
    assert isinstance(store.location, Path)
    answer = process(
        """
try:
    Store(folder)
except StoreBusy as busy:
    print(busy)
""",
        store.location,
    )
    assert answer == f"the store at {store.location} is open in process {os.getpid()}"


def test_a_store_opened_again_has_what_it_had_and_leaves_no_file_elsewhere(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    script = """
import time
with Store(folder) as store:
    print(store.query("SELECT count() FROM otel_traces")[0][0], end=" ")
    store.insert_spans(bytes.fromhex(sys.argv[2]), received_ns=time.time_ns(), token="once")
    print(store.query("SELECT count() FROM otel_traces")[0][0], end=" ")
    print(migrations.needs_reindex(store._writer, Own()), end=" ")
    print(store.query("SELECT count() FROM schema_version"))
"""
    folder = tmp_path / "a store, ö"
    first = process(script, folder, an_order().hex(), cwd=here)
    second = process(script, folder, an_order().hex(), cwd=here)

    steps = len(migrations.schema_files())
    assert first == f"0 2 False [({steps},)]"
    assert second == f"2 2 False [({steps},)]"
    assert list(here.iterdir()) == []
    assert list(Path(folder).glob("*.new")) == []


def test_a_newer_store_is_refused_in_words(tmp_path: Path) -> None:
    answer = process(
        """
with Store(folder) as store:
    store.command("INSERT INTO schema_version (version) VALUES (99)")
try:
    Store(folder)
except StoreError as error:
    print(error)
with open(folder / "lock", "a") as lock:
    import fcntl
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a store that is not opened is not kept
""",
        tmp_path / "store",
    )
    steps = len(migrations.schema_files())
    assert answer == f"the store has schema 99, this flowtap knows {steps}: use a newer flowtap"


def test_a_schema_step_that_a_crash_cut_short_is_done_again(tmp_path: Path) -> None:
    """Each step is run, forgotten as by a crash before it is noted, and run again."""
    answer = process(
        """
import clickhouse_connect
client = clickhouse_connect.get_client(interface="chdb", path=str(folder))
steps = migrations.schema_files()
migrations._replace_views = lambda *_: None
for version in range(1, len(steps) + 1):
    migrations.schema_files = lambda: steps[:version]
    migrations.migrate(client, Own(), lambda: None)
    if version == 1:
        client.command("INSERT INTO otel_traces (TraceId) VALUES ('a')")
        client.command("INSERT INTO operations (trace_id) VALUES ('a')")
        client.command("INSERT INTO ids (id) VALUES ('a')")
    client.command("TRUNCATE TABLE schema_version")
    client.command(f"INSERT INTO schema_version (version) VALUES ({version - 1})")
    migrations.migrate(client, Own(), lambda: None)
print(client.command("SELECT groupArray(version) FROM (SELECT max(version) AS version FROM "
    "schema_version)"), client.command("SELECT count() FROM otel_traces"),
    client.command("SELECT count() FROM operations"), client.command("SELECT count() FROM ids"))
""",
        tmp_path / "store",
    )
    assert answer == f"[{len(migrations.schema_files())}] 1 1 1"


def test_views_are_replaced_when_the_conventions_change(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    script = """
from dataclasses import replace
from collector.conventions import spans
if sys.argv[2] == "ours":
    system = spans.FIELDS[0]
    system = replace(system, attributes=(*system.attributes, "our.system"))
    spans.FIELDS = (system, *spans.FIELDS[1:])
with Store(folder, own=Own()) as store:
    view = "system.tables WHERE name = 'read_operations'"
    create = store.query(f"SELECT create_table_query FROM {view}")
    print("our.system" in create[0][0], migrations.needs_reindex(store._writer, Own()), end=" ")
    store.command("INSERT INTO operations (trace_id) VALUES ('a')")
"""
    assert process(script, folder, "plain") == "False False"
    assert process(script, folder, "ours") == "True True"
    assert process(script, folder, "ours") == "True True"
    assert process(script, folder, "plain") == "False True"


@pytest.mark.parametrize("name", ["a:b", "a?b"])
def test_a_path_that_the_engine_would_misread_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match=r"its path holds a [:?]"):
        Store(tmp_path / name)


def test_a_store_that_cannot_be_made_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot use .*file"):
        Store(tmp_path / "file")


def test_the_second_store_of_a_process_is_busy_too(store: Store) -> None:
    assert isinstance(store.location, Path)
    with pytest.raises(StoreBusy):
        Store(store.location)


def test_no_table_has_what_merges_leave_removed_by_many_threads(store: Store) -> None:
    told = store.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() "
        "AND engine LIKE '%MergeTree' "
        "AND extract(create_table_query, 'concurrent_part_removal_threshold = (\\\\d+)') = ''"
    )
    assert {str(name) for (name,) in told} <= {"schema_version", "conventions_version"}


def test_minutes_are_the_same_wherever_the_machine_stands(tmp_path: Path) -> None:
    script = """
import time
from collector.store.rollup import Rollup
with Store(folder) as store:
    store.insert_spans(bytes.fromhex(sys.argv[2]), received_ns=time.time_ns(), token="once")
    Rollup(store).run()
    print(store.query("SELECT DISTINCT toUnixTimestamp(minute) FROM edges"))
    Rollup(store).compute_all(lambda done, total: None)
    print(store.query("SELECT DISTINCT toUnixTimestamp(minute) FROM edges"))
"""
    for zone in ("UTC", "Asia/Tokyo", "America/St_Johns"):
        answer = process(
            script, tmp_path / zone, an_order().hex(), env={"TZ": zone, "PATH": "/usr/bin"}
        )
        assert answer == "[(1699999980,)]\n[(1699999980,)]"


def test_who_only_reads_leaves_the_views_of_the_user_s_conventions(tmp_path: Path) -> None:
    answer = process(
        """
from collector.conventions.own import BusinessId
own = Own(ids=(BusinessId("order_id", ("header:our-order",)),))
def seen(store):
    query = "SELECT count() FROM system.tables WHERE create_table_query LIKE '%our-order%'"
    views = store.query(query)[0][0]
    wanted = [migrations.needs_reindex(store._writer, one) for one in (own, Own())]
    print(views, wanted, end="; ")
with Store(folder) as store:
    seen(store)
    store.command("INSERT INTO operations (trace_id) VALUES ('a')")
with Store(folder, own=own) as store:
    seen(store)
with Store(folder) as store:
    seen(store)
with Store(folder, own=Own()) as store:
    seen(store)
""",
        tmp_path / "store",
    )
    # Two views: one for plain messages, one for all others.
    assert answer == ("0 [True, False]; 2 [True, True]; 2 [True, True]; 0 [True, True];")
