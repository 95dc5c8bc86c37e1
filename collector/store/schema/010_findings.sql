-- What one minute shows of one subject, in one computation of that minute: see `graph.findings`.
-- A row counts only in its newest version; one with the count 0 takes back what was found before.
CREATE TABLE findings (
    kind LowCardinality(String),
    id String,
    minute DateTime,
    version UInt64,
    severity LowCardinality(String),
    environment LowCardinality(String),
    service LowCardinality(String),
    consumer_group LowCardinality(String),
    system LowCardinality(String),
    cluster LowCardinality(String),
    destination LowCardinality(String),
    event_type LowCardinality(String),
    peer LowCardinality(String),
    count UInt64,
    first DateTime64(9),
    last DateTime64(9),
    proof Array(Tuple(id String, time DateTime64(9), note String)) CODEC(ZSTD(1)),
    said String CODEC(ZSTD(1)),
    coverage LowCardinality(String),
    computed DateTime
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(computed, 'UTC')
ORDER BY (kind, id, minute);
