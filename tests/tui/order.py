"""One order of the shop as a chain, and a small language to build chains with."""

from __future__ import annotations

from dataclasses import replace

from graph.chain.result import (
    Attempt,
    Cause,
    Chain,
    Creation,
    Delivery,
    Event,
    EventKey,
    Join,
    Via,
)
from graph.model import (
    Evidence,
    Message,
    Operation,
    OperationType,
    Position,
    SpanContext,
)
from tests.tui.shop import MS, NOON

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class ChainBuilder:
    """Says what happened, in milliseconds after noon; contexts and positions are made up."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.deliveries: list[Delivery] = []
        self.causes: list[Cause] = []
        self.related: list[EventKey] = []

    def event(
        self,
        title: str,
        at: float,
        service: str = "",
        *,
        offset: int = 0,
        tapped: bool = True,
        error: bool = False,
        value: str | None = "{}",
        also_in: str = "",
        related: bool = False,
    ) -> EventKey:
        """Something happened; gives its key."""
        time = NOON + int(at * MS)
        context = self._context()
        position = Position("kafka", "shop", title, "Qk1", "0", offset or len(self.events) + 40)
        key: EventKey = position if tapped else Creation(context, title)
        headers = (
            ("traceparent", f"00-{context.trace_id}-{context.span_id}-01"),
            ("ce_id", f"7c1f0d9e-{len(self.events):04}"),
            ("ce_type", title),
            ("content-type", "application/json"),
        )
        message = Message(
            position,
            time,
            key="order-1042",
            event_type=title,
            message_id=f"7c1f0d9e-{len(self.events):04}",
            correlation_id="cart-88",
            contexts=(context,),
            headers=headers,
            value=value,
            value_size=len(value or ""),
        )
        messages = [message] if tapped else []
        if also_in:
            copy = replace(message, position=position._replace(destination=also_in, offset=3))
            messages.append(copy)
        operations = (
            self._operation(OperationType.SEND, service, time, time + 2 * MS, error),
        ) * bool(service)
        self.events.append(
            Event(
                key,
                time,
                destination=title,
                system="kafka",
                cluster="shop",
                event_type=title,
                service=service,
                service_evidence=Evidence.OBSERVED if service else None,
                message_id=message.message_id if tapped else "",
                correlation_id="cart-88" if tapped else "",
                record_key="order-1042" if tapped else "",
                messages=tuple(messages),
                positions=tuple(one.position for one in messages),
                contexts=(context,),
                operations=operations,
                joins=tuple(Join(one.context, Evidence.OBSERVED, Via.HEADER) for one in operations),
            )
        )
        if related:
            self.related.append(key)
        return key

    def handled(
        self,
        event: EventKey,
        service: str,
        start: float,
        took: float,
        *,
        evidence: Evidence = Evidence.OBSERVED,
        via: Via = Via.LINK,
        failed: tuple[str, ...] = (),
        gave_up: bool = False,
        type: OperationType = OperationType.PROCESS,
    ) -> Delivery:
        """A service handled an event, after so many failed attempts; gives the delivery."""
        begin, end = NOON + int(start * MS), NOON + int((start + took) * MS)
        count = len(failed) + (0 if gave_up else 1)
        step = (end - begin) // count
        attempts, operations = [], []
        for number in range(count):
            bad = number < len(failed)
            operation = self._operation(
                type,
                service,
                begin + number * step,
                begin + (number + 1) * step,
                bad,
                failed[number] if bad else "",
            )
            operations.append(operation)
            attempts.append(
                Attempt(
                    operation.start,
                    operation.end,
                    bad,
                    operation.error_message,
                    (operation.context,),
                )
            )
        delivery = Delivery(
            event,
            service,
            service,
            begin,
            end,
            tuple(operations),
            tuple(Join(one.context, evidence, via) for one in operations),
            tuple(attempts),
            evidence,
        )
        self.deliveries.append(delivery)
        return delivery

    def led_to(
        self,
        delivery: Delivery,
        effect: EventKey,
        *,
        evidence: Evidence = Evidence.OBSERVED,
        via: Via = Via.PARENT,
        candidates: int = 1,
    ) -> None:
        """Handling it led to another event."""
        self.causes.append(
            Cause(
                delivery.event,
                effect,
                evidence,
                via,
                delivery.service,
                delivery.group,
                candidates=candidates,
            )
        )

    def chain(self, focus: EventKey) -> Chain:
        """What was said, as asked for from one event."""
        events = tuple(sorted(self.events, key=lambda one: (one.time, str(one.key))))
        order = {event.key: number for number, event in enumerate(events)}
        return Chain(
            focus,
            (focus,),
            events,
            tuple(sorted(self.deliveries, key=lambda one: (order[one.event], one.start))),
            tuple(sorted(self.causes, key=lambda one: (order[one.effect], order[one.cause]))),
            tuple(self.related),
        )

    def _context(self) -> SpanContext:
        number = len(self.events) * 100 + len(self.deliveries) + 1
        return SpanContext(TRACE, f"{0x00F067AA0BA90000 + number:016x}")

    def _operation(
        self,
        type: OperationType,
        service: str,
        start: int,
        end: int,
        error: bool = False,
        message: str = "",
    ) -> Operation:
        return Operation(
            self._context(),
            type,
            service,
            start,
            end,
            name=f"{type} by {service}",
            system="kafka",
            error=error,
            error_message=message,
        )


ORDER = '{"order":"1042","customer":"c-88","items":[{"sku":"tea","count":2}],"total":17.4}'


def order(copies: int = 0) -> Chain:
    """An order that is paid for and delivered: fan-out, a fan-in, a retry, a guess.

    With `copies`, so many more events come of it.
    """
    shop = ChainBuilder()
    created = shop.event("order.created", 0, "storefront", offset=1042, value=ORDER)
    inventory = shop.handled(created, "inventory", 4, 31)
    payment = shop.handled(created, "payment", 5, 142, failed=("bank: 503 try again",))
    shop.handled(created, "analytics", 9, 3, evidence=Evidence.MATCHED, via=Via.POSITION)
    shop.handled(created, "order-view", 7, 9)
    looked = shop.handled(created, "recommendation", 16, 0.2, type=OperationType.RECEIVE)
    reserved = shop.event("stock.reserved", 30, "inventory")
    shop.led_to(inventory, reserved)
    captured = shop.event("payment.captured", 145, "payment")
    shop.led_to(payment, captured)
    ready = shop.handled(reserved, "shipping", 34, 2)
    paid = shop.handled(captured, "shipping", 151, 12)
    shipped = shop.event("parcel.shipped", 161, "shipping")
    shop.led_to(ready, shipped)
    shop.led_to(paid, shipped)
    shop.handled(
        captured,
        "notification",
        150,
        190,
        failed=("SMS gateway: 503 Service Unavailable",) * 3,
        gave_up=True,
    )
    points = shop.handled(
        captured, "points", 153, 8, evidence=Evidence.INFERRED, via=Via.CORRELATION_ID
    )
    credited = shop.event("points.credited", 160, tapped=True)
    shop.led_to(points, credited, evidence=Evidence.INFERRED, via=Via.CORRELATION_ID, candidates=2)
    shop.handled(shipped, "order-view", 165, 7)
    shop.handled(shipped, "notification", 166, 88)
    for number in range(copies):
        offer = shop.event("offer.made", 20 + number / 10, "recommendation", offset=5000 + number)
        shop.led_to(looked, offer)
    return shop.chain(created)
