"""What became of an event at its consumers, in a few words, for a chain's rows and details."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from graph.chain.result import Delivery, DeliveryKey, Event, EventKey
from graph.fate.result import Fate, Fates, Status
from tui.drawing import evidence as marks
from tui.drawing import figures
from tui.drawing.chain_bundles import members_of
from tui.drawing.chain_tree import Row
from tui.drawing.facts import heading, wrap
from tui.drawing.fate_lines import MARKS
from tui.drawing.segments import Line, Segment, SegmentRole, line, printable

INDENT = 2


class ConsumerFates:
    """One event's fates, by the deliveries that have rows, and those that have none."""

    def __init__(self, fates: Fates, deliveries: Iterable[Delivery]) -> None:
        self.fates = fates
        by_service: dict[str, list[Fate]] = defaultdict(list)
        by_group: dict[str, list[Fate]] = defaultdict(list)
        for fate in fates.consumers:
            for service in fate.services:
                by_service[service].append(fate)
            by_group[fate.group].append(fate)
        self._of: dict[DeliveryKey, Fate] = {}
        for one in deliveries:
            found = by_service.get(one.service, [])
            if len(found) != 1:
                same = by_group.get(one.group, []) if one.group else []
                found = [fate for fate in same if not found or fate in found]
            if len(found) == 1:
                self._of[one.key] = found[0]
        drawn = {id(fate) for fate in self._of.values()}
        self.besides = [fate for fate in fates.consumers if id(fate) not in drawn]
        """At consumers that have no row."""

    def of(self, delivery: Delivery) -> Fate | None:
        """The event's fate at the delivery's consumer, where it is known which that is."""
        return self._of.get(delivery.key)

    @property
    def unsettled(self) -> bool:
        """Whether there is more to come."""
        return any(one.status in (Status.PENDING, Status.RETRIED) for one in self.fates.consumers)


KnownFates = Mapping[EventKey, ConsumerFates | str]
"""By event: its fates, or why there are none yet."""

NO_FATES: KnownFates = {}

_TROUBLE = (Status.DEAD_LETTERED, Status.FAILED, Status.RETRIED, Status.PENDING)


def is_trouble(fate: Fate) -> bool:
    """Whether somebody with an incident wants to see it: it was given up or failed, is not done
    yet, or nothing says that a service had it which consumes such events. Of a group that only
    its broker knows, nothing but its progress could tell; that it lacks is no sign of trouble."""
    return fate.status in _TROUBLE or (fate.status is Status.NO_EVIDENCE and bool(fate.services))


def trouble_besides(event: EventKey, known: KnownFates) -> bool:
    """Whether there is trouble at a consumer that has no row."""
    return any(map(is_trouble, _besides(event, known)))


def _besides(event: EventKey, known: KnownFates) -> list[Fate]:
    told = known.get(event)
    return told.besides if isinstance(told, ConsumerFates) else []


def fate_of(delivery: Delivery, known: KnownFates) -> Fate | None:
    """What became of the event there, where that is known beyond what its spans say."""
    told = known.get(delivery.event)
    fate = told.of(delivery) if isinstance(told, ConsumerFates) else None
    if fate is None:
        return None
    by_spans = fate.status in (Status.HANDLED, Status.FAILED)
    return None if by_spans and fate.evidence is delivery.evidence else fate


def counts_besides(event: Event, known: KnownFates, *, short: bool) -> list[Segment]:
    """What became of an event where no row says it: `  … 1 pending  › 2 passed`, or `  …1 ›2`."""
    return _counted(_besides(event.key, known), short=short)


def counts_of_bundle(row: Row, known: KnownFates, *, short: bool) -> list[Segment]:
    """What became of the members of a bundle, beyond what their spans say, and of how many of
    them that is known: `  ✗ 3 dead-lettered of 12 looked at`."""
    members = members_of(row)
    looked = [one for one in members if isinstance(known.get(_event_of(one)), ConsumerFates)]
    if row.delivery is not None:
        fates = [fate for one in looked if one.delivery and (fate := fate_of(one.delivery, known))]
    else:
        fates = [fate for one in looked for fate in _besides(_event_of(one), known)]
    said = _counted(fates, short=short)
    if said and len(looked) < len(members):
        said.append(Segment(f" of {len(looked):,}" + ("" if short else " looked at"), "dim"))
    return said


def _event_of(row: Row) -> EventKey:
    assert row.event is not None
    return row.event.key


def _counted(fates: Iterable[Fate], *, short: bool) -> list[Segment]:
    counts = Counter(fate.status for fate in fates)
    found = [(*MARKS[status], counts[status], status) for status in Status if counts[status]]
    if short:
        said = [Segment(f" {mark}{count}", role) for mark, role, count, _ in found]
        return [Segment(" "), *said] if said else []
    return [Segment(f"  {mark} {count} {one.value}", role) for mark, role, count, one in found]


def said_of(fate: Fate) -> tuple[str, str, SegmentRole]:
    """A fate's mark, its word with the mark of its evidence, and the role of both."""
    mark, role = MARKS[fate.status]
    sure = f" {marks.MARKS[fate.evidence]}" if fate.evidence else ""
    return mark, f"{fate.status.value}{sure}", role


def in_words(fate: Fate) -> list[Segment]:
    """`pending: 1,204 before it, expected 12:02:04  ≈ matched`."""
    role = MARKS[fate.status][1]
    more = _more(fate)
    parts = [Segment(fate.status.value, role), Segment(f": {more}" if more else "")]
    if fate.evidence is not None:
        parts += [
            Segment("  "),
            Segment(
                f"{marks.MARKS[fate.evidence]} {fate.evidence.value}", marks.ROLES[fate.evidence]
            ),
        ]
    return parts


def _more(fate: Fate) -> str:
    match fate.status:
        case Status.PENDING:
            return _ahead(fate)
        case Status.PASSED:
            after, by = (figures.clock(one)[:8] for one in (fate.passed_after, fate.passed_by))
            if not fate.passed_by:
                return ""
            return f"between {after} and {by}" if fate.passed_after else f"by {by}"
        case Status.HANDLED:
            took = f"in {figures.duration(fate.duration)}" if fate.duration is not None else ""
            return f"{took}, attempt {fate.attempts}" if took and fate.attempts > 1 else took
        case Status.FAILED | Status.RETRIED | Status.DEAD_LETTERED:
            place = f"a copy lies at {fate.copy}" if fate.copy else ""
            return ", ".join(part for part in (place, printable(fate.error)) if part)
        case _:
            return ""


def _ahead(fate: Fate) -> str:
    if fate.ahead is None:
        return ""
    before = f"{fate.ahead - 1:,} before it" if fate.ahead > 1 else "next to be read"
    if fate.expected:
        return f"{before}, expected {figures.clock(fate.expected)[:8]}"
    if fate.rate is None:
        return before
    # With a pace it would be expected at some time, if anybody were in the group.
    return f"{before}, and {'nobody reads' if fate.rate else 'nothing is read'}"


def fate_section(told: ConsumerFates | str, width: int) -> list[Line]:
    """Each consumer's fate with its evidence, then what is true of the event as a whole."""
    if isinstance(told, str):
        said = [line(*row) for row in wrap([Segment(told, "dim")], width)]
        return [*heading("fate", width), *said] if told else []
    fates = told.fates
    count = len(fates.consumers)
    where = f" at {count} consumer{'' if count == 1 else 's'}" if count else ""
    lines = heading(f"fate{where}", width)
    if not count and not fates.notes:
        lines.append(line(Segment("no consumer is known", "dim")))
    for fate in fates.consumers:
        mark, role = MARKS[fate.status]
        named: list[Segment] = [Segment(f"{mark} ", role)]
        named.append(Segment(printable(fate.name), "service" if fate.services else "group"))
        lines += _hanging([*named, Segment("  "), *in_words(fate)], width)
    for note in fates.notes:
        lines += _hanging([Segment(note, "warning")], width)
    return lines


def _hanging(parts: list[Segment], width: int) -> list[Line]:
    """Wrapped, with all rows but the first a little to the right."""
    rows = wrap(parts, width - INDENT)
    return [line(" " * INDENT if number else "", *row) for number, row in enumerate(rows)]
