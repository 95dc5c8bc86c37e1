"""What became of an event, as text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graph.fate import Fate, Fates, GroupKnown, Status
from graph.listing import EventRow
from graph.model import Evidence, Position
from tests.goldens import assert_golden
from tests.tui.shop import MS, NOON
from tui.drawing.fate_lines import fate_lines
from tui.drawing.segments import text_of, width_of

SECOND = 1_000 * MS
DEAD = Position("kafka", "shop", "order.created.dlt", "Qk2", "0", 3)


def an_order() -> Fates:
    """One order with every fate that there is."""

    def fate(
        services: str,
        group: str,
        status: Status,
        evidence: Evidence | None,
        after: int,
        explanation: str,
        known: GroupKnown | None = None,
        needed: str = "",
        notes: tuple[str, ...] = (),
    ) -> Fate:
        names = tuple(services.split())
        time = NOON + after * MS if evidence else 0
        return Fate(names, group, known, status, evidence, time, explanation, needed, notes)

    row = EventRow(
        "order.created/0/1042",
        NOON,
        "order.created",
        "kafka",
        "shop",
        event_type="order.created",
        message_id="7d8c1b7e-6c7e-468f-b9f9-5b6023fd54b0",
        service="storefront",
    )
    span, matched, inferred = Evidence.OBSERVED, Evidence.MATCHED, Evidence.INFERRED
    consumers = (
        fate(
            "inventory",
            "inventory-workers",
            Status.DEAD_LETTERED,
            Evidence.DECLARED,
            412,
            "inventory gave it up after 2 attempts; a copy lies at order.created.dlt/0/3: "
            "Unprocessable: 'many' is no quantity.",
            GroupKnown.SPAN,
        ),
        fate(
            "payment",
            "billing",
            Status.FAILED,
            span,
            120,
            "payment failed at its first attempt: card refused; group billing went on without it, "
            "so nobody tries again.",
            GroupKnown.SPAN,
        ),
        fate(
            "mailer",
            "mailer",
            Status.RETRIED,
            inferred,
            131,
            "mailer failed 1 time and put a copy at order.created.retry/0/7, to be tried again "
            "(timeout); it waits there.",
            GroupKnown.NAME,
        ),
        fate(
            "recommendation",
            "recommendation",
            Status.PENDING,
            matched,
            4_000,
            "Group recommendation has 1,204 messages before it; at 10/s it is expected at "
            "12:02:04.400.",
            GroupKnown.SPAN,
        ),
        fate(
            "",
            "reporting",
            Status.PENDING,
            matched,
            4_000,
            "Group reporting has it to read next; it has no members (Empty), so nobody reads.",
            needed="which service group reporting is: instrument it, or name it in the "
            "configuration",
        ),
        fate(
            "audit",
            "",
            Status.NO_EVIDENCE,
            None,
            0,
            "audit is declared in the configuration, but nothing was seen of it on order.created.",
            needed="the consumer group of audit: put it into its spans, or name it in the "
            "configuration",
        ),
        fate(
            "backfill",
            "backfill-2026",
            Status.NOT_SUBSCRIBED,
            inferred,
            86_400_000,
            "Group backfill-2026 first committed 24h 00m after the event, and was beyond it "
            "already: it began to read later, or read it before that.",
            GroupKnown.CONFIGURATION,
            needed="consumer backfill exports no spans: instrument it",
        ),
        fate(
            "shipping",
            "shipping",
            Status.SKIPPED,
            inferred,
            2_000,
            "shipping read past it; of 318 messages that its spans tell of around that time none "
            "is order.created, so it seems to leave these out.",
            GroupKnown.SPAN,
        ),
        fate(
            "points",
            "loyalty",
            Status.PASSED,
            matched,
            2_000,
            "Group loyalty read past it between 12:00:00.000 and 12:00:02.000; no span says what "
            "came of it.",
            GroupKnown.NAME,
            needed="consumer points exports no spans: instrument it",
        ),
        fate(
            "a-service-with-a-very-long-name-indeed",
            "and-a-group-with-a-name-that-is-longer-still",
            Status.HANDLED,
            span,
            61,
            "It handled it 2 times, first in 55 ms.",
            GroupKnown.SPAN,
            notes=("It was handed over again: the last handling began 2.0 s after the first.",),
        ),
    )
    return Fates(
        row,
        (DEAD, replace_destination(DEAD, "order.created.retry", 7)),
        consumers,
        ("A copy lies at audit.dlq/0/0 as a dead letter; nothing says who made it.",),
        others=2,
    )


def replace_destination(position: Position, destination: str, offset: int) -> Position:
    return position._replace(destination=destination, offset=offset)


@pytest.mark.parametrize("width", [80, 140])
def test_an_order_with_every_fate_looks_so(width: int) -> None:
    lines = fate_lines(an_order(), width)
    assert_golden(f"cli/why-{width}.txt", "\n".join(map(text_of, lines)))


@pytest.mark.parametrize("width", range(60, 200, 9))
def test_no_line_is_wider_than_asked_for(width: int) -> None:
    assert max(map(width_of, fate_lines(an_order(), width))) <= width


def test_an_event_that_nobody_consumes_is_told_without_a_table() -> None:
    told = replace(an_order(), copies=(), consumers=(), notes=("Nobody was seen.",), others=0)
    assert [text_of(line) for line in fate_lines(told)] == [
        "order.created",
        "7d8c1b7e-6c7e-468f-b9f9-5b6023fd54b0  order.created/0/1042",
        "2026-10-01 12:00:00.000 UTC by storefront",
        "Nobody was seen.",
    ]


def test_what_a_system_says_cannot_move_the_cursor() -> None:
    odd = replace(an_order().consumers[0], explanation="x\x1b[31m\ny", services=("a\x1bb",))
    text = "".join(text_of(line) for line in fate_lines(replace(an_order(), consumers=(odd,))))
    assert "\x1b" not in text
    assert "\n" not in text
