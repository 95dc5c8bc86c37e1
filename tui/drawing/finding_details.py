"""All that is known of one finding: the sentence, since when, what it rests on, what proves it."""

from __future__ import annotations

from graph.findings.model import MINUTE, Finding, Kind, Proof, State
from tui.drawing import figures
from tui.drawing.facts import fact, heading, wrap
from tui.drawing.finding_lines import MARKS
from tui.drawing.segments import Line, Segment, SegmentRole, line, printable


def finding_details(one: Finding | None, width: int) -> list[Line]:
    """Of a finding; its proofs are targets."""
    if one is None:
        return []
    mark, role = MARKS[one.severity]
    shade: SegmentRole = "ok" if one.state is State.CLOSED else role
    lines = [
        line(
            Segment(f"{mark} ", role),
            Segment(one.kind.value, "title"),
            Segment(f"  {one.severity.value}", role),
            Segment(f"  {one.state.value}", shade),
            Segment("  muted" if one.muted else "", "dim"),
        )
    ]
    lines += [line(*row) for row in wrap([Segment(one.sentence)], width)]
    lines += fact("do", Segment(one.advice, "label"), width=width)
    lines += _proofs(one, width)
    lines += heading("what it rests on", width)
    lines += fact("coverage", one.coverage or "nothing is said of it", width=width)
    lines += fact("muted", Segment(one.muted, "dim"), width=width)
    lines += heading("when, and about whom", width)
    first, last = figures.date(one.first)[:19], figures.date(one.last)[:19]
    lines += fact("first", Segment(f"{first} UTC", "time"), width=width)
    lasted = figures.duration(one.last - one.first)
    after = f"  {lasted} later" if one.last - one.first >= MINUTE else ""
    lines += fact("last", Segment(f"{last} UTC", "time"), Segment(after, "dim"), width=width)
    minutes = f"{one.minutes:,} minute{'' if one.minutes == 1 else 's'}"
    lines += fact("count", f"{one.count:,} in {minutes}", width=width)
    lines += _subject(one, width)
    return lines


def _proofs(one: Finding, width: int) -> list[Line]:
    if not one.proof:
        return fact(
            "proof", Segment("no single event: it is a matter of counts", "dim"), width=width
        )
    lines = heading("proof", width)
    for proof in one.proof:
        at = figures.clock(proof.time)[:8] if proof.time else ""
        parts = [
            Segment(f"{at}  " if at else "", "time"),
            Segment(printable(proof.id), "id"),
            Segment(f"{'  ' if proof.id else ''}{printable(proof.note)}", "dim"),
        ]
        for number, row in enumerate(wrap([part for part in parts if part.text], width - 3)):
            drawn = line(Segment("  " if number == 0 else "    "), *row)
            lines.append(tuple(part._replace(target=proof) for part in drawn))
    return lines


def _subject(one: Finding, width: int) -> list[Line]:
    subject = one.subject
    lines = fact("service", Segment(printable(subject.service), "service"), width=width)
    lines += fact("group", Segment(printable(subject.group), "group"), width=width)
    place = printable(subject.destination)
    lines += fact("destination", Segment(place, "destination"), width=width)
    lines += fact("type", Segment(printable(subject.event_type), "event"), width=width)
    if one.kind is Kind.DEAD_LETTER:
        lines += fact("lies on", Segment(printable(subject.peer), "destination"), width=width)
    if one.kind is Kind.CLOCK_SKEW:
        lines += fact("other side", Segment(printable(subject.peer), "service"), width=width)
    where = "  ".join(filter(None, (subject.system, subject.cluster, subject.environment)))
    lines += fact("in", printable(where), width=width)
    return lines


def first_proof(one: Finding) -> Proof | None:
    """The first proof that names an event."""
    return next((proof for proof in one.proof if proof.id), None)
