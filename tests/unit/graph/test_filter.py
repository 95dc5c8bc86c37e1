"""The filter language: what its texts mean, what is said of mistakes, how it is written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.filter import FilterError, parse, with_value, written
from graph.listing import EventFilter, EventRow
from graph.terms import Field, Pattern, Term

NOON = 1_790_856_000 * 10**9
MINUTE = 60 * 10**9

ROW = EventRow(
    "order.created/0/1042",
    NOON,
    destination="order.created",
    environment="production",
    event_type="Order Placed",
    key="Cart-88",
    message_id="7c1f0d9e-0002",
    correlation_id="cart/88",
    service="storefront",
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "topic:order.*",
        "TOPIC:ORDER.created",
        "destination:*created",
        'type:"order placed"',
        "type:order*,payment*",
        "type:payment* type:order*",
        "key:cart-88",
        "key:*88",
        "service:storefront error:no",
        "-service:payment",
        "-error:yes",
        "env:prod*",
        "id:7c1f0d9e-0002",
        "id:order.created/0/1042",
        "correlation:cart/88",
        "7C1F0D9E",
        "cart",
        "*88",
        "order.created/0/10",
        "nothing cart",
        "since:10m until:2100-01-01",
        "topic:*",
    ],
)
def test_it_fits(text: str) -> None:
    assert parse(text, NOON + MINUTE).accepts(ROW)


@pytest.mark.parametrize(
    "text",
    [
        "topic:order",
        'topic:"order.*"',
        "key:88",
        "key:Cart-88,Cart-89 type:payment*",
        "-key:cart*",
        "-cart",
        "error:yes",
        "storefront",
        "order.created",
        "since:30s",
        "until:2m",
        'key:""',
        "topic:order.* -type:payment*,order*",
    ],
)
def test_it_does_not_fit(text: str) -> None:
    assert not parse(text, NOON + MINUTE).accepts(ROW)


def test_an_empty_pair_of_quotes_is_no_value() -> None:
    assert parse('service:""', NOON).accepts(replace(ROW, service=""))
    assert not parse('service:""', NOON).accepts(ROW)


def test_a_span_is_found_by_its_address() -> None:
    """An event that no tap saw has no place but the span."""
    span = replace(ROW, id="5b8efff7/eee19b7e", tapped=False)
    assert parse("5b8e", NOON).accepts(span)
    assert not parse("5b8e", NOON).accepts(replace(span, tapped=True)), "a topic's name is no id"


@pytest.mark.parametrize(
    ("text", "said", "place"),
    [
        ("topic:order.created typ:x", "typ: is no field, type: is one", "typ:"),
        ("colour:red", "fields are topic, type, key", "colour:"),
        ("urn:uuid:1", "text with a colon goes in quotes", "urn:"),
        ("key:1 topic:", "as in topic:order*", "topic:"),
        ("type:a,,b", "missing beside the comma", "type:a,,b"),
        ('key:"a b', 'add a "', 'key:"a b'),
        ("error:perhaps", "yes or no", "error:perhaps"),
        ("key:1 since:yesterday", "15m, 2h", "since:yesterday"),
        ("since:", "write 15m", "since:"),
        ("-since:1h", "write until:", "-since:1h"),
        ("since:1h since:2h", "one is enough", "since:2h"),
        ("since:1h until:2h", "lies before", "until:2h"),
        ("-", "write -FIELD:VALUE", "-"),
        ("key:1 *", "the beginning of an id", "*"),
        ('""', "the beginning of an id", '""'),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_is_right(
    text: str, said: str, place: str
) -> None:
    with pytest.raises(FilterError) as error:
        parse(text, NOON)
    assert said in error.value.detail
    assert text[error.value.start : error.value.end] == place


def test_times_count_back_from_now() -> None:
    wanted = parse("since:10m until:1m", NOON)
    assert (wanted.since, wanted.until) == (NOON - 10 * MINUTE, NOON - MINUTE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "type:Paid"),
        ("type:a,b topic:order.*", "topic:order.* type:Paid"),
        ("-type:Paid cart since:1h", "-type:Paid cart since:1h type:Paid"),
    ],
)
def test_one_value_takes_the_place_of_others(text: str, expected: str) -> None:
    assert with_value(text, Field.TYPE, "Paid") == expected


def test_names_that_compare_exactly_are_written_as_terms() -> None:
    wanted = EventFilter(destination="a b*", service="x")
    assert written(wanted) == 'topic:"a b*" service:x'


_PARTS = st.lists(st.text(max_size=6), min_size=1, max_size=3).map(
    lambda parts: (parts[0], *(one for one in parts[1:-1] if one), *parts[1:][-1:])
)
_FIELDS = st.sampled_from([one for one in Field if one not in (Field.ERROR, Field.TEXT)])
_PATTERNS = st.lists(_PARTS.map(Pattern), min_size=1, max_size=3, unique=True).map(tuple)


@given(st.dictionaries(st.tuples(_FIELDS, st.booleans()), _PATTERNS, max_size=4))
def test_what_is_written_is_read_as_the_same(
    terms: dict[tuple[Field, bool], tuple[Pattern, ...]],
) -> None:
    made = tuple(Term(field, patterns, excluded) for (field, excluded), patterns in terms.items())
    assert parse(written(EventFilter(terms=made)), NOON).terms == made


@given(st.text(alphabet=st.sampled_from('ab:*,-" \\topickeysince'), max_size=30))
def test_any_text_is_a_filter_or_a_mistake_with_a_place(text: str) -> None:
    try:
        wanted = parse(text, NOON)
    except FilterError as error:
        assert 0 <= error.start < error.end <= len(text)
    else:
        assert parse(written(wanted), NOON).terms == wanted.terms


@given(st.text(max_size=8), st.text(max_size=8))
def test_only_letters_of_ascii_compare_in_any_case(one: str, other: str) -> None:
    def lowered(text: str) -> str:
        return "".join(sign.lower() if sign.isascii() else sign for sign in text)

    assert Pattern((one,)).fits(other) is (lowered(one) == lowered(other))
    assert Pattern((one,)).fits(one)
