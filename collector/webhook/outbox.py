"""What was told, and what is still to be told, on disk before anything is sent.

`webhook.json` is replaced as a whole when findings change; what a receiver has taken since is
appended to `webhook.taken`, a line each. So after a crash at any moment nothing is forgotten, and
only what no answer came for is sent again, under the same id.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collector.webhook.ledger import Change, Told, compare
from collector.webhook.settings import Webhook
from graph.findings.model import Finding

log = logging.getLogger(__name__)

FILE, TAKEN = "webhook.json", "webhook.taken"

FORMAT = 1

WAITING = 1_000
"""Messages that wait, at most. What there is no room for is held back, and told once there is."""


@dataclass(frozen=True, slots=True)
class Message:
    """One request to the receiver."""

    id: str
    """The same in each attempt."""
    about: str
    """Which finding; its messages keep their order."""
    body: str
    refused: int = 0
    """How often the receiver refused just this one."""
    after: float = 0.0
    """Seconds since the Unix epoch, before which it is not tried again."""


class Outbox:
    """Thread-safe. Nothing raises because of the disk: `trouble` says so, and it goes on in
    memory."""

    def __init__(self, folder: Path, settings: Webhook) -> None:
        self._file, self._taken_file = folder / FILE, folder / TAKEN
        self._settings = settings
        self._lock = threading.Lock()
        self._first = True
        self._told: Sequence[Told] = ()
        self._waiting: dict[str, Message] = {}
        self.since = 0
        """Findings last seen before are no matter, nanoseconds."""
        self.held_back = 0
        """Findings that there was no room for."""
        self.trouble = ""
        self._read()

    def __len__(self) -> int:
        return len(self._waiting)

    def note(self, findings: Iterable[Finding], *, since: int, now: int) -> int:
        """Take in how findings stand now: all that were last seen at `self.since` or later. From
        `since` on they have to be given next time. Says how many messages are new. Times are
        nanoseconds since the Unix epoch."""
        with self._lock:
            base = self.since or since
            compared = compare(
                *(self._told, findings, self._settings.wants),
                since=base,
                first=self._first,
                room=WAITING - len(self._waiting),
            )
            for change in compared.changes:
                self._waiting[change.id] = _message(change, now)
            self._say_full(compared.held_back)
            self.since = base if compared.held_back else max(base, since)
            changed = bool(compared.changes) or self._first
            self._told, self._first = compared.told, False
            if changed or self.trouble:
                self._write()
            return len(compared.changes)

    def next(self) -> Message | None:
        """The message to send next, which may not be due yet; None where none waits. Those that
        were put off go behind all others but later ones of the same finding."""
        with self._lock:
            first: dict[str, Message] = {}
            for message in self._waiting.values():
                first.setdefault(message.about, message)
            return min(first.values(), key=lambda message: message.after, default=None)

    def take(self, message: Message) -> None:
        """The receiver has it, or never will."""
        with self._lock:
            self._waiting.pop(message.id, None)
            try:
                with self._taken_file.open("a", encoding="ascii") as taken:
                    taken.write(message.id + "\n")
                    taken.flush()
                    os.fdatasync(taken.fileno())
            except OSError as error:
                self._fails(error)

    def put_off(self, message: Message, until: float) -> None:
        """The receiver refused it: others go first until then."""
        with self._lock:
            if message.id in self._waiting:
                later = replace(message, refused=message.refused + 1, after=until)
                self._waiting[message.id] = later

    def _say_full(self, held_back: int) -> None:
        if held_back and not self.held_back:
            log.warning(
                "%d messages wait for the webhook's receiver, which is the most: findings are held "
                "back until it takes some",
                len(self._waiting),
            )
        self.held_back = held_back

    def _write(self) -> None:
        said = {
            "format": FORMAT,
            "since": self.since,
            "told": [one._asdict() for one in self._told],
            "waiting": [
                {"id": one.id, "about": one.about, "body": one.body}
                for one in self._waiting.values()
            ],
        }
        draft = self._file.with_name(f".{FILE}.{secrets.token_hex(4)}")
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as out:
                    json.dump(said, out)
                    out.flush()
                    os.fsync(out.fileno())
                draft.replace(self._file)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
            # Ids that are left after a crash just here are of nothing that waits.
            self._taken_file.unlink(missing_ok=True)
        except OSError as error:
            self._fails(error)
        else:
            self.trouble = ""

    def _fails(self, error: OSError) -> None:
        if not self.trouble:
            log.warning("what the webhook told cannot be kept: %s", error)
        self.trouble = f"what it told cannot be kept: {error.strerror}"

    def _read(self) -> None:
        try:
            said = json.loads(self._file.read_text(encoding="utf-8"))
            self._told = [Told(**one) for one in said["told"]]
            waiting = [Message(**one) for one in said["waiting"]]
            self.since = int(said["since"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s cannot be read, so open findings are told again: %s", self._file, error)
            self._told = ()
            return
        self._first = False
        try:
            taken = set(self._taken_file.read_text(encoding="ascii").splitlines())
        except (OSError, ValueError):
            taken = set()
        self._waiting = {one.id: one for one in waiting if one.id not in taken}


def _message(change: Change, now: int) -> Message:
    finding: dict[str, Any] = {**change.finding, "id": change.reference}
    if change.reason is not None:
        finding |= {"state": "closed", "reason": change.reason.value}
    said: Mapping[str, Any] = {
        "type": f"finding.{'closed' if change.reason else 'opened'}",
        "timestamp": datetime.fromtimestamp(now / 1e9, UTC).isoformat(timespec="milliseconds"),
        "data": finding,
    }
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return Message(change.id, change.reference, body)
