"""Fixtures that several kinds of tests share."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from collector.store.client import Store
from samples.kafka.broker import Broker
from tests import stores
from tests.side_by_side import Together, woven


@pytest.fixture(scope="session")
def kafka() -> Iterator[Broker]:
    """One real Kafka for the whole run; tests keep apart by names of topics and groups."""
    with Broker() as broker:
        yield broker


# How long an example takes says nothing on a machine that does other things too.
hypothesis.settings.register_profile("flowtap", deadline=None, derandomize=True)
# `make fuzz`: pytest tests/fuzz --hypothesis-profile=long
hypothesis.settings.register_profile("long", deadline=None, max_examples=5_000)
hypothesis.settings.load_profile("flowtap")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In one of several processes, the files come in the order in which they are shared out."""
    if hasattr(config, "workerinput"):
        file_of = {item: item.nodeid.partition("::")[0] for item in items}
        order = {file: at for at, file in enumerate(woven(list(dict.fromkeys(file_of.values()))))}
        items.sort(key=lambda item: order[file_of[item]])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    return Together(config, log)


_stores: list[Store] = []


MEMORY = Path("/dev/shm")
"""Where files lie in memory, on Linux."""

ROOM = 2 << 30


@pytest.fixture(scope="session")
def _session_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where no insert and no emptying waits for the disk, if there is room."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        directory = Path(tempfile.mkdtemp(prefix="flowtap-tests-", dir=MEMORY))
    else:
        directory = tmp_path_factory.mktemp("store")
    yield directory
    while _stores:
        _stores.pop().close()
    shutil.rmtree(directory)


def _emptied(directory: Path) -> Store:
    if not _stores:
        _stores.append(Store(directory))
    stores.empty(_stores[0])
    return _stores[0]


@pytest.fixture
def store(_session_store: Path) -> Store:
    """A real, empty store."""
    return _emptied(_session_store)


@pytest.fixture(scope="module")
def module_store(_session_store: Path) -> Store:
    """The same store for a module that fills it once and only reads it; it must not use `store`
    too, which empties it."""
    return _emptied(_session_store)


@pytest.fixture
def quiet_kafka() -> Iterator[None]:
    """kafka-python's errors, as pytest keeps them, would keep the sockets that they tell of."""
    library = logging.getLogger("kafka")
    library.setLevel(logging.CRITICAL)
    yield
    library.setLevel(logging.NOTSET)
