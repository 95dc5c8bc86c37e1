"""Done twice: one event handled successfully twice by one consumer, or one produced twice."""

from __future__ import annotations

from collections.abc import Iterable

from graph.figures import counted
from graph.findings.facts import FindingFacts, Run, Twice
from graph.findings.model import PROOFS, Finding, Kind, Severity, Sighting, Subject
from graph.findings.thresholds import Rules

KIND = Kind.DUPLICATE

QUIET = 30

PATTERN = 0.5
"""If more than this share is done twice, and not just a few, two do what seems to be one: two
listeners in one service whose spans name no group, or an id that is none of single messages."""

FEW = 10

COPIES = 3
"""Messages of one id; an id of more than that names something else."""


def look(facts: FindingFacts, run: Run, rules: Rules) -> Iterable[Sighting]:
    """Of which the later one lies in these minutes."""
    for one in facts.handled_twice(run):
        if one.group or not _pattern(one):
            yield _sighting(
                one,
                "handled",
                "By spans of one name that do not overlap and had no error, about the same "
                "position or the context of a single message.",
                Subject(
                    environment=one.environment,
                    service=one.service,
                    group=one.group,
                    system=one.system,
                    cluster=one.cluster,
                    destination=one.destination,
                    event_type=one.event_type,
                ),
                run,
            )
    for one in facts.produced_twice(run):
        if one.most <= COPIES and not _pattern(one):
            yield _sighting(
                one,
                "produced",
                "By messages at two positions that are alike in message id, key, type and size.",
                Subject(
                    environment=one.environment,
                    service=one.service,
                    system=one.system,
                    cluster=one.cluster,
                    destination=one.destination,
                    event_type=one.event_type,
                    peer="produced",
                ),
                run,
            )


def _pattern(one: Twice) -> bool:
    return one.number > FEW and one.number > PATTERN * one.of


def _sighting(one: Twice, how: str, coverage: str, subject: Subject, run: Run) -> Sighting:
    sample = f" One in {run.share} events was looked at." if run.share > 1 else ""
    return Sighting(
        KIND,
        subject,
        one.minute,
        one.number,
        one.first,
        one.last,
        Severity.ERROR,
        one.proof[: PROOFS + 1],
        {"how": how, "of": one.of, "most": one.most},
        coverage + sample,
    )


def told(finding: Finding) -> tuple[str, str]:
    """Its sentence, and what to do."""
    subject, said = finding.subject, finding.said
    what = f"event{'s' if finding.count != 1 else ''} of {subject.destination}"
    kind = f" ({subject.event_type})" if subject.event_type else ""
    if said["how"] == "handled":
        return (
            f"{subject.consumer} handled {finding.count:,} {what}{kind} successfully more than "
            "once: whatever that does was done twice, unless it takes care itself.",
            "Make the handler idempotent, by message id; look whether the group was rebalanced "
            "between handling and commit.",
        )
    by = f"{subject.service} put" if subject.service else "Somebody put"
    return (
        f"{by} {counted(finding.count, 'message')}{kind} on {subject.destination} twice, under "
        "the same message id.",
        "Look at the producer's retries (enable.idempotence) and at who publishes its outbox.",
    )
