"""What a chain's screen asks about the selected event: its fate, and why it is joined as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum, auto

from textual.timer import Timer

from graph.chain.result import Chain, EventKey
from graph.fate.result import Fates
from graph.wire.chain import event_ids
from tui.drawing.chain_fates import ConsumerFates, KnownFates
from tui.drawing.explain_lines import explain_lines
from tui.drawing.facts import wrap
from tui.drawing.fate_lines import fate_lines
from tui.drawing.segments import Line, Segment, line
from tui.screens.base import FlowScreen
from tui.source import SourceError

REST_SECONDS = 0.15
"""How long an event is selected before it is asked about: not for each that an arrow key passes."""

AGAIN = 5_000_000_000
"""Nanoseconds after which what is pending, or could not be told, is asked for again."""

ASKING = "asking …"


class Beside(Enum):
    """What stands beside the chain."""

    DETAILS = auto()
    WHY = auto()
    EXPLAIN = auto()


class FateScreen(FlowScreen):
    """Asks lazily for the fate of the selected event; shows the whole `why` or `explain` of it."""

    DEFAULT_CSS = """
    FateScreen.told.details #details { height: 62%; }
    FateScreen.wide.told.details #details { height: 1fr; width: 55%; min-width: 66; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.beside = Beside.DETAILS
        self._fates: dict[EventKey, ConsumerFates | str] = {}
        self._asked: dict[EventKey, int] = {}
        """When each event's fate was asked for last."""
        self._under_way: EventKey | None = None
        self._resting: Timer | None = None
        self._explained: Chain | str = ASKING

    # Those that derive from it say

    @property
    def shown_chain(self) -> Chain | None:
        """The chain that is drawn."""
        raise NotImplementedError

    @property
    def chosen_event(self) -> EventKey | None:
        """The selected event, or that of the selected delivery."""
        raise NotImplementedError

    def chain_again(self) -> Chain:
        """Asks the source for the same chain, with what explains it."""
        raise NotImplementedError

    def fate_told(self) -> None:
        """Something that the source said about the selected event is to be drawn."""
        raise NotImplementedError

    # Fate

    @property
    def fates(self) -> KnownFates:
        """What is known so far."""
        return self._fates

    def tick(self) -> None:
        super().tick()
        self.look_at_fate()

    def look_at_fate(self) -> None:
        """Asks about the selected event a moment later, if it is still selected and not known."""
        if self._resting is None and self._wants_asking(self.chosen_event):
            self._resting = self.set_timer(REST_SECONDS, self._ask_fate)

    def _wants_asking(self, event: EventKey | None) -> bool:
        if event is None or event == self._under_way:
            return False
        told = self._fates.get(event, ASKING)
        if event not in self._asked or told == ASKING:
            return True
        unsettled = isinstance(told, str) or told.unsettled
        return unsettled and self.flowtap.now() - self._asked[event] >= AGAIN

    def _ask_fate(self) -> None:
        self._resting = None
        event, chain, source = self.chosen_event, self.shown_chain, self.flowtap.source
        if event is None or chain is None or not self._wants_asking(event):
            return
        text = event_ids(chain)[event]
        self._under_way, self._asked[event] = event, self.flowtap.now()
        if self._fates.setdefault(event, ASKING) == ASKING:
            self.fate_told()

        def told(fates: Fates) -> None:
            self._under_way = None
            self._fates[event] = ConsumerFates(fates, chain.deliveries_of(event))
            self.fate_told()

        self.ask("fate", lambda: source.fate(text), told, again=True)

    def failed(self, subject: str, error: SourceError) -> None:
        super().failed(subject, error)
        if subject == "fate" and self._under_way is not None:
            event, self._under_way = self._under_way, None
            if not isinstance(self._fates.get(event), ConsumerFates):
                self._fates[event] = f"not known: {error.detail}"
            self.fate_told()
        elif subject == "explain":
            self._explained = f"This could not be answered: {error.detail}"
            self.fate_told()

    def gave_up(self, subject: str) -> None:
        if subject == "fate" and self._under_way is not None:
            event, self._under_way = self._under_way, None
            if not isinstance(self._fates.get(event), ConsumerFates):
                self._fates[event] = "not known: nobody waited for the answer"
            self.fate_told()
        elif subject == "explain":
            self._explained = "Nobody waited for the answer."
            self.fate_told()

    # The whole text in place of the details

    def action_why(self) -> None:
        self._put_beside(Beside.WHY)

    def action_explain(self) -> None:
        if not isinstance(self._explained, Chain):
            self._explained = ASKING
            self.ask("explain", self.chain_again, self._was_explained, again=True)
        self._put_beside(Beside.EXPLAIN)

    def _was_explained(self, chain: Chain) -> None:
        self._explained = chain
        self.fate_told()

    def _put_beside(self, wanted: Beside) -> None:
        """Shows it in place of the details; the same key again brings these back."""
        if self.shown_chain is None:
            return
        again = self.beside is wanted and self.has_class("details")
        self.beside = Beside.DETAILS if again else wanted
        self._chosen = True
        self.set_class(self.beside is not Beside.DETAILS, "told")
        self.set_class(not again or self.room_for_details(), "details")
        self.fate_told()

    def action_details(self) -> None:
        if self.beside is Beside.DETAILS:
            super().action_details()
        else:
            self._put_beside(self.beside)
            self.add_class("details")

    def back(self) -> bool:
        if self.beside is Beside.DETAILS:
            return super().back()
        self._put_beside(self.beside)
        return True

    def told_lines(self, width: int) -> Sequence[Line]:
        """`why` or `explain` of the selected event."""
        event = self.chosen_event
        if event is None:
            return ()
        if self.beside is Beside.WHY:
            told = self._fates.get(event, ASKING)
            return _said(told, width) if isinstance(told, str) else fate_lines(told.fates, width)
        chain = self._explained
        if isinstance(chain, str):
            return _said(chain, width)
        why = tuple(one for one in chain.explanations if one.event == event)
        if not why:
            return _said("Nothing explains this event: ask for it by its own id.", width)
        return explain_lines(replace(chain, explanations=why), width)


def _said(text: str, width: int) -> list[Line]:
    return [line(*row) for row in wrap([Segment(text, "dim")], width)]
