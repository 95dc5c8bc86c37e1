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

KNOWN = 100
"""Messages of a consumer's, from which on it is known how many of its spans come."""

SENT_SHARE = 0.2
"""Of sends alike that may lack their message: their spans are there, and the tap saw the rest."""

LATER = 10 * 10**9
"""Nanoseconds that a message may need from its send to the broker."""

Consumer = tuple[str, str]
"""Environment and service."""

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
    rows = facts.unhandled(run)
    usual = _usual(facts, run, rows)
    for one in rows:
        if not one.number or not _few(one, usual[one.environment, one.service], rules):
            continue
        yield _sighting(
            one,
            "passed",
            run,
            f"Later messages of the same partition have spans of {one.service}, as have "
            f"{one.of - one.number:,} of {one.of:,} alike; the sender's span is there, so that the "
            "trace is sampled. Its own span may have been lost on the way here.",
        )


def _few(one: Missing, usual: tuple[int, int], rules: Rules) -> bool:
    """Whether a consumer has spans for nearly all: for those alike, and for all that it was given
    in the last hour. Who exports nine of ten has some minute in which nearly all are there."""
    share = rules.of(KIND, _subject(one), "missing_share")
    of, lacking = usual
    return (
        one.of >= ENOUGH
        and one.lacking <= max(1, share * one.of)
        and of >= KNOWN
        and lacking <= max(1, share * of)
    )


Usual = dict[Consumer, tuple[int, int]]
"""How many messages each was given, and how many of them lack a span."""


def _usual(facts: FindingFacts, run: Run, rows: Iterable[Missing]) -> Usual:
    """Of each consumer within an hour of the run, as far as runs were looked at."""
    alike = {_subject(one): (one.of, one.lacking) for one in rows}
    mine: Usual = {}
    for subject, (of, lacking) in alike.items():
        consumer = subject.environment, subject.service
        before = mine.get(consumer, (0, 0))
        mine[consumer] = before[0] + of, before[1] + lacking
    known: dict[int, Usual] = facts.memory.setdefault("lost", {})
    known[run.start] = mine
    for old in [at for at in known if abs(at - run.start) > NEAR]:
        del known[old]
    found: Usual = {}
    for each in known.values():
        for consumer, (of, lacking) in each.items():
            before = found.get(consumer, (0, 0))
            found[consumer] = before[0] + of, before[1] + lacking
    return found


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
