"""Edges as people would tell them, and stories of which it is told what edges they make.

A rollup of a few rows costs as much as one of thousands, so the stories of a module lie in one
store, hours apart and each at destinations of its own, and are computed together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from typing import Any

import pytest

from collector.store import queries
from collector.store.client import Store
from collector.store.rollup import Rollup
from collector.store.rollup import rollup as module
from graph.edges import EdgeRow, Role
from graph.model import Evidence, Message, Operation, Position, Progress, SpanContext
from tests import stores
from tests.builders import EPOCH, Flow
from tests.poured import pour

SECOND = 10**9
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

BORDER = EPOCH // MINUTE * MINUTE + MINUTE
"""Where the first minute of all stories ends, before they are moved apart."""

APART = 3 * HOUR
"""Between two stories: what was sent can be looked for an hour before and after."""


def edges(store: Store, start: int = 0, end: int = 2**62) -> list[str]:
    """The edges of a window, one line each, as people would tell them."""
    return sorted(map(_line, queries.edge_rows(store, start, end).rows))


def _line(row: EdgeRow) -> str:
    service = row.service or "?"
    if row.group:
        service += f" ({row.group})"
    if row.role is Role.CALL:
        told = f"{service} calls {row.peer}: {row.count}"
    else:
        what = f"{row.destination} {row.event_type}".strip()
        told = f"{service} {row.role}s {what}: {row.count}"
    if row.errors:
        told += f", {row.errors} failed"
    if row.evidence is not Evidence.OBSERVED:
        told += f" ({row.evidence})"
    return told


def part(flow: Flow, some: Sequence[object]) -> Flow:
    """Of a story these spans, messages, what was sent with both, and progress."""
    keys = {key for one in some for key in _keys(one)}
    found = Flow()
    found.spans = {key: flow.spans[key] for key in flow.spans if key in keys}
    found.operations = {key: flow.operations[key] for key in flow.operations if key in keys}
    found.messages = {key: flow.messages[key] for key in flow.messages if key in keys}
    found.progress = [one for one in some if isinstance(one, Progress)]
    return found


def _keys(one: object) -> list[object]:
    if isinstance(one, SpanContext | Position):
        return [one]
    return [getattr(one, name, None) for name in ("context", "position")]


def poured(store: Store, flow: Flow, *parts: Sequence[object]) -> Rollup:
    """Store a story and compute its edges: at once, or part by part, each with a computation."""
    rollup = Rollup(store)
    for some in parts or [[*flow.spans, *flow.messages]]:
        pour(part(flow, some), store)
        rollup.run(settle=0)
    return rollup


# Stories


@dataclass(frozen=True)
class Now:
    """What is stored next of a story, and what its edges are then."""

    edges: Sequence[str] | None = None
    """None where they are not looked at."""
    stored: Sequence[object] = ()
    """Spans, messages, what was sent, and progress; all that the story tells, if there are none."""
    minutes: Mapping[int, Sequence[str]] | None = None
    """Those of single minutes: 0 is the one before `BORDER`."""


class Stories:
    """The stories of a module, by their names."""

    def __init__(self) -> None:
        self.told: dict[str, Callable[[Flow], Iterator[Now]]] = {}

    def story(self, tell: Callable[[Flow], Iterator[Now]]) -> Callable[[Flow], Iterator[Now]]:
        """Takes this one in; what it yields is stored step by step."""
        self.told[tell.__name__] = tell
        return tell

    def of(self, **variants: Iterable[Any]) -> Callable[[Callable[..., Iterator[Now]]], None]:
        """Takes in a story for each value of its parameter."""
        ((parameter, values),) = variants.items()

        def take(tell: Callable[..., Iterator[Now]]) -> None:
            for value in values:
                named = f"{tell.__name__}[{value or 'no'}]"
                self.told[named] = partial(tell, **{parameter: value})

        return take

    def seen(self, store: Store) -> dict[str, list[Seen]]:
        """Stores them all, step by step, and computes their edges after each: slice by slice, as
        those of the newest minutes are; and in the end minutes as a whole, as old ones are, also
        from what older versions stored."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "KEPT", 10_000)
            rollup = Rollup(store)
            flows = {
                name: Flow(first_id=number * 1000) for number, name in enumerate(self.told, start=1)
            }
            steps = {name: list(self.told[name](flow)) for name, flow in flows.items()}
            seen: dict[str, list[Seen]] = {name: [] for name in self.told}
            for together in zip_longest(*steps.values()):
                now = dict(zip(self.told, together, strict=True))
                stored = Flow()
                for number, (name, step) in enumerate(now.items()):
                    if step is not None:
                        _add(stored, part(flows[name], step.stored or _all(flows[name])), number)
                pour(stored, store)
                rollup.run(settle=0)
                for number, (name, step) in enumerate(now.items()):
                    if step is not None:
                        seen[name].append(Seen(step, number, store))
        for older in (False, True):
            if older:
                stores.relate_within(store)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(module, "KEPT", 0)
                Rollup(store).compute_all(lambda done, total: None)
            for number, (name, said) in enumerate(steps.items()):
                seen[name].append(Seen(said[-1], number, store))
        return seen


class Seen:
    """What was expected of a story's edges, and what they are now."""

    def __init__(self, step: Now, number: int, store: Store) -> None:
        shift, mark = number * APART, _mark(number)

        def of(start: int, end: int) -> list[str]:
            return [one.replace(mark, "") for one in edges(store, start + shift, end + shift)]

        self.expected: list[Sequence[str]] = []
        self.found: list[Sequence[str]] = []
        if step.edges is not None:
            self.expected.append(step.edges)
            self.found.append(of(BORDER - HOUR, BORDER + HOUR))
        for minute, told in (step.minutes or {}).items():
            self.expected.append(told)
            start = BORDER + (minute - 1) * MINUTE
            self.found.append(of(start, start + MINUTE))


def _mark(number: int) -> str:
    return f"-of-{number:03d}"


def _all(flow: Flow) -> list[object]:
    return [*flow.spans, *flow.messages, *flow.progress]


def _add(stored: Flow, told: Flow, number: int) -> None:
    """Move a story to its own time and destinations."""
    shift, mark = number * APART, _mark(number)

    def named(destination: str) -> str:
        return destination and destination + mark

    for context, span in told.spans.items():
        stored.spans[context] = replace(span, start=span.start + shift, end=span.end + shift)
    for context, one in told.operations.items():
        stored.operations[context] = _moved_operation(one, shift, named)
    for message in told.messages.values():
        moved = _moved_message(message, shift, named)
        stored.messages[moved.position] = moved
    stored.progress += [
        replace(one, time=one.time + shift, destination=named(one.destination))
        for one in told.progress
    ]


def _moved_operation(one: Operation, shift: int, named: Callable[[str], str]) -> Operation:
    links = tuple(replace(link, destination=named(link.destination)) for link in one.relations)
    return replace(
        one,
        start=one.start + shift,
        end=one.end + shift,
        destination=named(one.destination),
        relations=links,
    )


def _moved_message(one: Message, shift: int, named: Callable[[str], str]) -> Message:
    at = one.position
    return replace(
        one, time=one.time + shift, position=at._replace(destination=named(at.destination))
    )
