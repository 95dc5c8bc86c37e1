"""Figures with their noise and their goal, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should reach."""

    value: float
    at_least: bool = True
    """Otherwise at most."""

    def met(self, value: float) -> bool:
        return value >= self.value if self.at_least else value <= self.value

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {shown(self.value)}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured thing: a value from each run."""

    name: str
    unit: str
    runs: tuple[float, ...]
    goal: Goal | None = None

    @property
    def value(self) -> float:
        """The median."""
        return median(self.runs)

    def row(self) -> tuple[str, ...]:
        noise = f"{shown(min(self.runs))}..{shown(max(self.runs))}" if len(self.runs) > 1 else ""
        goal = met = ""
        if self.goal is not None:
            goal, met = str(self.goal), "met" if self.goal.met(self.value) else "missed"
        return self.name, shown(self.value), self.unit, noise, goal, met

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "name": self.name,
            "unit": self.unit,
            "median": self.value,
            "min": min(self.runs),
            "max": max(self.runs),
            "runs": list(self.runs),
        }
        if self.goal is not None:
            found["goal"] = {
                "value": self.goal.value,
                "is": "at least" if self.goal.at_least else "at most",
                "met": self.goal.met(self.value),
            }
        return found


@dataclass(frozen=True, slots=True)
class Report:
    """What one benchmark found."""

    name: str
    did: str
    """One line: what was measured, with its sizes."""
    figures: tuple[Figure, ...]
    remarks: tuple[str, ...] = field(default=())

    def lines(self) -> list[str]:
        rows = [figure.row() for figure in self.figures]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        drawn = [
            f"  {name:{widths[0]}}  {value:>{widths[1]}} {unit:{widths[2]}}  "
            f"{noise:>{widths[3]}}  {goal:{widths[4]}}  {met}".rstrip()
            for name, value, unit, noise, goal, met in rows
        ]
        return [f"{self.name}: {self.did}", *drawn, *(f"  {each}" for each in self.remarks)]

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "did": self.did,
            "figures": [figure.to_dict() for figure in self.figures],
            "remarks": list(self.remarks),
        }


def shown(value: float) -> str:
    """Three digits that count, thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def percentile(values: Iterable[float], share: float) -> float:
    """The value that `share` of them (0..1) do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def over(runs: Sequence[Any], name: str, unit: str, what: str, goal: Goal | None = None) -> Figure:
    """The figure that the attribute `what` of each run's outcome gives."""
    return Figure(name, unit, tuple(float(getattr(run, what)) for run in runs), goal)
