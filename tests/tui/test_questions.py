"""Threads reach the screen by answers only, and only the newest counts."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

import pytest
from textual.message_pump import MessagePump

from tui.question import waiting
from tui.source import GivenUp, SourceFailed
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


@pytest.mark.parametrize(
    "give_up",
    [
        lambda questions: questions.drop("graph"),
        lambda questions: questions.drop_all(),
        lambda questions: questions.ask("graph", lambda: "new", lambda _: None, again=True),
    ],
    ids=["dropped", "all dropped", "superseded"],
)
def test_who_works_on_what_is_not_wanted_any_more_stops(
    give_up: Callable[[Questions], object],
) -> None:
    """What its thread waits for is ended, and what it would ask next is not asked."""
    questions, waits, ended = Questions(Asker()), threading.Event(), threading.Event()
    stopped: queue.Queue[list[type[Exception]]] = queue.Queue()

    def question() -> None:
        raised: list[type[Exception]] = []
        for _ in range(2):
            try:
                with waiting(ended.set):
                    waits.set()
                    assert ended.wait(20)
                    raise OSError("the connection was closed")
            except Exception as error:
                raised.append(type(error))
        stopped.put(raised)

    questions.ask("graph", question, lambda _: None)
    assert waits.wait(20)
    give_up(questions)
    assert stopped.get(timeout=20) == [GivenUp, GivenUp]


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
