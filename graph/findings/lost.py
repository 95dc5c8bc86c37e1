"""Lost: sent without an error and nowhere to be found, or passed without a trace of its handling.

Both are only claimed of one among many that are there: who samples its spans, or never puts its
context into messages, lacks most of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from graph.figures import counted
from graph.findings.facts import FindingFacts, Missing, Run
from graph.findings.model import Finding, Kind, Severity, Sighting, Subject
from graph.findings.thresholds import Rules
from graph.gaps import Gap

KIND = Kind.LOST

QUIET = 60

ENOUGH = 20
"""Events alike of which nearly all are there, so that one can be missed."""

SENT_SHARE = 0.2
"""Of sends alike that may lack their message: their spans are there, and the tap saw the rest."""

LATER = 10 * 10**9
"""Nanoseconds that a message may need from its send to the broker."""

NEAR = 3600 * 10**9
"""Nanoseconds around a gap of a tap's in which it may have missed anything of a destination."""


def look(facts: FindingFacts, run: Run, rules: Rules) -> Iterable[Sighting]:
    """What was sent in these minutes, and what lay there and was passed."""
    gaps: list[Gap] | None = None
    vanished = [
        one
        for one in facts.vanished(run)
        if one.of - one.number >= ENOUGH and one.number <= SENT_SHARE * one.of
    ]
    if vanished:
        gaps = list(facts.gaps())
        aborted = facts.transactional()
        read = facts.read_to({one.destination for one in vanished}, run.end + LATER)
        for one in vanished:
            if (
                one.destination not in aborted
                and one.destination in read
                and not _missed(gaps, one)
            ):
                yield _sighting(
                    one,
                    "sent",
                    run,
                    "The tap had read all that lay there by then and missed nothing; "
                    f"{one.of - one.number:,} of {one.of:,} sends in that minute are there.",
                )
    unhandled = [one for one in facts.unhandled(run) if _few(one, rules)]
    if not unhandled:
        return
    for one in unhandled:
        yield _sighting(
            one,
            "passed",
            run,
            f"Later messages of the same partition have spans of {one.service}, as have "
            f"{one.of - one.number:,} of {one.of:,} alike; the sender's span is there, so that the "
            "trace is sampled. Its own span may have been lost on the way here.",
        )


def _few(one: Missing, rules: Rules) -> bool:
    share = rules.of(KIND, _subject(one), "missing_share")
    return one.of >= ENOUGH and one.number <= max(1, share * one.of)


def _missed(gaps: Iterable[Gap], one: Missing) -> bool:
    return any(
        gap.destination == one.destination and one.first - NEAR < gap.noticed < one.last + NEAR
        for gap in gaps
    )


def _subject(one: Missing) -> Subject:
    return Subject(
        environment=one.environment,
        service=one.service,
        group=one.group,
        system=one.system,
        cluster=one.cluster,
        destination=one.destination,
        event_type=one.event_type,
    )


def _sighting(one: Missing, how: str, run: Run, coverage: str) -> Sighting:
    sample = f" One in {run.share} was looked at." if run.share > 1 else ""
    return Sighting(
        KIND,
        _subject(one)._replace(peer=how),
        one.minute,
        one.number,
        one.first,
        one.last,
        Severity.ERROR if how == "sent" else Severity.WARNING,
        one.proof,
        {"how": how, "of": one.of},
        coverage + sample,
    )


def told(finding: Finding) -> tuple[str, str]:
    """Its sentence, and what to do."""
    subject, said = finding.subject, finding.said
    many = counted(finding.count, "message")
    what = f" ({subject.event_type})" if subject.event_type else ""
    if said["how"] == "sent":
        return (
            f"{subject.service} sent {many}{what} to {subject.destination} without an error, and "
            "nothing of it lies there.",
            f"Look whether {subject.service} waits for the broker's answer (acks, flush before "
            "it ends), and what its producer's callback says.",
        )
    return (
        f"{subject.service} went past {many}{what} of {subject.destination} without a span of "
        "handling, though it has one for nearly all others.",
        "Look for a filter, a commit before the handling, or a crash between; or for spans that "
        "its exporter dropped.",
    )
