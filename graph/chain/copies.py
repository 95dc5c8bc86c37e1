"""Which positions are one event: retry topics, dead letters, mirrors, records handed on.

A copy is the same event at a new position, not a new event. Its headers may name where its
original lies, which is certain. Else it is known by what it kept: the message id, or without
one the trace context with the same key and value. Two messages at one destination are never
one event by that, and where two fit equally well neither is taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from graph.chain.known import Known, original_of, place, twin_of
from graph.chain.names import may_be_same, normal_id
from graph.model import Message, Position

SAME_ID_LIMIT = 50
"""Messages with one id that are compared for being copies; an id that so many share is none."""

TELLING = 16
"""Characters of an id that nobody else will have made up: where nothing else agrees, a shorter
one is as likely a number that two destinations count on their own."""


SKEW = 60_000_000_000
"""Nanoseconds by which the clocks of two producers may differ."""


class Copies:
    """Events by their positions, over what is known now."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._events: dict[Position, tuple[Position, ...]] = {}
        self._originals: dict[Position, Position | None] = {}

    def of(self, position: Position) -> tuple[Position, ...]:
        """All positions of the event at one of them, the original first.

        The original may be one that no tap saw: then a copy names it.
        """
        found = self._events.get(position)
        if found is None:
            related = self._related(position)
            if len(related) == 1:
                self._events[position] = (position,)
            else:
                for event in self._told_apart(related):
                    self._events.update(dict.fromkeys(event, event))
            found = self._events[position]
        return found

    def original(self, position: Position) -> Position | None:
        """Where the original of the copy at this position lies, as its headers name it."""
        if position not in self._originals:
            message = self._known.messages.get(position)
            asked = original_of(message) if message is not None else None
            self._originals[position] = (
                self._named(message, asked) if message is not None and asked is not None else None
            )
        return self._originals[position]

    def _named(self, copy: Message, asked: Position) -> Position | None:
        """The message that a copy means; of several lives of a destination the last before it."""
        known = self._known.messages
        fitting = [one for one in self._known.positions(asked) if one != copy.position]
        tapped = [known[one] for one in fitting if one in known]
        if not tapped:
            return fitting[0] if len(fitting) == 1 else None
        tapped = [one for one in tapped if _may_be_original(one, copy)]
        if len(tapped) > 1:
            alike = [one for one in tapped if _same_id(one, copy) or _share_context(one, copy)]
            tapped = alike or tapped
        last = max(tapped, key=lambda one: (one.time, one.position), default=None)
        return last.position if last is not None else None

    # What may be one event

    def _related(self, position: Position) -> set[Position]:
        """All positions that any way leads to; for most messages it is the only one."""
        found = {position}
        todo = [position]
        while todo:
            for other in self._beside(todo.pop()):
                if other not in found:
                    found.add(other)
                    todo.append(other)
        return found

    def _beside(self, position: Position) -> Iterable[Position]:
        known = self._known
        for copy in known.copies_at.get(place(position), ()):
            if self.original(copy) == position:
                yield copy
        message = known.messages.get(position)
        if message is None:
            return
        original = self.original(position)
        if original is not None:
            yield original
        for text in _ids(message):
            same = known.messages_by_id.get(text, ())
            if len(same) <= SAME_ID_LIMIT:
                yield from same
            named = known.copies_by_id.get(text, ())
            if len(named) <= SAME_ID_LIMIT:
                yield from named
        twin = twin_of(message)
        if twin is not None:
            for context in message.contexts:
                same = known.twins.get((context, *twin), ())
                if len(same) <= SAME_ID_LIMIT:
                    yield from same

    # What is

    def _told_apart(self, related: Iterable[Position]) -> list[tuple[Position, ...]]:
        """The events among related positions."""
        known = self._known.messages
        groups = _Groups(related)
        messages = [known[one] for one in sorted(groups.positions) if one in known]
        for message in messages:
            original = self.original(message.position) or _by_id(message, messages)
            if original is not None:
                groups.join(message.position, original)
        for one, other in _sure_pairs(groups, messages):
            if not groups.meet(one, other):
                groups.join(one, other)
        return [self._in_order(members) for members in groups.members()]

    def _in_order(self, positions: Sequence[Position]) -> tuple[Position, ...]:
        """The original first: before its copies, and before a mirror of the same time."""
        if len(positions) == 1:
            return tuple(positions)
        known = self._known.messages
        untapped = min((known[one].time for one in positions if one in known), default=0)
        copied = [known[one].time for one in positions if one in known and known[one].copied]
        if copied:
            untapped = min(copied) - 1

        def order(position: Position) -> tuple[object, ...]:
            message = known.get(position)
            time = untapped if message is None else message.time
            is_copy = message is not None and message.copied is not None
            return is_copy, time, len(position.destination), position

        return tuple(sorted(positions, key=order))


class _Groups:
    """Positions by the event that they are of, as far as that was found out."""

    def __init__(self, positions: Iterable[Position]) -> None:
        self.positions = set(positions)
        self._group = {position: {position} for position in self.positions}

    def of(self, position: Position) -> set[Position]:
        return self._group[position]

    def join(self, one: Position, other: Position) -> None:
        kept, gone = self._group[one], self._group[other]
        if kept is not gone:
            kept |= gone
            for position in gone:
                self._group[position] = kept

    def meet(self, one: Position, other: Position) -> bool:
        """Whether they are one already, or lie at one destination somewhere."""
        mine, others = self._group[one], self._group[other]
        return mine is others or bool(
            {destination_of(position) for position in mine}
            & {destination_of(position) for position in others}
        )

    def members(self) -> list[list[Position]]:
        found = {id(group): group for group in self._group.values()}
        return [sorted(group) for group in found.values()]


def _sure_pairs(groups: _Groups, messages: Sequence[Message]) -> list[tuple[Position, Position]]:
    """Pairs of copies that no third message at one of their destinations disputes."""
    pairs = [
        (one.position, other.position)
        for index, one in enumerate(messages)
        for other in messages[:index]
        if not groups.meet(one.position, other.position) and _is_copy(one, other)
    ]
    rivals: dict[tuple[int, tuple[str, ...]], set[int]] = defaultdict(set)
    for pair in pairs:
        for mine, others in _both_ways(groups, pair):
            for position in others:
                rivals[id(mine), destination_of(position)].add(id(others))
    return sorted(
        pair
        for pair in pairs
        if all(
            len(rivals[id(mine), destination_of(position)]) == 1
            for mine, others in _both_ways(groups, pair)
            for position in others
        )
    )


def _both_ways(
    groups: _Groups, pair: tuple[Position, Position]
) -> tuple[tuple[set[Position], set[Position]], ...]:
    one, other = groups.of(pair[0]), groups.of(pair[1])
    return (one, other), (other, one)


def _may_be_original(one: Message, copy: Message) -> bool:
    """Whether the message at the position that a copy names can be what it is a copy of.

    Another life of the destination can be there by now, or the copy can be a mirror's, whose
    original's copy names an offset in another cluster.
    """
    if not may_be_same(one.environment, copy.environment) or not may_be_same(one.key, copy.key):
        return False
    if _same_id(one, copy) or _share_context(one, copy):
        return True
    others = bool(one.message_id and copy.message_id and one.contexts and copy.contexts)
    return not others and one.time <= copy.time + SKEW


def _by_id(copy: Message, messages: Iterable[Message]) -> Position | None:
    """The original that a copy means when it names no position: by id, where it says it was."""
    if copy.copied is None or copy.copied.offset is not None:
        return None
    wanted = normal_id(copy.copied.message_id or copy.message_id)
    found = [
        one
        for one in messages
        if one.position != copy.position
        and one.copied is None
        and wanted
        and normal_id(one.message_id) == wanted
        and may_be_same(one.position.destination, copy.copied.destination)
        and one.position.cluster == copy.position.cluster
        and may_be_same(one.environment, copy.environment)
    ]
    if len(found) > 1:
        found = [one for one in found if _share_context(one, copy)]
    return found[0].position if len(found) == 1 else None


def _is_copy(one: Message, other: Message) -> bool:
    """Whether two messages at different destinations are one event by what they kept."""
    if (
        destination_of(one.position) == destination_of(other.position)
        or not may_be_same(one.environment, other.environment)
        or not may_be_same(one.key, other.key)
        or not may_be_same(one.event_type, other.event_type)
    ):
        return False
    if not one.message_id and not other.message_id:
        twin = twin_of(one)
        return twin is not None and twin == twin_of(other) and _share_context(one, other)
    if not one.message_id or not _same_id(one, other):
        return False
    if _share_context(one, other):
        return True
    if one.position.cluster != other.position.cluster:
        return _is_mirror(one, other)
    if not may_be_same(one.source, other.source):
        return False
    same_source = one.source != "" and one.source == other.source
    if one.contexts and other.contexts:
        return same_source and one.event_type == other.event_type
    return (
        same_source
        or (one.event_type != "" and one.event_type == other.event_type)
        or (bool(one.value) and one.value == other.value)
        or len(normal_id(one.message_id)) >= TELLING
    )


def _is_mirror(one: Message, other: Message) -> bool:
    """A record in another cluster as a mirror makes it: all kept, its time too."""
    here, there = one.position.destination, other.position.destination
    return (
        (here == there or here.endswith(f".{there}") or there.endswith(f".{here}"))
        and one.time == other.time
        and one.key == other.key
        and one.value == other.value
        and one.value_size == other.value_size
        and (set(one.headers) <= set(other.headers) or set(other.headers) <= set(one.headers))
    )


def _share_context(one: Message, other: Message) -> bool:
    return not set(one.contexts).isdisjoint(other.contexts)


def _same_id(one: Message, other: Message) -> bool:
    """Whether one names the other's message id, or has it."""
    return not set(_ids(one)).isdisjoint(_ids(other))


def _ids(message: Message) -> Sequence[str]:
    """Its own message id and its original's, normalised."""
    texts = (message.message_id, message.copied.message_id if message.copied else "")
    return [normal_id(text) for text in texts if text]


def destination_of(position: Position) -> tuple[str, ...]:
    """One destination of one cluster, whichever life of it."""
    return position.system, position.cluster, position.destination
