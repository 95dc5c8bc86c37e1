"""Broken context: a service that never sets, or drops, the trace context of its messages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from graph.figures import counted
from graph.findings.facts import Contexts, FindingFacts, Run
from graph.findings.model import Finding, Kind, Severity, Sighting, Subject
from graph.findings.thresholds import Rules

KIND = Kind.BROKEN_CONTEXT

QUIET = 30

NEARLY_ALL = 0.95
"""Share of a service's own without context, and of messages with one, that is no accident."""


def look(facts: FindingFacts, run: Run, rules: Rules) -> Iterable[Sighting]:
    """Consumers whose spans point at nothing though the messages carry contexts, and producers
    that export spans and whose messages carry none."""
    messages = facts.message_contexts(run)
    carrying: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in messages:
        carrying[one.destination][0] += one.number
        carrying[one.destination][1] += one.number - one.without
    for one in facts.consumer_contexts(run):
        subject = Subject(
            environment=one.environment,
            service=one.service,
            group=one.group,
            system=one.system,
            destination=one.destination,
            peer=one.library,
        )
        total, having = carrying[one.destination]
        if (
            one.without >= rules.of(KIND, subject, "contextless")
            and one.without >= NEARLY_ALL * one.number
            and total
            and having >= NEARLY_ALL * total
        ):
            yield _sighting(
                one,
                subject,
                "consumes",
                f"Of {counted(total, 'message')} on {one.destination} meanwhile {having:,} carried "
                "a context.",
            )
    yield from _producers(facts, messages, rules)


def _producers(
    facts: FindingFacts, messages: Sequence[Contexts], rules: Rules
) -> Iterable[Sighting]:
    if not any(one.without for one in messages):
        return
    ends = facts.ends()
    traced = {one.service for one in ends if one.service and one.evidence == "observed"}
    senders: dict[str, set[str]] = defaultdict(set)
    for end in ends:
        if end.role == "produce":
            senders[end.destination].add(end.service if end.evidence == "observed" else "")
    for one in messages:
        # Without a name in its headers a message is of the only service that is seen sending there.
        alone = senders[one.destination] - {""}
        service = one.service or (next(iter(alone)) if len(alone) == 1 else "")
        subject = Subject(
            environment=one.environment,
            service=service,
            system=one.system,
            cluster=one.cluster,
            destination=one.destination,
        )
        if (
            service in traced
            and (one.service or one.without == one.number)
            and one.without >= NEARLY_ALL * one.number
            and one.without >= rules.of(KIND, subject, "contextless")
        ):
            yield _sighting(
                one,
                subject,
                "produces",
                f"{service} exports spans; "
                + (
                    "the messages name it as their source."
                    if one.service
                    else "it is the only service that is seen sending there."
                ),
            )


def _sighting(one: Contexts, subject: Subject, how: str, coverage: str) -> Sighting:
    return Sighting(
        KIND,
        subject,
        one.minute,
        one.without,
        one.first,
        one.last,
        Severity.NOTICE,
        one.proof,
        {"how": how, "of": one.number},
        coverage,
    )


def told(finding: Finding) -> tuple[str, str]:
    """Its sentence, and what to do."""
    subject, said = finding.subject, finding.said
    if said["how"] == "consumes":
        library = f" (library {subject.peer})" if subject.peer else ""
        return (
            f"{subject.service} begins a new trace for what it handles of {subject.destination}, "
            f"though the messages carry a trace context: {counted(finding.count, 'span')}"
            f"{library}.",
            f"In {subject.peer or 'its consumer instrumentation'}, have the context extracted from "
            "the message's headers and set as the span's parent or link.",
        )
    return (
        f"{subject.service} puts no trace context into what it sends to {subject.destination}: "
        f"{counted(finding.count, 'message')}.",
        f"In {subject.service}, instrument the producer of {subject.destination}, or inject the "
        "context into the headers (propagate.inject) before sending.",
    )
