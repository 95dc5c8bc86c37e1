"""Which findings are asked for, as a person writes it."""

from __future__ import annotations

import pytest

from graph.filter import FilterError
from graph.findings.model import Kind, State
from graph.findings.wanted import Wanted
from graph.findings.wording import complete, parse, seen_in
from tests.tui.findings import findings
from tests.tui.shop import NOON

HOUR = 3600 * 10**9

SEEN = {"service": ["inventory", "payment"], "destination": ["order.created"]}


def test_nothing_asks_for_all_with_what_is_muted() -> None:
    assert parse("", NOON) == Wanted(muted=True)
    assert parse("muted:no", NOON) == Wanted()


def test_each_field_says_what_it_means() -> None:
    text = 'kind:lost,DEAD-letter service:pay*,"two words" destination:orders state:open'
    assert parse(f"{text} since:2h until:1h", NOON) == Wanted(
        since=NOON - 2 * HOUR,
        until=NOON - HOUR,
        kinds=(Kind.LOST, Kind.DEAD_LETTER),
        services=("pay*", "two words"),
        destinations=("orders",),
        state=State.OPEN,
        muted=True,
    )


@pytest.mark.parametrize(
    ("text", "start", "end", "said"),
    [
        ("state:open lost", 11, 15, "'lost' has no field: write one of kind:, service:"),
        ("-kind:lost", 0, 10, "-kind: is no field"),
        ("kind:lots", 0, 9, "write kind: with lost, dead-letter"),
        ("state:open,closed", 0, 17, "write state: with open, closed"),
        ("kind:", 0, 5, "kind: needs a value"),
        ("kind:lost kind:stuck", 10, 20, "write kind:A,B for either"),
        ("since:soon", 0, 10, "write 15m, 2h"),
        ("since:1h until:2h", 0, 17, "until: is not after since:"),
        ('service:"a', 0, 10, "a quote is not closed"),
    ],
)
def test_a_mistake_says_where_it_is_and_what_would_be_right(
    text: str, start: int, end: int, said: str
) -> None:
    with pytest.raises(FilterError) as raised:
        parse(text, NOON)
    assert said in raised.value.detail
    assert (raised.value.start, raised.value.end) == (start, end)


@pytest.mark.parametrize(
    ("text", "options", "applied"),
    [
        ("", ["kind:", "service:", "destination:", "state:", "muted:", "since:", "until:"], ""),
        ("st", ["state:"], "state:"),
        ("kind:out", ["out-of-order"], "kind:out-of-order "),
        ("kind:lost,stu", ["stuck"], "kind:lost,stuck "),
        ("state:open service:p", ["payment"], "state:open service:payment "),
        ("destination:created", ["order.created"], "destination:order.created "),
        ("nonsense:x", [], ""),
    ],
)
def test_what_is_written_can_be_completed(text: str, options: list[str], applied: str) -> None:
    completion = complete(text, len(text), SEEN)
    assert [one.text for one in completion.options] == options
    if applied:
        done, cursor = completion.applied(text, completion.options[0])
        assert done == applied
        assert cursor == len(applied)


def test_what_was_seen_is_offered() -> None:
    seen = seen_in(findings(), None)
    assert "crm-sync" in seen["service"]
    assert list(seen["destination"]) == ["order.created", "payment.captured", "user.registered"]
