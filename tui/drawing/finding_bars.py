"""Around a list of findings: how many there are, what was looked at, and why there are none."""

from __future__ import annotations

from collections.abc import Sequence

from graph.figures import counted
from graph.findings.kinds import TABLE
from graph.findings.model import Finding, Findings, Severity, State
from tui.drawing import figures
from tui.drawing.finding_lines import MARKS
from tui.drawing.segments import Line, Segment, fit, line, pad, printable
from tui.drawing.status import Connection

HINT = " f  filters: kind:lost,stuck service:pay* destination:orders state:open since:2h"


def said_of(findings: Sequence[Finding]) -> Line:
    """How many there are, and of those that are open how many of each severity."""
    shown = [one for one in findings if not one.muted]
    open_ = [one for one in shown if one.state is State.OPEN]
    parts = [Segment(f"{len(open_):,} open", "" if open_ else "dim")]
    for severity in Severity:
        many = sum(one.severity is severity for one in open_)
        mark, role = MARKS[severity]
        parts.append(Segment(f" {mark} {many:,}" if many else "", role))
    closed, muted = len(shown) - len(open_), len(findings) - len(shown)
    parts.append(Segment(f" · {closed:,} closed" if closed else "", "dim"))
    parts.append(Segment(f" · {muted:,} muted" if muted else "", "dim"))
    return line(*parts)


def stretch(found: Findings) -> str:
    """`2026-10-01 08:12 - 11:58 UTC`: the minutes that were looked at; empty where none was."""
    if not found.until or not found.since:
        return ""
    since, until = figures.date(found.since)[:16], figures.date(found.until)[:16]
    return f"{since} - {until[11:] if until[:10] == since[:10] else until} UTC"


def looked_line(found: Findings, connection: Connection, width: int) -> Line:
    """Which minutes were looked at, and what could not be looked for."""
    looked = stretch(found)
    text = f" looked at {looked}" if looked else " no minute was complete yet"
    trouble = _trouble(connection)
    parts = [Segment(text, "dim" if looked else "warning")]
    if trouble:
        parts.append(Segment(f" · not all: {printable(trouble)}", "warning"))
    if found.more:
        parts.append(Segment(" · there are more: narrow the filter", "warning"))
    return fit(line(*parts), width)


def unseen(connection: Connection) -> list[str]:
    """What nobody looked for, or could not be seen, and why, in sentences."""
    said = []
    standing = ", ".join(kind.value for kind, entry in TABLE.items() if entry.stand is not None)
    if not connection.live:
        said.append(f"Only while a collector runs is looked for: {standing}.")
    elif not connection.taps:
        said.append(f"No broker is tapped, and only a broker can tell: {standing}.")
    said += [f"{name} is away: {detail}" for name, ok, detail in connection.taps if not ok]
    if trouble := _trouble(connection):
        said.append(f"Not all could be looked for: {trouble}")
    if before := connection.covered_from:
        said.append(f"What was received before {figures.date(before)[:16]} UTC was pruned.")
    return [*said, "What sends no spans, and lies on no broker that is tapped, is not seen."]


def no_findings(found: Findings, text: str, connection: Connection) -> list[Line]:
    """Nothing was found: in what, and what was not looked at."""
    looked = stretch(found)
    if text:
        title = [Segment("No finding fits ", "title"), Segment(printable(text), "id")]
    elif looked:
        title = [Segment("Nothing was found in what was looked at.", "title")]
    else:
        title = [Segment("Nothing was looked at yet.", "title")]
    lines = [line(*title), ()]
    if looked:
        lines.append(line(Segment(pad("looked at", 11), "label"), Segment(looked, "time")))
    else:
        lines.append(line("A minute is looked at once it is complete, some time after its end."))
    lines += [(), *(line(Segment(printable(one), "dim")) for one in unseen(connection))]
    if connection.live:
        lines += [(), line("What is found shows here by itself.")]
    return lines


def how_many(findings: Sequence[Finding], text: str) -> str:
    """For people: `12 findings, kind:lost`."""
    return counted(len(findings), "finding") + (f", {text}" if text else "")


def _trouble(connection: Connection) -> str:
    """Why findings cannot be looked for, as the collector's health tells."""
    return next((detail for name, detail in connection.ailing if name == "findings"), "")
