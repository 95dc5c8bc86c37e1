"""Stale: a group that gets its messages, but later than it usually does, or than it may."""

from __future__ import annotations

from collections.abc import Iterable

from graph.figures import counted, seconds
from graph.findings import stuck
from graph.findings.facts import FindingFacts, Run
from graph.findings.model import Finding, Kind, Severity, Sighting
from graph.findings.thresholds import Rules
from graph.standing import Standing, standing_of

KIND = Kind.STALE

QUIET = 5


def stand(facts: FindingFacts, run: Run, rules: Rules) -> Iterable[Sighting]:
    """Groups that read, and are behind by more than their threshold; what is learned of their
    usual delay raises it, unless a user set it."""
    usual = None
    for one in stuck.watched(facts, run):
        behind = one.lag_seconds
        if standing_of(one) in (Standing.STILL, Standing.NOBODY) or not behind:
            continue
        subject = stuck.subject_of(one)
        allowed = rules.of(KIND, subject, "stale_seconds")
        if behind < allowed:
            continue
        learned = 0.0
        if not rules.says(KIND, subject, "stale_seconds"):
            if usual is None:
                usual = facts.usual_waits()
            waits = [
                usual.get((name, place), 0.0)
                for name in (one.group, *one.services)
                for place in one.destinations
            ]
            learned = max(waits, default=0.0)
            if behind < learned * rules.of(KIND, subject, "stale_factor"):
                continue
        yield Sighting(
            KIND,
            subject,
            run.start,
            1,
            one.oldest,
            run.end,
            Severity.WARNING,
            stuck.waiting(one),
            {
                "behind": round(behind, 3),
                "usual": round(learned, 3),
                "allowed": allowed,
                "lag": one.lag,
                "catch_up": round(one.catch_up, 3) if one.catch_up is not None else -1,
            },
            "By the age of the oldest message that waits when its broker was last asked.",
        )


def told(finding: Finding) -> tuple[str, str]:
    """Its sentence, and what to do."""
    subject, said = finding.subject, finding.said
    who = f"{subject.service} (group {subject.group})" if subject.service else subject.group
    usual, done = float(said["usual"]), float(said["catch_up"])
    allowed = seconds(float(said["allowed"]))
    compared = f"it usually is {seconds(usual)} at most" if usual else f"{allowed} are allowed"
    future = f"will be done in {seconds(done)}, as things go" if done >= 0 else "does not catch up"
    return (
        f"What {who} shows is {seconds(float(said['behind']))} old: "
        f"{counted(int(said['lag']), 'message')} wait, {compared}; it {future}.",
        "" if done >= 0 else "It reads less than is added: give it more members, or less work.",
    )
