"""Holds rules against what is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from graph.rules import allowed, figures, shape
from graph.rules.rule import Checked, Rule, Verdict
from graph.rules.successors import successors

CHECKS: dict[str, Callable[[Rule, Checked], Verdict]] = {
    "producers": allowed.producers,
    "consumers": allowed.consumers,
    "produces": allowed.produces,
    "consumes": allowed.consumes,
    "no-cycles": shape.no_cycles,
    "no-orphans": shape.no_orphans,
    "dead-letters-read": shape.dead_letters_read,
    "lag": figures.lag,
    "latency": figures.latency,
    "errors": figures.errors,
    "successors": successors,
}
"""By the kind of a rule, as `graph.rules.reading.KINDS` describes them."""


def check(rules: Iterable[Rule], checked: Checked) -> list[Verdict]:
    """A verdict for each rule, in their order."""
    return [CHECKS[rule.kind](rule, checked) for rule in rules]
