"""Poison: one event that is tried again and again, in place or through retry topics."""

from __future__ import annotations

from collections.abc import Iterable

from graph.figures import counted, duration
from graph.findings.facts import FindingFacts, Run
from graph.findings.model import MINUTE, PROOFS, Finding, Kind, Severity, Sighting, Subject
from graph.findings.thresholds import Rules

KIND = Kind.RETRY_LOOP

QUIET = 30


def look(facts: FindingFacts, run: Run, rules: Rules) -> Iterable[Sighting]:
    """Events whose last attempt so far lies in these minutes; a subject is its worst event."""
    found: dict[tuple[int, Subject], Sighting] = {}
    for one in facts.tried(run, max(2, int(rules.least(KIND, "attempts")))):
        subject = Subject(
            environment=one.environment,
            service=one.service,
            group=one.group,
            system=one.system,
            cluster=one.cluster,
            destination=one.destination,
            event_type=one.event_type,
        )
        if one.number < rules.of(KIND, subject, "attempts"):
            continue
        minute = one.last // MINUTE * MINUTE
        before = found.get((minute, subject))
        worst = before is None or one.number > int(before.said["attempts"])
        events = 1 + (before.count if before else 0)
        error = one.error_message
        proof = one.proof[0]._replace(note=f"the first of {one.number:,} attempts")
        found[minute, subject] = Sighting(
            KIND,
            subject,
            minute,
            events,
            min(one.first, before.first if before else one.first),
            max(one.last, before.last if before else one.last),
            Severity.ERROR,
            (*(before.proof if before else ()), proof)[:PROOFS],
            {"attempts": one.number, "error": error, "over": one.last - one.first}
            if worst or before is None
            else before.said,
            "Attempts within a quarter of an hour are seen together.",
        )
    yield from found.values()


def told(finding: Finding) -> tuple[str, str]:
    """Its sentence, and what to do."""
    subject, said = finding.subject, finding.said
    who = subject.consumer or "Its consumer"
    where = f" of {subject.destination}" if subject.destination else ""
    what = f" ({subject.event_type})" if subject.event_type else ""
    error = f": {said['error']}" if said.get("error") else ""
    return (
        f"{who} tries the same event{what}{where} again and again: {said['attempts']} attempts "
        f"in {duration(int(said['over']))}{error}. "
        f"{counted(finding.count, 'time')} an event was seen so.",
        "An event that can never succeed holds up the others: mend it, or put it aside.",
    )
