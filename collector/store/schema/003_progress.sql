-- Where a group is taken to have begun, because the broker was asked before its first commit.
ALTER TABLE progress ADD COLUMN IF NOT EXISTS assumed Bool DEFAULT false;

-- What happened in the last minutes, of all groups.
ALTER TABLE progress ADD INDEX IF NOT EXISTS seen time TYPE minmax GRANULARITY 1;

-- Where each group is now: asked for with every chain, while its history grows.
CREATE TABLE progress_newest (
    time DateTime64(3),
    cluster LowCardinality(String),
    consumer_group LowCardinality(String),
    destination LowCardinality(String),
    incarnation LowCardinality(String),
    partition LowCardinality(String),
    committed Int64,
    end_offset Int64
) ENGINE = ReplacingMergeTree(time)
ORDER BY (cluster, destination, consumer_group, incarnation, partition);

CREATE MATERIALIZED VIEW IF NOT EXISTS keep_newest_progress TO progress_newest AS
SELECT time, cluster, consumer_group, destination, incarnation, partition, committed, end_offset
FROM progress WHERE NOT assumed;

INSERT INTO progress_newest
SELECT time, cluster, consumer_group, destination, incarnation, partition, committed, end_offset
FROM progress
ORDER BY cluster, destination, consumer_group, incarnation, partition, time DESC
LIMIT 1 BY cluster, destination, consumer_group, incarnation, partition;
