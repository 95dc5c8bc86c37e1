"""Who may produce and consume what."""

from __future__ import annotations

from collections.abc import Iterable

from graph.edges import Role
from graph.rules.matching import any_fits, counted, nothing, verdict
from graph.rules.rule import Checked, Rule, Verdict
from graph.topology import Edge, NodeKind

NAMED = 3
"""Names of those who may, in a sentence; more are counted."""

VERBS = {Role.PRODUCE: "produces", Role.CONSUME: "consumes"}


def producers(rule: Rule, checked: Checked) -> Verdict:
    """Who may produce."""
    return _who(rule, checked, Role.PRODUCE)


def consumers(rule: Rule, checked: Checked) -> Verdict:
    """Who may consume."""
    return _who(rule, checked, Role.CONSUME)


def produces(rule: Rule, checked: Checked) -> Verdict:
    """What services may produce."""
    return _what(rule, checked, Role.PRODUCE)


def consumes(rule: Rule, checked: Checked) -> Verdict:
    """What services may consume."""
    return _what(rule, checked, Role.CONSUME)


def _who(rule: Rule, checked: Checked, role: Role) -> Verdict:
    found = checked.topology.filtered(
        destinations=rule.patterns("destination"),
        event_types=rule.patterns("type"),
        environments=rule.patterns("environment"),
    )
    edges = [edge for edge in found.edges if edge.role is role]
    if not edges:
        wanted = (*rule.patterns("destination"), *rule.patterns("type"))
        return nothing(rule, f"nobody {VERBS[role]} {' or '.join(wanted)}")
    broken, unsure = [], []
    for edge in edges:
        if edge.source.kind is NodeKind.UNKNOWN:
            if not rule.flag("unknown") and rule.patterns("allow"):
                broken.append(
                    f"nobody knows who produced {edge.count:,} messages of {edge.target.name}, "
                    f"which only {_named(rule)} may"
                )
            elif rule.patterns("deny"):
                unsure.append(f"Nobody knows who produces {edge.target.name}.")
            continue
        broken += _breaks(rule, edge, _names(edge))
    return verdict(rule, counted(len(edges), "edge"), broken, unsure)


def _what(rule: Rule, checked: Checked, role: Role) -> Verdict:
    found = checked.topology.filtered(
        services=rule.patterns("service"), environments=rule.patterns("environment")
    )
    edges = [edge for edge in found.edges if edge.role is role]
    if not edges:
        return nothing(rule, f"{' or '.join(rule.patterns('service'))} {VERBS[role]} nothing")
    broken: list[str] = []
    for edge in edges:
        place = edge.target if role is Role.PRODUCE else edge.source
        types = edge.event_types
        # Every type has to be allowed, where the destination as a whole is not.
        if any_fits([place.name], rule.patterns("allow")):
            types = ()
        if not types:
            broken += _breaks(rule, edge, [place.name])
        for one in types:
            broken += _breaks(rule, edge, [place.name, one], one)
    return verdict(rule, counted(len(edges), "edge"), broken)


def _breaks(rule: Rule, edge: Edge, names: Iterable[str], event_type: str = "") -> list[str]:
    """What to say where these names are denied, or not among the allowed."""
    told = list(names)
    who, place = _ends(edge)
    said = f"{who} {VERBS[edge.role]} {place}"
    if event_type and event_type != place:
        said = f"{who} {VERBS[edge.role]} {event_type} on {place}"
    if any_fits(told, rule.patterns("deny")):
        return [f"{said}, which it may not ({edge.count:,} messages)"]
    if rule.patterns("allow") and not any_fits(told, rule.patterns("allow")):
        only = (
            f"which only {_named(rule)} may"
            if rule.kind in ("producers", "consumers")
            else (f"but may only {rule.kind.removesuffix('s')} {_named(rule)}")
        )
        return [f"{said}, {only} ({edge.count:,} messages)"]
    return []


def _ends(edge: Edge) -> tuple[str, str]:
    if edge.role is Role.PRODUCE:
        return edge.source.name, edge.target.name
    return edge.target.name, edge.source.name


def _names(edge: Edge) -> list[str]:
    """What the application of an edge is called: itself, and its group."""
    return [_ends(edge)[0], *([edge.group] if edge.group else [])]


def _named(rule: Rule) -> str:
    names = list(rule.patterns("allow"))
    if len(names) > NAMED:
        names = [*names[:NAMED], f"{len(names) - NAMED} others"]
    return " or ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]
