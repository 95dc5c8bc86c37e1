"""Sends what waits to the receiver, one message at a time, until it takes it."""

from __future__ import annotations

import http.client
import logging
import random
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import NamedTuple

from collector.api.backend import Component
from collector.trouble import Trouble
from collector.webhook import signing
from collector.webhook.outbox import Message, Outbox
from collector.webhook.settings import Webhook
from graph.findings.model import Finding

log = logging.getLogger(__name__)

FIRST_DELAY = 5.0
"""Seconds before the second attempt, at most; each further one four times as many."""

AWAY_DELAY = 300.0
"""Seconds between two attempts at a receiver that is away, at most: it can be back at any time."""

REFUSED_DELAY = 3_600.0
"""Seconds between two attempts at a message that the receiver refuses, at most."""

REFUSALS = 8
"""After so many, hours later, a message is dropped."""

LONGEST_RETRY_AFTER = 86_400.0

REFUSING = frozenset({400, 409, 413, 415, 422})
"""What is said of one message. All else says that the receiver, or the way to it, is not ready."""

GONE = 410


class Answer(NamedTuple):
    """What came of one attempt."""

    status: int
    """0: there was no answer."""
    said: str
    retry_after: float = 0.0

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer: whom the secret is shared with is configured."""

    def redirect_request(self, *_: object) -> None:
        return None


class Sender:
    """In a thread of its own; nobody waits for it. Failures change nothing but `component`."""

    def __init__(
        self, outbox: Outbox, settings: Webhook, clock: Callable[[], float] = time.time
    ) -> None:
        """Raises `SecretError`, `OSError` (the authorities cannot be read)."""
        self._outbox = outbox
        self._settings = settings
        self._key = settings.key()
        self._clock = clock
        authorities = settings.tls_ca_file
        context = ssl.create_default_context(
            cafile=str(authorities.expanduser()) if authorities else None
        )
        self._opener = urllib.request.build_opener(
            _NoRedirect, urllib.request.HTTPSHandler(context=context)
        )
        self._failures = 0
        """In a row, of whatever was sent."""
        self._gone = False
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flowtap-webhook", daemon=True)
        self._trouble = Trouble(
            log,
            f"{settings.receiver} does not take findings: %s",
            f"{settings.receiver} takes findings again",
        )
        self.counts = {"delivered": 0, "failed": 0, "dropped": 0}
        """Messages that were taken; attempts that were not; messages that were given up."""

    @property
    def since(self) -> int:
        """Findings that were last seen before are no matter, nanoseconds."""
        return self._outbox.since

    def note(self, findings: Iterable[Finding], *, since: int, now: int) -> None:
        """As `Outbox.note`; what is new is sent."""
        if self._outbox.note(findings, since=since, now=now):
            self._woken.set()

    def waiting(self) -> int:
        """Messages."""
        return len(self._outbox)

    def start(self) -> None:
        self._thread.start()

    def ask_to_stop(self) -> None:
        self._stopping.set()
        self._woken.set()

    def stop(self, timeout: float) -> None:
        """What waits is sent after the next start."""
        self.ask_to_stop()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.is_set() and not self._gone:
            self._woken.clear()
            message = self._outbox.next()
            left = message.after - self._clock() if message else None
            if message is None or (left is not None and left > 0):
                self._woken.wait(left)
            else:
                self._stopping.wait(self._attempt(message))

    def _attempt(self, message: Message) -> float:
        """Send it once; seconds until anything may be sent again."""
        answer = self._post(message)
        if answer.taken:
            self.counts["delivered"] += 1
            self._failures = 0
            self._trouble.end()
            self._outbox.take(message)
            return 0.0
        self.counts["failed"] += 1
        self._failures += 1
        self._trouble.begin(answer.said)
        if answer.status == GONE:
            self._gone = True
            log.warning("the webhook is not tried again before the next start")
        if answer.status in REFUSING:
            self._refused(message, answer)
        return max(answer.retry_after, delay(self._failures, AWAY_DELAY))

    def _refused(self, message: Message, answer: Answer) -> None:
        if message.refused + 1 < REFUSALS:
            pause = delay(message.refused + 1, REFUSED_DELAY)
            self._outbox.put_off(message, self._clock() + pause)
            return
        self.counts["dropped"] += 1
        log.warning(
            "%s is dropped: the webhook's receiver refused it %d times (%s)",
            *(message.id, REFUSALS, answer.said),
        )
        self._outbox.take(message)

    def _post(self, message: Message) -> Answer:
        now = self._clock()
        body = message.body.encode("utf-8", "replace")
        request = urllib.request.Request(
            self._settings.url,
            data=body,
            headers={
                "content-type": "application/json",
                "user-agent": f"flowtap/{version('flowtap')}",
                **signing.headers(self._key, message.id, int(now), body),
            },
            method="POST",
        )
        try:
            with self._opener.open(request, timeout=self._settings.timeout) as response:
                return Answer(response.status, "")
        except urllib.error.HTTPError as error:
            with error:
                after = retry_after(error.headers.get("retry-after", ""), now)
                return Answer(error.code, f"it answers {error.code} {error.reason}"[:100], after)
        except urllib.error.URLError as error:
            return Answer(0, str(error.reason))
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Answer(0, str(error) or type(error).__name__)

    def component(self) -> Component:
        """How it is doing."""
        waiting, held_back = self.waiting(), self._outbox.held_back
        reason = self._trouble.reason or self._outbox.trouble
        if held_back:
            full = f"{waiting:,} messages wait, which is the most: {held_back:,} are held back"
            reason = f"{full}; {reason}" if reason else full
        detail = f"{self.counts['delivered']:,} told {self._settings.receiver}, {waiting:,} wait"
        figures = {**self.counts, "waiting": waiting, "held_back": held_back}
        return Component("webhook", not reason, reason or detail, figures)


def delay(failures: int, most: float) -> float:
    """Seconds to wait after so many failures: between a half and the whole of a time that grows,
    so that many senders do not come back together."""
    grown: float = FIRST_DELAY * 4 ** (min(failures, 10) - 1)
    return min(most, grown) * random.uniform(0.5, 1.0)


def retry_after(said: str, now: float) -> float:
    """Seconds that the header asks for, as a number or as a date; 0 where it says nothing."""
    said = said.strip()
    if said.isascii() and said.isdigit():
        seconds = float(said)
    else:
        try:
            seconds = parsedate_to_datetime(said).timestamp() - now
        except (ValueError, TypeError, OverflowError):
            return 0.0
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER)
