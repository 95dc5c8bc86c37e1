"""From a pasted text to where a chain begins, or the choice to make where it means several things.

Besides ids of any kind, forms that name exactly one thing, as answers show them: `destination/
partition/offset` or `trace id/span id`, either with `@` and the rest of the event's key, and
`KIND:ID` with an `IdKind`, as in `key:order-1042`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from graph.chain.resolve import Choice, resolve
from graph.chain.result import Chain, Creation, EventKey, Start
from graph.facts import Facts
from graph.listing import Candidate
from graph.model import IdKind, Location, Position, SpanContext

_CREATION = re.compile(r"([0-9a-fA-F]{32})/([0-9a-fA-F]{16})(?:@(.*))?")
_PLACE = re.compile(r"(.+)/([^/]*)/(\d+)@([^/]*)/([^/]*)/([^/]*)")


class Unknown(LookupError):
    """Nothing is known by that text."""


class SeveralMeanings(LookupError):
    """The text means several things, the `candidates`."""

    def __init__(self, text: str, candidates: Sequence[Candidate]) -> None:
        super().__init__(text)
        self.candidates = tuple(candidates)


@dataclass(frozen=True, slots=True)
class Named:
    """What a text names: where a chain begins and, if the text told, which event is meant."""

    start: Start
    focus: EventKey | None = None
    found: Chain | None = None
    """As in `Choice`."""


def look_up(
    facts: Facts, text: str, clock: Callable[[], float] | None = None, *, ahead: bool = False
) -> Named:
    """What a text names; `clock` and `ahead` as in `find`. Raises Unknown, SeveralMeanings."""
    text = text.strip()
    if found := _CREATION.fullmatch(text):
        context = SpanContext(found[1].lower(), found[2].lower())
        return Named(Start(contexts=(context,)), Creation(context, found[3]) if found[3] else None)
    choices: tuple[Choice, ...] = ()
    focus: EventKey | None = None
    kind, _, rest = text.partition(":")
    if found := _PLACE.fullmatch(text):
        destination, partition, offset, system, cluster, incarnation = found.groups()
        focus = Position(system, cluster, destination, incarnation, partition, int(offset))
        here = resolve(facts, str(focus), clock, ahead=ahead)
        choices = tuple(choice for choice in here if focus in choice.events)
    elif rest and kind in list(IdKind):
        choices = resolve(_OfKind(facts, IdKind(kind)), rest, clock, ahead=ahead)
    choices = choices or resolve(facts, text, clock, ahead=ahead)
    if not choices:
        raise Unknown(text)
    if len(choices) > 1:
        raise SeveralMeanings(text, _candidates(text, choices))
    return Named(choices[0].start, focus, choices[0].found)


def focused(chain: Chain, focus: EventKey | None) -> Chain:
    """The chain as asked for from this event alone, where it is one of its starts."""
    if focus is None or focus not in chain.starts:
        return chain
    return replace(chain, focus=focus, starts=(focus,))


def event_id(key: EventKey, *, full: bool = False) -> str:
    """A text that names an event when it is looked up; the full form also tells namesakes."""
    if not full:
        return str(key)
    if isinstance(key, Position):
        return f"{key}@{key.system}/{key.cluster}/{key.incarnation}"
    return f"{key}@{key.destination}"


def _candidates(text: str, choices: Sequence[Choice]) -> list[Candidate]:
    short = Counter(event_id(choice.events[0]) for choice in choices if len(choice.events) == 1)
    candidates = []
    for choice in choices:
        if len(choice.events) == 1:
            key = choice.events[0]
            ask = event_id(key, full=short[event_id(key)] > 1)
        else:
            ask = f"{choice.kind.value}:{choice.written or text}"
        candidates.append(
            Candidate(ask, choice.kind, choice.label, len(choice.events), choice.time)
        )
    return candidates


class _OfKind:
    """Facts in which an id is only what kind it is said to be."""

    def __init__(self, facts: Facts, kind: IdKind) -> None:
        self._kind = kind
        self.operations = facts.operations
        self.pointing_into = facts.pointing_into
        self.spans = facts.spans
        self.messages = facts.messages
        self.passages = facts.passages
        self.located = facts.located
        self.naming = facts.naming
        self.seen = facts.seen
        self.successions = facts.successions
        self.whole = facts.whole
        self.together = facts.together
        self._resolve = facts.resolve

    def resolve(self, text: str, through: Facts | None = None) -> list[Location]:
        return [one for one in self._resolve(text, through) if one.kind is self._kind]
