"""Questions to the source, asked in threads; answers come back as messages, newest only.

Nothing else carries anything from a thread to the screen.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from textual.message import Message
from textual.message_pump import MessagePump

from tui.question import Question
from tui.source import SourceError

T = TypeVar("T")


class Answer(Message, bubble=False):
    """What became of a question; `then` is called by whoever asked."""

    def __init__(
        self,
        subject: str,
        number: int,
        value: object = None,
        error: Exception | None = None,
        then: Callable[[Any], None] | None = None,
    ) -> None:
        super().__init__()
        self.subject = subject
        self.number = number
        self.value = value
        self.error = error
        self.then = then


class Questions:
    """Asks for one screen. One question a subject is under way at a time."""

    def __init__(self, asker: MessagePump) -> None:
        self._asker = asker
        self._numbers: dict[str, int] = {}
        self._running: dict[str, Question] = {}

    def ask(
        self,
        subject: str,
        question: Callable[[], T],
        then: Callable[[T], None],
        *,
        again: bool = False,
    ) -> bool:
        """Asks in a thread; `then` gets the answer on the screen's own loop.

        While one of the subject is under way, another is not asked (False); with `again` it
        is, and the older answer is dropped.
        """
        if subject in self._running and not again:
            return False
        self.drop(subject)
        number = self._numbers[subject]
        asked = self._running[subject] = Question()

        def run() -> None:
            try:
                with asked.asked():
                    answer = Answer(subject, number, question(), then=then)
            except Exception as error:  # whatever went wrong is shown, never lost in a thread
                answer = Answer(subject, number, error=error)
            # Whoever asked may have closed meanwhile, and its loop with it.
            with contextlib.suppress(RuntimeError):
                self._asker.post_message(answer)

        # Daemons: leaving must not wait for an answer that may take a minute.
        threading.Thread(target=run, name=f"asks {subject}", daemon=True).start()
        return True

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._running)

    def under_way(self, subject: str) -> bool:
        """Whether the answer is still to come."""
        return subject in self._running

    def drop(self, subject: str) -> None:
        """The answer is not wanted any more: whoever works on it may stop."""
        self._numbers[subject] = self._numbers.get(subject, 0) + 1
        if (asked := self._running.pop(subject, None)) is not None:
            asked.give_up()

    def drop_all(self) -> None:
        """No answer is wanted any more."""
        for subject in list(self._running):
            self.drop(subject)

    def received(self, answer: Answer) -> SourceError | None:
        """Hands an answer on; gives the error of a question that is still wanted, if it failed.

        What is no `SourceError` is a fault of ours and is raised.
        """
        if self._numbers.get(answer.subject) != answer.number:
            return None
        del self._running[answer.subject]
        if answer.error is None:
            if answer.then is not None:
                answer.then(answer.value)
            return None
        if isinstance(answer.error, SourceError):
            return answer.error
        raise answer.error
