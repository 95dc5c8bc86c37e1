"""What a screen says when it has nothing to show: how to send data, that nobody answers."""

from __future__ import annotations

from collections.abc import Sequence

from graph.listing import Candidate
from tui.actions import ACTIONS, Action, Place
from tui.drawing import figures
from tui.drawing.evidence import MARKS, MEANINGS, ROLES
from tui.drawing.facts import wrap
from tui.drawing.segments import Line, Segment, cells, fit, line, pad, printable, width_of
from tui.drawing.status import Connection, Waiting


def nothing_yet(connection: Connection) -> list[Line]:
    """First use: how to send something; commands are targets, to be copied."""
    spans = connection.address_of("otlp http") or "127.0.0.1:4318"
    lines = [
        line(Segment("Nothing has arrived yet.", "title")),
        (),
        *_step(1, "Try it with a small shop on a real Kafka", "flowtap demo"),
        *_step(
            2,
            "Tap your Kafka: it only reads, and joins no group",
            "flowtap up --kafka HOST:9092",
        ),
        *_step(
            3,
            "Let your services send their OpenTelemetry spans here",
            f"export OTEL_EXPORTER_OTLP_ENDPOINT=http://{spans}",
        ),
        *_step(4, "Read recorded spans", "flowtap import spans.json"),
    ]
    copy = line(Segment("↑ ↓", "key"), " select, ", Segment("y", "key"), " copies.")
    if connection.live:
        copy = line(*copy, Segment("  What arrives shows here by itself.", "dim"))
    return [*lines, copy]


def quiet(window: str) -> list[Line]:
    """Something is stored, but of another time."""
    return [
        line(Segment(f"Nothing happened in this time: {window}.", "title")),
        (),
        line("Press ", Segment("w", "key"), " to count over another time."),
    ]


def no_messages(name: str) -> list[Line]:
    """A recording without any messaging."""
    return [
        line(Segment("Nothing here sends or receives messages.", "title")),
        (),
        line(Segment(printable(name), "dim"), " has spans of other kinds, or none at all."),
    ]


def _step(number: int, text: str, command: str) -> list[Line]:
    return [
        line(Segment(f"{number}  ", "label"), text),
        line("  ", Segment(f" $ {command} ", "command", command)),
        (),
    ]


def away(connection: Connection, now: int) -> list[Line]:
    """The collector does not answer: since when, why, and what to do."""
    since = figures.clock(connection.away_since)[:8]
    lines = [
        line(Segment("The collector does not answer.", "error")),
        (),
        line(Segment(pad("asked", 9), "label"), connection.name),
        line(
            Segment(pad("since", 9), "label"),
            f"{since} UTC",
            Segment(f"  {figures.ago(now - connection.away_since)}", "dim"),
        ),
        line(Segment(pad("why", 9), "label"), Segment(connection.trouble, "warning")),
        (),
        line("It is asked again each second; this screen goes on by itself."),
    ]
    if connection.hint:
        lines += [(), line(connection.hint)]
    return [
        *lines,
        (),
        line("Start one with"),
        line(Segment(" $ flowtap up ", "command", "flowtap up")),
    ]


def unanswered(detail: str, hint: str) -> list[Line]:
    """Somebody is there, but could not answer."""
    lines = [
        line(Segment("This could not be answered.", "error")),
        (),
        line(Segment(printable(detail), "warning")),
    ]
    if hint:
        lines.append(line(printable(hint)))
    return [*lines, (), line("It is asked again each second.")]


def no_events(text: str) -> list[Line]:
    """A list of events without any that fits the filter."""
    if not text:
        return [
            line(Segment("No event is stored.", "title")),
            (),
            line("Events are listed once a tap has read them, or a span tells of them."),
        ]
    return [
        line(Segment("No event fits ", "title"), Segment(printable(text), "id")),
        (),
        line("What comes and fits shows here by itself."),
        line(
            "Values are whole: ",
            Segment("type:order*", "key"),
            " begins so. Text without a field begins an id or a key.",
        ),
    ]


def no_groups(connection: Connection) -> list[Line]:
    """No consumer group is known: why, and what to do."""
    lines = [line(Segment("No consumer group is known.", "title")), ()]
    taps = connection.taps
    away = [f"{name}: {detail}" for name, ok, detail in taps if not ok]
    if away:
        lines += [line(Segment(printable(one), "warning")) for one in away]
        return [*lines, (), line("Its groups show here once it answers.")]
    if taps:
        return [
            *lines,
            line("No group has joined or committed at ", Segment(printable(taps[0][0]), "id"), "."),
            line("They are asked for every few seconds, and show here by themselves."),
            (),
            line(Segment("Consumers without a group show in the graph, by their spans.", "dim")),
        ]
    lines.append(line("Only a broker tells how far its groups have got, and none is tapped."))
    if not connection.live:
        lines[-1] = line("Only a broker tells how far its groups have got; spans do not.")
    return [
        *lines,
        (),
        line("Tap your Kafka: it only reads, and joins no group"),
        line(
            Segment(" $ flowtap up --kafka HOST:9092 ", "command", "flowtap up --kafka HOST:9092")
        ),
    ]


def looking_for(text: str) -> list[Line]:
    """While a chain is followed."""
    return [line(Segment("Following ", "dim"), Segment(printable(text), "id"), " …")]


def not_found(text: str, detail: str, hint: str) -> list[Line]:
    """Nothing has that id."""
    lines = [
        line(Segment("Nothing found for ", "title"), Segment(printable(text), "id")),
        (),
        line(Segment(printable(detail), "warning")),
    ]
    if hint:
        lines.append(line(hint))
    forms = "message id, CloudEvents id, trace id, span id, correlation id, topic/partition/offset"
    return [*lines, (), line("Any of these finds an event:"), line(Segment(forms, "dim"))]


def choices(text: str, candidates: Sequence[Candidate]) -> list[Line]:
    """What a text could mean; each is a target, by what to ask for."""
    lines = [
        line(Segment(printable(text), "id"), Segment(" could mean several things:", "title")),
        (),
    ]
    for one in candidates:
        several = f"  {one.events:,} events" if one.events > 1 else ""
        drawn = line(
            Segment("  ● ", "event"),
            Segment(pad(one.kind.value, 13), "label"),
            Segment(printable(one.label), "event"),
            Segment(several, "number"),
        )
        where = line(
            Segment("    "),
            Segment(f"{figures.date(one.time)[:19]}  ", "time"),
            Segment(printable(one.ask), "id"),
        )
        for row in (drawn, where):
            lines.append(tuple(part._replace(target=one.ask) for part in row))
    return [*lines, (), line(Segment("Enter", "key"), " follows the selected one.")]


def asking() -> list[Line]:
    """Before the first answer."""
    return [line(Segment("Asking …", "dim"))]


def cancelled(waiting: Waiting, now: int) -> list[Line]:
    """Somebody stopped waiting before there was anything to show."""
    seconds = waiting.seconds(now)
    return [
        line(Segment(f"Stopped waiting after {seconds:,} s.", "title")),
        (),
        line("asked for ", Segment(waiting.what, "id")),
        (),
        line(Segment("Enter", "key"), " asks again, ", Segment("esc", "key"), " goes back."),
    ]


def centred(lines: Sequence[Line], width: int, height: int) -> list[Line]:
    """The lines in the middle of a space, a little above it; long ones are wrapped."""
    room = max(20, min(width - 4, 100))
    wrapped = [line(*part) for drawn in lines for part in wrap(list(drawn), room)]
    wide = max((width_of(drawn) for drawn in wrapped), default=0)
    left = " " * max(2, (width - wide) // 2)
    above: list[Line] = [()] * max(0, (height - len(wrapped)) * 2 // 5)
    return above + [fit(line(left, *drawn), width) if drawn else () for drawn in wrapped]


def help_lines(place: Place, width: int) -> list[Line]:
    """What can be done here and everywhere, from the table of actions; then the signs."""
    lines: list[Line] = []
    for where in (place, Place.EVERYWHERE):
        lines += [line(Segment(where.value, "title"))]
        for action in ACTIONS:
            if where in action.places:
                lines += _action(action, width)
        lines.append(())
    lines += [line(Segment("Signs", "title"))]
    for evidence, mark in MARKS.items():
        lines.append(
            line(
                Segment(pad(f"  {mark} {evidence.value}", 17), ROLES[evidence]),
                Segment(MEANINGS[evidence], "dim"),
            )
        )
    for sign, meaning in (
        ("● service", "its spans were seen"),
        ("◇ group", "known from the broker only"),
        ("○ called", "nothing of it is seen but calls to it"),
        ("? unknown", "nothing says who produces these messages"),
        ("╌▷ ┄▷", "an edge that is matched, or inferred, not observed"),
        ("idle, quiet", "nothing just now; nothing in the whole window"),
        ("+3 ↺", "so many edges lead on; what leads on is drawn elsewhere"),
        ("▲ ×3 ▼ ÷3", "three times as much, a third, compared with the time before"),
        ("✓ ✗ ◦", "handled, failed, received without a sign of handling"),
        ("… › ↻ - ?", "pending, passed, tried again, left out, no evidence of it"),
        ("◉ ●", "the event that was asked for, an event"),
        ("↑ ↓ ↻", "drawn above, drawn below, leads back to itself"),
        ("··━━ ◆", "waiting, handling, the moment of an event"),
    ):
        lines.append(line(Segment(pad(f"  {sign}", 17)), Segment(meaning, "dim")))
    return lines


def _action(action: Action, width: int) -> list[Line]:
    keys = pad(f"  {action.written}", 17)
    words, rows = action.help.split(), [""]
    for word in words:
        if rows[-1] and cells(rows[-1]) + 1 + cells(word) > width - 17:
            rows.append("")
        rows[-1] = f"{rows[-1]} {word}" if rows[-1] else word
    return [
        line(Segment(keys if number == 0 else " " * 17, "key"), Segment(row))
        for number, row in enumerate(rows)
    ]
