"""What the graph has to look like: no cycles, no orphans, dead letters that are read."""

from __future__ import annotations

from graph.edges import Role
from graph.fate.copies import is_called_dead_letter
from graph.rules.matching import any_fits, counted, destinations, nothing, verdict
from graph.rules.rule import Checked, Rule, Verdict
from graph.topology import NodeKey, NodeKind


def no_cycles(rule: Rule, checked: Checked) -> Verdict:
    """No way leads from a destination back to it."""
    from graph.network import CYCLES, LENGTH, cycles

    places = {node.key for node in destinations(rule, checked)}
    if not places:
        return nothing(rule, "no destination is called so")
    excepted = rule.patterns("except")
    found = cycles(checked.topology)
    broken = [
        " → ".join(key.name for key in (*cycle, cycle[0]))
        for cycle in map(_from_destination, found)
        if places & set(cycle)
        and not any(
            key.kind is NodeKind.DESTINATION and any_fits([key.name], excepted) for key in cycle
        )
    ]
    notes = [f"Of cycles {CYCLES} of {LENGTH} nodes at most are looked at."]
    return verdict(
        rule, counted(len(places), "destination"), broken, notes if len(found) >= CYCLES else ()
    )


def _from_destination(cycle: tuple[NodeKey, ...]) -> tuple[NodeKey, ...]:
    first = next(at for at, key in enumerate(cycle) if key.kind is NodeKind.DESTINATION)
    return cycle[first:] + cycle[:first]


def no_orphans(rule: Rule, checked: Checked) -> Verdict:
    """What is produced is consumed, and what is consumed is produced."""
    places = destinations(rule, checked)
    if not places:
        return nothing(rule, "no destination is called so")
    broken = []
    for node in places:
        edges = checked.topology.touching(node.key)
        produced = sum(edge.count for edge in edges if edge.role is Role.PRODUCE)
        consumers = {edge.target.name for edge in edges if edge.role is Role.CONSUME}
        if not consumers and not _readers(node.key, checked):
            sent = counted(produced, "message")
            broken.append(f"nobody was seen consuming {node.label}, where {sent} were sent")
        elif consumers and not any(edge.role is Role.PRODUCE for edge in edges):
            who = ", ".join(sorted(consumers))
            broken.append(f"nobody was seen producing {node.label}, which {who} consumes")
    return verdict(rule, counted(len(places), "destination"), broken)


def dead_letters_read(rule: Rule, checked: Checked) -> Verdict:
    """Dead-letter destinations, by their names, have a consumer."""
    places = destinations(rule, checked)
    if not rule.patterns("destination"):
        places = [node for node in places if is_called_dead_letter(node.key.name)]
    if not places:
        return nothing(rule, "no destination is called so")
    broken = []
    for node in places:
        edges = checked.topology.touching(node.key)
        if any(edge.role is Role.CONSUME for edge in edges) or _readers(node.key, checked):
            continue
        count = sum(edge.count for edge in edges if edge.role is Role.PRODUCE)
        sent = counted(count, "dead letter")
        broken.append(f"nobody was seen reading {node.label}, where {sent} were sent")
    return verdict(rule, counted(len(places), "destination"), broken)


def _readers(place: NodeKey, checked: Checked) -> list[str]:
    """Groups that the broker knows there, also where nothing passed in this window."""
    return [
        one.group
        for one in checked.consumers or ()
        if place.name in one.destinations and place.cluster in ("", one.cluster)
    ]
