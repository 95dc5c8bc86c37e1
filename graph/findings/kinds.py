"""The table of kinds: how each is looked for, and how it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from graph.findings import (
    broken_context,
    clock_skew,
    dead_letter,
    duplicate,
    lost,
    out_of_order,
    overdue,
    retry_loop,
    stale,
    stuck,
    unconsumed,
)
from graph.findings.facts import FindingFacts, Run
from graph.findings.model import Finding, Kind, Sighting, State
from graph.findings.thresholds import Rules

Look = Callable[[FindingFacts, Run, Rules], Iterable[Sighting] | None]
"""None: it can tell nothing, neither that there is something nor that there is not."""


class Entry(NamedTuple):
    """One kind."""

    quiet: int
    """Minutes without a sighting after which a finding is closed."""
    told: Callable[[Finding], tuple[str, str]]
    """Its sentence, and what to do."""
    look: Look | None = None
    """What complete minutes show; asked again of minutes that changed."""
    delays: tuple[int, ...] = (0,)
    """Seconds after its end, beyond those that each needs to be complete, at which a minute is
    looked at."""
    stand: Look | None = None
    """How things stand, as of the last whole minute; asked once in a minute, while it is now."""


TABLE: Mapping[Kind, Entry] = {
    Kind.LOST: Entry(lost.QUIET, lost.told, look=lost.look),
    Kind.DEAD_LETTER: Entry(dead_letter.QUIET, dead_letter.told, look=dead_letter.look),
    Kind.DUPLICATE: Entry(duplicate.QUIET, duplicate.told, look=duplicate.look),
    Kind.OUT_OF_ORDER: Entry(out_of_order.QUIET, out_of_order.told, look=out_of_order.look),
    Kind.RETRY_LOOP: Entry(retry_loop.QUIET, retry_loop.told, look=retry_loop.look),
    Kind.OVERDUE: Entry(overdue.QUIET, overdue.told, look=overdue.look, delays=overdue.DELAYS),
    Kind.STUCK: Entry(stuck.QUIET, stuck.told, stand=stuck.stand),
    Kind.STORMING: Entry(stuck.STORMING_QUIET, stuck.storms_told, stand=stuck.storms),
    Kind.STALE: Entry(stale.QUIET, stale.told, stand=stale.stand),
    Kind.UNCONSUMED: Entry(unconsumed.QUIET, unconsumed.told, stand=unconsumed.stand),
    Kind.BROKEN_CONTEXT: Entry(broken_context.QUIET, broken_context.told, look=broken_context.look),
    Kind.CLOCK_SKEW: Entry(clock_skew.QUIET, clock_skew.told, look=clock_skew.look),
}

QUIET: Mapping[Kind, int] = {kind: entry.quiet for kind, entry in TABLE.items()}


def told(finding: Finding, rules: Rules) -> Finding:
    """A finding with its sentence, its advice, and whether it is muted."""
    sentence, advice = TABLE[finding.kind].told(finding)
    return replace(finding, sentence=sentence, advice=advice, muted=rules.muted(finding))


def worst_first(finding: Finding) -> tuple[bool, bool, int, int, int]:
    """Sorts findings: what is open and not muted, by severity, kind, and time."""
    return (
        bool(finding.muted),
        finding.state is State.CLOSED,
        finding.severity.rank,
        finding.kind.rank,
        -finding.last,
    )
