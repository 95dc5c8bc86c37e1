"""Dead letters: what a consumer gave up, where it came from, why, and whether anybody reads it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from graph import figures
from graph.findings.facts import Copies, FindingFacts, Run
from graph.findings.model import PROOFS, Finding, Kind, Severity, Sighting, Subject
from graph.findings.thresholds import Rules

KIND = Kind.DEAD_LETTER

QUIET = 60
"""Minutes without another one after which a finding is closed."""

NAMED = re.compile(r"(?i)(?:^|[^a-z])(?:dlt|dlq|dead[^a-z]?letters?)(?:$|[^a-z])")
"""Names of destinations at which nothing but dead letters lies."""


def look(facts: FindingFacts, run: Run, rules: Rules) -> Iterable[Sighting]:
    """Those that were put there in these minutes."""
    by_subject: dict[tuple[int, Subject], list[Copies]] = defaultdict(list)
    for one in facts.copies(run):
        if one.kind != "dead-letter" and not (one.kind == "" and NAMED.search(one.destination)):
            continue
        subject = Subject(
            environment=one.environment,
            group=one.consumer,
            system=one.system,
            cluster=one.cluster,
            destination=one.original,
            event_type=one.event_type,
            peer=one.destination,
        )
        by_subject[one.minute, subject].append(one)
    if not by_subject:
        return
    read = {end.destination for end in facts.ends() if end.role == "consume"}
    read |= {place for group in facts.consumers() for place in group.destinations}
    for (minute, subject), copies in by_subject.items():
        worst = max(copies, key=lambda one: one.number)
        declared = any(one.kind for one in copies)
        yield Sighting(
            KIND,
            subject,
            minute,
            sum(one.number for one in copies),
            min(one.first for one in copies),
            max(one.last for one in copies),
            Severity.ERROR,
            tuple(proof for one in copies for proof in one.proof)[:PROOFS],
            {
                "error": ": ".join(filter(None, (worst.error_type, worst.error_message))),
                "read": int(subject.peer in read),
            },
            "Its headers say that it is a dead letter."
            if declared
            else f"Only the name of {subject.peer} says that these are dead letters.",
        )


def told(finding: Finding) -> tuple[str, str]:
    """Its sentence, and what to do."""
    subject, said = finding.subject, finding.said
    many = figures.counted(finding.count, "message")
    origin = f" from {subject.destination}" if subject.destination else ""
    by = f" by {subject.group}" if subject.group else ""
    what = f" ({subject.event_type})" if subject.event_type else ""
    why = f": {said['error']}" if said.get("error") else ""
    reader = "" if said.get("read") else f" Nobody was seen reading {subject.peer} in the last day."
    return (
        f"{many}{what}{origin} given up{by} and put on {subject.peer}{why}.{reader}",
        "Look at the failure, mend it, and send the messages once more."
        if said.get("read")
        else f"Mend the failure, and have somebody read {subject.peer}.",
    )
