"""What is kept of the facts that edges are computed from, in temporary tables: their columns, and
what these say of a row."""

from __future__ import annotations

ONE_NAME_SYSTEMS = ("kafka", "redis", "pulsar")
"""Systems in which producers and consumers call a destination the same. Elsewhere a consumer
names its queue or subscription: the destination is then the producer's, the name the group."""


def hashed(trace_id: str, span_id: str) -> str:
    """A context as a number of 16 bytes: joins by them cost a fraction of what they do by texts."""
    return f"reinterpretAsUInt128(sipHash128({trace_id}, {span_id}))"


def lies(context: str, destination: str) -> str:
    """A hashed context at a destination as a number of 16 bytes: a batch of one context can have
    several."""
    return f"reinterpretAsUInt128(sipHash128({context}, {destination}))"


NOWHERE = "toUInt128(0)"
"""What stands for no context."""

OPERATION = f"""received, trace_id, span_id, parent_span_id, environment, service, kind, type,
    system, cluster, destination, partition, offset, consumer_group, message_id, event_type,
    batch_count, server_address, start, duration, error, remote_parent, links,
    {hashed("trace_id", "span_id")} AS self,
    if(parent_span_id = '', {NOWHERE}, {hashed("trace_id", "parent_span_id")}) AS parent,
    arrayMap(l -> {hashed("l.1", "l.2")}, links) AS linked,
    if(parent_span_id = '', linked, arrayPushFront(linked, parent)) AS targets"""
"""What is kept of an operation: with its context, its parent's and those that it points at."""

PRODUCING = "type IN ('create', 'send')"
CONSUMING = "type IN ('receive', 'process')"
ANY_TYPE = "type IN ('create', 'send', 'receive', 'process')"

POSITION = "system, cluster, destination, incarnation, partition, offset"
PLACE = f"reinterpretAsUInt128(sipHash128({POSITION.replace('offset', 'ifNull(offset, -1)')}))"
MESSAGE = f"""{POSITION}, time, received, environment, event_type, source, contexts,
    arrayMap(c -> {hashed("c.1", "c.2")}, contexts) AS carried, {PLACE} AS place"""

NAMELESS = f"""seed AND {CONSUMING} AND empty(links) AND NOT remote_parent
    AND (message_id != '' OR offset IS NOT NULL)"""

CREATED: tuple[str, ...] = (
    # Contexts to look at, one row for each step in which they are come upon. `wanted`: for the
    # deliveries of what they stand for, `sure` that this is a message or handling one. `own`: of
    # the seeds' own sends.
    """CREATE TEMPORARY TABLE r_round (step UInt8, trace_id String, span_id String, self UInt128,
        wanted Bool, sure Bool, own Bool) ENGINE = Memory""",
    # Those whose deliveries have been looked for. `late`: what they are was found before in the
    # same step.
    "CREATE TEMPORARY TABLE r_seen (step UInt8, late Bool, self UInt128) ENGINE = Memory",
    # What points at them from another trace, or is a message that carries them, besides the seeds.
    """CREATE TEMPORARY TABLE r_relations (self UInt128, source UInt128, header Bool,
        trace_id String, span_id String, system LowCardinality(String),
        cluster LowCardinality(String), destination LowCardinality(String),
        incarnation LowCardinality(String), partition LowCardinality(String), offset Int64,
        time DateTime64(9)) ENGINE = Memory""",
    # Contexts of which something may have been received long before the seeds.
    """CREATE TEMPORARY TABLE r_far (step UInt8, trace_id String, span_id String, self UInt128)
        ENGINE = Memory""",
    # Contexts of messages that no send to where these lie has.
    """CREATE TEMPORARY TABLE r_open (trace_id String, self UInt128, destination String)
        ENGINE = Memory""",
)
