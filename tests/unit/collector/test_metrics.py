"""Counters hold their equation and show themselves."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from collector.metrics import Counters


def test_the_equation_tells_what_is_under_way() -> None:
    counters = Counters()
    counters.count("spans", "zipkin", "received", 10)
    assert counters.under_way("spans", "zipkin") == 10
    counters.count("spans", "zipkin", "stored", 6)
    counters.count("spans", "zipkin", "rejected", 3)
    counters.count("spans", "zipkin", "dropped", 1)
    counters.count("spans", "zipkin", "ignored", 5)
    assert counters.under_way("spans", "zipkin") == 0
    assert counters.under_way("spans", "unknown") == 0


def test_a_snapshot_has_every_outcome_of_each_source_that_was_seen() -> None:
    counters = Counters()
    assert counters.snapshot() == {}
    counters.count("requests", "otlp_grpc", "ignored")
    counters.count("messages", "kafka", "received", 2)
    nothing = {"received": 0, "stored": 0, "rejected": 0, "dropped": 0, "ignored": 0}
    assert counters.snapshot() == {
        "requests": {"otlp_grpc": nothing | {"ignored": 1}},
        "messages": {"kafka": nothing | {"received": 2}},
    }


def test_two_collectors_in_a_process_count_apart() -> None:
    first, second = Counters(), Counters()
    first.count("spans", "zipkin", "received")
    assert second.snapshot() == {}


def test_prometheus_reads_the_counters_and_what_is_watched() -> None:
    counters = Counters()
    counters.count("spans", "otlp_http", "stored", 7)
    pending = [1.0]
    counters.watch("spool_pending_bytes", "Bytes that wait for the engine.", lambda: pending[0])
    pending[0] = 42
    samples = {
        (sample.name, sample.labels.get("source")): sample.value
        for family in text_string_to_metric_families(counters.exposition().decode())
        for sample in family.samples
    }
    assert samples["flowtap_spans_stored_total", "otlp_http"] == 7
    assert samples["flowtap_spool_pending_bytes", None] == 42


def test_the_webhook_s_messages_are_counted() -> None:
    counters = Counters()
    counts = {"delivered": 0, "failed": 0, "dropped": 0}
    counters.watch_webhook(counts, lambda: 3)
    counts["delivered"] += 2
    text = counters.exposition().decode()
    assert 'flowtap_webhook_messages_total{outcome="delivered"} 2.0' in text
    assert 'flowtap_webhook_messages_total{outcome="dropped"} 0.0' in text
    assert "flowtap_webhook_waiting 3.0" in text
