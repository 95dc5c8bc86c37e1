"""The file that tells where the collector is."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from collector import runtime
from collector.runtime import Runtime

HERE = Runtime(
    pid=os.getpid(),
    url="http://127.0.0.1:8411",
    token="s3cret",
    version="0.1.0",
    store="/data/store",
    started=1_790_856_000_000_000_000,
    ports={"api": 8411, "otlp_http": 4318},
)


def gone() -> int:
    """The id of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_what_is_announced_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "on the way"
    assert runtime.read(folder) is None
    runtime.write(folder, HERE)
    assert runtime.read(folder) == HERE
    assert "s3cret" not in repr(HERE)


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    runtime.write(tmp_path, HERE)
    assert (tmp_path / runtime.FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / runtime.FILE_NAME], "no draft is left"


def test_a_later_collector_takes_its_place(tmp_path: Path) -> None:
    runtime.write(tmp_path, HERE)
    runtime.write(tmp_path, replace(HERE, url="http://127.0.0.1:9"))
    found = runtime.read(tmp_path)
    assert found is not None
    assert found.url == "http://127.0.0.1:9"


def test_a_collector_that_died_is_not_there(tmp_path: Path) -> None:
    runtime.write(tmp_path, replace(HERE, pid=gone()))
    assert runtime.read(tmp_path) is None
    runtime.write(tmp_path, replace(HERE, pid=0))
    assert runtime.read(tmp_path) is None


def test_a_process_of_somebody_else_lives(tmp_path: Path) -> None:
    runtime.write(tmp_path, replace(HERE, pid=1))
    assert runtime.read(tmp_path) is not None


def test_a_broken_file_is_no_collector(tmp_path: Path) -> None:
    for text in ("", "{", "[]", "7", '{"pid": "x"}', '{"pid": 1, "url": "u", "ports": []}'):
        (tmp_path / runtime.FILE_NAME).write_text(text)
        assert runtime.read(tmp_path) is None


def test_only_ones_own_announcement_is_taken_back(tmp_path: Path) -> None:
    runtime.write(tmp_path, HERE)
    runtime.remove(tmp_path, 1)
    assert runtime.read(tmp_path) == HERE
    runtime.remove(tmp_path, HERE.pid)
    assert runtime.read(tmp_path) is None
    runtime.remove(tmp_path, HERE.pid)
