"""Events that fit a filter, as they are told: a list that is asked for, and what comes."""

from __future__ import annotations

import time
from dataclasses import replace

from textual import on
from textual.timer import Timer

from graph.filter import FilterError, parse, written
from graph.listing import EventFilter, Listing
from tui.drawing.notices import asking, no_events, nothing_yet
from tui.drawing.passing import KEPT, Passing
from tui.drawing.segments import Line, Segment, line, printable
from tui.screens.base import FlowScreen
from tui.source import NothingRecorded, SourceError
from tui.widgets.stream import Stream, Told

LISTED = 300
"""Events that are asked for before those that come."""

REFRESH = 0.1
"""Seconds between two drawings of what comes, at least."""

LIST_AGAIN, FAILED_AGAIN = 5, 2
"""Seconds until the newest are asked for again: what is followed fails later than it comes."""


class ToldScreen(FlowScreen):
    """Knows what passes by; who derives from it draws that."""

    def __init__(self, wanted: EventFilter | str = "") -> None:
        """A filter's text, or a filter, whose times and limit are not looked at."""
        super().__init__()
        self.text = wanted if isinstance(wanted, str) else written(wanted)
        self.passing = Passing()
        self._stream: Stream | None = None
        self._following = False
        self._listed = False
        self._more = False
        """Others fit beyond those that were listed: later ones than the oldest, or earlier ones
        than the newest."""
        self._list_again = False
        self._seconds = 0
        self._every = LIST_AGAIN
        self._drawn = 0.0
        self._due: Timer | None = None

    def draw(self) -> None:
        """Draws the list, which holds something."""
        raise NotImplementedError

    def draw_types(self) -> None:
        """Draws how many of each type there are, and how fast they come."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self.flowtap.last_filter = self.text
        self.notice(asking(), "filter")

    def on_unmount(self) -> None:
        self._end_stream()

    def superseded(self) -> None:
        self._end_stream()

    def apply(self, text: str) -> None:
        """Shows what another filter lets through."""
        self._end_stream()
        self.questions.drop("events")
        self.text = self.flowtap.last_filter = text
        self.passing = Passing()
        self._listed = self._more = False
        self.notice(asking(), "filter")
        self.tick()

    # What is asked for

    def tick(self) -> None:
        super().tick()
        if not self.flowtap.source.live:
            if not self._listed:
                self._list(KEPT)
            return
        self._seconds += 1
        if self._oldest:
            # What comes is at the other end: it shows here only while all that fits does.
            if not self._listed or (not self._more and self._seconds % LIST_AGAIN == 0):
                self._list(LISTED)
        elif self._stream is None:
            self._follow()
        elif self._list_again or not self._listed or self._seconds % self._every == 0:
            self._list(LISTED)
        self.draw_types()
        self.refresh_bars()

    def _wanted(self) -> EventFilter:
        return parse(self.text, self.flowtap.now())

    @property
    def _oldest(self) -> bool:
        """Whether the oldest are asked for."""
        try:
            return self._wanted().oldest
        except FilterError:
            return False

    def _follow(self) -> None:
        try:
            wanted = self._wanted()
            self._every = FAILED_AGAIN if wanted.failed_only else LIST_AGAIN
            self._stream = Stream(self, self.flowtap.source, wanted)
        except FilterError as error:
            self.notice(_no_filter(self.text, error), "filter")

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = None
        self._following = False

    def _list(self, limit: int, *, again: bool = False) -> None:
        source, wanted = self.flowtap.source, replace(self._wanted(), limit=limit)
        self.ask("events", lambda: source.events(wanted), self._answered, again=again)

    # What comes

    @on(Told)
    def _told(self, told: Told) -> None:
        if told.stream is not self._stream:
            return
        if told.opened:
            # What was stored while the stream was opened is in one of two lists: now, and at
            # the next tick.
            self._following = self._list_again = True
            self.passing.opened(self.flowtap.now())
            if self.passing.rows:
                # What came while nobody answered would else be a gap.
                self._list(KEPT, again=True)
            else:
                self._list(LISTED)
        if told.ended:
            self._take()
            self._end_stream()
            if (error := told.stream.refused) is not None:
                self.failed("stream", error)
        elif self._due is None:
            wait = max(0.001, self._drawn + REFRESH - time.monotonic())
            self._due = self.set_timer(wait, self._take)
        self.refresh_bars()

    def _take(self) -> None:
        self._due = None
        self._drawn = time.monotonic()
        if self._stream is None:
            return
        batch = self._stream.take()
        self.passing.missed += batch.missed
        if batch.rows:
            self.passing.came(batch.rows, self.flowtap.now())
            if self.passing.held or self not in self.app.screen_stack:
                self.refresh_bars()
            else:
                self._show()

    def _answered(self, listing: Listing) -> None:
        self.flowtap.connection.back(self.flowtap.now())
        if self._oldest or not self._listed:
            # Of the newest, later lists have to leave out what is here already.
            self._more = listing.more
        self._list_again = self._list_again and not self._listed
        self._listed = True
        self.passing.listed(listing.rows)
        self._show()
        self.draw_types()

    def _show(self) -> None:
        """What there is, or why there is nothing."""
        if self.passing.rows:
            self.draw()
            return
        connection = self.flowtap.connection
        if not self.text and self.flowtap.source.live and not connection.totals.stored:
            self.notice(nothing_yet(connection), "copy", "filter")
        else:
            self.notice(no_events(self.text), "filter")
        self.refresh_bars()

    def failed(self, subject: str, error: SourceError) -> None:
        super().failed(subject, error)
        if subject in ("events", "stream") and not self.passing.rows:
            if isinstance(error, NothingRecorded):
                self.notice(nothing_yet(self.flowtap.connection), "copy")
            else:
                self.excuse(error)


def _no_filter(text: str, error: FilterError) -> list[Line]:
    return [
        line(Segment("This is no filter: ", "error"), printable(text)),
        (),
        line(Segment(error.detail, "warning")),
    ]
