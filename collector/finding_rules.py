"""What a user says of findings in the configuration: thresholds, and what is muted and why."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from graph.findings.model import Kind
from graph.findings.thresholds import NAMES, Rule


class FindingRule(BaseModel):
    """Of the findings that fit all that it names. Thresholds have floors: what is below them
    happens on every healthy system."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kinds: tuple[Kind, ...] = ()
    """None: all."""
    services: tuple[str, ...] = ()
    """Shell patterns in any case, of services and consumer groups."""
    destinations: tuple[str, ...] = ()
    """Shell patterns in any case."""
    mute: Annotated[str, Field(max_length=500)] = ""
    """The reason why nobody is to be bothered with them."""
    attempts: Annotated[int | None, Field(ge=2)] = None
    """`retry-loop`: attempts at one event."""
    stuck_seconds: Annotated[float | None, Field(ge=30)] = None
    """`stuck`: for which nothing is committed while messages wait."""
    stale_seconds: Annotated[float | None, Field(ge=10)] = None
    """`stale`: by which a group may be behind; then what it usually is does not count."""
    stale_factor: Annotated[float | None, Field(ge=1.5)] = None
    """`stale`: times the usual delay."""
    departed: Annotated[int | None, Field(ge=2)] = None
    """`storming`: members that left within ten minutes."""
    unconsumed_messages: Annotated[int | None, Field(ge=1)] = None
    """`unconsumed`: produced in the last day."""
    unconsumed_minutes: Annotated[int | None, Field(ge=1)] = None
    """`unconsumed`: in which it was produced."""
    skew_seconds: Annotated[float | None, Field(ge=0.005)] = None
    """`clock-skew`: by which messages seem to be handled before they were sent."""
    overdue_seconds: Annotated[float | None, Field(ge=1)] = None
    """`overdue`: until the next step; then what was learned of its delay does not count."""
    contextless: Annotated[int | None, Field(ge=1)] = None
    """`broken-context`: spans or messages without a context in one minute."""
    missing_share: Annotated[float | None, Field(gt=0, le=0.2)] = None
    """`lost`: of a consumer's messages that may lack a span before they count as sampled."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.mute and not self.thresholds:
            raise ValueError("says neither a threshold nor why such findings are muted")
        if self.mute and not (self.kinds or self.services or self.destinations):
            raise ValueError("mutes everything: name kinds, services or destinations")
        return self

    @property
    def thresholds(self) -> tuple[tuple[str, float], ...]:
        """Those that are set, by the names of `graph.findings.thresholds.Thresholds`."""
        said = ((name, getattr(self, name)) for name in NAMES)
        return tuple((name, float(value)) for name, value in said if value is not None)

    @property
    def rule(self) -> Rule:
        return Rule(
            kinds=tuple(kind.value for kind in self.kinds),
            services=self.services,
            destinations=self.destinations,
            thresholds=self.thresholds,
            mute=self.mute,
        )
