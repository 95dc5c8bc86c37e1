"""A chain as text: one tree, offsets from its beginning, and for each join its evidence.

EVENT, and who received it                 AFTER  BY / RESULT       EVIDENCE
● order.created                                0  storefront        observed
│   7d8c1b7e  orders/0/1042
└─▸ inventory                              +6 ms  ok 31 ms          observed
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graph.chain.coverage import cut_events, missed_by, missed_message, missing_causes
from graph.chain.result import Cause, Chain, Delivery, Event, Stop, Via
from graph.listing import Candidate
from graph.model import Evidence
from tui.drawing import evidence as marks
from tui.drawing import figures
from tui.drawing.chain_bundles import began, bundled, evidence_of, failures
from tui.drawing.chain_results import consumer_of, result_of, results_of
from tui.drawing.chain_rows import skew_of
from tui.drawing.chain_tree import Row, RowKind, tree
from tui.drawing.segments import (
    Line,
    Segment,
    SegmentRole,
    cells,
    cut,
    cut_middle,
    line,
    pad,
    printable,
    width_of,
)

AFTER = 9
RESULT = 18
EVIDENCE = 9
LEAST_WIDTH = 60
LEAST_NAME = 22
"""Columns that a name keeps, however deep the tree."""

_STOPS = {
    Stop.EVENTS: "it was cut at {count:,} events: ask with a larger --limit",
    Stop.DEPTH: "it goes on beyond this depth: ask with a larger --depth",
    Stop.DEADLINE: "it was cut when time ran out: ask with --causes or --effects, or --depth",
}


def chain_lines(chain: Chain, width: int = 80, *, each: bool = False) -> list[Line]:
    """The whole chain; segments of events and deliveries have their keys as target.

    What is alike and many is one line with its count, unless `each` is asked for.
    """
    drawing = _Drawing(chain, max(width, LEAST_WIDTH), each)
    return [*drawing.summary(), (), drawing.heading(), *drawing.rows(), *drawing.end()]


class _Drawing:
    def __init__(self, chain: Chain, width: int, each: bool) -> None:
        self.chain = chain
        self.width = width
        self.name = width - AFTER - RESULT - EVIDENCE - 4
        self.tree = tree(chain) if each else bundled(tree(chain))
        self.base = next((row.event.time for row in self.tree if row.event), 0)
        self.starts = frozenset(chain.starts)
        self.cut = frozenset(cut_events(chain))

    def summary(self) -> Iterator[Line]:
        """What this is, how large, how it ended, when."""
        chain = self.chain
        failed = sum(delivery.error for delivery in chain.deliveries)
        asked = chain.event(chain.focus)
        others = f" and {len(chain.starts) - 1:,} more" if len(chain.starts) > 1 else ""
        yield line(Segment(printable(asked.title), "title", asked.key), others)
        sizes = ", ".join(
            _counted(count, noun)
            for count, noun in (
                (len(chain.events), "event"),
                (len(chain.deliveries), "delivery"),
                (len(chain.services), "service"),
            )
        )
        parts: list[Segment | str] = [sizes]
        if failed:
            parts += [", ", Segment(f"{failed:,} failed", "error")]
        yield line(*parts, f", {figures.duration(self._span())} from first to last")
        if self.base:
            yield line(Segment(f"{figures.date(self.base)} UTC", "time"))

    def _span(self) -> int:
        times = [event.time for event in self.chain.events]
        times += [time for one in self.chain.deliveries for time in (one.start, one.end)]
        known = [time for time in times if time]
        return max(known) - min(known) if known else 0

    def heading(self) -> Line:
        return line(
            Segment(pad("EVENT, and who received it", self.name), "label"),
            Segment(f" {pad('AFTER', AFTER, 'right')}  ", "label"),
            Segment(f"{pad('BY / RESULT', RESULT)} EVIDENCE", "label"),
        )

    def rows(self) -> Iterator[Line]:
        rows = self.tree
        for index, row in enumerate(rows):
            below = index + 1 < len(rows) and rows[index + 1].depth > row.depth
            if row.key.kind is RowKind.RELATED:
                yield ()
                yield line(
                    Segment("Related: the same correlation id, but nothing says why", "label")
                )
            elif row.alike:
                yield from self._bundle(row, below)
            elif row.delivery is not None and row.event is not None:
                yield from self._delivery(row, row.event, row.delivery, below)
            elif row.event is not None:
                if row.depth == 0 and index:
                    yield ()
                if row.key.kind is RowKind.EVENT:
                    yield from self._event(row, row.event, below)
                else:
                    yield self._reference(row, row.event)

    def _event(self, row: Row, event: Event, below: bool) -> Iterator[Line]:
        role: SegmentRole = "error" if event.error else "event"
        by = event.service or "unknown producer"
        evidence = row.cause.evidence if row.cause else event.service_evidence
        yield self._line(
            row,
            Segment("● ", role),
            Segment(event.title, role, event.key),
            after=event.time,
            result=Segment(by, "service" if event.service else "unknown"),
            evidence=evidence,
        )
        for detail in self._details(event, row.cause, row.others):
            yield from self._detail(row, below, detail)

    def _bundle(self, row: Row, below: bool) -> Iterator[Line]:
        """Many rows that are alike: how many, how they went, from when to when."""
        times = began(row)
        count = Segment(f" ×{len(row.alike):,}", "title")
        details: list[Segment] = []
        if row.delivery is not None:
            mark = Segment("▸ ", "error" if failures(row) else "service")
            names = consumer_of(row.delivery)
            result = results_of(row)
        else:
            mark = Segment("● " if row.alike[0].key.kind is RowKind.EVENT else "↩ ", "event")
            names = [Segment(row.event.title if row.event else "", "event")]
            by = row.event.service if row.event else ""
            result = Segment(by or "unknown producer", "service" if by else "unknown")
            ends = [str(one.event.key) for one in (row.alike[0], row.alike[-1]) if one.event]
            details.append(Segment(" … ".join(ends), "id"))
            if failed := failures(row):
                details.append(Segment(f"producing {failed:,} of them FAILED", "error"))
        if times[1] > times[0] and self.base:
            details.append(Segment(f"until {figures.offset(times[1] - self.base)}", "time"))
        why = evidence_of(row)
        yield self._line(row, mark, *names, count, after=times[0], result=result, evidence=why)
        if details:
            yield from self._detail(row, below, details)

    def _details(self, event: Event, cause: Cause | None, others: int) -> Iterator[list[Segment]]:
        """Lines that follow an event, each as pieces that may be wrapped between."""
        pieces = [Segment(event.message_id, "id", event.key)] if event.message_id else []
        pieces += [Segment(str(position), "id") for position in event.positions[:1]]
        if not event.message_id and not event.positions:
            pieces.append(Segment(str(event.key), "id", event.key))
        yield pieces
        if event.key in self.starts and len(self.chain.events) > 1:
            yield [Segment("this is what you asked for", "title")]
        if not event.messages:
            where = event.destination if event.destination != event.title else ""
            seen = f"on {where}; " if where else ""
            yield [Segment(f"{seen}known from spans only", "dim")]
            if gap := missed_by(self.chain, event):
                yield [Segment(missed_message(gap), "warning")]
        if len(event.positions) > 1:
            copies = [Segment(str(position), "id") for position in event.positions[1:]]
            yield [Segment("copies", "label"), *copies]
        if event.error:
            why = next((one.error_message for one in event.operations if one.error_message), "")
            yield [Segment("producing it FAILED" + (f": {why}" if why else ""), "error")]
        if event.batch > 1:
            yield [Segment(f"one of {event.batch:,} in a batch", "dim")]
        if event.key in self.cut:
            yield [Segment(missing_causes(self.chain.covered_from), "warning")]
        if cause is None:
            if event.service_evidence is Evidence.DECLARED:
                yield [Segment("its producer is named by a header only", "dim")]
            return
        yield from self._joined(cause)
        if others:
            yield [Segment(f"{_counted(others, 'more cause')}, shown by ↩", "dim")]

    def _joined(self, cause: Cause) -> Iterator[list[Segment]]:
        """How it is known that one event led to the other, where a span does not just say so."""
        if cause.via not in (Via.SPAN, Via.PARENT):
            certain = f", one of {cause.candidates:,} that fit" if cause.candidates > 1 else ""
            yield [Segment(f"joined by {cause.via.value}{certain}", "dim")]
        elif cause.candidates > 1:
            yield [Segment(f"one of {cause.candidates:,} causes that fit", "dim")]
        services = dict.fromkeys(span.service for span in cause.way if span.service)
        through = [name for name in services if name != cause.service]
        if through:
            yield [Segment("through", "label"), *(Segment(name, "service") for name in through)]
        if skew := skew_of(cause, self.chain):
            text = f"clock skew: {figures.duration(skew)} before its cause was handled"
            yield [Segment(text, "warning")]

    def _delivery(self, row: Row, event: Event, delivery: Delivery, below: bool) -> Iterator[Line]:
        yield self._line(
            row,
            Segment("▸ ", "error" if delivery.error else "service"),
            *consumer_of(delivery),
            after=delivery.start,
            result=result_of(delivery),
            evidence=delivery.evidence,
        )
        if delivery.error_message:
            yield from self._detail(row, below, [Segment(delivery.error_message, "error")])
        if delivery.operations and delivery.start < event.time:
            early = figures.duration(event.time - delivery.start)
            text = f"clock skew: {early} before it was produced"
            yield from self._detail(row, below, [Segment(text, "warning")])
        fitting = max((join.candidates for join in delivery.joins), default=1)
        if fitting > 1:
            yield from self._detail(row, below, [Segment(f"one of {fitting:,} that fit", "dim")])

    def _reference(self, row: Row, event: Event) -> Line:
        where = "a loop back, above" if row.loop else "drawn above" if row.above else "drawn below"
        return self._line(
            row,
            Segment("↩ ", "dim"),
            Segment(event.title, "event", event.key),
            after=event.time,
            result=Segment(where, "dim"),
            evidence=row.cause.evidence if row.cause else None,
        )

    def _line(
        self,
        row: Row,
        mark: Segment,
        *names: Segment,
        after: int,
        result: Segment,
        evidence: Evidence | None,
    ) -> Line:
        before = self._guides(row)
        room = self.name - cells(before) - cells(mark.text)
        shown: list[Segment] = []
        for name in names:
            text = cut_middle(printable(name.text), room)
            shown.append(name._replace(text=text))
            room -= cells(text)
        offset = figures.offset(after - self.base) if after and self.base else ""
        why = Segment(evidence.value, marks.ROLES[evidence]) if evidence else Segment("-", "dim")
        return line(
            Segment(before, "edge"),
            mark,
            *shown,
            " " * room,
            Segment(f" {pad(offset, AFTER, 'right')}  ", "time"),
            result._replace(text=pad(printable(result.text), RESULT)),
            " ",
            why,
        )

    def _detail(self, row: Row, below: bool, pieces: list[Segment]) -> Iterator[Line]:
        """Pieces under a row, wrapped between them; a piece that is too long is wrapped too."""
        before = self._guides(row, below)
        room = self.width - cells(before)
        current: list[Segment] = []
        for piece in pieces:
            for part in _wrapped(piece, room):
                if current and width_of(current) + cells(part.text) + 2 > room:
                    yield line(Segment(before, "edge"), *current)
                    current = []
                current += [Segment("  "), part] if current else [part]
        if current:
            yield line(Segment(before, "edge"), *current)

    def _guides(self, row: Row, below: bool | None = None) -> str:
        """The lines of the tree left of a row, or (with `below`) left of its details."""
        own = [("│ " if goes_on else "  ") for goes_on in row.guides[1:]]
        if row.depth:
            if below is None:
                own.append("└─" if row.last else "├─")
            else:
                own.append("  " if row.last else "│ ")
        if below is not None:
            own.append("│ " if below else "  ")
        text = "".join(own)
        most = max(0, self.name - LEAST_NAME)
        if len(text) <= most:
            return text
        # The depth that does not fit is said as a number: the end of the guides still leads.
        depth = f"{len(row.guides)}‥"
        return depth + text[len(text) - max(0, most - len(depth)) :]

    def end(self) -> Iterator[Line]:
        if any(row.alike for row in self.tree):
            yield ()
            yield line(Segment("×N: N that are alike in one line; --each shows them all.", "dim"))
        if self.chain.stopped:
            text = _STOPS[self.chain.stopped].format(count=len(self.chain.events))
            yield ()
            yield line(Segment(f"This is not all: {text}.", "warning"))


def choice_lines(candidates: Iterable[Candidate], width: int = 80) -> list[Line]:
    """What an id could mean, two lines each: what to ask for, then what it is and when."""
    drawn = []
    for one in candidates:
        when = figures.date(one.time)
        label = cut(printable(one.label), width - len(when) - 8)
        drawn.append(line(Segment(printable(one.ask), "id", one)))
        drawn.append(line("    ", Segment(label), "  ", Segment(when, "time")))
    return drawn


def _wrapped(piece: Segment, room: int) -> Iterator[Segment]:
    text = printable(piece.text)
    while cells(text) > room:
        head = text[:room]
        while cells(head) > room:
            head = head[:-1]
        yield piece._replace(text=head)
        text = text[len(head) :]
    if text:
        yield piece._replace(text=text)


def _counted(count: int, noun: str) -> str:
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1]}ies" if noun.endswith("y") else f"{count:,} {noun}s"
