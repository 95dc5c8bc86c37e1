"""From a start to its chain: causes upwards and effects downwards, generation by generation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from graph.chain.alike import Alike
from graph.chain.assemble import assemble
from graph.chain.explain import explain
from graph.chain.gather import Gatherer, OutOfTime, Wanted
from graph.chain.history import History
from graph.chain.inference import Inference
from graph.chain.known import Known, handles, produces
from graph.chain.reach import Directions, Reach, Seed, seed_of
from graph.chain.result import Chain, EventKey, Limits, NoEvent, Start, Stop
from graph.chain.sharing import Sharing, pooled
from graph.chain.view import View
from graph.facts import Facts
from graph.model import IdKind, Operation, Position, SpanContext


def find(
    facts: Facts,
    start: Start,
    limits: Limits | None = None,
    clock: Callable[[], float] | None = None,
    *,
    whole: bool = False,
    follow: bool = True,
    ahead: bool = False,
    subscribers: Mapping[str, Collection[str]] | None = None,
    explained: bool = False,
) -> Chain:
    """The chain of the events at `start`: all their causes, all their effects.

    Events that share a correlation id with one of these are starts as well. Direct causes of
    every effect are in the chain, but followed only when `whole`, which also follows the other
    effects of causes: everything that hangs together. Without `follow` it is only the events
    at `start`, with their deliveries; `ahead` says that the chain will be asked for next.

    `clock` is monotonic, in seconds; without one there is no deadline. `subscribers` are names
    of services and groups by destination: consumers known only to the broker, for which a
    cause can then be inferred. `explained` adds why each event is joined as it is. Raises
    NoEvent when nothing at `start` is an event.
    """
    limits = limits or Limits()
    readers = {} if subscribers is None else subscribers
    expansion = Expansion(facts, limits, clock, whole, readers, ahead=ahead or follow)
    expansion.run(start, follow)
    if not expansion.reached:
        raise NoEvent(str(start))
    view = expansion.view()
    followed = [key for key, reach in expansion.reached.items() if reach != Reach.SHOWN]
    inference = expansion.inference(view, expansion.canonical(view, followed))
    chain = assemble(
        view,
        starts=expansion.canonical(view, expansion.starts),
        members=expansion.canonical(view, expansion.starts + expansion.members),
        reached=expansion.canonical(view, expansion.reached),
        whole=whole,
        stopped=expansion.stopped,
        inference=inference,
    )
    if not explained:
        return chain
    why = explain(view, inference, (event.key for event in chain.events))
    return replace(chain, explanations=why)


class Expansion:
    """The state of one search."""

    def __init__(
        self,
        facts: Facts,
        limits: Limits,
        clock: Callable[[], float] | None,
        whole: bool,
        subscribers: Mapping[str, Collection[str]],
        *,
        ahead: bool,
    ) -> None:
        self.known = Known()
        self.reached: dict[EventKey, Directions] = {}
        self.starts: list[EventKey] = []
        self.members: list[EventKey] = []
        """Reached because they share a correlation id with others."""
        self.stopped: Stop | None = None
        self._limits = limits
        self.whole = whole
        self._ahead = ahead
        self._gatherer = Gatherer(facts, self.known, clock, limits.seconds, ahead=ahead)
        self._view = View(self.known)
        self._seen: dict[Seed, Directions] = {}
        self._correlations: set[str] = set()
        self.subscribers = subscribers
        self._history = History(self._gatherer.successions)
        self.sharing = Sharing(self._gatherer)
        self._alike = Alike()

    def run(self, start: Start, follow: bool) -> None:
        """Reach all that can be reached, within the limits."""
        try:
            reach = Reach.BOTH if follow else Reach.SHOWN
            self.reach(dict.fromkeys(self._start(start), reach), effects=set())
            self.starts = list(self.reached)
            self._go_on()
        except OutOfTime:
            self.stopped = Stop.DEADLINE
            self.starts = self.starts or list(self.reached)

    def canonical(self, view: View, keys: Iterable[EventKey]) -> list[EventKey]:
        """Keys as they are by all that is known now: an event may have got its position."""
        found: dict[EventKey, None] = {}
        for key in keys:
            known = (key,) if view.exists(key) else view.keys(seed_of(key))
            found.update(dict.fromkeys(known))
        return list(found)

    def _go_on(self) -> None:
        fresh = dict(self.reached)
        for _ in range(self._limits.depth):
            causes, effects = self._next(fresh)
            fresh = self.reach(causes, effects)
            if self.stopped:
                return
            if not fresh and not causes and not effects:
                fresh = self._correlated() or self._alike.found(self)
                if not fresh or self.stopped:
                    return
        causes, effects = self._next(fresh)
        if causes or effects or self._uncorrelated():
            self.stopped = Stop.DEPTH

    def _start(self, start: Start) -> set[Seed]:
        """Seeds for what was asked; a span that is no operation leads to the nearest one."""
        places = {(IdKind.POSITION, str(position)) for position in start.positions}
        named = [context.trace_id for context in start.contexts]
        read_before = start.id is not None and start.id[0] is IdKind.TRACE
        if not named:
            self._gatherer.read((), start.positions)  # What they carry tells the traces.
        elif self._ahead or read_before:
            self._gatherer.read(named)  # It tells the other messages that are read with these.
        else:
            self._gatherer.read(named, start.positions, places)
        spans = {context for context in start.contexts if context.span_id}
        traces = [context.trace_id for context in start.contexts if not context.span_id]
        if start.id is not None:
            spans |= self._gatherer.bearing(traces, start.id)
            traces.clear()
        self._gatherer.ask(Wanted(spans, set(start.positions), places))
        seeds: set[Seed] = set(start.positions)
        operations = self.known.operations
        for trace in traces:
            seeds.update(_foremost(o for c, o in operations.items() if c.trace_id == trace))
        for context in spans:
            if context in operations or self.view().keys(context):
                seeds.add(context)
            else:
                above = [c for c in self.known.ancestors(context) if c in operations]
                below, _ = self.view().identity.productions.below(context)
                seeds.update(above[:1] or _foremost(below))
        return seeds

    # One generation

    def reach(
        self, seeds: Mapping[Seed, Directions], effects: set[Seed]
    ) -> dict[EventKey, Directions]:
        """The events of seeds that were not yet reached in that direction.

        `effects` are seeds that may be effects: they count only where the causes say so.
        """
        wanted = dict(seeds)
        for seed in effects:
            reach = Reach.BOTH if self.whole else Reach.EFFECTS
            wanted[seed] = wanted.get(seed, Reach.SHOWN) | reach
        self.complete(wanted)
        view = self.view()
        fresh: dict[EventKey, Directions] = {}
        for seed in sorted(wanted, key=_order):
            for key in view.keys(seed):
                reaches = [seeds[seed]] if seed in seeds else []
                if seed in effects and any(
                    lead.key in self.reached for lead in view.causes.of(key)
                ):
                    reaches.append(wanted[seed])
                for reach in reaches:
                    if key not in self.reached or reach & ~self.reached[key]:
                        fresh[key] = fresh.get(key, Reach.SHOWN) | reach
        for key in self._within_limit(view, fresh):
            fresh[key] |= self.reached.get(key, Reach.SHOWN)
            self.reached[key] = fresh[key]
        return {key: reach for key, reach in fresh.items() if key in self.reached}

    def _within_limit(self, view: View, fresh: Mapping[EventKey, Directions]) -> list[EventKey]:
        new = [key for key in fresh if key not in self.reached]
        room = self._limits.events - len(self.reached)
        if len(new) > room:
            self.stopped = Stop.EVENTS
            new = sorted(new, key=lambda key: (view.time(key), _order(seed_of(key))))[:room]
        return [key for key in fresh if key in self.reached] + new

    def _next(
        self, fresh: Mapping[EventKey, Directions]
    ) -> tuple[dict[Seed, Directions], set[Seed]]:
        """Where the causes and the effects of these events are."""
        view = self.view()
        causes: dict[Seed, Directions] = {}
        effects: set[Seed] = set()
        for key, reach in fresh.items():
            if reach == Reach.SHOWN:
                continue
            upward = Reach.CAUSES if reach & Reach.CAUSES else Reach.SHOWN
            if self.whole:
                upward = Reach.BOTH
            for lead in view.causes.of(key):
                seed = lead.consumer or seed_of(lead.key)
                if self._is_new(seed, upward):
                    causes[seed] = causes.get(seed, Reach.SHOWN) | upward
            if reach & Reach.EFFECTS:
                effects.update(
                    seed for seed in view.effects.points(key) if self._is_new(seed, Reach.EFFECTS)
                )
        for seed, reach in causes.items():
            self._seen[seed] = self._seen.get(seed, Reach.SHOWN) | reach
        return causes, effects

    def _is_new(self, seed: Seed, reach: Directions) -> bool:
        return seed not in self._seen or bool(reach & ~self._seen[seed])

    def complete(self, seeds: Mapping[Seed, Directions]) -> None:
        """Learn all that decides which events these are, who handled them, and why."""
        wanted = Wanted(
            {seed for seed in seeds if isinstance(seed, SpanContext)},
            {seed for seed in seeds if isinstance(seed, Position)},
        )
        self._gatherer.ask(wanted)
        while True:
            view = self.view()
            reaches: dict[EventKey, Directions] = {}
            for seed, reach in seeds.items():
                for key in view.want(seed, wanted):
                    reaches[key] = reaches.get(key, Reach.SHOWN) | reach
            for key, reach in reaches.items():
                view.want_event(key, wanted, effects=bool(reach & Reach.EFFECTS))
            if not self._gatherer.missing(wanted):
                return
            self._gatherer.ask(wanted)
            if self.known.version == view.version:
                return

    # Correlation

    def _uncorrelated(self) -> set[str]:
        view = self.view()
        followed = [key for key, reach in self.reached.items() if reach != Reach.SHOWN]
        return {
            text for key in followed for text in view.ids(key, IdKind.CORRELATION)
        } - self._correlations

    def _correlated(self) -> dict[EventKey, Directions]:
        """Events that share a correlation id with those reached."""
        new = self._uncorrelated()
        self._correlations |= new
        if not new:
            return {}
        positions, contexts = self._gatherer.located({(IdKind.CORRELATION, text) for text in new})
        before = set(self.reached)
        fresh = self.reach(dict.fromkeys(positions | contexts, Reach.BOTH), effects=set())
        self.members += [key for key in fresh if key not in before]
        return fresh

    def inference(self, view: View, followed: Collection[EventKey] | None = None) -> Inference:
        """What ids alone can tell, among all events that were looked at."""
        pool = self.canonical(view, (*self.reached, *pooled(view, self.sharing.seeds())))
        return Inference(view, pool, self._history, self.subscribers, self.sharing, followed)

    def view(self) -> View:
        """What can be said by now."""
        if self._view.version != self.known.version:
            self._view = View(self.known)
        return self._view


def _order(seed: Seed) -> tuple[object, ...]:
    return (isinstance(seed, Position), *map(str, seed[:-1]), seed[-1])


def _foremost(operations: Iterable[Operation]) -> list[SpanContext]:
    """Those that produce; where none does, those that consume."""
    operations = list(operations)
    producing = [operation.context for operation in operations if produces(operation)]
    return producing or [operation.context for operation in operations if handles(operation)]
