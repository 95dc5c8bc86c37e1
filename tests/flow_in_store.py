"""A flow's spans and messages in a real store, by the ways that real ones take."""

from __future__ import annotations

from collector.intake import Intake
from collector.metrics import Counters
from collector.store.client import Store
from collector.taps.tap import Batch, PartitionKey
from graph.model import Message
from tests import stores
from tests.builders import Flow
from tests.poured import pour_progress, request


def put_flow(store: Store, flow: Flow) -> None:
    """Store it all. Edges are computed by who asks for them: `stores.rolled_up`."""
    if flow.spans:
        stores.put_spans(store, request(flow).SerializeToString())
    if flow.messages:
        intake = Intake(store, Counters(), lambda: None)
        intake.start()
        intake.messages(_batch(list(flow.messages.values())))
        assert intake.stop(60)
    pour_progress(flow, store)


def _batch(messages: list[Message]) -> Batch:
    (first, *_) = messages
    batch = Batch(first.position.system, first.position.cluster)
    for message in messages:
        headers = {
            "ce_id": message.message_id,
            "ce_type": message.event_type,
            "ce_source": message.source,
            "ce_causationid": message.causation_id,
            "ce_correlationid": message.correlation_id,
        }
        said = [(name, value) for name, value in headers.items() if value]
        said += [("traceparent", f"00-{one.trace_id}-{one.span_id}-01") for one in message.contexts]
        batch.destination.append(message.position.destination)
        batch.incarnation.append(message.position.incarnation)
        batch.partition.append(message.position.partition)
        batch.offset.append(message.position.offset)
        batch.time.append(message.time // 1_000_000)
        batch.key.append(message.key.encode() if message.key else None)
        batch.header_names.append([name for name, _ in said])
        batch.header_values.append([value.encode() for _, value in said])
        batch.value.append(None if message.value is None else message.value.encode())
        batch.next_offsets[PartitionKey(*message.position[:5])] = message.position.offset + 1
    return batch
