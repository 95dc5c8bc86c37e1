"""What the recordings of real client libraries are expected to say, a table a library.

One fact a line. An event: its name, who produced it, how that is known, and at how many
positions it lies when these are several. A delivery: the event, who it was delivered to and as
which group, how that is known, and how each attempt ended. A cause: the event, its effect, at
whom, how that is known. An edge of the graph: from, to, and how many messages; a group
that no span names is shown by itself, for nothing says which service it is.

The story is that of `tests/recordings/libraries/story.py`: `a` takes orders, `b` answers each
with a payment and fails once with the second, `c` takes all payments together and writes a tally.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Fact(NamedTuple):
    """One line of a table."""

    kind: str
    """`event`, `delivery`, `cause`, or `edge`."""
    words: tuple[str, ...]

    @property
    def is_cause(self) -> bool:
        return self.kind == "cause"

    @classmethod
    def of(cls, line: str) -> Fact:
        kind, *words = line.split()
        return cls(kind, tuple(words))

    def __str__(self) -> str:
        return " ".join((self.kind, *self.words))


@dataclass(frozen=True)
class Expected:
    """Everything that is to be known of a story, and nothing else."""

    events: str
    deliveries: str
    causes: str
    edges: str
    declared: str = ""
    """Causes that the messages tell without any span."""
    causes_by_spans: str | None = None
    deliveries_by_spans: str | None = None
    """What the spans tell without any message, where it differs."""

    @property
    def facts(self) -> set[Fact]:
        return {
            *_facts("event", self.events),
            *_facts("delivery", self.deliveries),
            *_facts("cause", self.causes),
        }

    @property
    def told_by_spans(self) -> set[Fact]:
        events = (line.split()[:2] for line in self.events.splitlines() if line.strip())
        deliveries = self.deliveries_by_spans
        causes = self.causes_by_spans
        return {
            *(Fact("event", (name, service, "observed", "span")) for name, service in events),
            *_facts("delivery", self.deliveries if deliveries is None else deliveries),
            *_facts("cause", self.causes if causes is None else causes),
        }

    @property
    def edge_facts(self) -> set[Fact]:
        return set(_facts("edge", self.edges))

    @property
    def declared_joins(self) -> set[Fact]:
        return set(_facts("cause", self.declared))


def _facts(kind: str, table: str) -> Iterator[Fact]:
    for line in table.splitlines():
        if line.strip():
            yield Fact.of(f"{kind} {line}")


EXPECTED = {
    # Consumer spans end before the handler, and name neither group nor position. `poll` makes
    # none, so nothing but the group's progress tells of `c`. What is left of causes is a shared
    # correlation id, or where nobody set one the record's key, at the same instance.
    "kafka-python": Expected(
        events="""
            order-1    a  observed header
            order-2    a  observed header
            order-3    a  observed header
            payment-1  b  observed header
            payment-2  b  observed header
            payment-3  b  observed header
            tally-1    c  observed header
        """,
        deliveries="""
            order-1    b  observed parent  ok
            order-2    b  observed parent  ok ok
            order-3    b  observed parent  ok
        """,
        causes="""
            order-1    payment-1  b  inferred correlation id
            order-2    payment-2  b  inferred key
            order-3    payment-3  b  inferred correlation id
        """,
        edges="""
            a  kafka-python.a  3
            kafka-python.a  b  3
            kafka-python.a  kafka-python-b  3
            b  kafka-python.b  3
            kafka-python.b  kafka-python-c  3
            c  kafka-python.c  1
        """,
        causes_by_spans="",
    ),
    # As above, but with group and position; `getmany` makes a span for each record, and one for
    # each partition that links to them. Of the tally nothing tells what it was made from.
    "aiokafka": Expected(
        events="""
            order-1    a  observed header
            order-2    a  observed header
            order-3    a  observed header
            payment-1  b  observed header
            payment-2  b  observed header
            payment-3  b  observed header
            tally-1    c  observed header
        """,
        deliveries="""
            order-1    b/aiokafka-b  observed parent  ok
            order-2    b/aiokafka-b  observed parent  ok ok
            order-3    b/aiokafka-b  observed parent  ok
            payment-1  c/aiokafka-c  observed link/parent  ok
            payment-2  c/aiokafka-c  observed link/parent  ok
            payment-3  c/aiokafka-c  observed link/parent  ok
        """,
        causes="""
            order-1    payment-1  b/aiokafka-b  inferred correlation id
            order-2    payment-2  b/aiokafka-b  inferred key
            order-3    payment-3  b/aiokafka-b  inferred correlation id
        """,
        edges="""
            a  aiokafka.a  3
            aiokafka.a  b  3
            b  aiokafka.b  3
            aiokafka.b  c  3
            c  aiokafka.c  1
        """,
        causes_by_spans="""
            order-1    payment-1  b/aiokafka-b  inferred key
            order-2    payment-2  b/aiokafka-b  inferred key
            order-3    payment-3  b/aiokafka-b  inferred key
        """,
    ),
    # Process spans link to what they process, and stay open until the next poll.
    "confluent-kafka": Expected(
        events="""
            order-1    a  observed header
            order-2    a  observed header
            order-3    a  observed header
            payment-1  b  observed header
            payment-2  b  observed header
            payment-3  b  observed header
            tally-1    c  observed header
        """,
        deliveries="""
            order-1    b  observed link  ok
            order-2    b  observed link  ok ok
            order-3    b  observed link  ok
            payment-1  c  observed link  ok
            payment-2  c  observed link  ok
            payment-3  c  observed link  ok
        """,
        causes="""
            order-1    payment-1  b  observed parent
            order-2    payment-2  b  observed parent
            order-3    payment-3  b  observed parent
            payment-1  tally-1    c  observed parent
            payment-2  tally-1    c  observed parent
            payment-3  tally-1    c  observed parent
        """,
        edges="""
            a  confluent-kafka.a  3
            confluent-kafka.a  b  3
            confluent-kafka.a  confluent-kafka-b  3
            b  confluent-kafka.b  3
            confluent-kafka.b  c  3
            confluent-kafka.b  confluent-kafka-c  3
            c  confluent-kafka.c  1
        """,
    ),
    # What a handler returns is published with the context of the order that it was given, so the
    # publish span and the message have only an ancestor, the correlation id and the destination
    # in common. They are no copies: their bodies differ. Of messages with one correlation id a
    # batch links to the last only, which hides the first payment's delivery.
    "faststream": Expected(
        events="""
            order-1    a  observed header
            order-2    a  observed header
            order-3    a  observed header
            payment-1  b  inferred header
            payment-2  b  inferred header
            payment-3  b  inferred header
            tally-1    c  observed header
        """,
        deliveries="""
            order-1    b  observed parent  ok
            order-2    b  observed parent  failed ok
            order-3    b  observed parent  ok
            payment-2  c  observed link/parent  ok
            payment-3  c  observed link/parent  ok
        """,
        causes="""
            order-1    payment-1  b  observed header
            order-2    payment-2  b  observed header
            order-3    payment-3  b  observed header
            payment-2  tally-1    c  observed parent
            payment-3  tally-1    c  observed parent
        """,
        edges="""
            a  faststream.a  3
            faststream.a  b  3
            faststream.a  faststream-b  3
            b  faststream.b  3
            faststream.b  c  3
            faststream.b  faststream-c  3
            c  faststream.c  1
        """,
        deliveries_by_spans="""
            order-1    b  observed parent  ok
            order-2    b  observed parent  failed ok
            order-3    b  observed parent  ok
            payment-2  c  inferred link/parent  ok
            payment-3  c  inferred link/parent  ok
        """,
        causes_by_spans="""
            order-1    payment-1  b  observed parent
            order-2    payment-2  b  observed parent
            order-3    payment-3  b  observed parent
            payment-2  tally-1    c  inferred parent
            payment-3  tally-1    c  inferred parent
        """,
    ),
    # `eachBatch` runs beside its process spans, all in the span of the poll: what is sent there
    # can come of any of the messages.
    "kafkajs": Expected(
        events="""
            order-1    a  observed header
            order-2    a  observed header
            order-3    a  observed header
            payment-1  b  observed header
            payment-2  b  observed header
            payment-3  b  observed header
            tally-1    c  observed header
        """,
        deliveries="""
            order-1    b  observed parent  ok
            order-2    b  observed parent  failed ok
            order-3    b  observed parent  ok
            payment-1  c  observed link  ok
            payment-2  c  observed link  ok
            payment-3  c  observed link  ok
        """,
        causes="""
            order-1    payment-1  b  observed parent
            order-2    payment-2  b  observed parent
            order-3    payment-3  b  observed parent
            payment-1  tally-1    c  inferred parent 1 of 3
            payment-2  tally-1    c  inferred parent 1 of 3
            payment-3  tally-1    c  inferred parent 1 of 3
        """,
        edges="""
            a  kafkajs.a  3
            kafkajs.a  b  3
            kafkajs.a  kafkajs-b  3
            b  kafkajs.b  3
            kafkajs.b  c  3
            kafkajs.b  kafkajs-c  3
            c  kafkajs.c  1
        """,
    ),
    # A retry is sent by the worker as a message with the same task id to the same queue. There
    # is no tally: Celery has no batches.
    "celery": Expected(
        events="""
            order-1    a  observed header
            order-2    a  observed header  2 positions
            order-3    a  observed header
            payment-1  b  observed header
            payment-2  b  observed header
            payment-3  b  observed header
        """,
        deliveries="""
            order-1    b  observed parent  ok
            order-2    b  observed parent  failed ok
            order-3    b  observed parent  ok
            payment-1  c  observed parent  ok
            payment-2  c  observed parent  ok
            payment-3  c  observed parent  ok
        """,
        causes="""
            order-1    payment-1  b  observed parent
            order-2    payment-2  b  observed parent
            order-3    payment-3  b  observed parent
        """,
        edges="""
            a  celery.a  3
            b  celery.a  1
            celery.a  b  4
            b  celery.b  3
            celery.b  c  3
        """,
        declared="""
            order-1    payment-1  declared causation id
            order-2    payment-2  declared causation id
            order-3    payment-3  declared causation id
        """,
    ),
}
