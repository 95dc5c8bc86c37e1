"""Whatever only ids can join is joined alike from both of its ends, and never surer than that."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.chain import Cause, Chain, EventKey, Via
from graph.model import Evidence, Operation
from tests.builders import Flow, Sent


@dataclass(frozen=True)
class Happening:
    """An event without any context of a cause, and who consumed it."""

    service: int
    destination: int
    shared: dict[str, Any]
    tapped: bool
    spanned: bool
    waits: float
    """Milliseconds until the next."""
    consumers: list[tuple[int, str, float]] = field(default_factory=list)
    """Service, `receive` or `process`, and how long after it was sent, in milliseconds."""
    within: bool = False
    """Whether its span lies in the last consumer's, as if that was around its handler."""


Earlier = list[tuple[int, ...]]
"""Orders in which the destinations came in flows before these."""

earlier = st.lists(st.permutations([0, 1, 2]).map(tuple), max_size=2)


def shared(draw: st.DrawFn) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "correlation_id": draw(st.sampled_from(["", "", "c1", "c2"])),
        "key": draw(st.sampled_from(["", "k1", "k2"])),
    }
    if order := draw(st.sampled_from(["", "1", "2"])):
        fields["business"] = (("order_id", order),)
    return fields


@st.composite
def happenings(draw: st.DrawFn) -> list[Happening]:
    found = []
    for _ in range(draw(st.integers(2, 9))):
        tapped = draw(st.sampled_from([True, True, True, False]))
        found.append(
            Happening(
                service=draw(st.integers(0, 2)),
                destination=draw(st.integers(0, 2)),
                shared=shared(draw),
                tapped=tapped,
                spanned=not tapped or draw(st.sampled_from([True, True, False])),
                waits=draw(st.sampled_from([1.0, 1.0, 20.0, 50_000.0, 400_000.0])),
                consumers=draw(
                    st.lists(
                        st.tuples(
                            st.integers(0, 2),
                            st.sampled_from(["receive", "receive", "process"]),
                            st.sampled_from([0.5, 0.5, 30.0, 70_000.0, -30.0]),
                        ),
                        max_size=2,
                    )
                ),
                within=draw(st.sampled_from([False, False, False, True])),
            )
        )
    return found


def told(happenings: list[Happening], orders: Earlier) -> tuple[Flow, list[Sent]]:
    flow = Flow()
    for number, order in enumerate(orders * 6):
        for destination in order:
            flow.message(f"t{destination}", correlation_id=f"earlier-{number}")
    sent: list[Sent] = []
    last: Operation | None = None
    for one in happenings:
        fields = dict(one.shared)
        span = {"key": fields["key"], "conversation_id": fields["correlation_id"]}
        service = f"s{one.service}"
        inside = last if one.within and one.spanned else None
        if inside is not None:
            service = inside.service
        event = flow.send(
            service if one.spanned else "",
            f"t{one.destination}",
            tapped=one.tapped,
            spanned=one.spanned,
            span=span,
            inside=inside,
            source="" if one.spanned else service,
            **fields,
        )
        sent.append(event)
        for consumer, kind, after in one.consumers:
            tell = flow.receive if kind == "receive" else flow.process
            start = event.time + int(after * 1_000_000)
            by = "parent" if event.context else "position"
            last = tell(f"s{consumer}", event, by=by, start=start, lasts=1)
        flow.tick(one.waits)
    return flow, sent


def joins(chain: Chain) -> dict[tuple[EventKey, EventKey], Cause]:
    return {(cause.cause, cause.effect): cause for cause in chain.causes}


@given(happenings(), earlier)
@settings(max_examples=250, deadline=None)
def test_an_inferred_join_is_found_from_both_of_its_ends(
    happenings: list[Happening], orders: Earlier
) -> None:
    flow, sent = told(happenings, orders)
    subscribers = {"t0": ["s1"], "t1": ["s0", "s2"]}
    chains = {one.key: flow.chain(one, subscribers=subscribers) for one in sent}

    for chain in chains.values():
        for ends, cause in joins(chain).items():
            by_ids = cause.via in (Via.CORRELATION_ID, Via.BUSINESS_ID, Via.KEY)
            assert (cause.evidence is Evidence.INFERRED) == by_ids
            for end in ends:
                assert joins(chains[end])[ends] == cause
    # Nothing is joined to itself, and what fits equally well is told as so many.
    for key, chain in chains.items():
        causes = chain.causes_of(key)
        assert key not in {cause.cause for cause in causes}
        assert {cause.candidates for cause in causes} <= {len(causes)}


@given(happenings(), earlier, st.integers(0, 2**32))
@settings(max_examples=80, deadline=None)
def test_order_and_repetition_change_no_inferred_join(
    happenings: list[Happening], orders: Earlier, seed: int
) -> None:
    flow, sent = told(happenings, orders)

    for one in sent:
        again = flow.chain(one, facts=flow.facts(random.Random(seed), repeated=2))
        assert again == flow.chain(one)


@given(happenings())
@settings(max_examples=80, deadline=None)
def test_only_what_shares_an_id_in_time_is_joined(happenings: list[Happening]) -> None:
    flow, sent = told(happenings, [])
    told_by = {one.key: happening for one, happening in zip(sent, happenings, strict=True)}
    names = {
        Via.KEY: lambda one: {one.shared["key"]},
        Via.BUSINESS_ID: lambda one: set(one.shared.get("business", ())),
        Via.CORRELATION_ID: lambda one: {one.shared["correlation_id"]},
    }

    for one in sent:
        inferred = (c for c in flow.chain(one).causes if c.evidence is Evidence.INFERRED)
        for cause in inferred:
            before, after = told_by[cause.cause], told_by[cause.effect]
            assert names[cause.via](before) & names[cause.via](after) - {""}
            assert after.within or after.service in {one for one, _, _ in before.consumers}
