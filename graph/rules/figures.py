"""How much and how long: lag, latency, errors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from graph.edges import Role
from graph.rules.matching import any_fits, counted, duration, not_checked, nothing, verdict
from graph.rules.rule import Checked, Rule, Verdict
from graph.topology import Edge

ROLES = {
    "handling": Role.CONSUME,
    "waiting": Role.CONSUME,
    "producing": Role.PRODUCE,
    "calling": Role.CALL,
}


def lag(rule: Rule, checked: Checked) -> Verdict:
    """How far groups are behind now, by destination; how old what waits is, by group."""
    if checked.consumers is None:
        return not_checked(rule, "a saved graph tells of no lag: ask a collector or a store")
    most, longest = rule.number("max_messages"), rule.number("max_time")
    broken, unsure, groups = [], [], 0
    for one in checked.consumers:
        waiting: dict[str, int] = defaultdict(int)
        for part in one.progress:
            if part.committed >= 0:
                waiting[part.destination] += max(0, part.end - part.committed)
        wanted = rule.patterns("destination")
        places = [name for name in waiting if not wanted or any_fits([name], wanted)]
        names = [one.group, *one.services]
        groups_wanted = rule.patterns("group")
        if not places or (groups_wanted and not any_fits(names, groups_wanted)):
            continue
        groups += 1
        for name in places:
            if most is not None and waiting[name] > most:
                broken.append(
                    f"group {one.group} has {waiting[name]:,} messages of {name} before it, "
                    f"{most:,.0f} are allowed"
                )
        if longest is None or not any(waiting[name] for name in places):
            continue
        behind = one.lag_seconds
        if behind is None:
            unsure.append(f"How old what waits for group {one.group} is, is not known.")
        elif behind > longest:
            broken.append(
                f"group {one.group} is {duration(behind)} behind, {duration(longest)} is allowed"
            )
    if not groups:
        return nothing(rule, "no consumer group is called so, or reads there")
    return verdict(rule, counted(groups, "group"), broken, unsure)


def latency(rule: Rule, checked: Checked) -> Verdict:
    """How long handling, waiting, producing or calling takes, by edge and event type."""
    of, quantile = rule.word("of", "handling"), rule.word("quantile", "p95")
    most = rule.number("max") or 0.0
    edges = _edges(rule, checked, (ROLES[of],))
    if not edges:
        return nothing(rule, f"there is no such {of}")
    name = f"wait_{quantile}" if of == "waiting" else quantile
    broken, unmeasured = [], 0
    for edge in edges:
        took = getattr(edge, name)
        if took is None:
            unmeasured += 1
        elif took > most:
            broken.append(
                f"{_said(edge)}: {of} takes {duration(took)} ({quantile}), "
                f"{duration(most)} is allowed"
            )
    matched = counted(len(edges), "edge")
    if unmeasured == len(edges):
        return not_checked(rule, f"no span tells how long {of} takes", matched)
    notes = [f"Of {counted(unmeasured, 'edge')} no span tells."] if unmeasured else []
    return verdict(rule, matched, broken, notes)


def errors(rule: Rule, checked: Checked) -> Verdict:
    """The share of messages or calls that failed, by edge."""
    most, least = rule.number("max") or 0.0, rule.number("at_least") or 1.0
    edges = _edges(rule, checked, tuple(Role))
    if not edges:
        return nothing(rule, "there is no such edge")
    judged = [edge for edge in edges if edge.count >= least]
    broken = [
        f"{_said(edge)}: {edge.errors:,} of {edge.count:,} failed "
        f"({_share(edge.errors / edge.count)}), {_share(most)} is allowed"
        for edge in judged
        if edge.errors > most * edge.count
    ]
    few = len(edges) - len(judged)
    notes = [f"{counted(few, 'edge')} carried less than {least:,.0f}."] if few else []
    return verdict(rule, counted(len(edges), "edge"), broken, notes)


def _edges(rule: Rule, checked: Checked, roles: Sequence[Role]) -> list[Edge]:
    found = checked.topology.filtered(
        services=rule.patterns("service"),
        destinations=rule.patterns("destination"),
        event_types=rule.patterns("type"),
        environments=rule.patterns("environment"),
    )
    return [edge for edge in found.edges if edge.role in roles]


def _said(edge: Edge) -> str:
    verb = {Role.PRODUCE: "produces", Role.CALL: "calls"}.get(edge.role)
    if verb is None:
        return f"{edge.target.name} consumes {edge.source.name}"
    return f"{edge.source.name} {verb} {edge.target.name}"


def _share(value: float) -> str:
    return f"{value * 100:.3g}%"
