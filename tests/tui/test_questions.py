"""Threads reach the screen by answers only, and only the newest counts."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pytest
from textual.message_pump import MessagePump

from tui.source import SourceFailed
from tui.widgets.questions import Answer, Questions


class Asker(MessagePump):
    """Keeps what is posted until it is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: queue.Queue[Any] = queue.Queue()

    def post_message(self, message: Any) -> bool:
        self.posted.put(message)
        return True

    def next(self) -> Answer:
        answer = self.posted.get(timeout=20)
        assert isinstance(answer, Answer)
        return answer


def test_one_question_of_a_subject_at_a_time() -> None:
    asker = Asker()
    questions, got, gate = Questions(asker), list[int](), threading.Event()
    assert questions.ask("graph", lambda: (gate.wait(20), 1)[1], got.append)
    assert not questions.ask("graph", lambda: 2, got.append), "the first is still under way"
    assert questions.ask("health", lambda: 3, got.append), "another subject is asked beside it"
    assert questions.received(asker.next()) is None
    gate.set()
    assert questions.received(asker.next()) is None
    assert got == [3, 1]
    assert questions.ask("graph", lambda: 4, got.append)
    asker.next()


def test_an_answer_that_was_superseded_is_dropped() -> None:
    asker = Asker()
    questions, got, gate = Questions(asker), list[str](), threading.Event()
    questions.ask("graph", lambda: (gate.wait(20), "old")[1], got.append)
    questions.ask("graph", lambda: "new", got.append, again=True)
    assert questions.received(asker.next()) is None
    gate.set()
    assert questions.received(asker.next()) is None
    assert got == ["new"]


def test_a_failure_is_given_to_the_screen_unless_nobody_waits_for_it() -> None:
    asker = Asker()
    questions = Questions(asker)

    def fail() -> None:
        raise SourceFailed("the store is full")

    questions.ask("graph", fail, lambda _: None)
    error = questions.received(asker.next())
    assert error is not None
    assert error.detail == "the store is full"
    questions.ask("graph", fail, lambda _: None)
    questions.drop("graph")
    assert questions.received(asker.next()) is None


def test_a_fault_of_ours_is_not_hidden() -> None:
    asker = Asker()
    questions = Questions(asker)
    questions.ask("graph", lambda: 1 // 0, lambda _: None)
    with pytest.raises(ZeroDivisionError):
        questions.received(asker.next())
