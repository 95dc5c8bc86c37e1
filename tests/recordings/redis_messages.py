"""A Redis of one's own, and what is pushed onto its lists: seen by MONITOR, which takes nothing."""

from __future__ import annotations

import base64
import re
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_LINE = re.compile(rb"^\+(?P<time>[\d.]+) \[[^\]]*\] (?P<words>.*)\r\n$")
_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)")
_PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}


@dataclass
class Redis:
    url: str = ""
    pushed: list[dict[str, Any]] = field(default_factory=list)
    """Messages in the form of Kafka's records; the offset is the number of pushes before."""


@contextmanager
def redis(*lists: str) -> Iterator[Redis]:
    """Runs `redis-server` on a free port of 127.0.0.1 and watches these lists."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Redis(f"redis://127.0.0.1:{port}/0")
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        process = subprocess.Popen([*command, "--dir", folder], stdout=subprocess.DEVNULL)
        try:
            with _connected(port) as connection:
                watching = threading.Thread(
                    target=_watch, args=(connection, frozenset(lists), made.pushed)
                )
                watching.start()
                yield made
                process.terminate()
                watching.join()
        finally:
            process.terminate()
            process.wait()


def _connected(port: int) -> socket.socket:
    for _ in range(100):
        try:
            connection = socket.create_connection(("127.0.0.1", port))
        except OSError:
            time.sleep(0.05)
        else:
            connection.sendall(b"MONITOR\r\n")
            return connection
    raise RuntimeError("redis-server does not answer")


def _watch(connection: socket.socket, lists: frozenset[str], pushed: list[dict[str, Any]]) -> None:
    counts = dict.fromkeys(lists, 0)
    for line in connection.makefile("rb"):
        found = _LINE.match(line)
        words = [_plain(word) for word in _WORD.findall(found["words"])] if found else []
        if not found or len(words) != 3 or words[0].upper() != b"LPUSH":
            continue
        name = words[1].decode(errors="replace")
        if name in lists:
            pushed.append(
                {
                    "system": "redis",
                    "cluster": "",
                    "destination": name,
                    "incarnation": "",
                    "partition": "0",
                    "offset": counts[name],
                    "time": int(float(found["time"]) * 1000),
                    "key": None,
                    "headers": [],
                    "value": base64.b64encode(words[2]).decode(),
                }
            )
            counts[name] += 1


def _plain(word: bytes) -> bytes:
    def meant(escaped: re.Match[bytes]) -> bytes:
        said = escaped[1]
        return bytes.fromhex(said[1:].decode()) if len(said) == 3 else _PLAIN.get(said, said)

    return _ESCAPED.sub(meant, word)
