"""Facts by SQL: what a chain asks of the store, each question one statement."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from collector.store import rows
from collector.store.client import READERS, Store
from collector.store.lives import Lives
from collector.store.passages import passages
from collector.store.successions import Successions
from graph.chain.names import fits, is_whole, normal, normal_id
from graph.facts import Facts, Kind, Succession, Window
from graph.model import (
    IdKind,
    Location,
    Message,
    Operation,
    Passage,
    Position,
    Relation,
    Span,
    SpanContext,
)

T = TypeVar("T")

CHUNK = 5_000
"""Keys in one statement; more are asked in several."""

RESOLVED = 1_000
"""Places named by one pasted id, at most, newest first."""

SORTED = 5_000
"""Places of one id in one window among which the earliest are looked for."""

NAMED = (
    "if(kind = 'business', concat(lower(substring(written, 1, position(written, '='))), id), id)"
)
"""An id of `ids` as it is asked for: a business id lies there by its value alone."""

_BETWEEN = (
    "AND time > fromUnixTimestamp64Nano({start:Int64}) - INTERVAL 1 MINUTE "
    "AND time <= fromUnixTimestamp64Nano({end:Int64})"
)
"""With all minutes that reach into it."""

_MINUTE = 60 * 10**9

_LASTS = f"if(trace_id != '' AND span_id = '', {_MINUTE - 1}, 0)"
"""How long after its time a row of `ids` still holds, in nanoseconds."""

_POSITION = re.compile(r"^(?P<destination>.+?)[/:](?P<partition>\d+)[/:@](?P<offset>\d+)$")
_DOTTED = re.compile(r"^(?P<destination>.+)\.(?P<partition>\d+)\.(?P<offset>\d+)$")
_UUID = re.compile(r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
_ADDRESS = re.compile(r"^([0-9a-f]{32})/([0-9a-f]{16})$")
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")


class StoreFacts:
    """`graph.facts.Facts` over a store. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lives = Lives(store)
        self._beside = ThreadPoolExecutor(READERS, thread_name_prefix="flowtap-facts")
        self._parts = ThreadPoolExecutor(READERS, thread_name_prefix="flowtap-part")
        """For the parts of one question: they never ask for others in their turn."""
        self._history = Successions(store)

    def operations(self, traces: Collection[str]) -> list[Operation]:
        sql = (
            f"SELECT {rows.OPERATION_COLUMNS} FROM operations "
            "PREWHERE trace_id IN {keys:Array(String)}"
        )
        found = _once(self._each(sql, traces), rows.OPERATION_KEY)
        return [rows.operation(row) for row in found]

    def pointing_into(self, traces: Collection[str]) -> list[Relation]:
        sql = (
            f"SELECT {rows.RELATION_COLUMNS} FROM relations "
            "PREWHERE target_trace_id IN {keys:Array(String)}"
        )
        found = _once(self._each(sql, traces), rows.RELATION_KEY)
        # Older versions stored what points from the same trace too.
        return [rows.relation(row) for row in found if row[0] != row[3]]

    def spans(self, traces: Collection[str]) -> list[Span]:
        sql = (
            f"SELECT {rows.SPAN_COLUMNS} FROM otel_traces "
            "PREWHERE TraceId IN {keys:Array(String)}"
        )
        found = _once(self._each(sql, traces), rows.SPAN_KEY)
        return [rows.span(row) for row in found]

    def messages(self, positions: Collection[Position]) -> list[Message]:
        whole = self.whole(positions)
        found = list(_once(self._lying(rows.MESSAGE_COLUMNS, whole), rows.MESSAGE_KEY))
        copies = [rows.position(row) for row in found if rows.is_copy(row)]
        said = {
            rows.position(row): rows.copied(row) for row in self._lying(rows.COPY_COLUMNS, copies)
        }
        return [rows.message(row, said) for row in found]

    def _lying(self, columns: str, positions: Collection[Position]) -> Iterator[Sequence[Any]]:
        """Rows of the messages at these positions, which are whole."""
        sql = (
            f"SELECT {columns} FROM messages PREWHERE ({rows.POSITION}, offset) IN "
            "{keys:Array(Tuple(String, String, String, String, String, Int64))}"
        )
        return self._each(sql, positions)

    def whole(self, positions: Collection[Position]) -> list[Position]:
        open_ended = [position for position in positions if not is_whole(position)]
        if not open_ended:
            return list(positions)
        lives = self._lives.of({position.destination for position in open_ended})
        found = dict.fromkeys(position for position in positions if is_whole(position))
        for position in open_ended:
            for life in lives[position.destination]:
                filled = Position(*life, *position[4:])
                if fits(position, filled):
                    found[filled] = None
        return list(found)

    def together(self, questions: Sequence[Callable[[], object]]) -> None:
        """The last one is asked in the caller's thread. The first error of any is raised, when
        none is under way any more."""
        waiting = [self._beside.submit(question) for question in questions[:-1]]
        try:
            for question in questions[-1:]:
                question()
        finally:
            wait(waiting)
        for future in waiting:
            future.result()

    def passages(self, positions: Collection[Position]) -> list[Passage]:
        return passages(self._store, positions)

    def located(self, ids: Collection[tuple[IdKind, str]]) -> list[Location]:
        # Ids beside their kind, as pairs, take the index twice as long; so more is read than asked.
        sql = (
            f"SELECT {rows.LOCATION_COLUMNS} FROM ids "
            "PREWHERE id IN {keys:Array(String)} WHERE kind IN {kinds:Array(String)}"
            f"{self._arrived()}"
        )
        keys = {
            (normal_id(text), str(kind))
            for kind, text in ids
            if text and kind not in (IdKind.POSITION, IdKind.BUSINESS)
        }
        business = {normal(kind, text) for kind, text in ids if kind is IdKind.BUSINESS}
        keys |= {(text.partition("=")[2], str(IdKind.BUSINESS)) for text in business}
        texts = {text for kind, text in ids if kind is IdKind.POSITION}
        keys |= {(normal_id(text), str(IdKind.POSITION)) for text in texts}
        bare = self._each(sql, {text for text, _ in keys}, kinds=sorted({kind for _, kind in keys}))
        asked = (
            row for row in bare if (rows.text(row[rows.LOCATION_ID]), rows.text(row[1])) in keys
        )
        return [
            location
            for location in map(rows.location, _once(asked, rows.LOCATION_KEY))
            if _is_meant(location, business, texts)
        ]

    def _arrived(self) -> str:
        """That no insert of a row is under way: its ids are stored some time before what they are
        the ids of, and would be told alone."""
        arriving = self._store.under_way
        if not arriving:
            return ""
        return f" AND toUnixTimestamp64Nano(received) NOT IN ({', '.join(map(str, arriving))})"

    def naming(self, positions: Collection[str]) -> list[Location]:
        places = set()
        for text in positions:
            destination, partition, offset = text.rsplit("/", 2)
            places.add((destination, partition, int(offset)))
        sql = (
            f"SELECT {rows.CONTEXT_COLUMNS}, destination, partition, offset FROM operations "
            "WHERE (destination, partition, offset) IN {keys:Array(Tuple(String, String, Int64))}"
        )
        return [
            rows.here(f"{rows.prose(row[2])}/{rows.text(row[3])}/{row[4]}", row, IdKind.POSITION)
            for row in _once(self._each(sql, places), rows.OPERATION_KEY)
        ]

    def seen(self, windows: Collection[Window], limit: int) -> list[Location]:
        few = self._few(windows)
        if few is None:
            return self._earliest(windows, limit)
        found: dict[Location, None] = {}
        for kind, text, start, end in dict.fromkeys(windows):
            here = [
                one for one in few.get((kind, text), ()) if start <= _last(one) and one.time <= end
            ]
            here.sort(key=lambda one: one.time)
            found.update(dict.fromkeys(here[:limit]))
        return list(found)

    def _few(self, windows: Collection[Window]) -> dict[tuple[IdKind, str], list[Location]] | None:
        """All places of the ids of these windows, from the first of them to the last; None where
        they are too many to be read whole."""
        sql = (
            f"SELECT {rows.SEEN_COLUMNS} FROM ids "
            "PREWHERE id IN {ids:Array(String)} WHERE kind IN {kinds:Array(String)} "
            f"{_BETWEEN} LIMIT {SORTED + 1}"
        )
        bounds = {
            "ids": sorted({_bare(kind, text) for kind, text, _, _ in windows}),
            "kinds": sorted({kind.value for kind, *_ in windows}),
            **_outermost(windows),
        }
        read = self._rows(sql, bounds)
        if len(read) > SORTED:
            return None
        found: dict[tuple[IdKind, str], list[Location]] = defaultdict(list)
        for location in map(rows.location, _once(read, rows.SEEN_KEY)):
            found[location.kind, normal(location.kind, location.id)].append(location)
        return found

    def _earliest(self, windows: Collection[Window], limit: int) -> list[Location]:
        """What the engine finds to be the earliest of very many."""
        by_kind: dict[IdKind, set[Window]] = {}
        for window in windows:
            by_kind.setdefault(window.kind, set()).add(window)
        sql = (
            f"SELECT DISTINCT {rows.SEEN_COLUMNS}, at, window "
            "FROM (SELECT arrayJoin(arrayFilter("
            f"w -> w.1 = {NAMED} AND at + {_LASTS} >= w.2 AND at <= w.3, "
            "{keys:Array(Tuple(String, Int64, Int64))})) AS window, "
            f"{rows.nanoseconds('time')} AS at, * FROM ids "
            f"WHERE kind = {{kind:String}} AND id IN {{ids:Array(String)}} {_BETWEEN} "
            f"LIMIT {SORTED} BY window) ORDER BY at LIMIT {{limit:UInt32}} BY window"
        )

        def ask(kind: IdKind) -> list[Location]:
            keys = sorted(window[1:] for window in by_kind[kind])
            bounds = {
                "kind": kind.value,
                "ids": sorted({_bare(kind, text) for text, _, _ in keys}),
                "limit": limit,
                **_outermost(by_kind[kind]),
            }
            return [rows.location(row) for row in self._each(sql, keys, **bounds)]

        each = self._parts.map(ask, by_kind)
        return list(dict.fromkeys(location for locations in each for location in locations))

    def successions(self, pairs: Collection[tuple[Kind, Kind]]) -> list[Succession]:
        return self._history.of(pairs)

    def resolve(self, text: str, through: Facts | None = None) -> list[Location]:
        asked = through or self
        text = text.strip()
        if not text:
            return []
        found: list[Location] = []

        def ask(way: Callable[[str], list[Location]]) -> None:
            found.extend(way(text))

        ways: list[Callable[[str], list[Location]]] = [self._named, partial(self._at, asked)]
        if "=" in text:
            ways.append(self._business)
        # Few write a trace id as a UUID, and nearly all message ids are one.
        dashed = _UUID.match(text) is not None
        if not dashed:
            ways += self._traced(asked, text)
        self.together([partial(ask, way) for way in ways])
        if dashed and not found:
            self.together([partial(ask, way) for way in self._traced(asked, text)])
        return found

    def _business(self, text: str) -> list[Location]:
        return self.located([(IdKind.BUSINESS, text)])

    def _named(self, text: str) -> list[Location]:
        sql = (
            f"SELECT {rows.LOCATION_COLUMNS} FROM ids PREWHERE id = {{text:String}} "
            f"WHERE kind != 'causation'{self._arrived()}"
        )
        asked = {"text": normal_id(text)}
        # Nearly always they are few, and to sort and to limit them costs more than to read them.
        found = self._rows(f"{sql} LIMIT {RESOLVED + 1}", asked)
        if len(found) > RESOLVED:
            key = "kind, trace_id, span_id, system, cluster, destination, incarnation, partition"
            newest = (
                f"{sql} ORDER BY kind = 'correlation', time DESC "
                f"LIMIT 1 BY {key}, offset LIMIT {RESOLVED}"
            )
            found = self._rows(newest, asked)
        return [rows.location(row) for row in _once(found, rows.LOCATION_KEY)]

    def _at(self, asked: Facts, text: str) -> list[Location]:
        found = _POSITION.match(text) or _DOTTED.match(text)
        if found is None:
            return []
        position = Position(
            "", "", found["destination"], "", found["partition"], int(found["offset"])
        )
        if lying := [message.position for message in asked.messages([position])]:
            return [Location(text, IdKind.POSITION, position=position) for position in lying]
        # No tap saw it: a span may still name it.
        sql = (
            f"SELECT {rows.CONTEXT_COLUMNS} FROM operations WHERE destination = {{d:String}} "
            "AND partition = {p:String} AND offset = {o:Int64} "
            "LIMIT 1 BY trace_id, span_id LIMIT 100"
        )
        place = {"d": position.destination, "p": position.partition, "o": position.offset}
        return [rows.here(text, row, IdKind.POSITION) for row in self._rows(sql, place)]

    def _traced(self, asked: Facts, text: str) -> list[Callable[[str], list[Location]]]:
        """The ways in which this can be looked for as the id of a trace or of a span."""
        bare = re.sub(r"[\s\"'{}-]", "", text).lower()
        parent = _TRACEPARENT.match(text.strip("\"' ").lower())
        if address := _ADDRESS.match(text.lower()) or parent:
            trace_id, span_id = address.groups()
            return [lambda text: self._span_id(text, span_id, trace_id)]
        if re.fullmatch(r"[0-9a-f]{32}", bare):
            return [partial(self._trace, asked, bare)]
        if re.fullmatch(r"[0-9a-f]{16}", bare):
            return [partial(self._span_or_trace, asked, bare)]
        return []

    def _span_or_trace(self, asked: Facts, id: str, text: str) -> list[Location]:
        """A span, or a trace whose id has 64 bits: its first span often has the same one."""
        trace_id = id.rjust(32, "0")
        found = self._span_id(text, id)
        if found and all(one.context and one.context.trace_id != trace_id for one in found):
            return found
        return found + self._trace(asked, trace_id, text)

    def _trace(self, asked: Facts, trace_id: str, text: str) -> list[Location]:
        traces = [trace_id]
        # The spans are not looked at here, but will be in any case.
        spans = self._parts.submit(asked.spans, traces)
        operations = self._parts.submit(asked.operations, traces)
        relations = asked.pointing_into(traces)
        spans.result()
        found = [Location(text, IdKind.TRACE, context=one.context) for one in operations.result()]
        carrying = dict.fromkeys(
            one.source for one in relations if isinstance(one.source, Position)
        )
        few = islice(carrying, RESOLVED)
        return found + [Location(text, IdKind.TRACE, position=position) for position in few]

    def _span_id(self, text: str, span_id: str, trace_id: str = "") -> list[Location]:
        within = "TraceId = {trace:String} AND " if trace_id else ""
        # Without its trace, the filters of all spans are read.
        sql = (
            "SELECT TraceId, SpanId FROM otel_traces "
            f"WHERE {within}SpanId = {{span:String}} LIMIT 100 SETTINGS max_threads = 2"
        )
        asked = {"span": span_id, "trace": trace_id}
        seen = _once(self._rows(sql, asked), rows.OPERATION_KEY)
        found = [rows.here(text, row, IdKind.SPAN) for row in seen]
        if not found and trace_id:
            # The span was never exported, but messages or spans may still point at it.
            context = SpanContext(trace_id, span_id)
            found = [
                Location(text, IdKind.SPAN, position=r.source)
                for r in self.pointing_into([trace_id])
                if r.target == context and isinstance(r.source, Position)
            ]
        return found

    def _rows(self, sql: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        return self._store.query(sql, parameters, raw=True)

    def _each(self, sql: str, keys: Collection[Any], **parameters: Any) -> Iterator[Sequence[Any]]:
        remaining = iter(keys if isinstance(keys, set) else dict.fromkeys(keys))
        while chunk := list(islice(remaining, CHUNK)):
            plain = [tuple(key) if isinstance(key, tuple) else key for key in chunk]
            yield from self._rows(sql, {"keys": plain, **parameters})


def _once(found: Iterable[Sequence[Any]], key: slice) -> Iterable[Sequence[Any]]:
    """The rows, of those with equal columns there only one: an exporter's retry is stored twice.

    The engine can do that too, but its planning costs more than doing it here.
    """
    return {tuple(row[key]): row for row in found}.values()


def _is_meant(location: Location, business: Collection[str], places: Collection[str]) -> bool:
    """Whether what was found by its id's bare, lower-cased text is what was asked for."""
    if location.kind is IdKind.BUSINESS:
        return normal(location.kind, location.id) in business
    return location.kind is not IdKind.POSITION or location.id in places


def _outermost(windows: Collection[Window]) -> dict[str, int]:
    """When the first of these begins and the last ends, for `_BETWEEN`."""
    return {
        "start": min(window.start for window in windows),
        "end": max(window.end for window in windows),
    }


def _last(place: Location) -> int:
    """The last time that it may mean: without a span it is a minute of its trace."""
    whole_minute = place.context is not None and not place.context.span_id
    return place.time + (_MINUTE - 1 if whole_minute else 0)


def _bare(kind: IdKind, text: str) -> str:
    return text.partition("=")[2] if kind is IdKind.BUSINESS else text
