"""A user's own profiles, copies and ids: read on arrival, found again, kept by a re-index."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from collector.conventions.copies import Copying
from collector.conventions.own import BusinessId, Own
from collector.conventions.profiles import Profile
from collector.intake import Intake
from collector.metrics import Counters
from collector.packing import Packing
from collector.store import migrations
from collector.store.client import Store
from collector.store.facts import StoreFacts
from collector.store.reindex import reindex
from collector.taps.tap import Batch
from graph.chain.resolve import resolve
from graph.lookup import SeveralMeanings, look_up
from graph.model import Copied, CopyKind, IdKind, Message, Position
from tests.builders import Flow

IDS = (
    BusinessId("order_id", ("header:Order-Id", "$.order_id", "$.order.id", "header:meta$.order")),
    BusinessId("customer_id", ("$.customer[0].id",)),
)
ACME = Profile(
    "acme",
    marks=("x-acme-id", "$.meta.acme"),
    message_id=("header:x-acme-id", "$.meta.acme"),
    causation_id=("header:x-acme-parent", "$.meta.parent"),
    unread=("correlation-id",),
)
RETRY = Copying(
    "acme-retry",
    CopyKind.RETRY,
    marks=("X-Acme-Topic",),
    destination=("header:X-Acme-Topic",),
    partition=("x-acme-partition",),
    offset=("x-acme-offset",),
    attempt=("x-acme-attempt",),
    error_message=("x-acme-why", "x-acme-reason"),
)
OWN = Own((ACME,), IDS, (RETRY,))


def use(store: Store, own: Own) -> None:
    """Open the store by these conventions, as the collector does when it starts."""
    with store.writing() as client:
        migrations.migrate(client, own, lambda: None)
    store.own = own


@pytest.fixture(scope="module", autouse=True)
def _given_back(module_store: Store) -> Iterator[None]:
    yield
    use(module_store, Own())


@pytest.fixture
def owned(store: Store) -> Store:
    """An empty store, opened by these conventions; to make its views anew takes its time."""
    if store.own != OWN:
        use(store, OWN)
    return store


@pytest.fixture
def plain(store: Store) -> Store:
    """An empty store, opened by nobody's own conventions."""
    if store.own != Own():
        use(store, Own())
    return store


def tap(
    store: Store,
    *messages: tuple[Sequence[tuple[str, str]], Any],
    body_bytes: int = 64 << 10,
) -> list[Message]:
    """Messages with these headers and JSON bodies (bytes as they are), as they are stored."""
    count = len(messages)
    batch = Batch(
        "kafka",
        "c1",
        destination=["orders"] * count,
        incarnation=["i1"] * count,
        partition=["0"] * count,
        offset=list(range(count)),
        time=[1_700_000_000_000] * count,
        key=[None] * count,
        header_names=[[name for name, _ in headers] for headers, _ in messages],
        header_values=[[value.encode() for _, value in headers] for headers, _ in messages],
        value=[
            body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            for _, body in messages
        ],
    )
    intake = Intake(
        store, Counters(), lambda: None, packing=Packing(store.own, body_bytes=body_bytes)
    )
    intake.start()
    intake.messages(batch)
    assert intake.stop(30)
    return stored(store, count)


def stored(store: Store, count: int) -> list[Message]:
    found = StoreFacts(store).messages(
        [Position("kafka", "c1", "orders", "i1", "0", offset) for offset in range(count)]
    )
    return sorted(found, key=lambda message: message.position.offset)


def test_business_ids_are_read_out_of_headers_and_bodies(owned: Store) -> None:
    messages = tap(
        owned,
        ([("order-ID", "A-1")], b"no json"),
        ([], {"order_id": 123, "order": {"id": "B-2"}}),
        ([("meta", '{"order": "C-3"}')], {"customer": [{"id": "K-1"}]}),
        ([("order-id", ""), ("order-id", "x"), ("order-id", "x")], {"order_id": None}),
        ([], [{"order_id": 1}]),
        ([], b'{"order_id": 1'),
        ([], {"order_id": {"deep": 1}, "order": [1]}),
        ([], None),
    )
    assert [message.business for message in messages] == [
        (("order_id", "A-1"),),
        (("order_id", "123"), ("order_id", "B-2")),
        (("order_id", "C-3"), ("customer_id", "K-1")),
        (("order_id", "x"),),
        (),
        (),
        (),
        (),
    ]


def test_a_user_s_own_copies_name_their_originals(owned: Store) -> None:
    said = [
        ("x-acme-topic", "payments"),
        ("X-Acme-Partition", "2"),
        ("x-acme-offset", "\0\0\0\0\0\0\0\x07"),
        ("x-acme-attempt", "3"),
        ("x-acme-reason", "no money"),
    ]
    # Also where flowtap knows the message as a copy of another kind.
    messages = tap(owned, (said, {}), ([*said, ("x-original-topic", "other")], {}), ([], {}))
    copied = Copied(CopyKind.RETRY, "payments", "2", 7, attempt=3, error_message="no money")
    assert [message.copied for message in messages] == [copied, copied, None]


@pytest.mark.parametrize("text", ["order_id=123", "123", "ORDER_ID=123", 'order_id="123"'])
def test_a_business_id_is_one_choice_for_all_its_events(owned: Store, text: str) -> None:
    tap(owned, ([], {"order_id": 123}), ([("order-id", "123")], {}), ([], {"order_id": 124}))

    (choice,) = resolve(StoreFacts(owned), text)

    assert choice.kind is IdKind.BUSINESS
    assert [key.offset for key in choice.events if isinstance(key, Position)] == [0, 1]
    assert choice.label == "2 events of order_id=123 on orders"
    facts = StoreFacts(owned)
    assert look_up(facts, f"business:{text}").start == look_up(facts, text).start


def test_one_value_of_two_names_is_two_choices(owned: Store) -> None:
    tap(
        owned,
        ([], {"order_id": 7}),
        ([], {"order_id": 7}),
        *[([], {"customer": [{"id": "7"}]})] * 2,
    )
    facts = StoreFacts(owned)

    with pytest.raises(SeveralMeanings) as error:
        look_up(facts, "7")

    assert [one.ask for one in error.value.candidates] == [
        "business:customer_id=7",
        "business:order_id=7",
    ]
    for one in error.value.candidates:
        assert len(look_up(facts, one.ask).start.positions) == 2
    assert resolve(facts, "payment_id=7") == ()


def test_memory_and_store_mean_the_same_by_a_business_id(owned: Store) -> None:
    tap(owned, ([], {"order_id": 7}), ([], {"order_id": 7}), ([], {"customer": [{"id": "7"}]}))
    flow = Flow()
    for business in (("order_id", "7"), ("order_id", "7"), ("customer_id", "7")):
        flow.message("orders", business=(business,))
    for text in ("7", "order_id=7", "customer_id=7", "order_id=8", "Order_Id=7"):
        kinds = [
            sorted((one.kind, one.written, one.events) for one in resolve(facts, text))
            for facts in (StoreFacts(owned), flow.facts())
        ]
        assert kinds[0] == kinds[1]
        asked = [(IdKind.BUSINESS, text)]
        assert {one.id for one in StoreFacts(owned).located(asked)} == {
            one.id for one in flow.facts().located(asked)
        }


@pytest.mark.parametrize("body_bytes", [64 << 10, 8, 0])
def test_a_user_s_profile_goes_before_the_plain_names_also_where_bodies_are_cut(
    owned: Store, body_bytes: int
) -> None:
    plain = [("message-id", "p"), ("correlation-id", "p")]
    messages = tap(
        owned,
        ([*plain, ("X-Acme-Id", "a2"), ("x-acme-parent", "a1")], {}),
        ([*plain, ("X-Acme-Id", "a2")], {"pad": "x" * 99, "meta": {"parent": 1}}),
        (plain, {"pad": "x" * 99, "meta": {"acme": "a2", "parent": "a1"}, "order_id": 9}),
        (plain, {"pad": "x" * 99, "order_id": 9}),
        body_bytes=body_bytes,
    )
    assert [
        (one.profile, one.message_id, one.causation_id, one.correlation_id) for one in messages
    ] == [
        ("acme", "a2", "a1", ""),
        ("acme", "a2", "1", ""),
        ("acme", "a2", "a1", ""),
        ("", "p", "", "p"),
    ]
    assert [one.business for one in messages[2:]] == [(("order_id", "9"),)] * 2
    assert all(len(one.value or "") <= body_bytes for one in messages)

    reindex(owned, lambda *_: None)

    assert stored(owned, 4) == messages


def test_a_re_index_reads_what_was_stored_before_by_new_conventions(plain: Store) -> None:
    store = plain
    before = tap(store, ([("x-acme-id", "a1")], {"order_id": 5}), ([("message-id", "m")], {}))
    assert [(one.profile, one.business) for one in before] == [("", ()), ("", ())]
    try:
        use(store, OWN)
        with store.reading() as client:
            assert migrations.needs_reindex(client, OWN)
        reindex(store, lambda *_: None)
        with store.reading() as client:
            assert not migrations.needs_reindex(client, OWN)
        after = stored(store, 2)
        assert (after[0].profile, after[0].business) == ("acme", (("order_id", "5"),))
        assert after[1] == before[1]
        (found,) = StoreFacts(store).resolve("order_id=5")
        assert found.position == after[0].position
    finally:
        use(store, Own())
    reindex(store, lambda *_: None)
    assert stored(store, 2) == before
    assert StoreFacts(store).resolve("order_id=5") == []
