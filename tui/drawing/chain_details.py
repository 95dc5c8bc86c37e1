"""All that is known of one row of a chain: the message, its headers and body, the operations."""

from __future__ import annotations

from graph.chain.coverage import cut_events, missed_by, missed_message, missing_causes
from graph.chain.result import Cause, Chain, Delivery, Event, Join
from graph.model import MASKED, Evidence, Message, Operation
from tui.drawing import figures
from tui.drawing.chain_fates import NO_FATES, KnownFates, fate_of, fate_section, in_words
from tui.drawing.chain_findings import NOTHING_FOUND, FoundInChain, found_at
from tui.drawing.chain_rows import skew_of, status_of
from tui.drawing.chain_tree import Row, RowKind
from tui.drawing.evidence import MARKS, MEANINGS, ROLES
from tui.drawing.facts import HEX, LABEL, body, fact, heading
from tui.drawing.finding_flags import finding_facts
from tui.drawing.segments import Line, Segment, cells, line, printable


def row_details(
    row: Row | None,
    chain: Chain,
    width: int,
    fates: KnownFates = NO_FATES,
    found: FoundInChain = NOTHING_FOUND,
) -> list[Line]:
    """Of the row's delivery, or else its event."""
    if row is None:
        return []
    if row.key.kind is RowKind.RELATED or row.event is None:
        text = "These share a correlation id with what you asked for, and nothing else joins them."
        return fact("related", text, width=width)
    if row.delivery is not None:
        lines = delivery_details(row.delivery, row.event, chain, width, fates)
    else:
        lines = event_details(row.event, chain, width, fates)
    return [lines[0], *finding_facts(found_at(row, found), width), *lines[1:]]


def event_details(
    event: Event, chain: Chain, width: int, fates: KnownFates = NO_FATES
) -> list[Line]:
    """An event: what, where, who, why; its fate; its message's headers and body, its operations."""
    lines = [line(Segment("● ", "event"), Segment(printable(event.title), "title"))]
    copies = "   ".join(str(position) for position in event.positions[1:])
    producer = [Segment(event.service, "service")] if event.service else []
    if event.service_evidence:
        producer += [Segment("  "), *_evidence(event.service_evidence)]
    lines += fact("id", Segment(event.message_id, "id"), width=width)
    lines += fact("at", Segment(str(event.key), "id"), width=width)
    lines += fact("also at", Segment(copies, "id"), width=width)
    lines += fact("time", Segment(_moment(event.time), "time"), width=width)
    lines += fact("producer", *(producer or [Segment("nothing says who", "unknown")]), width=width)
    lines += fact("key", event.record_key, width=width)
    lines += fact("correlation", Segment(event.correlation_id, "id"), width=width)
    lines += fact("causation", Segment(event.causation_id, "id"), width=width)
    lines += fact("in", _place(event), width=width)
    if event.batch > 1:
        lines += fact("batch", f"one of {event.batch:,} sent by one span", width=width)
    for cause in chain.causes_of(event.key):
        lines += _cause(cause, chain, width)
    if event.key in cut_events(chain):
        lines += fact("causes", Segment(missing_causes(chain.covered_from), "warning"), width=width)
    lines += fate_section(fates.get(event.key, ""), width)
    if gap := missed_by(chain, event):
        lines += fact("message", Segment(missed_message(gap), "warning"), width=width)
    else:
        lines += message_lines(event, width)
    lines += _operations(event.operations, event.joins, width)
    return lines


def delivery_details(
    delivery: Delivery, event: Event, chain: Chain, width: int, fates: KnownFates = NO_FATES
) -> list[Line]:
    """A delivery: what became of it, attempt by attempt, and why it is this event's."""
    status = status_of(delivery, chain)
    name = printable(delivery.service or delivery.group or "unknown consumer")
    lines = [
        line(
            Segment(f"{status.mark} ", status.role),
            Segment(name, "title"),
            Segment(f"  {status.word}", status.role),
        )
    ]
    lines += fact("said", Segment(delivery.error_message, "error"), width=width)
    fate = fate_of(delivery, fates)
    if fate is not None:
        lines += fact("fate", *in_words(fate), width=width)
        lines += fact("", Segment(fate.explanation, "dim"), width=width)
    lines += fact("event", Segment(event.title, "event"), width=width)
    lines += fact("group", Segment(delivery.group, "group"), width=width)
    if delivery.start:
        lines += fact("time", Segment(_moment(delivery.start), "time"), width=width)
        if event.time:
            waited = figures.duration(delivery.start - event.time)
            skewed = "  clock skew" if delivery.start < event.time else ""
            lines += fact(
                "waited", Segment(waited, "wait"), Segment(skewed, "warning"), width=width
            )
        took = figures.duration(delivery.end - delivery.start)
        lines += fact("took", Segment(took, "work"), width=width)
    lines += fact("evidence", *_evidence(delivery.evidence), width=width)
    lines += fact("", Segment(MEANINGS[delivery.evidence], "dim"), width=width)
    if len(delivery.attempts) > 1 or delivery.error:
        lines += heading("attempts", width)
        moved = len({attempt.position for attempt in delivery.attempts}) > 1
        for number, attempt in enumerate(delivery.attempts, 1):
            took = figures.duration(attempt.end - attempt.start)
            lines += fact(
                f"{number}",
                Segment("✗ " if attempt.error else "✓ ", "error" if attempt.error else "ok"),
                Segment(took, "work"),
                Segment(f"  at {attempt.position}" if moved and attempt.position else "", "id"),
                Segment(f"  {attempt.error_message}" if attempt.error_message else "", "error"),
                width=width,
            )
    return lines + _operations(delivery.operations, delivery.joins, width, errors=False)


def _evidence(evidence: Evidence) -> list[Segment]:
    return [
        Segment(MARKS[evidence], ROLES[evidence]),
        Segment(f" {evidence.value}", ROLES[evidence]),
    ]


def _cause(cause: Cause, chain: Chain, width: int) -> list[Line]:
    title = chain.event(cause.cause).title if cause.cause in chain else str(cause.cause)
    handled = [Segment(" handled by ", "dim"), Segment(cause.service, "service")]
    lines = fact("cause", Segment(title, "event"), *(handled if cause.service else []), width=width)
    certain = f", one of {cause.candidates} that fit" if cause.candidates > 1 else ""
    lines += fact(
        "",
        *_evidence(cause.evidence),
        Segment(f" by {cause.via.value}{certain}", "dim"),
        Segment(f"  {figures.offset(cause.delay)}" if cause.delay else "", "time"),
        Segment("  clock skew" if skew_of(cause, chain) else "", "warning"),
        width=width,
    )
    through = dict.fromkeys(span.service for span in cause.way if span.service != cause.service)
    lines += fact("", Segment("through " + ", ".join(through), "dim"), width=width) * bool(through)
    return lines


def message_lines(event: Event, width: int) -> list[Line]:
    """The body and the headers of an event's message; what was masked or cut says so."""
    if not event.messages:
        note = "No tap saw this message; it is known from spans."
        return [*heading("message", width), line(Segment(note[:width], "dim"))]
    message = event.messages[0]
    lines = heading(f"body · {_size(message)}", width)
    lines += body(message.value, width)
    if message.headers:
        lines += heading("headers", width)
        longest = max(cells(printable(name)) for name, _ in message.headers)
        room = min(max(longest, LABEL), width // 2)
        for name, value in message.headers:
            shown = Segment(value, "string") if value else Segment("empty", "dim")
            masked = Segment(" masked, never stored" if value == MASKED else "", "warning")
            lines += fact(printable(name), shown, masked, width=width, room=room)
    return lines


def _size(message: Message) -> str:
    size = figures.size(message.value_size)
    value = message.value or ""
    stored = len(value.encode("utf-8", "replace"))
    if value.startswith(HEX):
        stored = len(value) // 2 - 2
    return (
        f"{size}, its first {figures.size(stored)} stored" if stored < message.value_size else size
    )


def _operations(
    operations: tuple[Operation, ...], joins: tuple[Join, ...], width: int, errors: bool = True
) -> list[Line]:
    """Each operation; its error message only where nothing above has said it."""
    if not operations:
        return []
    lines = heading("operations", width)
    for operation, join in zip(operations, joins, strict=True):
        lines += fact(
            operation.type.value or "span",
            Segment(operation.name, "title"),
            Segment(f"  {figures.duration(operation.end - operation.start)}", "work"),
            Segment("  ✗" if operation.error else "", "error"),
            width=width,
        )
        lines += fact(
            "",
            *_evidence(join.evidence),
            Segment(f" by {join.via.value}", "dim"),
            Segment(f", one of {join.candidates}" if join.candidates > 1 else "", "warning"),
            width=width,
        )
        if errors:
            lines += fact("", Segment(operation.error_message, "error"), width=width)
        lines += fact("trace", Segment(operation.context.trace_id, "id"), width=width)
        lines += fact("span", Segment(operation.context.span_id, "id"), width=width)
    return lines


def _place(event: Event) -> str:
    return " ".join(part for part in (event.system, event.cluster, event.environment) if part)


def _moment(time: int) -> str:
    return f"{figures.date(time)} UTC" if time else ""
