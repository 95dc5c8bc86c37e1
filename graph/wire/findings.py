"""Findings as dicts, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graph.findings.model import Finding, Findings, Kind, Proof, Severity, State, Subject
from graph.wire.facts import Json, plain, same, times

FORMAT = 1

_PLAIN = plain(Finding, "kind", "severity", "state", "subject", "first", "last", "proof", "said")


def findings_to_dict(found: Findings) -> Json:
    """`findings`, worst first, from when up to when minutes were looked at (`since`, `until`),
    whether there are `more`."""
    return {
        "format": FORMAT,
        **times("since", found.since),
        **times("until", found.until),
        "more": found.more,
        "findings": [finding_to_dict(one) for one in found.findings],
    }


def findings_from_dict(data: Mapping[str, Any]) -> Findings:
    findings = [finding_from_dict(one) for one in data["findings"]]
    return Findings(findings, data["until_ns"], data["more"], data["since_ns"])


def finding_to_dict(finding: Finding) -> Json:
    """A finding with its fields' own names; times as two fields each."""
    return {
        "kind": finding.kind.value,
        "severity": finding.severity.value,
        "state": finding.state.value,
        **times("first", finding.first),
        **times("last", finding.last),
        "subject": finding.subject._asdict(),
        "proof": [
            {"id": one.id, **times("time", one.time), "note": one.note} for one in finding.proof
        ],
        "said": dict(finding.said),
        **{name: getattr(finding, name) for name in _PLAIN},
    }


def finding_from_dict(data: Mapping[str, Any]) -> Finding:
    return Finding(
        kind=Kind(data["kind"]),
        severity=Severity(data["severity"]),
        state=State(data["state"]),
        first=data["first_ns"],
        last=data["last_ns"],
        subject=Subject(**same(data["subject"], *Subject._fields)),
        proof=tuple(Proof(one["id"], one["time_ns"], one["note"]) for one in data["proof"]),
        said=data["said"],
        **same(data, *_PLAIN),
    )
