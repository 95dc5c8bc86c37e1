"""What could stand where somebody writes in a filter: fields, and values that were seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from graph.filter import ALIASES, NAMES, ORDER, ORDERS, SINCE, UNTIL, Word, quoted, words
from graph.listing import EventRow
from graph.terms import Field
from graph.topology import NodeKind, Topology

MEANINGS = {
    "topic": "topic, queue or stream",
    "type": "event type",
    "key": "record key",
    "service": "who produced it",
    "error": "whether sending or handling it failed",
    "environment": "deployment environment",
    "id": "message id, or topic/partition/offset",
    "correlation": "correlation id",
    SINCE: "from then on: 15m, 2h, or a date",
    UNTIL: "until then",
    ORDER: "which come first: newest or oldest",
}

TIMES = ("5m", "15m", "1h", "24h")

KEYS = 50
"""Of the last rows, whose keys are offered."""

Seen = Mapping[Field, Sequence[str]]
"""Values of fields, as they were seen."""


def seen_in(rows: Sequence[EventRow], topology: Topology | None) -> Seen:
    """What events show, and the graph, where it is known; of keys those of the last rows."""
    nodes = topology.nodes if topology else ()
    edges = topology.edges if topology else ()
    seen = {
        Field.TOPIC: {row.destination for row in rows}
        | {node.key.name for node in nodes if node.kind is NodeKind.DESTINATION},
        Field.TYPE: {row.event_type for row in rows}
        | {name for edge in edges for name in edge.event_types},
        Field.SERVICE: {row.service for row in rows}
        | {node.key.name for node in nodes if node.kind is NodeKind.SERVICE},
        Field.ENVIRONMENT: {row.environment for row in rows},
        Field.KEY: {row.key for row in rows[-KEYS:]},
    }
    return {field: sorted(values - {""}) for field, values in seen.items()}


class Option(NamedTuple):
    """One way to go on."""

    text: str
    """Takes the place of what is between `start` and `end`."""
    meaning: str = ""


class Completion(NamedTuple):
    """Ways to go on at a place of a text."""

    start: int
    end: int
    options: tuple[Option, ...]

    def applied(self, text: str, option: Option) -> tuple[str, int]:
        """The text with an option in it, and where the cursor then is."""
        done = text[: self.start] + option.text
        space = "" if option.text.endswith(":") or text[self.end : self.end + 1] == " " else " "
        return done + space + text[self.end :], len(done) + len(space)


def complete(text: str, cursor: int, seen: Seen, most: int = 8) -> Completion:
    """How the word before the cursor could go on; those that begin so stand first."""
    word = next((one for one in words(text) if one.start < cursor <= one.end), None)
    if word is None:
        options = [Option(f"{name}:", MEANINGS[name]) for name in NAMES]
        return Completion(cursor, cursor, tuple(options))
    written = tuple(one for one in word.characters if one.at < cursor)
    typed = "".join(one.text for one in written)
    colon = word.sign_at(":")
    if 0 <= colon < len(written):
        return _value(word, cursor, seen, most)
    sign = "-" if typed.startswith("-") else ""
    begin = typed.removeprefix("-").lower()
    fields = [Option(f"{sign}{name}:", MEANINGS[name]) for name in NAMES if name.startswith(begin)]
    values = [
        Option(f"{sign}{field.value}:{quoted(value)}", "")
        for field, values in seen.items()
        for value in _matching(values, begin)
    ]
    return Completion(word.start, word.end, (*fields, *values)[:most])


def _value(word: Word, cursor: int, seen: Seen, most: int) -> Completion:
    colon = word.sign_at(":")
    name = "".join(one.text for one in word.characters[:colon]).lower().removeprefix("-")
    commas = [
        one.at
        for one in word.characters[colon:]
        if one.text == "," and not one.quoted and one.at < cursor
    ]
    start = (commas[-1] if commas else word.characters[colon].at) + 1
    begin = "".join(one.text for one in word.characters if start <= one.at < cursor).lower()
    if name in (SINCE, UNTIL):
        values: Sequence[str] = TIMES
    elif name == ORDER:
        values = tuple(ORDERS)
    elif name == Field.ERROR:
        values = ("yes", "no")
    else:
        values = seen.get(ALIASES[name], ()) if name in ALIASES else ()
    options = tuple(Option(quoted(value)) for value in _matching(values, begin)[:most])
    return Completion(start, word.end, options)


def _matching(values: Sequence[str], begin: str) -> list[str]:
    """Those that begin so, then those that hold it."""
    begin = begin.rstrip("*")
    first = [value for value in values if value.lower().startswith(begin)]
    return first + [value for value in values if begin in value.lower() and value not in first]
