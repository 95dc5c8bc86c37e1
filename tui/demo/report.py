"""The comparison as JSON and as lines of text. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from tui.demo.compare import Report, Tally
from tui.drawing.evidence import ROLES
from tui.drawing.segments import Line, Segment, SegmentRole, line

SHOWN = 20
"""Differences shown as text; all of them are in the JSON."""


def report_to_dict(report: Report) -> dict[str, Any]:
    """The comparison, as `--json` speaks it: `agrees`, a tally for each sort of fact,
    `grades` (causes by evidence, with recall and precision), `differences`, `unknowable`."""
    said = asdict(report)
    return {
        "agrees": report.agrees,
        **said,
        "grades": {
            evidence.value: {
                **asdict(grade),
                "recall": round(grade.recall, 4),
                "precision": round(grade.precision, 4),
            }
            for evidence, grade in report.grades.items()
        },
        "unknowable": [
            {
                "fact": unknown.fact,
                "service": unknown.service,
                "topic": unknown.topic,
                "count": unknown.count,
                "reason": unknown.reason,
            }
            for unknown in report.unknowable
        ],
    }


def report_lines(report: Report, width: int = 80) -> list[Line]:
    """The comparison for people: the verdict first."""
    return list(_lines(report, width))


def _lines(report: Report, width: int) -> Iterator[Line]:
    verdict = "agrees with" if report.agrees else "DIFFERS from"
    role: SegmentRole = "ok" if report.agrees else "error"
    yield line(
        Segment("What flowtap saw "),
        Segment(verdict, role),
        Segment(" what the services wrote down."),
    )
    yield ()
    yield line(Segment(f"{'':<24}{'EXPECTED':>10}{'FOUND':>10}{'WRONG':>8}", "label"))
    rows: tuple[tuple[str, Tally], ...] = (
        ("edges, exact counts", report.edges),
        ("messages and calls", report.messages),
        ("chains, complete", report.chains),
        ("  events", report.events),
        ("  causes", report.causes),
        ("  deliveries", report.deliveries),
    )
    for name, tally in rows:
        wrong: SegmentRole = "error" if tally.wrong else "dim"
        yield line(
            Segment(f"{name:<24}{tally.expected:>10,}{tally.found:>10,}"),
            Segment(f"{tally.wrong:>8,}", wrong),
        )
    yield ()
    yield from _grades(report)
    if report.passed_only:
        yield line(
            Segment("By group progress only: ", "label"),
            Segment(f"{report.passed_only:,} deliveries to services without spans: counted"),
        )
        yield line(Segment("on the edges; flowtap why tells of them."))
    if report.differences:
        yield ()
        yield line(Segment("Differences", "title"))
        for difference in report.differences[:SHOWN]:
            said = f"  {difference.kind:<9}{difference.what}"
            if difference.expected or difference.found:
                said += f": expected {difference.expected or '-'}, found {difference.found or '-'}"
            yield line(Segment(said, "error"))
        if len(report.differences) > SHOWN:
            yield line(Segment(f"  and {len(report.differences) - SHOWN:,} more (--json)", "dim"))
    if report.unknowable:
        yield ()
        yield line(Segment("What nobody outside can know, as the ledgers say", "title"))
        for (fact, service, reason), topics in _unknowable(report).items():
            yield line(Segment(f"  {fact} ", "unknown"), Segment(f"{service}: "))
            for part in wrap(f"{reason}.", width - 4) + wrap(f"At {', '.join(topics)}.", width - 4):
                yield line(Segment(f"    {part}", "dim"))


def _grades(report: Report) -> Iterator[Line]:
    """Causes by their evidence: what it makes knowable and was found, what is shown and right."""
    columns = f"{'KNOWABLE':>10}{'FOUND':>10}{'SHOWN':>8}{'RIGHT':>8}"
    yield line(Segment(f"{'Causes by evidence':<24}{columns}", "label"))
    for evidence, grade in report.grades.items():
        if not grade.knowable and not grade.shown:
            continue
        shares = "" if grade.shown == grade.right else f"  precision {grade.precision:.2f}"
        if grade.found < grade.knowable:
            shares += f"  recall {grade.recall:.2f}"
        yield line(
            Segment(f"  {evidence.value:<22}", ROLES[evidence]),
            Segment(f"{grade.knowable:>10,}{grade.found:>10,}{grade.shown:>8,}{grade.right:>8,}"),
            Segment(shares, "warning"),
        )


def _unknowable(report: Report) -> dict[tuple[str, str, str], list[str]]:
    """Topics with their counts, by fact, service and reason."""
    topics: dict[tuple[str, str, str], list[str]] = {}
    for unknown in report.unknowable:
        place = f"{unknown.topic} ({unknown.count:,})"
        topics.setdefault((unknown.fact, unknown.service, unknown.reason), []).append(place)
    return topics
