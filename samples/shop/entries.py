"""The ledger's lines: what a service did, written by itself as it does it, one JSON object a line.

A service writes `produced` when the broker has acknowledged, `consumed` when a handling ended,
`committed` when the broker took the commit. Times are nanoseconds since the Unix epoch.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from samples.shop.clock import true_time_ns


class Outcome(StrEnum):
    """How one handling of a message ended."""

    HANDLED = "handled"
    FAILED = "failed"
    """It raised; another attempt follows."""
    DUPLICATE = "duplicate"
    """Handled before, nothing done."""
    DEAD_LETTERED = "dead-lettered"
    """It raised for the last time; a copy lies on the dead letter topic."""
    RETRIED = "retried"
    """It raised; a copy lies on the retry topic, to be tried again."""
    GIVEN_UP = "given up"
    """It raised for the last time, and the service went on without it."""
    SKIPPED = "skipped"
    """It was never read: the service went past it."""

    @property
    def final(self) -> bool:
        """Whether the service is done with this message."""
        return self is not Outcome.FAILED

    @property
    def error(self) -> bool:
        return self not in (Outcome.HANDLED, Outcome.DUPLICATE)


class Position(NamedTuple):
    """Where a message lies."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Ready:
    """The service takes messages, and calls at `address` if it has one."""

    service: str
    pid: int
    address: str = ""
    time: int = field(default_factory=true_time_ns)


@dataclass(frozen=True, slots=True)
class Produced:
    service: str
    topic: str
    partition: int
    offset: int
    ce_id: str = ""
    """Empty when the message has no headers."""
    type: str = ""
    cause: str = ""
    """`ce_id` of the message that was being handled; empty when none was."""
    correlation: str = ""
    copy_of: str = ""
    """`topic/partition/offset` of the message that this one copies (dead letters, retries)."""
    time: int = field(default_factory=true_time_ns)

    @property
    def position(self) -> Position:
        return Position(self.topic, self.partition, self.offset)


@dataclass(frozen=True, slots=True)
class Consumed:
    service: str
    group: str
    topic: str
    partition: int
    offset: int
    ce_id: str = ""
    outcome: Outcome = Outcome.HANDLED
    attempt: int = 1
    """1 for the first handling that this process knows of."""
    time: int = field(default_factory=true_time_ns)

    @property
    def position(self) -> Position:
        return Position(self.topic, self.partition, self.offset)


@dataclass(frozen=True, slots=True)
class Committed:
    service: str
    group: str
    topic: str
    partition: int
    offset: int
    """The next offset that the group would read."""
    time: int = field(default_factory=true_time_ns)


@dataclass(frozen=True, slots=True)
class Called:
    """One HTTP call that was answered, written by who called."""

    client: str
    server: str
    route: str
    status: int
    time: int = field(default_factory=true_time_ns)


@dataclass(frozen=True, slots=True)
class Lost:
    """An event that a service sent without an error, and that no broker ever had."""

    service: str
    topic: str
    ce_id: str
    context: str
    """Of the span that sent it: trace id, slash, span id."""
    time: int = field(default_factory=true_time_ns)


@dataclass(frozen=True, slots=True)
class Left:
    """The service left its group, and will join it again."""

    service: str
    group: str
    time: int = field(default_factory=true_time_ns)


Entry = Ready | Produced | Consumed | Committed | Called | Lost | Left
KINDS: dict[str, type[Entry]] = {
    kind.__name__.lower(): kind
    for kind in (Ready, Produced, Consumed, Committed, Called, Lost, Left)
}


def encode(entry: Entry) -> str:
    return json.dumps({"kind": type(entry).__name__.lower(), **asdict(entry)})


def decode(line: str) -> Entry:
    """Raises ValueError for anything that is no line of a ledger."""
    fields = json.loads(line)
    try:
        kind = KINDS[fields.pop("kind")]
        if kind is Consumed:
            fields["outcome"] = Outcome(fields["outcome"])
        return kind(**fields)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"no line of a ledger: {line!r}") from error


class Journal:
    """One service's file, `NAME.jsonl`; every line is flushed. Safe to share between threads."""

    def __init__(self, directory: Path, service: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._file = (directory / f"{service}.jsonl").open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def write(self, entry: Entry) -> None:
        with self._lock:
            self._file.write(encode(entry) + "\n")
            self._file.flush()

    def close(self) -> None:
        self._file.close()


def read(directory: Path) -> list[Entry]:
    """All services' lines in order of time. A line that is still being written is left out."""
    found = [entry for path in sorted(directory.glob("*.jsonl")) for entry in _lines(path)]
    return sorted(found, key=lambda entry: entry.time)


def _lines(path: Path) -> list[Entry]:
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    return [decode(line) for line in whole.splitlines()]
