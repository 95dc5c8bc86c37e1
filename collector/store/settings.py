"""Settings of the engine: of inserts, of questions, and of what computes edges."""

from __future__ import annotations

ALLOCATOR = "dirty_decay_ms:300"
"""The embedded engine keeps what an insert has freed for five seconds, in case that it is wanted
again; of ten times the size of what is stored that is too long."""

WRITER_SETTINGS: dict[str, object] = {
    # A segment is one insert: one block in each table, so that its token covers it whole.
    "max_block_size": 10_000_000,
    "max_insert_block_size": 10_000_000,
    "min_insert_block_size_rows": 10_000_000,
    "min_insert_block_size_bytes": 4_000_000_000,
    "max_partitions_per_insert_block": 0,
    "insert_deduplicate": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    # One thread for each insert costs less CPU than several, and keeps its blocks in order.
    "max_threads": 1,
    "max_insert_threads": 1,
    "parallel_view_processing": 0,
}

SPANS_SETTINGS: dict[str, object] = {
    # Whoever reads `ids` expects a row twice anyway, from two inserts. To look for those within
    # one costs more than to keep them until the next merge.
    "optimize_on_insert": 0,
    # To make the views' queries ready takes longer than most segments: what merges their steps
    # and compiles their expressions costs more than it saves.
    "compile_expressions": 0,
    "query_plan_merge_expressions": 0,
    # The tables are filled beside each other. Each is still given one block.
    "max_threads": 2,
    "parallel_view_processing": 1,
}

MESSAGES_SETTINGS: dict[str, object] = {
    # As above: a message that was read again lies there twice until the next merge.
    "optimize_on_insert": 0,
    # Compiling an expression costs more than it saves on so few rows.
    "compile_expressions": 0,
}

ROLLER_SETTINGS: dict[str, object] = {
    "max_threads": 2,
    "prefer_column_name_to_alias": 1,
    "allow_suspicious_low_cardinality_types": 1,
    # Compiling an expression costs more than it saves on tables as small as these.
    "compile_expressions": 0,
    "compile_aggregate_expressions": 0,
    "compile_sort_description": 0,
}

READER_SETTINGS: dict[str, object] = {
    # Small questions are answered sooner by one thread, and the other cores stay for inserts.
    "max_threads": 1,
    "max_execution_time": 30,
    # As above: a chain asks many small questions.
    "compile_expressions": 0,
    "compile_aggregate_expressions": 0,
    # Which parts can have a key is told before any of them is opened: to open one costs more.
    "use_skip_indexes_on_data_read": 0,
    # Few columns are named that are not wanted, and to look for those takes its time.
    "query_plan_remove_unused_columns": 0,
    # What a question reads is small and nearly always in the page cache: to hand it over to
    # threads that read costs more.
    "local_filesystem_read_method": "read",
}
