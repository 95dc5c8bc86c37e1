"""A question that nobody waits for any more stops: asked over HTTP, or in process."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from collector import giving_up
from collector.backend import StoreBackend
from collector.config import Api
from collector.store.client import Store
from collector.store.prune import Leaving
from graph.edges import ALL_EDGES, MOST_EDGES, Edges, Patterns
from graph.listing import EventFilter
from tests.memory_backend import MemoryBackend
from tests.running import eventually
from tests.serving import serving
from tui.client import ApiClient, LocalSource, Source, SourceFailed
from tui.question import Question
from tui.source import GivenUp


def given_up() -> bool:
    """Whether this thread's question is."""
    try:
        giving_up.check()
    except giving_up.GivenUp:
        return True
    return False


class Paused(StoreBackend):
    """Reads edges once nobody wants them any more."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.begun = threading.Event()
        self.stopped = threading.Event()

    def edges(
        self,
        start: int,
        end: int,
        limit: int = MOST_EDGES,
        wanted: Patterns = ALL_EDGES,
        *,
        by_producer: bool = False,
    ) -> Edges:
        self.begun.set()
        eventually(given_up)
        try:
            return super().edges(start, end, limit, wanted, by_producer=by_producer)
        except giving_up.GivenUp:
            self.stopped.set()
            raise


@contextmanager
def http(backend: Paused) -> Iterator[Source]:
    """Over HTTP, where one question is answered at a time."""
    with serving(backend, Api(workers=1)) as url:
        yield ApiClient(url)


@contextmanager
def local(backend: Paused) -> Iterator[Source]:
    """In this process."""
    yield LocalSource(backend, "a store")


class Asked:
    """A question in a thread of its own."""

    def __init__(self, question: Callable[[], object]) -> None:
        self._question = Question()
        self._ended: queue.Queue[object] = queue.Queue()

        def run() -> None:
            try:
                with self._question.asked():
                    self._ended.put(question())
            except Exception as error:
                self._ended.put(error)

        threading.Thread(target=run, daemon=True).start()

    def give_up(self) -> None:
        """Gives it up; it ends at once."""
        self._question.give_up()
        assert isinstance(self._ended.get(timeout=20), GivenUp)


@pytest.mark.parametrize("way", [http, local])
def test_a_question_that_is_given_up_stops_before_the_next_query(
    store: Store, way: Callable[[Paused], AbstractContextManager[Source]]
) -> None:
    backend = Paused(store)
    with way(backend) as source:
        asked = Asked(source.topology)
        assert backend.begun.wait(20)
        asked.give_up()
        assert backend.stopped.wait(20)
        assert source.events(EventFilter()).rows == [], "others are answered"


def test_a_question_stops_at_its_deadline(store: Store) -> None:
    """Its answer goes nowhere, and its worker is wanted."""
    backend = Paused(store)
    with serving(backend, Api(deadline=0.2)) as url:
        with pytest.raises(SourceFailed, match="no answer within"):
            ApiClient(url).topology()
        assert backend.stopped.wait(20)


def test_edges_are_computed_for_all_who_ask(store: Store) -> None:
    """Who gives up while that is under way does not keep them from the others."""
    backend, over = StoreBackend(store), threading.Event()
    over.set()
    with giving_up.unless(over):
        backend.refresh()
        with pytest.raises(giving_up.GivenUp):
            backend.edges(0, 0)


class Pruning(MemoryBackend):
    """Prunes once it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on, self.done = (threading.Event() for _ in range(3))

    def prune(self, *, days: int | None, most: int | None, dry_run: bool) -> Leaving:
        self.begun.set()
        assert self.go_on.wait(20)
        giving_up.check()
        self.done.set()
        return super().prune(days=days, most=most, dry_run=dry_run)


def test_what_changes_something_is_done_to_its_end() -> None:
    backend = Pruning()
    with serving(backend, owner_token="owner") as url:
        client = ApiClient(url, "owner")
        asked = Asked(lambda: client.prune(days=30, most=None, dry_run=False))
        assert backend.begun.wait(20)
        asked.give_up()
        client.health()  # By then the API has heard that the other one hung up.
        backend.go_on.set()
        assert backend.done.wait(20)
