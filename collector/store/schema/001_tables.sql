-- The first schema. Each statement ends with a semicolon at the end of a line.
-- Tables are partitioned by the week of receipt: producers' clocks can say 1970 or 2036, and
-- one insert that spans a hundred partitions is refused. The deduplication window makes a
-- segment's second insert, after a crash, a no-op in every table. What is inserted is synced to
-- disk, because the spool forgets it then; a merge keeps its old parts long enough to be flushed.

-- The OpenTelemetry Collector's ClickHouse exporter writes the same columns.
CREATE TABLE otel_traces (
    Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    ParentSpanId String CODEC(ZSTD(1)),
    TraceState String CODEC(ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)),
    SpanKind LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    Duration UInt64 CODEC(ZSTD(1)),
    StatusCode LowCardinality(String) CODEC(ZSTD(1)),
    StatusMessage String CODEC(ZSTD(1)),
    `Events.Timestamp` Array(DateTime64(9)) CODEC(ZSTD(1)),
    `Events.Name` Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `Events.Attributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    `Links.TraceId` Array(String) CODEC(ZSTD(1)),
    `Links.SpanId` Array(String) CODEC(ZSTD(1)),
    `Links.TraceState` Array(String) CODEC(ZSTD(1)),
    `Links.Attributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    ReceivedAt DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    Flags UInt32 CODEC(ZSTD(1)),
    DroppedLinksCount UInt32 CODEC(ZSTD(1)),
    INDEX span_id SpanId TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX started Timestamp TYPE minmax GRANULARITY 4
) ENGINE = MergeTree
PARTITION BY toMonday(ReceivedAt, 'UTC')
ORDER BY (TraceId, SpanId)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1,
    fsync_part_directory = 1;

CREATE TABLE operations (
    received DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    environment LowCardinality(String),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    parent_span_id String CODEC(ZSTD(1)),
    service LowCardinality(String),
    instance LowCardinality(String),
    scope LowCardinality(String),
    name LowCardinality(String),
    kind LowCardinality(String),
    type LowCardinality(String),
    system LowCardinality(String),
    cluster LowCardinality(String),
    destination LowCardinality(String),
    partition LowCardinality(String),
    offset Nullable(Int64) CODEC(ZSTD(1)),
    consumer_group LowCardinality(String),
    client_id LowCardinality(String),
    message_id String CODEC(ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    event_type LowCardinality(String),
    conversation_id String CODEC(ZSTD(1)),
    key String CODEC(ZSTD(1)),
    batch_count Nullable(Int64) CODEC(ZSTD(1)),
    server_address LowCardinality(String),
    start DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    duration UInt64 CODEC(ZSTD(1)),
    error Bool,
    error_message String CODEC(ZSTD(1)),
    remote_parent Bool,
    links Array(Tuple(trace_id String, span_id String, destination String, partition String,
        offset Nullable(Int64), message_id String)) CODEC(ZSTD(1)),
    INDEX started start TYPE minmax GRANULARITY 4,
    INDEX place (destination, partition, offset) TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree
PARTITION BY toMonday(received, 'UTC')
ORDER BY (trace_id, span_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1,
    fsync_part_directory = 1;

CREATE TABLE relations (
    received DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    target_trace_id String CODEC(ZSTD(1)),
    target_span_id String CODEC(ZSTD(1)),
    kind LowCardinality(String),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    system LowCardinality(String),
    cluster LowCardinality(String),
    destination LowCardinality(String),
    incarnation LowCardinality(String),
    partition LowCardinality(String),
    offset Nullable(Int64) CODEC(ZSTD(1)),
    message_id String CODEC(ZSTD(1)),
    time DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    INDEX source span_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree
PARTITION BY toMonday(received, 'UTC')
ORDER BY (target_trace_id, target_span_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1,
    fsync_part_directory = 1;

CREATE TABLE messages (
    received DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    environment LowCardinality(String),
    system LowCardinality(String),
    cluster LowCardinality(String),
    destination LowCardinality(String),
    incarnation LowCardinality(String),
    partition LowCardinality(String),
    offset Int64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(3) CODEC(Delta(8), ZSTD(1)),
    key String CODEC(ZSTD(1)),
    key_null Bool,
    event_type LowCardinality(String),
    source LowCardinality(String),
    message_id String CODEC(ZSTD(1)),
    causation_id String CODEC(ZSTD(1)),
    correlation_id String CODEC(ZSTD(1)),
    contexts Array(Tuple(trace_id String, span_id String)) CODEC(ZSTD(1)),
    headers Array(Tuple(name LowCardinality(String), value String)) CODEC(ZSTD(1)),
    value String CODEC(ZSTD(1)),
    value_size Int64 CODEC(ZSTD(1)),
    INDEX sent time TYPE minmax GRANULARITY 4
) ENGINE = ReplacingMergeTree
PARTITION BY toMonday(received, 'UTC')
ORDER BY (system, cluster, destination, incarnation, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1,
    fsync_part_directory = 1;

CREATE TABLE ids (
    received DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    id String CODEC(ZSTD(1)),
    kind LowCardinality(String),
    written String CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    system LowCardinality(String),
    cluster LowCardinality(String),
    destination LowCardinality(String),
    incarnation LowCardinality(String),
    partition LowCardinality(String),
    offset Int64 CODEC(ZSTD(1)),
    event_type LowCardinality(String),
    service LowCardinality(String),
    time DateTime64(9) CODEC(Delta(8), ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY toMonday(received, 'UTC')
ORDER BY (id, kind, trace_id, span_id, system, cluster, destination, incarnation, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1,
    fsync_part_directory = 1;

-- Computed minutes. A minute's rows count only in its newest version; `empty` rows say that
-- the newest computation of the minute found nothing.
CREATE TABLE edges (
    minute DateTime,
    version UInt64,
    role LowCardinality(String),
    environment LowCardinality(String),
    service LowCardinality(String),
    consumer_group LowCardinality(String),
    peer LowCardinality(String),
    system LowCardinality(String),
    cluster LowCardinality(String),
    destination LowCardinality(String),
    event_type LowCardinality(String),
    evidence LowCardinality(String),
    count UInt64,
    errors UInt64,
    last_seen DateTime64(9),
    latency AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float32),
    wait AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float32),
    computed DateTime
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(computed, 'UTC')
ORDER BY (minute, role, environment, service, consumer_group, peer, system, cluster, destination,
    event_type, evidence);

CREATE TABLE positions (
    system LowCardinality(String),
    cluster LowCardinality(String),
    destination LowCardinality(String),
    incarnation LowCardinality(String),
    partition LowCardinality(String),
    next_offset Int64,
    stored DateTime64(6)
) ENGINE = ReplacingMergeTree(stored)
ORDER BY (system, cluster, destination, incarnation, partition);

CREATE TABLE gaps (
    system LowCardinality(String),
    cluster LowCardinality(String),
    destination LowCardinality(String),
    incarnation LowCardinality(String),
    partition LowCardinality(String),
    first_offset Int64,
    last_offset Int64,
    reason String,
    noticed DateTime64(3)
) ENGINE = ReplacingMergeTree(noticed)
ORDER BY (system, cluster, destination, incarnation, partition, first_offset);

CREATE TABLE progress (
    time DateTime64(3) CODEC(Delta(8), ZSTD(1)),
    cluster LowCardinality(String),
    consumer_group LowCardinality(String),
    destination LowCardinality(String),
    incarnation LowCardinality(String),
    partition LowCardinality(String),
    committed Int64 CODEC(ZSTD(1)),
    end_offset Int64 CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY toMonday(time, 'UTC')
ORDER BY (cluster, destination, consumer_group, incarnation, partition, time);

CREATE TABLE members (
    time DateTime64(3),
    cluster LowCardinality(String),
    consumer_group LowCardinality(String),
    member_id String,
    client_id LowCardinality(String),
    host LowCardinality(String),
    state LowCardinality(String),
    assignment Array(Tuple(destination String, partition String))
) ENGINE = ReplacingMergeTree(time)
ORDER BY (cluster, consumer_group, member_id);

-- Small facts about the store itself: how far the edges are computed, and the like.
CREATE TABLE state (
    name String,
    value String,
    stored DateTime64(6)
) ENGINE = ReplacingMergeTree(stored)
ORDER BY name;
