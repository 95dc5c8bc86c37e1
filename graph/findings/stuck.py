"""Stuck: a group commits nothing while messages wait, or nobody is in it; storming: its members
keep coming and going."""

from __future__ import annotations

from collections.abc import Iterable

from graph.figures import counted, seconds
from graph.findings.facts import FindingFacts, Run
from graph.findings.model import MINUTE, PROOFS, Finding, Kind, Proof, Severity, Sighting, Subject
from graph.findings.thresholds import Rules
from graph.listing import Consumer
from graph.standing import Standing, standing_of

KIND = Kind.STUCK
STORMING = Kind.STORMING

QUIET = 5
STORMING_QUIET = 15

FRESH = 3 * MINUTE
"""Brokers tell a group's members once a minute at least; who was told of longer ago is not
watched any more."""

WITHIN = 10 * MINUTE
"""In which members that leave are counted."""


def watched(facts: FindingFacts, run: Run) -> list[Consumer]:
    """Groups that their broker told of just now."""
    return [one for one in facts.consumers() if one.time >= run.end - FRESH]


def subject_of(one: Consumer) -> Subject:
    """A group, and the service that it is where there is just one."""
    return Subject(
        service=one.services[0] if len(one.services) == 1 else "",
        group=one.group,
        system="kafka",
        cluster=one.cluster,
        destination=one.destinations[0] if len(one.destinations) == 1 else "",
    )


def waiting(one: Consumer) -> tuple[Proof, ...]:
    """The first messages that wait for a group."""
    behind = [at for at in one.progress if 0 <= at.committed < at.end]
    behind.sort(key=lambda at: at.committed - at.end)
    return tuple(
        Proof(
            f"{at.destination}/{at.partition}/{at.committed}",
            at.time,
            f"the next of {counted(at.end - at.committed, 'message')} that wait",
        )
        for at in behind[:PROOFS]
    )


def stand(facts: FindingFacts, run: Run, rules: Rules) -> Iterable[Sighting]:
    """Groups for which messages have waited for too long while they committed nothing."""
    for one in watched(facts, run):
        standing = standing_of(one)
        if standing not in (Standing.STILL, Standing.NOBODY):
            continue
        subject = subject_of(one)
        waited = one.lag_seconds
        if waited is None or waited < rules.of(KIND, subject, "stuck_seconds"):
            continue
        if standing is Standing.STILL and _moved_since(one, run):
            continue
        yield Sighting(
            KIND,
            subject,
            run.start,
            1,
            one.oldest,
            run.end,
            Severity.ERROR,
            waiting(one),
            {
                "standing": standing.value,
                "lag": one.lag,
                "waited": round(waited, 3),
                "members": len(one.members),
                "state": one.state,
            },
            "By the offsets that the group commits at its broker.",
        )


def _moved_since(one: Consumer, run: Run) -> bool:
    """Whether something was committed since the oldest that waits came: a commit is seen as a new
    observation of a partition whose end did not change alone."""
    return bool(one.rate)


def told(finding: Finding) -> tuple[str, str]:
    """Its sentence, and what to do."""
    subject, said = finding.subject, finding.said
    lag = counted(int(said["lag"]), "message")
    verb = "waits" if said["lag"] == 1 else "wait"
    since = seconds(float(said["waited"]))
    name = f"Group {subject.group}"
    who = f"{name} ({subject.service})" if subject.service not in ("", subject.group) else name
    where = f" of {subject.destination}" if subject.destination else ""
    if said["standing"] == Standing.NOBODY.value:
        return (
            f"{who} has no member, and {lag}{where} {verb} for it, the oldest for {since}.",
            "Start its service, or delete the group if nobody needs it any more.",
        )
    return (
        f"{who} stands still: it has {counted(int(said['members']), 'member')} and commits "
        f"nothing, and {lag}{where} {verb}, the oldest for {since}.",
        f"Look at what it does with the first message that waits: {finding.proof[-1].id}."
        if finding.proof
        else "",
    )


def storms(facts: FindingFacts, run: Run, rules: Rules) -> Iterable[Sighting]:
    """Groups that many members left within minutes, more than are in it."""
    sizes = {(one.cluster, one.group): one for one in watched(facts, run)}
    for left in facts.departures(run.end - WITHIN):
        group = sizes.get((left.cluster, left.group))
        if group is None:
            continue
        subject = subject_of(group)._replace(destination="")
        least = rules.of(STORMING, subject, "departed")
        # A deployment replaces each member once.
        if left.number < max(least, 2 * len(group.members) + 1):
            continue
        yield Sighting(
            STORMING,
            subject,
            run.start,
            1,
            left.since,
            left.last,
            Severity.WARNING,
            tuple(Proof("", left.last, f"client {name} left") for name in left.clients if name),
            {"members": len(group.members), "left": left.number, "state": group.state},
            "By the members that its broker tells; one that came and went between two looks is "
            "not seen.",
        )


def storms_told(finding: Finding) -> tuple[str, str]:
    """Its sentence, and what to do."""
    subject, said = finding.subject, finding.said
    who = f"Group {subject.group}"
    return (
        f"{who} keeps losing members: {said['left']} left within ten minutes, and it has "
        f"{counted(int(said['members']), 'member')} now. With each of them all partitions stop.",
        "Look for members that crash, or handle longer than max.poll.interval.ms allows.",
    )
