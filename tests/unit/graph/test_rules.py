"""Rules held against a shop that keeps them, and against the same shop changed."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any
from xml.etree import ElementTree

import pytest

from graph.edges import EdgeRow
from graph.listing import Consumer
from graph.model import Progress
from graph.rules import told
from graph.rules.checking import CHECKS, check
from graph.rules.reading import KINDS, RuleError, rules_of
from graph.rules.rule import Checked, Flow, Status, Verdict
from graph.topology import Topology
from tests.goldens import assert_golden
from tests.tui import shop

# A shop without the faults of `shop.edges()`: nothing fails, dead letters are read, no cycles.
SHOP: list[EdgeRow] = [
    *(
        replace(row, errors=0, p95=min(row.p95, 0.2) if row.p95 else None)
        for row in shop.edges()
        if row.destination not in ("payment.failed", "user.registered")
    ),
    shop.produce("payment", "payment.failed", 37),
    shop.consume("inventory", "payment.failed", 37),
    shop.consume("desk", "sms.dead-letter", 4),
    shop.consume("order-view", "stock.released", 36),
]

ORDERS = "order.created"
RULES = """
[[rules]]
name = "Only payment tells of payments"
kind = "producers"
destination = "payment.*"
allow = "payment"

[[rules]]
name = "Orders go to five"
kind = "consumers"
destination = "order.created"
allow = ["inventory", "payment", "order-view", "recommendation", "analytics"]
reason = "they hold addresses"

[[rules]]
name = "Points may not touch orders"
kind = "consumes"
service = "points"
deny = "order.*"

[[rules]]
name = "Inventory speaks of stock"
kind = "produces"
service = "inventory"
allow = "stock.*"

[[rules]]
kind = "no-cycles"

[[rules]]
kind = "no-orphans"

[[rules]]
kind = "dead-letters-read"

[[rules]]
name = "Nobody is far behind"
kind = "lag"
max_messages = 100
max_time = "1m"

[[rules]]
name = "Handling is quick"
kind = "latency"
quantile = "p95"
max = "250ms"

[[rules]]
name = "Little fails"
kind = "errors"
max = "1%"

[[rules]]
name = "Who orders pays, or hears"
kind = "successors"
type = "order.created"
then = ["payment.captured", "payment.failed"]
within = "30s"
"""

BEHIND = Consumer(
    "order-view",
    progress=(Progress("shop", "order-view", ORDERS, "0", 3, 8, shop.NOON),),
    time=shop.NOON,
    oldest=shop.NOON - 5 * 10**9,
)
PAID = Flow("order-1", (("stock.reserved", 0.1), ("payment.captured", 2.5)))


def verdicts(rows: list[EdgeRow], text: str = RULES, **known: Any) -> list[Verdict]:
    rules = rules_of(tomllib.loads(text))
    flows = {rule.name: [PAID] for rule in rules}
    facts: dict[str, Any] = {"consumers": [BEHIND], "flows": flows, **known}
    return check(rules, Checked(Topology.build(rows), **facts))


def test_a_shop_in_order_keeps_them_all() -> None:
    assert [one.rule.name for one in verdicts(SHOP) if one.status is not Status.HOLDS] == []


def without(service: str, destination: str) -> list[EdgeRow]:
    return [row for row in SHOP if (row.service, row.destination) != (service, destination)]


def changed(service: str, destination: str, **fields: Any) -> list[EdgeRow]:
    return [
        replace(row, **fields) if (row.service, row.destination) == (service, destination) else row
        for row in SHOP
    ]


BROKEN: list[tuple[str, list[EdgeRow], dict[str, Any], str]] = [
    (
        "Only payment tells of payments",
        [*SHOP, shop.produce("storefront", "payment.captured", 2)],
        {},
        "storefront produces payment.captured, which only payment may (2 messages)",
    ),
    (
        "Only payment tells of payments",
        [*SHOP, shop.produce("", "payment.captured", 5)],
        {},
        "nobody knows who produced 5 messages of payment.captured, which only payment may",
    ),
    (
        "Orders go to five",
        [*SHOP, shop.consume("marketing", ORDERS, 9, group="leads")],
        {},
        "marketing consumes order.created, which only inventory, payment, order-view or 2 others "
        "may (9 messages)",
    ),
    (
        "Points may not touch orders",
        [*SHOP, shop.consume("points", "order.cancelled", 1)],
        {},
        "points consumes order.cancelled, which it may not (1 messages)",
    ),
    (
        "Inventory speaks of stock",
        [*SHOP, shop.produce("inventory", "audit", 3, event_type="stock.counted")],
        {},
        "",
    ),
    (
        "Inventory speaks of stock",
        [*SHOP, shop.produce("inventory", "audit", 3, event_type="price.changed")],
        {},
        "inventory produces price.changed on audit, but may only produce stock.* (3 messages)",
    ),
    (
        "no-cycles",
        [*SHOP, shop.consume("storefront", "stock.reserved", 1)],
        {},
        "order.created → inventory → stock.reserved → storefront → order.created",
    ),
    (
        "no-orphans",
        without("order-view", "stock.released"),
        {},
        "nobody was seen consuming stock.released, where 36 messages were sent",
    ),
    (
        "no-orphans",
        without("inventory", "stock.released"),
        {},
        "nobody was seen producing stock.released, which order-view consumes",
    ),
    (
        "dead-letters-read",
        without("desk", "sms.dead-letter"),
        {},
        "nobody was seen reading sms.dead-letter, where 4 dead letters were sent",
    ),
    (
        "Nobody is far behind",
        SHOP,
        {"consumers": [replace(BEHIND, oldest=shop.NOON - 300 * 10**9)]},
        "group order-view is 5 min behind, 60 s is allowed",
    ),
    (
        "Nobody is far behind",
        SHOP,
        {
            "consumers": [
                replace(
                    BEHIND,
                    progress=(Progress("c", "order-view", ORDERS, "0", 3, 2000, shop.NOON),),
                )
            ]
        },
        "group order-view has 1,997 messages of order.created before it, 100 are allowed",
    ),
    (
        "Handling is quick",
        changed("payment", ORDERS, p95=0.9),
        {},
        "payment consumes order.created: handling takes 900 ms (p95), 250 ms is allowed",
    ),
    (
        "Little fails",
        changed("payment", ORDERS, errors=37),
        {},
        "payment consumes order.created: 37 of 1,204 failed (3.07%), 1% is allowed",
    ),
    (
        "Who orders pays, or hears",
        [row for row in SHOP if row.destination not in ("payment.captured", "payment.failed")],
        {},
        "order.created leads to no payment.captured or payment.failed: nobody who consumes it "
        "goes on to produce one",
    ),
    (
        "Who orders pays, or hears",
        SHOP,
        {"flows": {"Who orders pays, or hears": [PAID, Flow("order-2", (("x", 1.0),))]}},
        "order-2 was followed by no payment.captured or payment.failed",
    ),
    (
        "Who orders pays, or hears",
        SHOP,
        {"flows": {"Who orders pays, or hears": [Flow("o-3", (("payment.failed", 45.0),))]}},
        "o-3 was followed by payment.captured or payment.failed after 45 s, 30 s is allowed",
    ),
]


@pytest.mark.parametrize(("name", "rows", "known", "sentence"), BROKEN)
def test_a_change_breaks_its_rule_and_says_how(
    name: str, rows: list[EdgeRow], known: dict[str, Any], sentence: str
) -> None:
    (one,) = [one for one in verdicts(rows, **known) if one.rule.name == name]
    # One more way can close several cycles.
    assert one.sentences[:1] == ((sentence,) if sentence else ())
    assert len(one.sentences) < 2 or name == "no-cycles"
    assert one.status is (Status.BROKEN if sentence else Status.HOLDS)


def of(text: str, rows: list[EdgeRow] = SHOP, **known: Any) -> Verdict:
    (one,) = verdicts(rows, f"[[rules]]\n{text}", **known)
    return one


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('kind="producers"\ndestination="parcels"\nallow="x"', "nobody produces parcels"),
        ('kind="consumers"\ntype=["a","b"]\ndeny="x"', "nobody consumes a or b"),
        ('kind="produces"\nservice="x"\nallow="y"', "x produces nothing"),
        ('kind="no-cycles"\ndestination="x"', "no destination is called so"),
        ('kind="no-orphans"\nexcept="*"', "no destination is called so"),
        ('kind="dead-letters-read"\nexcept="sms*"', "no destination is called so"),
        ('kind="lag"\ngroup="x"\nmax_messages=1', "no consumer group is called so, or reads there"),
        ('kind="latency"\nservice="x"\nmax="1s"', "there is no such handling"),
        ('kind="errors"\nservice="x"\nmax=0', "there is no such edge"),
        ('kind="successors"\ntype="x"\nthen="y"', "no event is called x"),
    ],
)
def test_a_rule_that_matches_nothing_says_so(text: str, why: str) -> None:
    found = of(text)
    assert (found.status, found.sentences) == (Status.NOTHING, (why,))


def test_what_a_saved_graph_cannot_tell_is_not_checked() -> None:
    lag = of('kind="lag"\nmax_messages=1', consumers=None)
    assert (lag.status, "ask a collector" in lag.sentences[0]) == (Status.NOT_CHECKED, True)
    text = f'kind="successors"\ntype="{ORDERS}"\nthen="payment.*"'
    assert of(text, flows=None).status is Status.HOLDS
    timed = of(f'{text}\nwithin="1s"', flows=None)
    assert (timed.status, "within 1 s" in timed.sentences[0]) == (Status.NOT_CHECKED, True)
    assert of(text, flows={}).sentences == ("no event is old enough to tell",)
    unmeasured = changed("payment", ORDERS, p95=None)
    found = of(f'kind="latency"\nservice="payment"\ndestination="{ORDERS}"\nmax="1s"', unmeasured)
    assert found.sentences == ("no span tells how long handling takes",)


def test_an_event_of_which_not_all_was_seen_breaks_nothing() -> None:
    text = f'name="n"\nkind="successors"\ntype="{ORDERS}"\nthen="payment.*"'
    found = of(text, flows={"n": [PAID, Flow("big", (), cut=True)]})
    assert (found.status, found.notes) == (
        Status.HOLDS,
        ("Of 1 event not all that followed was seen.",),
    )
    missing = [Flow(f"o-{number}") for number in range(30)]
    assert len(of(text, flows={"n": missing}).sentences) == 11
    allowed = of(f'{text}\nmax="50%"', flows={"n": [PAID, Flow("lost")]})
    assert (allowed.status, allowed.notes) == (Status.HOLDS, ("1 of 2 events broke it.",))


def test_more_of_a_rules_keys_are_heeded() -> None:
    unknown = [*SHOP, shop.produce("", "payment.captured", 5)]
    text = 'kind="producers"\ndestination="payment.*"\nallow="payment"'
    assert of(f"{text}\nunknown=true", unknown).status is Status.HOLDS
    few = changed("inventory", ORDERS, count=3, errors=2)
    assert of('kind="errors"\nmax=0\nat_least=10', few).status is Status.HOLDS
    assert of('kind="errors"\nmax=0', few).status is Status.BROKEN
    waits = of('kind="latency"\nof="waiting"\nmax="10s"')
    assert "waiting takes 34.5 s (p95)" in waits.sentences[0]
    loop = [*SHOP, shop.consume("storefront", "stock.reserved", 1)]
    assert of('kind="no-cycles"\nexcept="stock.*"', loop).status is Status.HOLDS
    silent = without("desk", "sms.dead-letter")
    reader = Consumer(
        "desk", "shop", progress=(Progress("shop", "desk", "sms.dead-letter", "0", 0, 4, 1),)
    )
    assert of('kind="dead-letters-read"', silent, consumers=[reader]).status is Status.HOLDS


def test_every_kind_has_a_check_and_a_rule_above() -> None:
    assert set(KINDS) == set(CHECKS) == {one.kind for one in rules_of(tomllib.loads(RULES))}


def test_the_rules_of_docs_and_shop_can_be_read() -> None:
    root = Path(__file__).parents[3]
    assert len(rules_of(tomllib.loads((root / "samples/shop/rules.toml").read_text()))) == 10
    _, _, page = (root / "docs/graph.md").read_text().partition("## Check\n")
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", page, re.MULTILINE)
    (shown,) = [dedent(one) for one in blocks if "[[rules]]" in one]
    assert len(rules_of(tomllib.loads(shown))) == 4
    table = set(re.findall(r"^\| ((?:`[a-z-]+`(?:, )?)+) \|", page, re.MULTILINE))
    assert {name for row in table for name in re.findall("[a-z-]+", row)} == set(KINDS)


WRONG = [
    ("", "there are no [[rules]] in it"),
    ('rule = "x"', "rule is no key of a rule file: it has [[rules]]"),
    ('rules = ["x"]', "rule 1 is no table"),
    ("[[rules]]\nname = 'a'", "rule 1 (a): kind: is missing: there are producers, consumers"),
    ("[[rules]]\nkind = 'no-cycle'", "rule 1: kind: 'no-cycle' is none: did you mean no-cycles?"),
    (
        "[[rules]]\nkind = 'no-cycles'\n[[rules]]\nkind = 'lag'\nmax_lag = 5",
        "rule 2: max_lag: is no key of lag: ",
    ),
    ("[[rules]]\nkind = 'lag'", "rule 1: max_messages: lag wants max_messages or max_time"),
    (
        "[[rules]]\nkind = 'latency'\nmax = 5",
        "rule 1: max: wants a time, as in 500ms, 30s, 5m, not 5",
    ),
    ("[[rules]]\nkind = 'errors'\nmax = '5'", "rule 1: max: wants a share, as in 1% or 0.01"),
    ("[[rules]]\nkind = 'errors'\nmax = 5", "rule 1: max: wants a share"),
    ("[[rules]]\nkind = 'no-orphans'\nexcept = [1]", "rule 1: except: wants a name, or a list"),
    ("[[rules]]\nkind = 'no-orphans'\nexcept = ''", "rule 1: except: wants a name, or a list"),
    ("[[rules]]\nkind = 'lag'\nmax_messages = true", "rule 1: max_messages: wants a whole number"),
    (
        "[[rules]]\nkind = 'latency'\nmax = '1s'\nof = 'x'",
        "rule 1: of: wants one of handling, waiting, producing, calling, not 'x'",
    ),
    (
        "[[rules]]\nkind = 'producers'\ntype = 'a'\nallow = 'b'\nunknown = 1",
        "rule 1: unknown: wants true or false, not 1",
    ),
    ("[[rules]]\nkind = 'no-cycles'\nname = 5", "rule 1: name: wants a text"),
    (
        "[[rules]]\nkind = 'no-cycles'\n[[rules]]\nkind = 'no-cycles'",
        "rule 2: name: another rule is called no-cycles too",
    ),
]


@pytest.mark.parametrize(("text", "says"), WRONG)
def test_a_bad_rule_is_named_with_its_key(text: str, says: str) -> None:
    with pytest.raises(RuleError) as error:
        rules_of(tomllib.loads(text))
    assert str(error.value).startswith(says)


def some() -> list[Verdict]:
    """One of each status, with names that are hard."""
    rows = [*SHOP, shop.consume("<&\"'>\x1b", ORDERS, 9)]
    more = '[[rules]]\nname="<&\\"\'>"\nkind="produces"\nservice="x"\nallow="y"'
    return verdicts(rows, RULES + more, consumers=None)


def test_it_reads_like_this() -> None:
    assert_golden("check/report.txt", told.text(some()))
    assert_golden("check/junit.xml", told.junit(some(), "rules.toml"))


def test_junit_is_xml_that_counts_right() -> None:
    found = some()
    assert {one.status for one in found} == set(Status)
    root = ElementTree.fromstring(told.junit(found, "rules.toml"))
    (suite,) = root
    assert [case.get("name") for case in suite] == [one.rule.name for one in found]
    for one, case in zip(found, suite, strict=True):
        inside = {Status.HOLDS: [], Status.BROKEN: ["failure"]}.get(one.status, ["skipped"])
        assert [part.tag for part in case] == inside
    counts = [int(suite.get(name, "")) for name in ("tests", "failures", "skipped")]
    assert counts == [
        len(found),
        len(suite.findall(".//failure")),
        len(suite.findall(".//skipped")),
    ]


def test_as_data_it_is_all_there() -> None:
    rows = told.data(some())["rules"]
    assert {row["status"] for row in rows} == {status.value for status in Status}
    assert rows[1]["reason"] == "they hold addresses"
