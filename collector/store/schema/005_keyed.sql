-- Whether a part can have a key at all. A sorted table knows only between which two marks a key
-- would lie, and reads there in each part; ids are random, so nearly all of that is for nothing.
-- Parts that are there already get it in the background.
ALTER TABLE otel_traces ADD INDEX IF NOT EXISTS keyed TraceId TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE otel_traces MATERIALIZE INDEX keyed;

ALTER TABLE operations ADD INDEX IF NOT EXISTS keyed trace_id TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE operations MATERIALIZE INDEX keyed;

ALTER TABLE relations ADD INDEX IF NOT EXISTS keyed target_trace_id TYPE bloom_filter(0.01)
    GRANULARITY 1;
ALTER TABLE relations MATERIALIZE INDEX keyed;

ALTER TABLE ids ADD INDEX IF NOT EXISTS keyed id TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE ids MATERIALIZE INDEX keyed;
