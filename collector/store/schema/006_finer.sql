-- A question reads a few rows here and there, of many columns. Of each column a whole granule is
-- decompressed for that, and at least a whole block: both are small here, which more than halves
-- a look-up for a few per cent of disk. Weeks that nothing is added to any more become one part,
-- since each further one has to be looked into; but parts stay as small as retention wants them.
-- The granularity is a table's for good, so each table is made anew and takes over the old one's
-- parts as they are; only what is stored from now on is finer.

DROP TABLE IF EXISTS otel_traces_finer;
CREATE TABLE otel_traces_finer AS otel_traces ENGINE = MergeTree
PARTITION BY toMonday(ReceivedAt, 'UTC')
ORDER BY (TraceId, SpanId)
SETTINGS index_granularity = 1024, min_compress_block_size = 16384,
    min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1,
    enable_max_bytes_limit_for_min_age_to_force_merge = 1,
    non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE otel_traces_finer ATTACH PARTITION ALL FROM otel_traces;
EXCHANGE TABLES otel_traces_finer AND otel_traces;
DROP TABLE otel_traces_finer;

DROP TABLE IF EXISTS operations_finer;
CREATE TABLE operations_finer AS operations ENGINE = MergeTree
PARTITION BY toMonday(received, 'UTC')
ORDER BY (trace_id, span_id)
SETTINGS index_granularity = 1024, min_compress_block_size = 16384,
    min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1,
    enable_max_bytes_limit_for_min_age_to_force_merge = 1,
    non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE operations_finer ATTACH PARTITION ALL FROM operations;
EXCHANGE TABLES operations_finer AND operations;
DROP TABLE operations_finer;

DROP TABLE IF EXISTS relations_finer;
CREATE TABLE relations_finer AS relations ENGINE = MergeTree
PARTITION BY toMonday(received, 'UTC')
ORDER BY (target_trace_id, target_span_id)
SETTINGS index_granularity = 1024, min_compress_block_size = 16384,
    min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1,
    enable_max_bytes_limit_for_min_age_to_force_merge = 1,
    non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE relations_finer ATTACH PARTITION ALL FROM relations;
EXCHANGE TABLES relations_finer AND relations;
DROP TABLE relations_finer;

DROP TABLE IF EXISTS messages_finer;
CREATE TABLE messages_finer AS messages ENGINE = ReplacingMergeTree
PARTITION BY toMonday(received, 'UTC')
ORDER BY (system, cluster, destination, incarnation, partition, offset)
SETTINGS index_granularity = 1024, min_compress_block_size = 16384,
    min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1,
    enable_max_bytes_limit_for_min_age_to_force_merge = 1,
    non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE messages_finer ATTACH PARTITION ALL FROM messages;
EXCHANGE TABLES messages_finer AND messages;
DROP TABLE messages_finer;

DROP TABLE IF EXISTS ids_finer;
CREATE TABLE ids_finer AS ids ENGINE = ReplacingMergeTree
PARTITION BY toMonday(received, 'UTC')
ORDER BY (id, kind, trace_id, span_id, system, cluster, destination, incarnation, partition,
    offset)
SETTINGS index_granularity = 1024, min_compress_block_size = 16384,
    min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1,
    enable_max_bytes_limit_for_min_age_to_force_merge = 1,
    non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE ids_finer ATTACH PARTITION ALL FROM ids;
EXCHANGE TABLES ids_finer AND ids;
DROP TABLE ids_finer;
