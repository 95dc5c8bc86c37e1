"""A collector whose disk is full: it refuses, says so, and goes on when there is room.

The disk is a file system of a few megabytes in memory, so this takes the right to mount one.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.builders import Flow
from tests.poured import request
from tests.running import RunningCollector, eventually


class Disk:
    """A file system in memory, of a size that can change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mount("-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder))

    def resize(self, megabytes: int) -> None:
        self._mount("-o", f"remount,size={megabytes}m", str(self.folder))

    def fill(self) -> None:
        """Take what room is left, as something else on the machine would."""
        descriptor = os.open(self.folder / "other", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            with pytest.raises(OSError, match="space"):
                while True:
                    os.write(descriptor, b"x" * 4096)
        finally:
            os.close(descriptor)

    def empty(self) -> None:
        (self.folder / "other").unlink()

    def free(self) -> int:
        there = os.statvfs(self.folder)
        return there.f_bavail * there.f_frsize

    def close(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=False, timeout=20)

    def _mount(self, *arguments: str) -> None:
        try:
            subprocess.run(["mount", *arguments], check=True, capture_output=True, timeout=20)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"a file system cannot be mounted here: {error}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    made = Disk(folder)
    yield made
    made.close()


class Sender:
    """Exports orders, and remembers which were acknowledged."""

    def __init__(self, collector: RunningCollector) -> None:
        self._netloc = urlsplit(collector.endpoint()).netloc
        self._number = 0
        self.acknowledged: set[str] = set()
        self.refused: list[tuple[int, str]] = []

    def send(self) -> bool:
        """Some orders with much to say; whether they were taken."""
        self._number += 1
        flow = Flow(first_id=self._number * 1000)
        for _ in range(50):
            noise = os.urandom(512).hex()
            flow.send("shop", "orders", tapped=False, span={"message_id": noise})
        payload = request(flow).SerializeToString()
        connection = http.client.HTTPConnection(self._netloc, timeout=30)
        headers = {"Content-Type": "application/x-protobuf"}
        connection.request("POST", "/v1/traces", payload, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status == 200:
            self.acknowledged |= {context.trace_id for context in flow.spans}
            return True
        self.refused.append((answer.status, answer.headers["Retry-After"] or ""))
        return False


def parts(collector: RunningCollector) -> dict[str, Any]:
    health = collector.client().health()
    return {part["name"]: part for part in health["components"]}


def stored(collector: RunningCollector) -> bool:
    return bool(parts(collector)["spool"]["figures"]["bytes"] == 0)


def check(store: Path) -> set[str]:
    """The traces that the store holds, asked by nobody's cache."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom collector.store.client import Store\n"
        "with Store(Path(sys.argv[1])) as store:\n"
        "    rows = store.query('SELECT TraceId, count() FROM otel_traces GROUP BY TraceId')\n"
        "    assert {row[1] for row in rows} == {1}, 'something is there twice'\n"
        "    print(' '.join(row[0] for row in rows))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(store)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_nothing_acknowledged_is_lost_on_a_full_disk(disk: Disk) -> None:
    with RunningCollector(disk.folder / "store", {"FLOWTAP_LIMITS_FREE_BYTES": "0"}) as collector:
        sender = Sender(collector)
        while sender.send():
            assert len(sender.acknowledged) < 100_000, "the disk is never full"

        def refused() -> bool:
            # An insert that failed gives back what it had written: then there is room once more.
            disk.fill()
            return not sender.send()

        assert eventually(refused)
        assert {status for status, _ in sender.refused} <= {429, 503}
        assert all(after for _, after in sender.refused)
        assert eventually(lambda: collector.client().health()["status"] == "degraded")
        spool = parts(collector)["spool"]
        assert not spool["ok"]
        assert "space" in spool["detail"]

        disk.empty()
        disk.resize(96)
        assert eventually(sender.send)
        eventually(lambda: stored(collector), 60)
        eventually(lambda: parts(collector)["spool"]["ok"])
        assert collector.stop() == 0
    assert check(collector.store) == sender.acknowledged
    log = collector.log.read_text()
    assert log.count("are refused") == log.count("are taken again") >= 1
    assert log.count("wait in the spool") == log.count("are stored again")


def test_it_takes_nothing_more_before_the_disk_is_full(disk: Disk) -> None:
    """What is left lets the store be pruned, and others on the machine go on."""
    least = 96 << 20  # far more than is sent between two looks at the disk
    disk.resize(128)
    limits = {"FLOWTAP_LIMITS_FREE_BYTES": str(least)}
    with RunningCollector(disk.folder / "store", limits) as collector:
        sender = Sender(collector)
        while sender.send():
            assert len(sender.acknowledged) < 100_000, "it does not look at the disk"
        eventually(lambda: stored(collector), 60)
        assert disk.free() > least // 2
        spool = parts(collector)["spool"]
        assert not spool["ok"]
        assert "limits.free_bytes: flowtap prune" in spool["detail"]

        disk.resize(256)
        assert eventually(sender.send)
        eventually(lambda: stored(collector), 60)
        assert parts(collector)["spool"]["ok"]
        assert collector.stop() == 0
    assert check(collector.store) == sender.acknowledged
    log = collector.log.read_text()
    assert log.count("nothing more is taken") == log.count("there is room again") == 1


PRUNE = """
import os, sys, time
from pathlib import Path
from collector.retention import Retention
from collector.store.client import Store, StoreError
from tests.builders import Flow
from tests.poured import request
DAY = 24 * 3600 * 10**9
with Store(Path(sys.argv[1]) / "store") as store:
    kept = Retention(store, days=7)
    kept.look()
    for number in range(1000):
        flow = Flow(first_id=number * 1000)
        for _ in range(50):
            noise = os.urandom(512).hex()
            flow.send("shop", "orders", tapped=False, span={"message_id": noise})
        body = request(flow).SerializeToString()
        try:
            received = time.time_ns() - 30 * DAY + number
            store.insert_spans(body, received_ns=received, token=str(number))
        except StoreError as error:
            assert error.passing
            break
    else:
        sys.exit("the disk is never full")
    with open(Path(sys.argv[1]) / "other", "wb", buffering=0) as other:
        try:
            while other.write(bytes(4096)):
                pass
        except OSError:
            print("full")
    kept.look()
    assert kept.covered_from
    store.insert_spans(body, received_ns=time.time_ns(), token="now")
    print(store.query("SELECT count() FROM otel_traces")[0][0])
"""


def test_a_full_disk_can_be_pruned(disk: Disk) -> None:
    """The engine needs some room even to let something leave."""
    disk.resize(48)
    done = subprocess.run(
        [sys.executable, "-c", PRUNE, str(disk.folder)], capture_output=True, text=True, timeout=150
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["full", "50"]
