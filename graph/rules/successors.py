"""What has to follow an event: by the graph, whether it can; by events that happened, whether it
did, and in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from graph.edges import Role
from graph.rules.matching import any_fits, counted, duration, not_checked, nothing, verdict
from graph.rules.rule import Checked, Flow, Rule, Verdict
from graph.topology import NodeKey, NodeKind, Topology
from graph.views import by_event_type

SHOWN = 10
"""Events named; more are counted."""


def successors(rule: Rule, checked: Checked) -> Verdict:
    """`then` follows `type`, in the graph; where events can be asked for, in their chains."""
    events = by_event_type(checked.topology)
    first = _called(events, rule.patterns("type"))
    if not first:
        return nothing(rule, f"no event is called {' or '.join(rule.patterns('type'))}")
    after = " or ".join(rule.patterns("then"))
    leads = _leads(events)
    broken = [
        f"{key.name} leads to no {after}: nobody who consumes it goes on to produce one"
        for key in first
        if not any(any_fits([one.name], rule.patterns("then")) for one in _reached(key, leads))
    ]
    within = rule.number("within")
    matched = counted(len(first), "event type")
    if broken:
        return verdict(rule, matched, broken)
    if checked.flows is None:
        if within is None:
            return verdict(rule, matched, ())
        return not_checked(
            rule,
            f"the graph leads to {after}, but only events can tell whether it does within "
            f"{duration(within)}: ask a collector or a store",
            matched,
        )
    return _by_events(rule, checked.flows.get(rule.name, ()), matched, after)


def _by_events(rule: Rule, flows: Sequence[Flow], matched: str, after: str) -> Verdict:
    within = rule.number("within")
    if not flows:
        return not_checked(rule, "no event is old enough to tell", matched)
    broken, unsure = [], 0
    for flow in flows:
        delays = [
            delay for name, delay in flow.followers if any_fits([name], rule.patterns("then"))
        ]
        if not delays and flow.cut:
            unsure += 1
        elif not delays:
            broken.append(f"{flow.id} was followed by no {after}")
        elif within is not None and min(delays) > within:
            broken.append(
                f"{flow.id} was followed by {after} after {duration(min(delays))}, "
                f"{duration(within)} is allowed"
            )
    matched = f"{matched}, {counted(len(flows), 'event')}"
    most = rule.number("max") or 0.0
    notes = [f"Of {counted(unsure, 'event')} not all that followed was seen."] if unsure else []
    if len(broken) <= most * len(flows):
        if broken:
            notes.append(f"{len(broken):,} of {len(flows):,} events broke it.")
        return verdict(rule, matched, (), notes)
    shown = broken[:SHOWN]
    if len(broken) > SHOWN:
        shown.append(f"and {len(broken) - SHOWN:,} more of {len(flows):,}")
    return verdict(rule, matched, shown, notes)


def _called(events: Topology, patterns: Sequence[str]) -> list[NodeKey]:
    return [
        node.key
        for node in events.nodes
        if node.kind in (NodeKind.EVENT, NodeKind.DESTINATION)
        and any_fits([node.key.name], patterns)
    ]


def _leads(events: Topology) -> dict[NodeKey, set[NodeKey]]:
    """From events to who consumes them, from services to what they produce and whom they call."""
    leads: dict[NodeKey, set[NodeKey]] = defaultdict(set)
    for edge in events.edges:
        if edge.role in (Role.PRODUCE, Role.CONSUME, Role.CALL):
            leads[edge.source].add(edge.target)
    return leads


def _reached(start: NodeKey, leads: dict[NodeKey, set[NodeKey]]) -> set[NodeKey]:
    """What lies behind a node, itself only where a way leads back to it."""
    reached: set[NodeKey] = set()
    border = set(leads.get(start, ()))
    while border:
        reached |= border
        border = {key for one in border for key in leads.get(one, ())} - reached
    return reached
