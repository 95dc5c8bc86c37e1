"""Messages reach a real receiver whatever it answers first, and whenever the collector ends."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from collector.webhook import outbox, sender
from collector.webhook.outbox import Outbox
from collector.webhook.sender import Sender, delay, retry_after
from collector.webhook.settings import Webhook
from graph.findings.model import MINUTE, Finding, State
from tests.receiving import BEGIN, SECRET, Receiver, finding, receiving
from tests.running import eventually

NOW = (BEGIN + 100) * MINUTE


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once, and go past no proxy."""
    monkeypatch.setattr(sender, "FIRST_DELAY", 0.001)
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as here:
        yield here


def settings(url: str) -> Webhook:
    return Webhook(url=url, secret=SecretStr(SECRET))


@contextmanager
def running(folder: Path, url: str) -> Iterator[Sender]:
    """A sender, as a collector starts and stops it."""
    one = Sender(Outbox(folder, settings(url)), settings(url))
    one.start()
    try:
        yield one
    finally:
        one.stop(20)


def note(one: Sender | Outbox, findings: Sequence[Finding]) -> None:
    one.note(findings, since=BEGIN * MINUTE, now=NOW)


def names(receiver: Receiver) -> list[str]:
    return [
        f"{one.said['type']} {one.said['data']['subject']['service']}" for one in receiver.taken
    ]


MAIL, POINTS = finding(3, 5), finding(4, 5, service="points")
MAIL_OVER = finding(3, 5, State.CLOSED)


def test_it_is_signed_and_sent_again_under_one_id_until_it_is_taken(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answers = [500, (429, {"retry-after": "0"}), 301, 404]
    with running(tmp_path, receiver.url) as one:
        note(one, [MAIL])
        receiver.wait(1)
        eventually(lambda: not one.waiting())
        assert one.counts == {"delivered": 1, "failed": 4, "dropped": 0}
        assert one.component().ok
        note(one, [MAIL_OVER])
        opened, closed = receiver.wait(2)
    assert all(got.genuine for got in receiver.got)
    assert [got.status for got in receiver.got] == [500, 429, 301, 404, 204, 204]
    assert {got.id for got in receiver.got[:5]} == {f"finding-{MAIL.id}-opened"}
    assert opened.said == receiver.got[0].said, "the same body"
    assert closed.id == f"finding-{MAIL.id}-closed"
    assert (opened.said["type"], closed.said["type"]) == ("finding.opened", "finding.closed")
    assert opened.said["timestamp"] == "2025-02-19T23:00:00.000+00:00"
    assert opened.said["data"]["id"] == closed.said["data"]["id"] == MAIL.id
    assert (closed.said["data"]["state"], closed.said["data"]["reason"]) == ("closed", "over")


def test_a_new_start_tells_what_nobody_took_and_nothing_else(tmp_path: Path) -> None:
    here = Receiver()
    with receiving(here) as receiver, running(tmp_path, receiver.url) as one:
        note(one, [MAIL])
        receiver.wait(1)
        eventually(lambda: not one.waiting())
    port = int(here.url.split(":")[2].partition("/")[0])
    with running(tmp_path, here.url) as one:
        note(one, [MAIL, POINTS])
        eventually(lambda: "refused" in one.component().detail)
        assert not one.component().ok
    with running(tmp_path, here.url), receiving(here, port):
        here.wait(2)
    with running(tmp_path, here.url) as one, receiving(here, port):
        note(one, [MAIL_OVER, POINTS])
        here.wait(3)
    assert names(here) == ["finding.opened mail", "finding.opened points", "finding.closed mail"]
    assert len({got.id for got in here.got}) == 3


def test_what_was_taken_is_not_sent_again_when_the_collector_is_killed(tmp_path: Path) -> None:
    box = Outbox(tmp_path, settings("http://example.org"))
    note(box, [MAIL, POINTS])
    first = box.next()
    assert first is not None
    box.take(first)
    # Nothing more is written down.
    again = Outbox(tmp_path, settings("http://example.org"))
    second = again.next()
    assert second is not None and (len(again), second.about) == (1, POINTS.id)
    note(again, [MAIL, POINTS])
    assert len(again) == 1, "both were noted before"
    note(again, [MAIL_OVER, POINTS])
    assert [one.about for one in again._waiting.values()] == [POINTS.id, MAIL.id]


def test_a_message_that_is_refused_lets_others_go_first_and_is_dropped_in_the_end(
    tmp_path: Path,
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sender, "REFUSALS", 3)
    receiver.answers = [400, 204, 422, 400]
    with running(tmp_path, receiver.url) as one:
        note(one, [])
        note(one, [MAIL_OVER, POINTS])
        receiver.wait(2)
        eventually(lambda: not one.waiting())
    assert [got.id.rpartition("-")[0].removeprefix("finding-") for got in receiver.got] == [
        *(MAIL.id, POINTS.id, MAIL.id, MAIL.id, MAIL.id)
    ]
    assert names(receiver) == ["finding.opened points", "finding.closed mail"]
    assert one.counts == {"delivered": 2, "failed": 3, "dropped": 1}
    assert f"finding-{MAIL.id}-opened is dropped" in caplog.text


def test_a_receiver_that_is_gone_is_left_alone_until_the_next_start(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answers = [410]
    with running(tmp_path, receiver.url) as one:
        note(one, [MAIL, POINTS])
        one._thread.join(20)
        assert not one._thread.is_alive()
        assert "410" in one.component().detail and not one.component().ok
    with running(tmp_path, receiver.url):
        receiver.wait(2)


def test_a_full_queue_says_so_and_nothing_is_forgotten(
    tmp_path: Path,
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "WAITING", 2)
    found = [finding(n, 9, service=f"s{n}") for n in range(4)]
    box = Outbox(tmp_path, settings(receiver.url))
    one = Sender(box, settings(receiver.url))
    box.note(found, since=BEGIN * MINUTE, now=NOW)
    box.note(found, since=(BEGIN + 50) * MINUTE, now=NOW)
    assert one.component().detail == "2 messages wait, which is the most: 2 are held back"
    assert not one.component().ok
    assert box.since == BEGIN * MINUTE, "they have to be given again"
    assert caplog.text.count("held back") == 1
    one.start()
    receiver.wait(2)
    eventually(lambda: not len(box))
    one.note(found, since=(BEGIN + 50) * MINUTE, now=NOW)
    receiver.wait(4)
    one.stop(20)
    assert names(receiver) == [f"finding.opened s{n}" for n in range(4)]
    assert (box.held_back, box.since) == (0, (BEGIN + 50) * MINUTE)


def test_what_cannot_be_kept_is_sent_all_the_same_and_said(
    tmp_path: Path, receiver: Receiver
) -> None:
    with running(tmp_path / "nowhere", receiver.url) as one:
        note(one, [MAIL])
        receiver.wait(1)
        assert "cannot be kept" in one.component().detail


def test_what_was_told_cannot_be_read_so_open_findings_are_told_again(tmp_path: Path) -> None:
    (tmp_path / outbox.FILE).write_text('{"format": 1, "told": [{"nonsense": 1}]}')
    box = Outbox(tmp_path, settings("http://example.org"))
    note(box, [MAIL, finding(1, 1, State.CLOSED, service="old")])
    assert [one.about for one in box._waiting.values()] == [MAIL.id]


def test_nothing_secret_is_told(
    tmp_path: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.answers = [500]
    with running(tmp_path, receiver.url) as one:
        note(one, [MAIL])
        receiver.wait(1)
        eventually(lambda: one.component().ok)
    shown = caplog.text + repr(settings(receiver.url)) + str(one.component())
    shown += (tmp_path / outbox.FILE).read_text()
    assert "does not take findings: it answers 500" in caplog.text
    assert "takes findings again" in caplog.text
    assert "t0ken" not in shown and SECRET not in shown and SECRET[6:] not in shown
    assert (tmp_path / outbox.FILE).stat().st_mode & 0o077 == 0


def test_pauses_grow_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "FIRST_DELAY", 5.0)
    for failures, most in enumerate((5, 20, 80, 300, 300), start=1):
        pauses = {delay(failures, 300.0) for _ in range(50)}
        assert most / 2 <= min(pauses) < max(pauses) <= most
    assert delay(10_000, 300.0) <= 300


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("999999999999", 86_400.0),
        ("Wed, 26 Feb 2025 01:40:30 GMT", 30.0),
        ("Wed, 26 Feb 2025 01:00:00 GMT", 0.0),
        ("soon", 0.0),
        ("", 0.0),
        ("-1", 0.0),
    ],
)
def test_the_receiver_says_when(said: str, seconds: float) -> None:
    assert retry_after(said, 1740534000.0) == seconds
