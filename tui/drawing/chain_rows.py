"""A chain's rows, one line each: the tree, why things are joined, when, how long, a waterfall."""

from __future__ import annotations

from typing import NamedTuple

from graph.chain.coverage import cut_events
from graph.chain.result import Cause, Chain, Delivery, Event
from graph.model import Evidence, OperationType
from tui.drawing import figures
from tui.drawing.chain_bundles import began, evidence_of, failures
from tui.drawing.chain_fates import (
    NO_FATES,
    KnownFates,
    counts_besides,
    counts_of_bundle,
    fate_of,
    said_of,
)
from tui.drawing.chain_findings import NOTHING_FOUND, FoundInChain, found_at
from tui.drawing.chain_tree import Row, RowKind
from tui.drawing.evidence import DASHES, MARKS, ROLES
from tui.drawing.finding_flags import flag
from tui.drawing.segments import Line, Segment, SegmentRole, fit, line, pad, printable, width_of
from tui.drawing.waterfall import TimeSpan, bar, point, scale

MILLISECOND = 1_000_000


class ChainColumns(NamedTuple):
    """How the width is divided; a waterfall of width 0 is left out."""

    width: int
    tree: int
    why: int
    """1: the evidence's mark alone; 16: also what it was read from; 26: also its word."""
    at: int
    took: int
    waterfall: int

    @classmethod
    def for_width(cls, width: int) -> ChainColumns:
        """At least 40 columns are sensible; the waterfall comes in from 72."""
        why = 26 if width >= 130 else 16 if width >= 110 else 1
        waterfall = 0 if width < 72 else max(14, min(60, (width - 34 - why) * 36 // 100))
        spaces = 5 if waterfall else 4
        tree = max(12, width - why - 9 - 8 - waterfall - spaces)
        return cls(width, tree, why, 9, 8, waterfall)


class Status(NamedTuple):
    """What became of a delivery: a mark, the word for it, and the role of both."""

    mark: str
    word: str
    role: SegmentRole


def status_of(delivery: Delivery, chain: Chain) -> Status:
    """As its spans and its effects tell; one that led to something was handled."""
    if delivery.error:
        return Status("✗", "failed", "error")
    types = {operation.type for operation in delivery.operations}
    led = any(cause.delivery == delivery.key for cause in chain.effects_of(delivery.event))
    if led or OperationType.PROCESS in types or OperationType.SETTLE in types:
        return Status("✓", "handled", "ok")
    if types:
        return Status("◦", "received", "warning")
    return Status("·", "no span", "dim")


def skew_of(cause: Cause, chain: Chain) -> int:
    """By how much the clocks put an effect before its cause was handled, in nanoseconds; 0 for
    none. A message's own time is cut to milliseconds, which is no skew."""
    unsure = 0 if chain.event(cause.effect).operations else MILLISECOND - 1
    return -cause.delay if cause.delay < -unsure else 0


def draw_heading(columns: ChainColumns, span: TimeSpan) -> Line:
    """The line above the rows that names the columns, with the waterfall's scale."""
    parts = [
        Segment(pad(" event, and who handled it", columns.tree + 1), "label"),
        Segment(" " + pad("why" if columns.why > 1 else "", columns.why), "label"),
        Segment(" " + pad("at", columns.at, "right"), "label"),
        Segment(" " + pad("took", columns.took, "right"), "label"),
    ]
    if columns.waterfall:
        parts += [Segment(" "), scale(span, columns.waterfall)]
    return fit(line(*parts), columns.width)


def draw_row(
    row: Row,
    chain: Chain,
    columns: ChainColumns,
    span: TimeSpan,
    *,
    selected: bool = False,
    fates: KnownFates = NO_FATES,
    found: FoundInChain = NOTHING_FOUND,
) -> Line:
    """One row in exactly the columns' width; all its segments have the row's key as target."""
    branch = _branch(row, columns.tree // 2)
    mark = flag(found_at(row, found))
    shown = line(*branch, *_flagged(_label(row, chain, fates, short=False), mark))
    if width_of(shown) > columns.tree:
        shown = line(*branch, *_flagged(_label(row, chain, fates, short=True), mark))
    label = fit(shown, columns.tree)
    started, took = _times(row)
    at = figures.offset(started - span.start) if started and span.start else ""
    parts: list[Segment] = [
        Segment("▸" if selected else " ", "title"),
        *label,
        Segment(" "),
        *_why(row, columns.why),
        Segment(" " + pad(at, columns.at, "right"), "time"),
        Segment(" " + pad("" if took is None else figures.duration(took), columns.took, "right")),
    ]
    if columns.waterfall:
        parts += [Segment(" "), *_waterfall(row, span, columns.waterfall)]
    return tuple(part._replace(target=row.key) for part in fit(line(*parts), columns.width))


def _branch(row: Row, room: int) -> list[Segment]:
    """The lines of the tree up to the row's own mark; deep ones are told by their generation."""
    if not row.guides:
        return []
    levels = row.guides[1:]
    deeper = ""
    if 2 * len(levels) + 2 > room:
        deeper = f"‹{(len(row.guides) + 1) // 2}› "
        levels = levels[len(levels) - max(0, (room - 2 - len(deeper)) // 2) :]
    guides = deeper + "".join("│ " if on else "  " for on in levels)
    evidence = _evidence(row)
    dash = DASHES[evidence] if evidence else "─"
    role: SegmentRole = "edge.inferred" if dash != "─" else "edge"
    return [Segment(guides, "edge"), Segment(("╰" if row.last else "├") + dash, role)]


def _evidence(row: Row) -> Evidence | None:
    if row.delivery is not None and not row.alike:
        return row.delivery.evidence if row.delivery.joins else None
    return evidence_of(row)


def _label(row: Row, chain: Chain, fates: KnownFates, *, short: bool) -> list[Segment]:
    if row.key.kind is RowKind.RELATED:
        count = len(chain.related)
        return [
            Segment("⋯ ", "dim"),
            Segment("share only a correlation id", "label"),
            Segment(f"  {count} event{'s' if count > 1 else ''}", "dim"),
        ]
    if row.alike:
        label = [*_bundle_label(row), *counts_of_bundle(row, fates, short=short)]
    elif row.delivery is not None:
        label = _delivery_label(row.delivery, chain, fates)
        if row.event and row.delivery.operations and row.delivery.start < row.event.time:
            early = figures.duration(row.event.time - row.delivery.start)
            label.append(Segment(f"  clock skew {early}", "warning"))
    elif row.event is not None and row.key.kind is RowKind.EVENT:
        # Where there is little room, what became of it comes before who sent it.
        fate = counts_besides(row.event, fates, short=short)
        mark, title, *rest = _event_label(row, row.event, chain)
        label = [mark, title, *fate, *rest] if short else [mark, title, *rest, *fate]
    else:
        label = _reference_label(row)
    if row.folded:
        label.append(Segment(f"  ⊞ {row.inside} more", "label"))
    return label


def _flagged(label: list[Segment], mark: Segment) -> list[Segment]:
    """With the mark of what was found behind the name, which is cut last."""
    return [*label[:2], mark, *label[2:]] if mark.text else label


def _bundle_label(row: Row) -> list[Segment]:
    count = Segment(f" ×{len(row.alike):,}", "title")
    failed = failures(row)
    if row.delivery is not None:
        name = row.delivery.service or row.delivery.group or "unknown consumer"
        mark = Segment("✗ ", "error") if failed else Segment("✓ ", "ok")
        parts = [mark, Segment(printable(name), "service"), count]
    else:
        mark = Segment("↑ ", "edge") if row.alike[0].above else Segment("● ", "event")
        title = printable(row.event.title) if row.event else ""
        parts = [mark, Segment(title, "event"), count]
    if failed:
        parts.append(Segment(f"  {failed:,} failed", "error"))
    return parts


def _reference_label(row: Row) -> list[Segment]:
    mark, where = ("↑", "drawn above") if row.above else ("↓", "drawn below")
    if row.loop:
        mark, where = "↻", "a loop back, above"
    title = printable(row.event.title) if row.event else ""
    return [Segment(f"{mark} ", "edge"), Segment(title, "event"), Segment(f"  {where}", "dim")]


def _event_label(row: Row, event: Event, chain: Chain) -> list[Segment]:
    asked = event.key in chain.starts
    role: SegmentRole = "error" if event.error else "event"
    parts = [Segment("◉ " if asked else "● ", role), Segment(printable(event.title), "event")]
    if event.error:
        parts.append(Segment("  ✗ sending failed", "error"))
    led_here = row.cause.service if row.cause else ""
    if event.service and event.service != led_here:
        parts += [Segment("  by ", "dim"), Segment(printable(event.service), "service")]
    if row.others:
        parts.append(Segment(f"  +{row.others} cause{'s' if row.others > 1 else ''}", "warning"))
    if row.cause and row.cause.candidates > 1:
        parts.append(Segment(f"  1 of {row.cause.candidates} possible causes", "warning"))
    if row.cause and (skew := skew_of(row.cause, chain)):
        parts.append(Segment(f"  clock skew {figures.duration(skew)}", "warning"))
    places = dict.fromkeys(message.position.destination for message in event.messages)
    copies = [place for place in places if place != event.destination]
    if copies:
        parts += [
            Segment("  also in ", "dim"),
            Segment(printable(", ".join(copies)), "destination"),
        ]
    elif event.event_type and event.destination not in ("", event.event_type):
        parts += [Segment("  in ", "dim"), Segment(printable(event.destination), "destination")]
    return parts


def _delivery_label(delivery: Delivery, chain: Chain, fates: KnownFates) -> list[Segment]:
    status = status_of(delivery, chain)
    fate = fate_of(delivery, fates)
    if fate is not None:
        status = Status(*said_of(fate))
    name = delivery.service or delivery.group or "unknown consumer"
    parts = [Segment(f"{status.mark} ", status.role), Segment(printable(name), "service")]
    if fate is not None:
        parts.append(Segment(f"  {status.word}", status.role))
    candidates = max((join.candidates for join in delivery.joins), default=1)
    if candidates > 1:
        parts.append(Segment(f"  1 of {candidates} possible events", "warning"))
    if len(delivery.attempts) > 1:
        parts.append(Segment(f"  {len(delivery.attempts)} attempts", "warning"))
    said = printable(delivery.error_message) if delivery.error else ""
    if not said and fate is None and status.word != "handled":
        said = status.word
    if said:
        parts.append(Segment(f"  {said}", status.role))
    return parts


def _why(row: Row, width: int) -> list[Segment]:
    evidence = _evidence(row)
    if evidence is None:
        return [Segment(" " * width)]
    mark = Segment(MARKS[evidence], ROLES[evidence])
    if width == 1:
        return [mark]
    if row.delivery is not None and row.delivery.joins:
        via = min(row.delivery.joins, key=lambda join: join.evidence.rank).via.value
    else:
        via = row.cause.via.value if row.cause else ""
    said = f"{evidence.value}, {via}" if width >= 26 else via
    return [mark, Segment(" " + pad(said, width - 2), "dim")]


def _times(row: Row) -> tuple[int, int | None]:
    """When it began, and how long it took (None where nothing tells); for a bundle, from the
    first of it to the last."""
    if row.alike:
        first, last = began(row)
        return first, last - first
    if row.delivery is not None:
        known = bool(row.delivery.operations)
        return row.delivery.start, row.delivery.end - row.delivery.start if known else None
    if row.event is not None and row.key.kind is RowKind.EVENT:
        return row.event.time, None
    return 0, None


def _waterfall(row: Row, span: TimeSpan, width: int) -> list[Segment]:
    if row.event is None or row.key.kind is RowKind.REFERENCE:
        return [Segment(" " * width)]
    if row.delivery is not None:
        return bar(row.event.time, row.delivery, span, width)
    return point(row.event.time, span, width)


def summary(chain: Chain) -> Line:
    """The chain in one line: events, services, how long, and what is wrong with it."""
    events, services = len(chain.events), len(chain.services)
    sizes = (
        f"{events:,} event{'s' if events != 1 else ''} · "
        f"{services} service{'s' if services != 1 else ''} · "
        f"{figures.duration(TimeSpan.of(chain).duration)}"
    )
    failed = sum(delivery.error for delivery in chain.deliveries)
    before = figures.date(chain.covered_from)[:16]
    return line(
        Segment(sizes, "dim"),
        Segment(f" · ✗ {failed} failed" if failed else "", "error"),
        Segment(f" · cut: limit of {chain.stopped.value}" if chain.stopped else "", "warning"),
        Segment(f" · pruned before {before}" if cut_events(chain) else "", "warning"),
    )
