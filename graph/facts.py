"""What a chain asks of a store. Whole generations at once, never one id at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, Protocol

from graph.model import (
    IdKind,
    Location,
    Message,
    Operation,
    Passage,
    Position,
    Relation,
    Span,
)

RATE_SECONDS = 300
"""Over which a group's rate is taken: up to the newest observation on the asked destinations."""


class Kind(NamedTuple):
    """What events have in common that happen in every flow of a sort."""

    destination: str
    event_type: str = ""


class Succession(NamedTuple):
    """In which order two kinds of events have come in recent flows."""

    before: Kind
    after: Kind
    flows: int
    """Flows, by correlation id, in which both occur, at different times."""
    first: int
    """Those in which the first `before` came earlier than the first `after`."""


class Window(NamedTuple):
    """An id between two times, both included."""

    kind: IdKind
    id: str
    """As `graph.chain.names.normal` has it."""
    start: int
    end: int


class Facts(Protocol):
    """Synchronous; callers that must not block run it in a worker thread.

    Every answer sees a span once by its context and a message once by its position, in no
    particular order. An unknown id is simply missing from the answer.
    """

    def operations(self, traces: Collection[str]) -> list[Operation]:
        """All messaging operations of these traces, with their relations."""

    def pointing_into(self, traces: Collection[str]) -> list[Relation]:
        """What points from elsewhere at any context of these traces, known or not: links of
        operations of other traces, and messages that carry it. What points from the same trace
        is told by its operations."""

    def spans(self, traces: Collection[str]) -> list[Span]:
        """Light rows of all spans of these traces."""

    def messages(self, positions: Collection[Position]) -> list[Message]:
        """The messages at these positions. A position with an empty cluster or incarnation
        stands for every one that fits it, because spans seldom name them."""

    def passages(self, positions: Collection[Position]) -> list[Passage]:
        """How each consumer group with progress on their partitions came by these positions.
        An empty cluster or incarnation stands for every one."""

    def whole(self, positions: Collection[Position]) -> list[Position]:
        """The positions that these can stand for: with every tapped cluster and incarnation
        that fits what they leave empty. Whether a message lies there is not looked at."""

    def located(self, ids: Collection[tuple[IdKind, str]]) -> list[Location]:
        """Where these ids were seen, as an id of that kind. Ids compare normalised.

        A position is asked for as `destination/partition/offset`. The answer are operations
        that name it and have neither links nor a parent told to be elsewhere, for a consumer
        may say where its message lay and nothing else of it, and copies whose headers say that
        their original lies there."""

    def naming(self, positions: Collection[str]) -> list[Location]:
        """All operations that name these `destination/partition/offset`, whatever they point
        at. It takes long: to be asked only of messages that carry no context."""

    def seen(self, windows: Collection[Window], limit: int) -> list[Location]:
        """Where ids were seen in their windows: of each window the earliest places, as many as
        `limit` at most; of a trace, where some minute of it that reaches into the window. Unlike
        `located` it is cheap for an id that very many share."""

    def successions(self, pairs: Collection[tuple[Kind, Kind]]) -> list[Succession]:
        """How often the one kind came before the other, in a sample of recent flows: as many as
        can be looked at in milliseconds. Pairs that no flow shows are missing."""

    def together(self, questions: Sequence[Callable[[], object]]) -> None:
        """Ask these, each a question to the same store, side by side where that is sooner."""

    def resolve(self, text: str, through: Facts | None = None) -> list[Location]:
        """What a pasted text could name: any kind of id, or `destination/partition/offset`.

        Whole traces and messages that have to be looked at for it are asked of `through`, where
        it is given: of somebody who remembers them for what is asked next. Where a thing is and
        as what it was named is told, not when and by whom."""
