"""Clocks that disagree, by causality alone: a message cannot be handled before it was sent."""

from __future__ import annotations

from collections.abc import Iterable

from graph.figures import SECOND, duration
from graph.findings.facts import FindingFacts, Run, Skew
from graph.findings.model import MINUTE, Finding, Kind, Severity, Sighting, Subject
from graph.findings.thresholds import Rules

KIND = Kind.CLOCK_SKEW

QUIET = 60

ENOUGH = 5
"""Messages of one minute, of which at least half seem to come too early."""


def look(facts: FindingFacts, run: Run, rules: Rules) -> Iterable[Sighting]:
    """By pair of services, whatever they exchange; the worst destination speaks for all."""
    by_subject: dict[tuple[int, Subject], Skew] = {}
    for one in facts.skews(run):
        subject = Subject(environment=one.environment, service=one.consumer, peer=one.producer)
        if one.number < ENOUGH or -one.p50 < rules.of(KIND, subject, "skew_seconds"):
            continue
        worst = by_subject.get((one.minute, subject))
        if worst is None or one.p50 < worst.p50:
            by_subject[one.minute, subject] = one
    for (minute, subject), one in by_subject.items():
        yield Sighting(
            KIND,
            subject,
            minute,
            one.number,
            minute,
            min(one.last, minute + MINUTE),
            Severity.NOTICE,
            (),
            {"seconds": round(-one.p50, 6), "destination": one.destination},
            f"Half of the {one.number:,} messages of {one.destination} in that minute are this "
            "early or more, joined by trace context; the real difference is larger by the time "
            "that they took.",
        )


def told(finding: Finding) -> tuple[str, str]:
    """Its sentence, and what to do."""
    subject, said = finding.subject, finding.said
    apart = duration(round(float(said["seconds"]) * SECOND))
    return (
        f"{subject.service} handles what {subject.peer} sends {apart} before it is sent, by their "
        f"own clocks: they disagree by at least that ({said['destination']}).",
        "Synchronise both hosts' clocks (NTP, chrony). Until then delays between the two are "
        "wrong, and their order in a chain may be.",
    )
