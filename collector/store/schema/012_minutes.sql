-- Ids that most operations of a trace share are there once for each minute of it, without a span.
-- Rows of before name their span, and stay as they are.
ALTER TABLE ids ADD COLUMN IF NOT EXISTS minute Int32,
    MODIFY ORDER BY (id, kind, trace_id, span_id, system, cluster, destination, incarnation,
        partition, offset, minute);
