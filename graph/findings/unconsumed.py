"""Unconsumed: what nobody reads, and what retention took before a group came to it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from graph.figures import counted
from graph.findings import dead_letter, stuck
from graph.findings.facts import End, FindingFacts, Run
from graph.findings.model import Finding, Kind, Proof, Severity, Sighting, Subject
from graph.findings.thresholds import Rules

KIND = Kind.UNCONSUMED

QUIET = 15

ENOUGH = 20
"""Events of other types that each consumer handled, among which one of this type would not be
missing."""

_INTERNAL = re.compile(r"(?i)^_|-(changelog|repartition)$|(?:^|[^a-z])retry(?:$|[^a-z])")
"""Topics that clients keep for themselves, and those that are read only when something fails."""


def stand(facts: FindingFacts, run: Run, rules: Rules) -> Iterable[Sighting]:
    """Destinations that are written to, while groups of their cluster are watched."""
    groups = stuck.watched(facts, run)
    clusters = {one.cluster for one in groups}
    produced: dict[tuple[str, str, str], list[End]] = defaultdict(list)
    consumed: dict[str, list[End]] = defaultdict(list)
    for end in facts.ends():
        if end.role == "consume":
            consumed[end.destination].append(end)
        elif end.cluster in clusters and end.destination:
            produced[end.system, end.cluster, end.destination].append(end)
    reading: dict[str, set[str]] = defaultdict(set)
    for one in groups:
        for place in one.destinations:
            reading[place].add(one.group)
    for (system, cluster, destination), ends in produced.items():
        if _INTERNAL.search(destination) or dead_letter.NAMED.search(destination):
            continue
        if destination in reading or destination in consumed:
            yield from _types(ends, consumed[destination], reading[destination], run, rules)
            continue
        subject = Subject(system=system, cluster=cluster, destination=destination)
        count = sum(one.number for one in ends)
        if (
            count < rules.of(KIND, subject, "unconsumed_messages")
            or max(one.minutes for one in ends) < rules.of(KIND, subject, "unconsumed_minutes")
            or max(one.last for one in ends) < run.start - QUIET * 60 * 10**9
        ):
            continue
        yield Sighting(
            KIND,
            subject,
            run.start,
            1,
            min(one.first for one in ends),
            max(one.last for one in ends),
            Severity.WARNING,
            (),
            {
                "how": "destination",
                "messages": count,
                "producers": ", ".join(sorted({one.service for one in ends} - {""}))[:200],
            },
            "In the last day no group of its cluster committed there, and no span tells of a "
            "consumer. One without a group and without spans would not be seen.",
        )
    yield from _overtaken(facts, run)


def _types(
    ends: list[End], consumed: list[End], groups: set[str], run: Run, rules: Rules
) -> Iterable[Sighting]:
    """Event types that nobody handles, where all consumers' spans name the types that they do."""
    types = {one.event_type for one in ends} - {""}
    by_consumer: dict[str, list[End]] = defaultdict(list)
    for one in consumed:
        if one.service:
            by_consumer[one.service].append(one)
    spanned = {one.group for one in consumed if one.service}
    unknown = groups | {one.group for one in consumed if not one.service}
    if not by_consumer or unknown - spanned:
        return
    for each in by_consumer.values():
        if sum(one.number for one in each if one.event_type) < ENOUGH:
            return
        if any(not one.event_type for one in each):
            return
    handled = {one.event_type for one in consumed if one.service}
    for event_type in sorted(types - handled):
        own = [one for one in ends if one.event_type == event_type]
        count = sum(one.number for one in own)
        (first, *_) = own
        subject = Subject(
            system=first.system,
            cluster=first.cluster,
            destination=first.destination,
            event_type=event_type,
        )
        minutes = rules.of(KIND, subject, "unconsumed_minutes")
        if count < ENOUGH or max(one.minutes for one in own) < minutes:
            continue
        if max(one.last for one in own) < run.start - QUIET * 60 * 10**9:
            continue
        yield Sighting(
            KIND,
            subject,
            run.start,
            1,
            min(one.first for one in own),
            max(one.last for one in own),
            Severity.NOTICE,
            (),
            {
                "how": "type",
                "messages": count,
                "consumers": ", ".join(sorted(by_consumer))[:200],
            },
            "All groups there are known by their spans, and each of these names the types of what "
            f"it handles, at least {ENOUGH} events.",
        )


def _overtaken(facts: FindingFacts, run: Run) -> Iterable[Sighting]:
    """Groups that stand before offsets which the broker no longer had when the tap asked."""
    gone = [gap for gap in facts.gaps() if gap.reason == "retention"]
    if not gone:
        return
    for group in stuck.watched(facts, run):
        for at in group.progress:
            for gap in gone:
                place = (gap.cluster, gap.destination, gap.partition)
                if (
                    place == (at.cluster, at.destination, at.partition)
                    and gap.incarnation in ("", at.incarnation)
                    and 0 <= at.committed <= gap.last
                ):
                    lost = gap.last - max(at.committed, gap.first) + 1
                    subject = stuck.subject_of(group)._replace(
                        destination=at.destination, peer="retention"
                    )
                    proof = Proof(
                        f"{at.destination}/{at.partition}/{at.committed}",
                        at.time,
                        f"the group is here, and {gap} is gone",
                    )
                    yield Sighting(
                        KIND,
                        subject,
                        run.start,
                        lost,
                        gap.noticed,
                        max(gap.noticed, at.time),
                        Severity.ERROR,
                        (proof,),
                        {"how": "retention", "messages": lost, "partition": at.partition},
                        "By what the tap missed to retention. Of compacted topics not each offset "
                        "held a message.",
                    )


def told(finding: Finding) -> tuple[str, str]:
    """Its sentence, and what to do."""
    subject, said = finding.subject, finding.said
    many = counted(int(said["messages"]), "message")
    if said["how"] == "retention":
        return (
            f"Retention took {many} of {subject.destination} before group {subject.group} came to "
            "them: it will never have them.",
            f"Let the group catch up, or keep {subject.destination} for longer (retention.ms).",
        )
    if said["how"] == "type":
        return (
            f"Nobody handles {subject.event_type} of {subject.destination}: {many} in the last "
            f"day, of which {said['consumers']} handled none.",
            "Have it handled, or cease to produce it.",
        )
    by = f" by {said['producers']}" if said.get("producers") else ""
    return (
        f"Nobody consumes {subject.destination}: {many} produced{by} in the last day.",
        "Have it consumed, or cease to produce it; or mute this finding with the reason.",
    )
