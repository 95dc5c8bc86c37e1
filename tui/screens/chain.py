"""A chain: what happened because of this event?"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from textual import on
from textual.containers import Container
from textual.widget import Widget

from graph.chain.result import Chain, EventKey
from graph.export import CHAIN_FORMATS
from graph.wire.chain import event_ids
from tui.actions import Place
from tui.drawing.bars import draw_way
from tui.drawing.chain_details import row_details
from tui.drawing.chain_drawing import ChainDrawing
from tui.drawing.chain_filter import Only, narrowed, told
from tui.drawing.chain_findings import NOTHING_FOUND, FoundInChain
from tui.drawing.chain_rows import summary
from tui.drawing.chain_sequence import SequenceDrawing
from tui.drawing.chain_timeline import TimelineDrawing
from tui.drawing.chain_tree import Row, RowKey, RowKind
from tui.drawing.exports import Export, counted, offers, stem
from tui.drawing.links import Link, event_links
from tui.drawing.notices import choices, looking_for, not_found
from tui.drawing.segments import Line, fit, printable
from tui.drawing.sheet import Sheet
from tui.screens.base import TALL
from tui.screens.chain_fate import Beside, FateScreen
from tui.source import Ambiguous, BadRequest, NotFound, NothingRecorded, Source, SourceError
from tui.widgets.bar import Bar
from tui.widgets.bindings import bindings
from tui.widgets.canvas import Canvas

HEADED = (ChainDrawing, SequenceDrawing, TimelineDrawing)


NEAR = 3600 * 10**9
"""Nanoseconds before and after a chain's events in which findings may be about them."""

MOST_FINDINGS = 1_000


class View(Enum):
    """How a chain is drawn."""

    TREE = auto()
    SEQUENCE = auto()
    TIMELINE = auto()


def found_by(source: Source, chain: Chain) -> FoundInChain:
    """What was found wrong around the time of a chain, on its events and deliveries."""
    from graph.findings.wanted import Wanted
    from tui.drawing.finding_places import found_in

    times = [event.time for event in chain.events if event.time]
    if not times:
        return NOTHING_FOUND
    wanted = Wanted(since=max(1, min(times) - NEAR), until=max(times) + NEAR, limit=MOST_FINDINGS)
    return found_in(source.findings(wanted).findings, chain)


class ChainScreen(FateScreen):
    """The causal tree with its waterfall; details of the selected event or delivery."""

    place = Place.CHAIN
    tab = "chain"
    BINDINGS = bindings(Place.CHAIN)

    def __init__(self, asked: str) -> None:
        super().__init__()
        self.asked = asked
        self.chain: Chain | None = None
        self._folded: frozenset[RowKey] = frozenset()
        self._bundles: frozenset[RowKey] = frozenset()
        """Bundles whose members are shown."""
        self._view = View.TREE
        self._only = Only.ALL
        self._whole: ChainDrawing | None = None
        """The tree as it is drawn, or would be: the way from one row to another is its own."""
        self._came: tuple[RowKey, int] | None = None
        """The event whose causes are walked one after another, and how many were."""
        self._found: FoundInChain = NOTHING_FOUND
        self._refused = False
        """Asking the same again would not help."""

    def body(self) -> Sequence[Widget]:
        return [
            Bar(self._way, id="way"),
            Bar(self._heading, id="heading"),
            Container(Canvas(id="main"), Canvas(id="details", select_first=False), id="body"),
            Canvas(id="notice"),
        ]

    def on_mount(self) -> None:
        self.notice(looking_for(self.asked))

    def room_for_details(self) -> bool:
        return super().room_for_details() or self.size.height >= TALL

    def said(self) -> Line:
        return summary(self.chain) if self.chain else ()

    def _way(self, width: int) -> Line:
        drawing = self._drawing
        if drawing is None:
            return fit((), width)
        way = drawing.way_to(self._main.selected)
        focus = str(way[-1].key) if way else ""
        right: Line = ()
        if self._only is not Only.ALL and self.chain is not None:
            right = told(self._only, self.chain, drawing.rows, self.fates)
        return draw_way([printable(event.title) for event in way], focus, right, width)

    def _heading(self, width: int) -> Line:
        drawing = self._main.drawing
        return drawing.heading if isinstance(drawing, HEADED) else fit((), width)

    @property
    def _main(self) -> Canvas:
        return self.query_one("#main", Canvas)

    @property
    def _drawing(self) -> ChainDrawing | None:
        drawing = self._main.drawing
        return drawing if isinstance(drawing, ChainDrawing) else self._whole

    # Answers

    def tick(self) -> None:
        super().tick()
        if self.chain is None and not self._refused:
            self._ask()

    def _ask(self) -> None:
        source, asked = self.flowtap.source, self.asked
        self.ask("chain", lambda: source.chain(asked), self._answered)

    def _answered(self, chain: Chain) -> None:
        self.flowtap.connection.back(self.flowtap.now())
        self.chain = chain
        self.flowtap.last_chain = self.asked
        self.notice(None)
        self._draw()
        self._main.focus()
        self.refresh_bars()
        self.ask("marks", lambda: found_by(self.flowtap.source, chain), self._was_found)

    def _was_found(self, found: FoundInChain) -> None:
        if found:
            self._found = found
            self._draw()

    def failed(self, subject: str, error: SourceError) -> None:
        self._refused = isinstance(error, (NotFound, BadRequest, NothingRecorded, Ambiguous))
        if subject == "chain" and isinstance(error, (NotFound, BadRequest, NothingRecorded)):
            self.notice(not_found(self.asked, error.detail, error.hint))
            self.refresh_bars()
            return
        if subject == "chain" and isinstance(error, Ambiguous):
            self.notice(choices(self.asked, error.candidates), "up", "down", "open")
            self.refresh_bars()
            return
        super().failed(subject, error)
        if subject == "chain" and self.chain is None:
            self.excuse(error)

    def _draw(self) -> None:
        chain, fates = self.chain, dict(self.fates)
        if chain is not None:
            folded, opened, only = self._folded, self._bundles, self._only
            bundles = opened if self._view is View.TREE else None
            found = self._found
            self._whole = ChainDrawing(chain, self.size.width, folded, bundles, only, fates, found)
            if self._view is View.SEQUENCE:
                self._main.show(lambda width: SequenceDrawing(chain, width, fates))
            elif self._view is View.TIMELINE:
                self._main.show(lambda width: TimelineDrawing(chain, width, fates))
            else:
                self._main.show(
                    lambda width: ChainDrawing(chain, width, folded, opened, only, fates, found)
                )
            self._show_details()
            self.query_one("#heading", Bar).refresh()

    # What is selected

    @property
    def selected(self) -> RowKey | None:
        """The selected row."""
        selected = self._main.selected
        return selected if isinstance(selected, RowKey) else None

    @property
    def row(self) -> Row | None:
        return self._drawing.row(self.selected) if self._drawing else None

    @on(Canvas.Selected, "#main")
    def _selected(self) -> None:
        self._show_details()
        self.query_one("#details", Canvas).scroll_to(y=0, animate=False)
        self.look_at_fate()
        self.refresh_bars()

    @property
    def shown_chain(self) -> Chain | None:
        return self.chain

    @property
    def chosen_event(self) -> EventKey | None:
        row = self.row
        return row.event.key if row is not None and row.event is not None else None

    @property
    def also_wanted(self) -> Sequence[EventKey]:
        """All events where only problems show; those of a selected bundle."""
        if self.chain is not None and self._only is Only.PROBLEMS:
            return [event.key for event in self.chain.events]
        row = self.row
        return [one.event.key for one in row.alike if one.event] if row is not None else ()

    def chain_again(self) -> Chain:
        return self.flowtap.source.chain(self.asked, explained=True)

    def fate_told(self) -> None:
        self._draw()
        self.refresh_bars()

    def _show_details(self) -> None:
        chain, row = self.chain, self.row
        if chain is None:
            return
        details = self.query_one("#details", Canvas)
        if self.beside is Beside.DETAILS:
            fates, found = dict(self.fates), self._found
            details.show(lambda width: Sheet(row_details(row, chain, width, fates, found)))
        else:
            details.show(lambda width: Sheet(self.told_lines(width)))

    # Walking

    def _go(self, target: RowKey | None) -> None:
        if target is None:
            return
        self._unfold_above(target)
        self._main.select(target)

    def _unfold_above(self, target: RowKey) -> None:
        drawing = self._drawing
        if drawing is None or drawing.rows_of(target) is not None or target.event is None:
            return
        hiding = drawing.hiding(target.event)
        if hiding:
            self._folded -= hiding
            self._bundles |= {key for key in hiding if key.kind is RowKind.BUNDLE}
            self._draw()

    def action_cause(self) -> None:
        drawing, row = self._drawing, self.row
        if drawing is None or row is None or self.chain is None:
            return
        if row.key.kind is RowKind.REFERENCE:
            self._go(drawing.above(row.key))
            return
        if row.key.kind is RowKind.EVENT and row.others and row.event is not None:
            walked = self._came[1] + 1 if self._came and self._came[0] == row.key else 0
            causes = self.chain.causes_of(row.event.key)
            main = [cause for cause in causes if cause == row.cause]
            rest = [cause for cause in causes if cause != row.cause]
            cause = [*main, *rest][walked % len(causes)]
            self._came = row.key, walked
            self._go(RowKey(RowKind.DELIVERY, cause.cause, cause.delivery))
            return
        above = drawing.above(row.key)
        self._go(above)

    def action_effect(self) -> None:
        drawing, row = self._drawing, self.row
        if drawing is None or row is None:
            return
        if row.folded:
            self._folded -= {row.key}
            self._draw()
            drawing = self._drawing or drawing
        if row.key.kind is RowKind.REFERENCE and row.event is not None:
            self._go(RowKey(RowKind.EVENT, row.event.key))
        else:
            self._go(drawing.below(row.key))

    def action_next(self) -> None:
        self._beside(1)

    def action_previous(self) -> None:
        self._beside(-1)

    def _beside(self, step: int) -> None:
        if self._drawing and self.selected:
            self._go(self._drawing.beside(self.selected, step))

    def action_view(self) -> None:
        views = list(View)
        self._view = views[(views.index(self._view) + 1) % len(views)]
        selected = self._main.selected
        self._draw()
        self._main.select(selected)
        self.refresh_bars()

    def action_problems(self) -> None:
        self._show_only(Only.PROBLEMS)

    def action_critical(self) -> None:
        self._show_only(Only.CRITICAL)

    def _show_only(self, only: Only) -> None:
        """The tree with only these rows, or with all of them again."""
        self._only = Only.ALL if self._only is only else only
        self._view = View.TREE
        self._draw()
        self.look_at_fate()
        self.refresh_bars()

    def action_fold(self) -> None:
        row = self.row
        if row is not None and row.alike:
            self._bundles = self._bundles ^ {row.key}
            self._draw()
        elif row is not None and row.inside:
            self._folded = self._folded ^ {row.key}
            self._draw()

    def action_fold_all(self) -> None:
        drawing = self._drawing
        if drawing is None:
            return
        selected = self.selected
        while selected is not None:
            row, above = drawing.row(selected), drawing.above(selected)
            if row is None or row.depth <= 1 or above is None:
                break
            selected = above
        self._folded = drawing.below_level(1)
        self._draw()
        self._main.select(selected)

    def action_unfold_all(self) -> None:
        self._folded = frozenset()
        self._draw()

    def action_open(self) -> None:
        chosen = self.canvas.selected
        if self.has_class("notice") and isinstance(chosen, str):
            self.asked, self._refused = chosen, False
            self.notice(looking_for(chosen))
            self._ask()
        else:
            super().action_open()

    def open(self) -> None:
        row = self.row
        if row is None:
            return
        if row.key.kind is RowKind.REFERENCE:
            self.action_effect()
        elif row.folded or row.alike:
            self.action_fold()
        else:
            self.action_details()

    def links(self) -> Sequence[Link]:
        event = self.chosen_event
        if event is None or self.chain is None:
            return ()
        return event_links(event_ids(self.chain)[event], self.address)

    def exported(self) -> Export:
        if self.chain is None:
            return Export("this screen", stem("chain"))
        shown = narrowed(self.chain, self._only)
        what = counted(len(shown.events), "event")
        if self._only is not Only.ALL:
            what += f", {self._only.value}" if self._only is Only.CRITICAL else ", only problems"
        return Export(
            what, stem("chain", self.asked), offers(CHAIN_FORMATS, shown) if shown.events else ()
        )

    def copied(self) -> str:
        row = self.row
        if row is None or row.event is None or self.chain is None:
            return ""
        return row.event.message_id or event_ids(self.chain)[row.event.key]
