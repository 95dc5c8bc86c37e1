"""Out of order: events of one key that a consumer began to handle after a later one of that key."""

from __future__ import annotations

from collections.abc import Iterable

from graph.figures import counted
from graph.findings.facts import FindingFacts, Run
from graph.findings.model import Finding, Kind, Severity, Sighting, Subject
from graph.findings.thresholds import Rules

KIND = Kind.OUT_OF_ORDER

QUIET = 30


def look(facts: FindingFacts, run: Run, rules: Rules) -> Iterable[Sighting]:
    """By consumer and destination; first attempts count, so that one in place is no disorder."""
    for one in facts.disordered(run):
        yield Sighting(
            KIND,
            Subject(
                environment=one.environment,
                service=one.service,
                group=one.group,
                system=one.system,
                destination=one.destination,
            ),
            one.minute,
            one.number,
            one.first,
            one.last,
            Severity.WARNING,
            one.proof,
            {"of": one.of},
            "By first attempts whose spans name their positions; keys are those of spans and of "
            "tapped messages. Batches and spans without a position are not judged.",
        )


def told(finding: Finding) -> tuple[str, str]:
    """Its sentence, and what to do."""
    subject = finding.subject
    return (
        f"{subject.consumer} began {counted(finding.count, 'event')} of {subject.destination} "
        "after a later one of the same key.",
        "Handle the events of one key one after another; handlers in parallel, and retry topics, "
        "let later ones overtake.",
    )
