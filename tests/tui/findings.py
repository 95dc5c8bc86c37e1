"""What could be found wrong in the shop: each severity, open, closed and muted. All made up."""

from __future__ import annotations

from typing import Any

from graph.findings.model import Finding, Kind, Proof, Severity, State, Subject
from tests.tui.shop import NOON

MINUTE = 60 * 10**9


def finding(
    kind: Kind,
    severity: Severity,
    sentence: str,
    *,
    first: int,
    last: int,
    state: State = State.OPEN,
    proof: tuple[str | Proof, ...] = (),
    count: int = 1,
    advice: str = "",
    coverage: str = "",
    muted: str = "",
    **about: Any,
) -> Finding:
    """One that was seen from so many to so many minutes before noon; proofs are a minute apart."""
    began = NOON - first * MINUTE
    subject = Subject(**about)
    proofs = tuple(
        one if isinstance(one, Proof) else Proof(one, began + number * MINUTE)
        for number, one in enumerate(proof)
    )
    name = f"{kind.value}/{subject.service or subject.group}/{subject.destination}"
    return Finding(
        f"{name}-{first}",
        kind,
        severity,
        state,
        subject,
        began,
        NOON - last * MINUTE,
        count,
        max(1, first - last),
        proofs,
        coverage=coverage,
        sentence=sentence,
        advice=advice,
        muted=muted,
    )


KAFKA: dict[str, Any] = {"system": "kafka", "cluster": "shop"}

DEAD = finding(
    Kind.DEAD_LETTER,
    Severity.ERROR,
    "12 messages of payment.captured given up by notification and put on notification.DLT: SMS "
    "gateway: 503 Service Unavailable. Nobody was seen reading notification.DLT in the last day.",
    first=9,
    last=2,
    count=12,
    proof=("payment.captured/0/42", "payment.captured/0/57", "payment.captured/0/58"),
    advice="Mend the failure, and have somebody read notification.DLT.",
    coverage="Its headers say that it is a dead letter.",
    group="notification",
    destination="payment.captured",
    event_type="payment.captured",
    peer="notification.DLT",
    **KAFKA,
)

PASSED = finding(
    Kind.LOST,
    Severity.WARNING,
    "recommendation went past 1 message of order.created without a span of handling, though it "
    "has one for nearly all others.",
    first=3,
    last=3,
    proof=(Proof("order.created/0/1042", NOON - 3 * MINUTE, "no span of recommendation"),),
    advice="Look for a filter, a commit before the handling, or a crash between; or for spans "
    "that its exporter dropped.",
    coverage="Later messages of the same partition have spans of recommendation, as have 213 of "
    "214 alike; the sender's span is there, so that the trace is sampled.",
    service="recommendation",
    group="recommendation",
    destination="order.created",
    event_type="order.created",
    peer="passed",
    **KAFKA,
)

SENT = finding(
    Kind.LOST,
    Severity.ERROR,
    "storefront sent 4 messages to order.created without an error, and nothing of it lies there.",
    first=190,
    last=188,
    state=State.CLOSED,
    count=4,
    proof=("4bf92f3577b34da6a3ce929d0e0e4736/00f067aa0ba90203",),
    advice="Look whether storefront waits for the broker's answer (acks, flush before it ends), "
    "and what its producer's callback says.",
    service="storefront",
    destination="order.created",
    peer="sent",
    **KAFKA,
)

STUCK = finding(
    Kind.STUCK,
    Severity.ERROR,
    "crm-sync has committed nothing for 1h 10m, and 9 messages wait: nobody is in the group.",
    first=70,
    last=2,
    count=68,
    proof=(Proof("user.registered/0/52", NOON - 70 * MINUTE, "the next of 9 messages that wait"),),
    advice="Start a member of the group.",
    coverage="By what its broker tells.",
    group="crm-sync",
    destination="user.registered",
    **KAFKA,
)

STORMING = finding(
    Kind.STORMING,
    Severity.WARNING,
    "Members of recommendation keep coming and going: 14 left in 10 minutes, and each time all "
    "of them stop reading.",
    first=25,
    last=2,
    count=14,
    proof=(Proof("", NOON - 20 * MINUTE, "client recommendation-1 left"),),
    coverage="By the members that its broker tells; one that came and went between two looks is "
    "not seen.",
    group="recommendation",
    destination="order.created",
    **KAFKA,
)

CONTEXT = finding(
    Kind.BROKEN_CONTEXT,
    Severity.NOTICE,
    "inventory handles order.created without the trace context that its messages carry: 1,204 "
    "spans point at nothing.",
    first=239,
    last=2,
    count=1_204,
    proof=("order.created/0/1042",),
    advice="Extract the context from the headers where the handler's span begins.",
    service="inventory",
    group="inventory",
    destination="order.created",
    system="kafka",
)

SKEW = finding(
    Kind.CLOCK_SKEW,
    Severity.NOTICE,
    "payment handles what storefront sends 3.0 s before it is sent, by their own clocks: they "
    "disagree by at least that (order.created).",
    first=1_500,
    last=120,
    state=State.CLOSED,
    count=4_711,
    advice="Synchronise both hosts' clocks (NTP, chrony).",
    coverage="Half of the 61 messages of order.created in that minute are this early or more.",
    service="payment",
    peer="storefront",
)

MUTED = finding(
    Kind.STALE,
    Severity.WARNING,
    "What analytics-batch shows is 12h 35m old: 1,200,000 messages wait, 5m 00s are allowed; it "
    "catches up.",
    first=60,
    last=2,
    count=58,
    proof=(Proof("order.created/0/88204", NOON - 60 * MINUTE, "the next of 1.2M that wait"),),
    muted="runs at night",
    group="analytics-batch",
    destination="order.created",
    **KAFKA,
)


def findings() -> list[Finding]:
    """All of them, in no order."""
    return [MUTED, SKEW, PASSED, STUCK, CONTEXT, DEAD, STORMING, SENT]
