"""What became of the events of the shop's order, as its collector would tell."""

from __future__ import annotations

from typing import Any

from graph.chain.explanation import Explanation, Finding, Handled, Reason, Trial
from graph.chain.result import Chain, Event, Via
from graph.fate import Fate, Fates, GroupKnown, Status
from graph.listing import EventRow
from graph.model import Evidence, Position
from tests.tui.shop import MS, NOON

SECOND = 1_000 * MS


def fate(name: str, status: Status, evidence: Evidence | None, said: str, **rest: Any) -> Fate:
    """At a service, or with a name that begins with `group `, at a group that has none."""
    group = name.removeprefix("group ")
    services = (name,) if group == name else ()
    known = GroupKnown.SPAN if services else None
    time = NOON + 60 * SECOND if evidence else 0
    return Fate(services, group, known, status, evidence, time, said, **rest)


def order_fates() -> dict[str, Fates]:
    """Of the order and of its payment; of the other events nothing is known."""
    observed, matched, inferred = Evidence.OBSERVED, Evidence.MATCHED, Evidence.INFERRED
    created = (
        fate(
            "group crm-sync",
            Status.PENDING,
            matched,
            "Group crm-sync has 1,204 messages before it; at 10/s it is expected at 12:02:04.",
            ahead=1_205,
            rate=10.0,
            expected=NOON + 124 * SECOND,
            needed="which service group crm-sync is: instrument it, or name it in the "
            "configuration",
        ),
        fate("audit", Status.NO_EVIDENCE, None, "audit is declared, and nothing of it was seen."),
        fate(
            "group reporting",
            Status.PASSED,
            matched,
            "Group reporting read past it; no span says what came of it.",
            passed_after=NOON,
            passed_by=NOON + 2 * SECOND,
        ),
        fate("analytics", Status.HANDLED, matched, "It handled it in 3 ms.", duration=3 * MS),
        fate("inventory", Status.HANDLED, observed, "It handled it in 31 ms.", duration=31 * MS),
        fate(
            "payment",
            Status.HANDLED,
            observed,
            "It handled it in 71 ms, at its second attempt.",
            duration=71 * MS,
            attempts=2,
        ),
        fate("order-view", Status.HANDLED, observed, "It handled it in 9 ms.", duration=9 * MS),
        fate(
            "recommendation",
            Status.HANDLED,
            inferred,
            "It received it, and its group has gone on since.",
        ),
    )
    captured = (
        fate(
            "notification",
            Status.DEAD_LETTERED,
            Evidence.DECLARED,
            "notification gave it up after 3 attempts; a copy lies at sms.dead-letter/0/3.",
            attempts=3,
            copy=Position("kafka", "shop", "sms.dead-letter", "Qk2", "0", 3),
        ),
        fate("group crm-sync", Status.PENDING, matched, "It is the next to be read.", ahead=1),
        fate("points", Status.HANDLED, inferred, "It handled it in 8 ms.", duration=8 * MS),
        fate("shipping", Status.HANDLED, observed, "It handled it in 12 ms.", duration=12 * MS),
    )
    return {
        "order.created/0/1042": Fates(_row("order.created", "0000"), (), created),
        "payment.captured/0/42": Fates(_row("payment.captured", "0002"), (), captured),
    }


def explanations(chain: Chain) -> tuple[Explanation, ...]:
    """Why each event of a chain is joined as it is, told from its joins."""
    return tuple(_explained(chain, event) for event in chain.events)


def _explained(chain: Chain, event: Event) -> Explanation:
    producer = tuple(
        Trial(
            join.via,
            (Finding(operation.context.span_id, join.evidence, note=operation.name),),
        )
        for operation, join in zip(event.operations, event.joins, strict=True)
    )
    causes = tuple(
        Trial(cause.via, (Finding(str(cause.cause), cause.evidence, cause.candidates),))
        for cause in chain.causes_of(event.key)
    )
    unled = (Trial(Via.CAUSATION_ID, reason=Reason.NO_CAUSATION_ID),)
    handled = tuple(
        Handled(
            one.operations[0].context,
            one.service,
            one.group,
            tuple(Trial(join.via, (Finding(str(event.key), join.evidence),)) for join in one.joins),
        )
        for one in chain.deliveries_of(event.key)
    )
    nobody = None if handled else Reason.NOBODY
    return Explanation(event.key, producer, causes or unled, handled, nobody)


def _row(title: str, number: str) -> EventRow:
    return EventRow(
        f"{title}/0/1042",
        NOON,
        title,
        "kafka",
        "shop",
        event_type=title,
        message_id=f"7c1f0d9e-{number}",
        service="storefront",
    )
