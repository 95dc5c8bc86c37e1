"""One real Kafka node on 127.0.0.1: start, stop, kill, restart. It never outlives its owner."""

from __future__ import annotations

import base64
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from samples.kafka import leash
from samples.kafka.errors import BrokerError
from samples.kafka.jars import VERSION, classpath
from samples.kafka.java import find_java

HOST = "127.0.0.1"
START_SECONDS = 90.0
"""How long a start may take on a machine that is busy with other things."""

JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
LOG_LEVEL = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"


class Broker:
    """Apache Kafka 4.4.0, one node, KRaft; also a context manager.

    Without a directory it makes a temporary one and removes it when it stops. Port 0 picks a free
    one, which stays the same over restarts. `properties` are added to server.properties. Every
    step that takes time is told to `progress`. Raises BrokerError when it cannot start.
    """

    def __init__(
        self,
        directory: Path | None = None,
        port: int = 0,
        progress: Callable[[str], None] | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        self._own_directory = directory is None
        self._directory = directory
        self._port = port
        self._controller_port = 0
        self._progress = progress or (lambda _: None)
        self._properties = dict(properties or {})
        self._process: subprocess.Popen[str] | None = None
        self.pid: int | None = None
        """The Java process, while it runs."""

    @property
    def bootstrap(self) -> str:
        """`127.0.0.1:PORT`; known once it was started."""
        if not self._port:
            raise BrokerError("the broker has no port before its first start")
        return f"{HOST}:{self._port}"

    @property
    def directory(self) -> Path:
        """Where data, server.properties and kafka.log lie; known once it was started."""
        if self._directory is None:
            raise BrokerError("the broker has no directory before its first start")
        return self._directory

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Fetches what is missing, starts, and returns once the broker answers requests."""
        if self.running:
            return
        java = str(find_java())
        jars = os.pathsep.join(str(path) for path in classpath(self._progress))
        self._choose_ports()
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="kafka-"))
        try:
            config = self._configure()
            self._format(java, jars, config)
            self._progress(f"starting Kafka {VERSION} on {self.bootstrap}")
            self._launch([java, *JVM, LOG_LEVEL, "-cp", jars, "kafka.Kafka", str(config)])
            self._await_answer()
        except BaseException:
            self.stop()
            raise
        self._progress(f"Kafka {VERSION} answers on {self.bootstrap}")

    def stop(self) -> None:
        """Ends the broker in order, and removes the directory if it was a temporary one."""
        self._end()
        if self._own_directory and self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def kill(self) -> None:
        """SIGKILL, as a crash would; data stay. Returns when the process is gone."""
        if self.running and self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
        self._reap()

    def restart(self) -> None:
        """Starts again on the same data and port; stops first if it runs."""
        self._end()
        self.start()

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def log_tail(self, lines: int = 12) -> str:
        """The last lines the broker wrote, warnings and worse."""
        log = self.directory / "kafka.log"
        if not log.exists():
            return ""
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])

    def _choose_ports(self) -> None:
        if not self._port:
            self._port = _free_port()
        else:
            _require_free(self._port)
        self._controller_port = _free_port(besides=self._port)

    def _configure(self) -> Path:
        directory = self.directory
        directory.mkdir(parents=True, exist_ok=True)
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{HOST}:{self._controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{HOST}:{self._port},CONTROLLER://{HOST}:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self._port}",
            "log.dirs": str((directory / "data").resolve()),
            # The brokers' default; said aloud because a tap must create no topic all the same.
            "auto.create.topics.enable": "true",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "share.coordinator.state.topic.num.partitions": "4",
            "group.initial.rebalance.delay.ms": "0",
            # After a crash the node may register again only when its old session has run out.
            "broker.session.timeout.ms": "4000",
            "broker.heartbeat.interval.ms": "500",
            **self._properties,
        }
        path = directory / "server.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return path

    def _format(self, java: str, jars: str, config: Path) -> None:
        if (self.directory / "data" / "meta.properties").exists():
            return
        self._progress(f"formatting {self.directory / 'data'}")
        tool = [java, *JVM, "-cp", jars, "kafka.tools.StorageTool"]
        said = subprocess.run(
            [*tool, "format", "-t", _cluster_id(), "-c", str(config)],
            capture_output=True,
            text=True,
            start_new_session=True,
        )
        if said.returncode:
            raise BrokerError(f"Kafka could not format its directory: {said.stderr or said.stdout}")

    def _launch(self, command: list[str]) -> None:
        temporary = str(self.directory) if self._own_directory else "-"
        with (self.directory / "kafka.log").open("a") as log:
            # A session of its own: Ctrl-C in the terminal must not reach the broker before its
            # owner has stopped in order.
            self._process = subprocess.Popen(
                [sys.executable, "-I", leash.__file__, temporary, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self.directory,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        self.pid = int(said) if said.strip() else None

    def _await_answer(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while not _answers(self._port):
            if self._process.poll() is not None:
                raise BrokerError(f"Kafka ended while it started:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise BrokerError(
                    f"Kafka did not answer within {START_SECONDS:.0f} s:\n{self.log_tail()}"
                )
            time.sleep(0.05)

    def _end(self) -> None:
        if self.running:
            assert self._process is not None and self._process.stdin is not None
            try:
                self._process.stdin.write("stop\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                pass  # It ended by itself just now.
        self._reap()

    def _reap(self) -> None:
        process, self._process, self.pid = self._process, None, None
        if process is None:
            return
        try:
            process.wait(leash.PATIENCE + 10)
        except BaseException as error:
            # The owner would not wait any longer (a second Ctrl-C): leave nothing behind.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
        finally:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def _answers(port: int) -> bool:
    """Whether the broker answers an ApiVersions request: an open port alone is not yet ready."""
    request = struct.pack(">hhih", 18, 0, 1, -1)
    try:
        with socket.create_connection((HOST, port), timeout=5) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            return len(connection.recv(4)) == 4
    except OSError:
        return False


def _require_free(port: int) -> None:
    try:
        _bind(port)
    except OSError as taken:
        raise BrokerError(
            f"port {port} on {HOST} is not free ({taken.strerror}): "
            "stop what listens there, or choose another"
        ) from None


def _free_port(besides: int = 0) -> int:
    """A free port, and not the one that is spoken for, below the range that the system gives to
    outgoing connections.

    From within that range a client that reconnects to a dead broker can be given the broker's own
    port, connects to itself and keeps the broker from coming back.
    """
    for port in random.sample(range(20000, 32000), 200):
        if port == besides:
            continue
        try:
            _bind(port)
        except OSError:
            continue
        return port
    raise BrokerError(f"no free port found on {HOST}")


def _bind(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))


def _cluster_id() -> str:
    """A new KRaft cluster id: 16 random bytes in URL-safe base64, no leading dash."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith(
        "-"
    ):
        pass
    return text
