-- Producers as their broker tells them, one row for each that writes to a partition in one run of
-- a tap: a newer look replaces it. `first_time` and `last_time` are those of the records between
-- which it is known to write; producers' clocks can say anything.
CREATE TABLE producers (
    observed DateTime64(3),
    system LowCardinality(String),
    cluster LowCardinality(String),
    destination LowCardinality(String),
    incarnation LowCardinality(String),
    partition LowCardinality(String),
    producer_id Int64,
    epoch Int32,
    transactional_id String,
    first_time DateTime64(3),
    last_time DateTime64(3),
    transaction_offset Int64
) ENGINE = ReplacingMergeTree(observed)
ORDER BY (system, cluster, destination, incarnation, partition, producer_id, first_time);
