"""What an insert is still bringing is told whole, once it is there, or not yet."""

from __future__ import annotations

from typing import Any

from collector.store.client import Store
from collector.store.facts import StoreFacts
from graph.model import IdKind
from tests.builders import Flow
from tests.flow_in_store import put_flow


def test_ids_are_not_told_before_what_they_are_the_ids_of(store: Store) -> None:
    """An insert fills one table after the other, `ids` before `messages`."""
    flow = Flow()
    said: dict[str, Any] = {"message_id": "order-7"}
    flow.process("payment", flow.send("storefront", "orders", span=said, **said))
    put_flow(store, flow)
    stamps = {
        source: store.query(f"SELECT toUnixTimestamp64Nano(max(received)) FROM {table}")[0][0]
        for source, table in (("messages", "messages"), ("spans", "operations"))
    }
    facts = StoreFacts(store)

    def told() -> tuple[int, int]:
        here = facts.resolve("order-7")
        assert set(facts.located([(IdKind.MESSAGE, "order-7")])) == set(here)
        return (
            sum(one.position is not None for one in here),
            sum(one.position is None for one in here),
        )

    messages, spans = told()
    assert messages and spans
    store.begin("messages", stamps["messages"])
    assert told() == (0, spans)
    store.begin("spans", stamps["spans"])
    assert told() == (0, 0)
    store.end("messages")
    store.end("spans")
    assert told() == (messages, spans)
