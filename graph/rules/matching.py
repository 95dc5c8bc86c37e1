"""What rules share: names that fit, and verdicts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase

from graph.rules.rule import Checked, Rule, Status, Verdict
from graph.topology import Node, NodeKind


def any_fits(names: Iterable[str], patterns: Collection[str]) -> bool:
    """Whether one of the names fits one of the patterns, in any case."""
    return any(
        fnmatchcase(name.casefold(), pattern.casefold()) for name in names for pattern in patterns
    )


def destinations(rule: Rule, checked: Checked) -> list[Node]:
    """Those that the rule names, all where it names none, without its exceptions."""
    wanted = rule.patterns("destination")
    return [
        node
        for node in checked.topology.nodes
        if node.kind is NodeKind.DESTINATION
        and (not wanted or any_fits([node.key.name], wanted))
        and not any_fits([node.key.name], rule.patterns("except"))
    ]


def nothing(rule: Rule, why: str) -> Verdict:
    """The rule matches nothing."""
    return Verdict(rule, Status.NOTHING, sentences=(why,))


def not_checked(rule: Rule, why: str, matched: str = "") -> Verdict:
    """What the rule needs is not known."""
    return Verdict(rule, Status.NOT_CHECKED, matched, (why,))


def verdict(rule: Rule, matched: str, broken: Sequence[str], notes: Sequence[str] = ()) -> Verdict:
    """Broken where there are sentences, else it holds."""
    status = Status.BROKEN if broken else Status.HOLDS
    return Verdict(rule, status, matched, tuple(broken), tuple(dict.fromkeys(notes)))


def counted(count: int, noun: str) -> str:
    """`1 edge`, `1,204 edges`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def duration(seconds: float) -> str:
    """`250 ms`, `1.5 s`, `5 min`."""
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.3g} s" if seconds < 120 else f"{seconds / 60:.3g} min"
