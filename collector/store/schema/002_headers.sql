-- What headers and bodies say beyond plain ids: see `collector.conventions`.

ALTER TABLE messages
    ADD COLUMN IF NOT EXISTS origins Array(Tuple(trace_id String, span_id String)) CODEC(ZSTD(1))
        AFTER contexts,
    ADD COLUMN IF NOT EXISTS profile LowCardinality(String) AFTER origins,
    ADD COLUMN IF NOT EXISTS copied Tuple(kind LowCardinality(String), destination String,
        partition String, offset Nullable(Int64), message_id String, consumer String,
        attempt Nullable(Int64), error_type String, error_message String) CODEC(ZSTD(1))
        AFTER profile,
    ADD COLUMN IF NOT EXISTS business Array(Tuple(name String, value String)) CODEC(ZSTD(1))
        AFTER copied;
