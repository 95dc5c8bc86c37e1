"""How each join of a chain was found, and why others are missing, as text.

● payments  payments/0/1
  produced by   header          ✓ 00f067aa0ba902b7  send payments by payment  observed
  caused by     link            - the span has no links
                parent          - a span above it was never exported: 53995c3f42cd8ad8
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from graph.chain.explanation import Explanation, Finding, Handled, Trial
from graph.chain.result import Chain
from tui.drawing.chain_lines import EVIDENCE, LEAST_WIDTH
from tui.drawing.evidence import ROLES
from tui.drawing.facts import wrap
from tui.drawing.segments import Line, Segment, cells, line, pad, printable, width_of

_ADDRESS = re.compile(r"\b[0-9a-f]{32}/([0-9a-f]{16})\b")

LABEL = 12
VIA = 14
WIDE = 110
"""From here on spans are called by trace id and span id, below by the latter, which finds them."""

SHOWN = 5
"""Findings of one way that are listed; a batch can have thousands."""


def explain_lines(chain: Chain, width: int = 80) -> list[Line]:
    """All explanations of a chain; the names of events have their keys as target."""
    width = max(width, LEAST_WIDTH)
    lines = [line(Segment("Why: what was tried, in order, and what it found", "title"))]
    for one in chain.explanations:
        lines += [(), *_explained(one, chain, width)]
    return lines


def _explained(one: Explanation, chain: Chain, width: int) -> Iterator[Line]:
    title = printable(chain.event(one.event).title)
    name = printable(str(one.event))
    beside = Segment(f"  {name}" if name != title else "", "id")
    yield from _wrapped([Segment("● ", "event"), Segment(title, "event", one.event), beside], width)
    yield from _trials("produced by", one.producer, width)
    yield from _trials("caused by", one.causes, width)
    for handled in one.deliveries:
        yield from _handled(handled, width)
    if one.undelivered:
        who = f": {one.subject}" if one.subject else ""
        text = Segment(f"- {one.undelivered.value}{who}", "dim")
        yield from _fact("delivered to", "", [text], None, width)


def _handled(handled: Handled, width: int) -> Iterator[Line]:
    group = f" ({handled.group})" if handled.group not in ("", handled.service) else ""
    span = f"{handled.operation.trace_id}/{handled.operation.span_id}"
    who = [
        Segment(handled.service or "unknown service", "service"),
        Segment(group, "group"),
        Segment(f"  span {span}", "id"),
    ]
    yield from _fact("delivered to", None, who, None, width)
    yield from _trials("", handled.trials, width)


def _trials(label: str, trials: Iterable[Trial], width: int) -> Iterator[Line]:
    before: Trial | None = None
    for trial in trials:
        via = trial.via.value
        same = before and (before.reason, before.subject) == (trial.reason, trial.subject)
        for finding in trial.found[:SHOWN]:
            yield from _fact(label, via, _found(finding), finding, width)
            label = via = ""
        if len(trial.found) > SHOWN:
            text = f"  and {len(trial.found) - SHOWN:,} more"
            yield from _fact(label, via, [Segment(text, "dim")], None, width)
        if trial.reason:
            mark = "  " if trial.found else "- "
            text = f"{mark}{trial.reason.value}{f': {trial.subject}' if trial.subject else ''}"
            text = "- likewise" if same and not trial.found else text
            yield from _fact(label, via, [Segment(text, "dim")], None, width)
        label, before = "", trial


def _found(finding: Finding) -> list[Segment]:
    parts = [
        Segment("✓ " if finding.chosen else "· ", "ok" if finding.chosen else "dim"),
        Segment(finding.name, "id" if finding.chosen else "dim"),
    ]
    if finding.candidates > 1:
        parts.append(Segment(f"  one of {finding.candidates:,} that fit", "warning"))
    if finding.note:
        parts.append(Segment(f"  {finding.note}", "dim"))
    return parts


def _fact(
    label: str, via: str | None, parts: list[Segment], finding: Finding | None, width: int
) -> Iterator[Line]:
    """One row: what it is about, the way, what it found, wrapped, and the evidence."""
    before = pad(f"  {label}", LABEL + 2) + "  "
    if via is not None:
        before += pad(via, VIA) + "  "
    room = width - cells(before) - (EVIDENCE + 1 if finding else 0)
    if width < WIDE:
        parts = [part._replace(text=_ADDRESS.sub(r"\1", part.text)) for part in parts]
    rows = wrap([part for part in parts if part.text], room)
    for number, row in enumerate(rows):
        drawn = line(Segment(before if number == 0 else " " * cells(before), "label"), *row)
        if number == 0 and finding is not None:
            gap = " " * (width - EVIDENCE - width_of(drawn))
            drawn = line(*drawn, gap, Segment(finding.evidence.value, ROLES[finding.evidence]))
        yield drawn


def _wrapped(parts: list[Segment], width: int) -> Iterator[Line]:
    for row in wrap([part for part in parts if part.text], width):
        yield line(*row)
