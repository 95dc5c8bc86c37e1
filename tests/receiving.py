"""A receiver of webhooks, as somebody would write one, and findings to send to it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from graph.findings.model import MINUTE, Finding, Kind, Severity, State, Subject, subject_id

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()

BEGIN = 29_000_000
"""Minutes since the Unix epoch."""


def finding(
    began: int,
    ended: int,
    state: State = State.OPEN,
    *,
    service: str = "mail",
    severity: Severity = Severity.ERROR,
    muted: str = "",
) -> Finding:
    """A run from one minute to another."""
    kind, subject = Kind.LOST, Subject(service=service)
    return Finding(
        id=f"{subject_id(kind, subject)}-{BEGIN + began:x}",
        kind=kind,
        severity=severity,
        state=state,
        subject=subject,
        first=(BEGIN + began) * MINUTE + 5,
        last=(BEGIN + ended) * MINUTE + 9,
        count=1,
        minutes=ended - began + 1,
        muted=muted,
    )


class Got(NamedTuple):
    """One request, and what was answered."""

    id: str
    said: dict[str, Any]
    genuine: bool
    status: int


class Receiver:
    """Answers with what it is told to, in turn, and then 204. Each answer is a status, or a status
    with headers."""

    def __init__(self, answers: Sequence[int | tuple[int, dict[str, str]]] = ()) -> None:
        self.answers = list(answers)
        self.got: list[Got] = []
        self.came = threading.Condition()
        self.url = ""

    @property
    def taken(self) -> list[Got]:
        return [one for one in self.got if one.status < 300]

    def wait(self, taken: int, seconds: float = 20.0) -> list[Got]:
        """So many that were taken, once they are there."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.taken) >= taken, seconds), self.got
            return self.taken

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["content-length"]))
        with self.came:
            answer = self.answers.pop(0) if self.answers else 204
            status, headers = (answer, {}) if isinstance(answer, int) else answer
            self.got.append(
                Got(
                    handler.headers["webhook-id"], json.loads(body), _genuine(handler, body), status
                )
            )
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.send_header("content-length", "0")
            handler.end_headers()
            self.came.notify_all()


@contextmanager
def receiving(receiver: Receiver, port: int = 0) -> Iterator[Receiver]:
    """It listens as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hooks/t0ken"
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join(20)
        server.server_close()


def _genuine(handler: BaseHTTPRequestHandler, body: bytes) -> bool:
    """As docs/findings.md tells receivers to look."""
    id, sent = handler.headers["webhook-id"], handler.headers["webhook-timestamp"]
    signed = hmac.new(KEY, f"{id}.{sent}.".encode() + body, hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(signed).decode()
    told = handler.headers["webhook-signature"].split(" ")
    fresh = abs(time.time() - int(sent)) < 300
    return fresh and any(hmac.compare_digest(one, wanted) for one in told)
