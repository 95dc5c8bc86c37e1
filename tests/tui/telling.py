"""Tells stories on the real app: press, click, and wait until the screen says something."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual import events
from textual.pilot import Pilot

from tests.tui.fake import RATE, FakeSource
from tui.app import FlowtapApp
from tui.screens.base import FlowScreen
from tui.screens.graph import GraphScreen

PATIENCE = 60.0
"""Seconds until a story fails that waits for something."""


class Story:
    """What a person does and sees."""

    def __init__(self, app: FlowtapApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> str:
        """The whole screen as text."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(cell.text for cell in strip).rstrip() for strip in strips)

    @property
    def lines(self) -> list[str]:
        return self.screen.split("\n")

    @property
    def notices(self) -> list[str]:
        """What popped up, the newest last."""
        return [notice.message for notice in self.app._notifications]

    async def sees(self, *texts: str) -> None:
        """Waits until all of these show."""
        await self.until(lambda: all(text in self.screen for text in texts), " and ".join(texts))

    async def sees_no_more(self, text: str) -> None:
        """Waits until this does not show."""
        await self.until(lambda: text not in self.screen, f"the end of {text}")

    async def waits_a_while(self) -> None:
        """Fifty seconds pass in two steps, each once the collector has told how it is."""
        source = self.app.source
        assert isinstance(source, FakeSource)
        await self.sees(f"stored {source.received:,}")
        for seconds in (25, 50):
            # What is under way was asked before: it must not be answered as if it were later.
            while any(one.questions.busy for one in self._flow_screens()) or self._graph_rests():
                await self.pilot.pause(0.01)
            source.seconds = seconds
            self._a_second_is_over()
        await self.sees(f"stored {source.received + RATE * source.seconds:,}")

    def _a_second_is_over(self) -> None:
        """What shows asks again at once, instead of when the second is really over."""
        shown = self.app.screen
        assert isinstance(shown, FlowScreen)
        shown.tick()

    def _graph_rests(self) -> bool:
        """Whether it is too early to ask for the graph that shows once more."""
        shown = self.app.screen
        answer = shown._answer if isinstance(shown, GraphScreen) else None
        return answer is not None and answer.window.follows and not answer.due

    def _flow_screens(self) -> list[FlowScreen]:
        return [one for one in self.app.screen_stack if isinstance(one, FlowScreen)]

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Waits for a condition; fails with the screen as it is."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"waited for {what}\n{self.screen}"
            await self.pilot.pause(0.01)
        await self.pilot.pause()

    async def rests(self) -> None:
        """Waits until nothing is under way and the screen has stayed the same for a while."""
        before, same = "", 0

        def rested() -> bool:
            nonlocal before, same
            busy = any(one.questions.busy for one in self._flow_screens())
            same = 0 if busy or self.screen != before else same + 1
            before = self.screen
            return same >= 10

        await self.until(rested, "the screen to rest")

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def paste(self, text: str) -> None:
        """What a terminal sends when somebody pastes."""
        focused = self.app.screen.focused
        assert focused is not None
        focused.post_message(events.Paste(text))
        await self.pilot.pause()

    async def click(self, text: str, times: int = 1, nth: int = 0) -> None:
        """Clicks on the nth place, from the top, where this text shows."""
        found = [(line.index(text), y) for y, line in enumerate(self.lines) if text in line]
        assert found, f"{text} is not on the screen\n{self.screen}"
        x, y = found[nth]
        await self.pilot.click(offset=(x + 1, y), times=times)
        await self.pilot.pause()

    @property
    def pointed(self) -> str:
        """The line that the pointer is on, without what is beside it."""
        return next((line for line in self.lines if "▸" in line), "").partition("▸")[2].strip()


@asynccontextmanager
async def story(
    source: FakeSource | None = None, *, size: tuple[int, int] = (80, 24), find: str = ""
) -> AsyncIterator[Story]:
    """A running app of this size that asks this source; it is about noon."""
    asked = source or FakeSource()
    app = FlowtapApp(asked, find=find, clock=asked.clock)
    async with app.run_test(size=size) as pilot:
        yield Story(app, pilot)
        asked.gate.set()
