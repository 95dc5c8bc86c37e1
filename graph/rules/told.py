"""Verdicts for people, for a pipeline (JUnit's XML), and as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from graph.export.xml_text import xml_text
from graph.rules.rule import Status, Verdict

SIGNS = {
    Status.HOLDS: "✓",
    Status.BROKEN: "✗",
    Status.NOTHING: "∅",
    Status.NOT_CHECKED: "?",
}


def text(verdicts: Sequence[Verdict]) -> str:
    """A line for each rule, sentences below it, and a summary."""
    rows = []
    for one in verdicts:
        rest = one.matched if one.status in (Status.HOLDS, Status.BROKEN) else one.status.value
        rows.append(f"{SIGNS[one.status]} {one.rule.name}  ({rest})")
        rows += [f"    {sentence}" for sentence in one.sentences]
        rows += [f"    {note}" for note in one.notes]
        if one.rule.reason and one.status is Status.BROKEN:
            rows.append(f"    because: {one.rule.reason}")
    rows += ["", summary(verdicts)]
    return "\n".join(_shown(row) for row in rows) + "\n"


def summary(verdicts: Sequence[Verdict]) -> str:
    """`6 rules: 4 hold, 1 broken, 1 matches nothing`."""
    counts = {status: sum(one.status is status for one in verdicts) for status in Status}
    said = {Status.HOLDS: "hold" if counts[Status.HOLDS] != 1 else "holds"}
    parts = [
        f"{count} {said.get(status, status.value)}" for status, count in counts.items() if count
    ]
    rules = "1 rule" if len(verdicts) == 1 else f"{len(verdicts)} rules"
    return f"{rules}: {', '.join(parts)}"


def junit(verdicts: Sequence[Verdict], suite: str) -> str:
    """JUnit's XML: a case for each rule; what could not be judged is skipped, with why."""
    failures = sum(one.status is Status.BROKEN for one in verdicts)
    skipped = sum(one.status in (Status.NOTHING, Status.NOT_CHECKED) for one in verdicts)
    counts = f'tests="{len(verdicts)}" failures="{failures}" errors="0" skipped="{skipped}"'
    rows = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites {counts}>",
        f"  <testsuite name={_attribute(suite)} {counts}>",
    ]
    for one in verdicts:
        kind = _attribute(f"flowtap.{one.rule.kind}")
        case = f"classname={kind} name={_attribute(one.rule.name)}"
        if one.status is Status.HOLDS:
            rows.append(f"    <testcase {case}/>")
            continue
        rows.append(f"    <testcase {case}>")
        message = _attribute(one.sentences[0] if one.sentences else one.status.value)
        if one.status is Status.BROKEN:
            sentences = escape(xml_text("\n".join((*one.sentences, *one.notes))))
            rows.append(f"      <failure message={message} type={kind}>{sentences}</failure>")
        else:
            why = _attribute(f"{one.status.value}: {one.sentences[0]}")
            rows.append(f"      <skipped message={why}/>")
        rows.append("    </testcase>")
    return "\n".join((*rows, "  </testsuite>", "</testsuites>")) + "\n"


def data(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """`rules`: `name`, `kind`, `status`, `matched`, `sentences`, `notes`, `reason`."""
    return {
        "rules": [
            {
                "name": one.rule.name,
                "kind": one.rule.kind,
                "status": one.status.value,
                "matched": one.matched,
                "sentences": list(one.sentences),
                "notes": list(one.notes),
                "reason": one.rule.reason,
            }
            for one in verdicts
        ]
    }


def _attribute(words: str) -> str:
    return quoteattr(xml_text(words))


def _shown(words: str) -> str:
    return "".join(char if char.isprintable() else " " for char in words)
