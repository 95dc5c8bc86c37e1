"""A disk that does not take what the engine writes: nothing is lost for it, nothing there twice.

The disk is one on which no file may grow beyond so many bytes: as on a full one, writing fails.
"""

from __future__ import annotations

import json
import logging
import resource
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import pytest
from clickhouse_connect.driver._backend.chdb_backend import ChdbBackend

from collector.store import unwritten
from collector.store.client import Store, StoreError
from tests import stores
from tests.builders import Flow
from tests.poured import request

TABLES = ("otel_traces", "operations", "relations", "ids")
ONCE = {"otel_traces": 2, "operations": 2, "relations": 1, "ids": 1}


@contextmanager
def a_disk_that_takes(size: int) -> Iterator[None]:
    """The engine can write files of so many bytes at most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    asked = ChdbBackend._query_locked

    def limited(backend: Any, *arguments: Any, **more: Any) -> Any:
        # Here the client has written down what it inserts: that is not what is tried.
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            return asked(backend, *arguments, **more)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    with patch.object(ChdbBackend, "_query_locked", limited):
        yield


def an_order(number: int = 0) -> bytes:
    flow = Flow(first_id=1 + number * 1000)
    order = flow.send("shop", "orders", tapped=False, span={"message_id": f"m{number}"})
    flow.process("payment", order, by="link")
    return request(flow).SerializeToString()


def rows(store: Store) -> dict[str, int]:
    return {name: store.query(f"SELECT count() FROM {name}")[0][0] for name in TABLES}


# From nothing at all, over small files and the logs of tokens, to all but the largest files
@pytest.mark.parametrize("size", [0, 1, 60, 100, 300, 1000])
def test_an_insert_that_the_disk_does_not_take_fails_and_can_be_repeated(
    store: Store, size: int
) -> None:
    received = time.time_ns()
    with a_disk_that_takes(size), pytest.raises(StoreError, match="did not take all") as raised:
        store.insert_spans(an_order(), received_ns=received, token=f"cut-{size}")
    assert raised.value.passing
    for _ in range(2):
        store.insert_spans(an_order(), received_ns=received, token=f"cut-{size}")
    assert rows(store) == ONCE
    assert store.query("SELECT DISTINCT SpanName != '' FROM otel_traces") == [(True,)]


def test_columns_that_the_disk_does_not_take_fail_and_can_be_repeated(store: Store) -> None:
    for number, size in enumerate((0, 100, 300)):
        gap: dict[str, list[Any]] = {
            "system": ["kafka"],
            "cluster": ["c1"],
            "destination": [f"orders-{size}"],
            "incarnation": [""],
            "partition": ["0"],
            "first_offset": [number],
            "last_offset": [number],
            "reason": ["retention"],
            "noticed": [1],
        }
        with a_disk_that_takes(size), pytest.raises(StoreError, match="did not take all"):
            store.insert("gaps", gap)
        store.insert("gaps", gap)
    assert store.query("SELECT first_offset FROM gaps ORDER BY 1") == [(0,), (1,), (2,)]


def test_what_others_write_beside_is_not_touched(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    stores.put_spans(store, an_order(1))
    with a_disk_that_takes(100), pytest.raises(StoreError):
        store.insert_spans(an_order(2), received_ns=time.time_ns(), token="beside")
    with caplog.at_level(logging.WARNING):
        stores.put_spans(store, an_order(3))
    assert rows(store) == {name: 2 * many for name, many in ONCE.items()}
    assert "parts were not whole and have gone" in caplog.text


@pytest.mark.parametrize("size", [0, 300])
def test_a_merge_that_the_disk_does_not_take_is_taken_back(store: Store, size: int) -> None:
    for number in range(4):
        stores.put_spans(store, an_order(number))
    before = store.query("SELECT * FROM operations ORDER BY ALL")
    with a_disk_that_takes(size), pytest.raises(StoreError, match="did not take all"):
        store.command("OPTIMIZE TABLE operations FINAL SETTINGS optimize_throw_if_noop = 1")
    store.look()
    assert store.query("SELECT * FROM operations ORDER BY ALL") == before
    store.insert_spans(an_order(9), received_ns=time.time_ns(), token=f"after-{size}")
    assert rows(store)["operations"] == 10


def test_a_merge_in_the_background_is_noticed_without_an_insert(store: Store) -> None:
    for number in range(4):
        stores.put_spans(store, an_order(number))
    with a_disk_that_takes(0), store.apart({}) as client:
        client.command("OPTIMIZE TABLE operations FINAL SETTINGS optimize_throw_if_noop = 1")
    store.look()
    assert rows(store)["operations"] == 8
    assert len(store.query("SELECT * FROM operations")) == 8


def test_a_merge_is_taken_back_without_room_as_what_it_was_made_of_soon_goes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        stores.put_spans(store, an_order(number))
    with a_disk_that_takes(300), store.apart({}) as client:
        client.command("OPTIMIZE TABLE operations FINAL SETTINGS optimize_throw_if_noop = 1")
    monkeypatch.setattr(unwritten, "ROOM", 1 << 62)
    with a_disk_that_takes(0):
        store.look()
    assert len(store.query("SELECT * FROM operations")) == 8


def test_a_write_that_fails_fails_all_that_write_meanwhile(tmp_path: Path) -> None:
    engine = Mock()
    engine.query.return_value.result_rows = []
    engine.command.return_value = 3
    watching = unwritten.Unwritten(tmp_path, engine)
    with pytest.raises(OSError, match="did not take all"), watching.watched(engine):  # noqa: SIM117
        with pytest.raises(OSError, match="did not take all"), watching.watched(engine):
            engine.command.return_value = 4
    assert watching.pending
    with watching.watched(engine):
        pass  # What begins later is not its fault.
    watching.mend(engine)
    assert not watching.pending


def test_without_room_it_waits_and_can_still_be_asked(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores.put_spans(store, an_order(1))
    received = time.time_ns()
    with a_disk_that_takes(0), pytest.raises(StoreError):
        store.insert_spans(an_order(2), received_ns=received, token="waits")
    with monkeypatch.context() as patched:
        patched.setattr(unwritten, "ROOM", 1 << 62)
        for _ in range(2):
            with pytest.raises(StoreError, match="no space left") as raised:
                store.insert_spans(an_order(2), received_ns=received, token="waits")
            assert raised.value.passing
        with pytest.raises(StoreError, match="no space left"):
            store.look()
        with pytest.raises(StoreError, match="no space left"):
            store.require_room()
    store.require_room()
    store.insert_spans(an_order(2), received_ns=received, token="waits")
    assert rows(store) == {name: 2 * many for name, many in ONCE.items()}


def test_a_table_that_could_not_be_opened_again_is_tried_again(store: Store) -> None:
    received = time.time_ns()
    with a_disk_that_takes(100), pytest.raises(StoreError):
        store.insert_spans(an_order(), received_ns=received, token="left")
    with store.apart({}) as client:
        client.command("DETACH TABLE relations")
    store.insert_spans(an_order(), received_ns=received, token="left")
    assert rows(store) == ONCE


def test_what_cannot_be_mended_is_no_fault_of_what_is_inserted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_disk_that_takes(100), pytest.raises(StoreError):
        store.insert_spans(an_order(), received_ns=1, token="unmended")
    with monkeypatch.context() as patched:
        patched.setattr(unwritten, "LEFT_CLOSED", "SELECT table FROM missing")
        with pytest.raises(StoreError, match="missing") as raised:
            store.insert_spans(an_order(), received_ns=1, token="unmended")
    assert raised.value.passing
    store.insert_spans(an_order(), received_ns=1, token="unmended")
    assert rows(store) == ONCE


IN_A_PROCESS = """
import json, os, sys, time
from pathlib import Path
from collector.store.client import Store, StoreError
from tests.contract.test_unwritten import a_disk_that_takes, an_order, rows
folder, step, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with Store(folder) as store:
    if step == "dies":
        store.insert_spans(an_order(1), received_ns=1, token="first")
        try:
            with a_disk_that_takes(size):
                store.insert_spans(an_order(2), received_ns=2, token="second")
        except StoreError as error:
            print(json.dumps(str(error)), flush=True)
        os._exit(9)
    for _ in range(2):
        store.insert_spans(an_order(2), received_ns=2, token="second")
        store.insert_spans(an_order(1), received_ns=1, token="first")
    told = rows(store)
    store.command("OPTIMIZE TABLE otel_traces FINAL")
    assert not store._unwritten.pending
    print(json.dumps(told))
"""


def in_a_process(folder: Path, step: str, size: int = 0) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(IN_A_PROCESS), str(folder), step, str(size)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, str(json.loads(done.stdout)) if done.stdout else done.stderr


# Too little for the log of tokens, and enough for it
@pytest.mark.parametrize("size", [0, 300])
def test_who_died_before_it_could_mend_leaves_it_to_the_next(tmp_path: Path, size: int) -> None:
    code, said = in_a_process(tmp_path / "store", "dies", size)
    assert code == 9
    assert "did not take all" in said
    for _ in range(3):
        # The last has merged: the number of what could not be read is in it, given anew.
        code, said = in_a_process(tmp_path / "store", "repeats")
        assert code == 0, said
        assert said == str({name: 2 * many for name, many in ONCE.items()})


def test_a_store_is_not_made_on_a_full_disk(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom collector.store import unwritten\n"
        "from collector.store.client import Store\n"
        "unwritten.ROOM = 1 << 62\nStore(Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "store")], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "no space left on the disk" in done.stderr.splitlines()[-1]
