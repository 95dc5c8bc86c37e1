"""Findings to show: of each severity, open, closed and muted."""

from __future__ import annotations

from graph.findings.model import Finding, Kind, Proof, Severity, State, Subject
from tests.tui.shop import NOON

MINUTE = 60 * 10**9

DEAD = Finding(
    id="5d9c53ff0b1e2a77-1c4d2a0",
    kind=Kind.DEAD_LETTER,
    severity=Severity.ERROR,
    state=State.OPEN,
    subject=Subject(
        group="inventory-workers",
        system="kafka",
        cluster="c1",
        destination="orders",
        event_type="order.created",
        peer="orders.DLT",
    ),
    first=NOON - 9 * MINUTE,
    last=NOON - MINUTE,
    count=12,
    minutes=4,
    proof=tuple(Proof(f"orders.DLT/0/{n}", NOON - (9 - n) * MINUTE) for n in range(5)),
    said={"error": "no stock level for Darjeeling", "read": 0},
    coverage="Its headers say that it is a dead letter.",
    sentence="12 messages (order.created) from orders given up by inventory-workers and put on "
    "orders.DLT: no stock level for Darjeeling. Nobody was seen reading orders.DLT in the last "
    "day.",
    advice="Mend the failure, and have somebody read orders.DLT.",
)

SKEW = Finding(
    id="0af1c2d3e4f50617-1c4d29f",
    kind=Kind.CLOCK_SKEW,
    severity=Severity.NOTICE,
    state=State.CLOSED,
    subject=Subject(service="payment", peer="inventory"),
    first=NOON - 200 * MINUTE,
    last=NOON - 120 * MINUTE,
    count=4_711,
    minutes=80,
    said={"seconds": 3.0, "destination": "stock"},
    coverage="Half of the 61 messages of stock in that minute are this early or more.",
    sentence="payment handles what inventory sends 3.0 s before it is sent, by their own clocks: "
    "they disagree by at least that (stock).",
    advice="Synchronise both hosts' clocks (NTP, chrony).",
)

MUTED = Finding(
    id="77aa000000000001-1c4d29e",
    kind=Kind.STALE,
    severity=Severity.WARNING,
    state=State.OPEN,
    subject=Subject(service="reporting", group="reporting", destination="orders"),
    first=NOON - 30 * MINUTE,
    last=NOON,
    count=30,
    minutes=30,
    proof=(Proof("orders/0/17", NOON - 30 * MINUTE, "the next of 204 messages that wait"),),
    sentence="What reporting (group reporting) shows is 30m 00s old: 204 messages wait, 5m 00s "
    "are allowed; it does not catch up.",
    muted="runs at night",
)

ALL = [DEAD, SKEW, MUTED]
