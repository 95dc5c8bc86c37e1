"""Which rows a look at the consumer groups gives."""

from __future__ import annotations

from collections.abc import Mapping

from collector.taps.kafka_progress import REFRESH_MS, Look, Progress
from collector.taps.kafka_reader import Group, Member, Partition, Topic
from collector.taps.tap import MemberRow, ProgressRow

ORDERS = Partition("orders", 0)


def look(
    time_ms: int,
    end: int = 0,
    life: str = "a",
    members: Mapping[str, list[Member]] | None = None,
    state: str = "Stable",
    **committed: int,
) -> Look:
    """Groups by name with what they committed on the one partition."""
    groups = {*committed, *(members or {})}
    return Look(
        time_ms,
        "c",
        {"orders": Topic(life, (0,))},
        tuple(Group(name, "classic", state) for name in sorted(groups)),
        {(group, ORDERS): offset for group, offset in committed.items()},
        {ORDERS: end},
        members or {},
    )


def row(
    group: str, committed: int, end: int, time_ms: int, life: str = "a", assumed: bool = False
) -> ProgressRow:
    return ProgressRow("c", group, "orders", life, "0", committed, end, time_ms, assumed)


def rows(progress: Progress, at: Look, first: int = 0) -> list[ProgressRow]:
    return progress.rows(at, lambda partitions: dict.fromkeys(partitions, first))


def test_the_first_look_is_handed_over_and_then_what_changes() -> None:
    progress = Progress()
    assert rows(progress, look(1, end=9, billing=4)) == [row("billing", 4, 9, 1)]
    assert rows(progress, look(2, end=9, billing=4)) == []
    assert rows(progress, look(3, end=10, billing=4)) == [row("billing", 4, 10, 3)]
    assert rows(progress, look(4, end=10, billing=10)) == [row("billing", 10, 10, 4)]


def test_a_first_commit_is_preceded_by_where_the_group_began() -> None:
    progress = Progress()
    rows(progress, look(1, end=6, billing=4))
    assert rows(progress, look(2, end=9, billing=4, points=8), first=2) == [
        row("points", 2, 6, 1, assumed=True),
        row("billing", 4, 9, 2),
        row("points", 8, 9, 2),
    ]


def test_a_commit_after_a_pause_is_preceded_by_how_it_was_the_look_before() -> None:
    progress = Progress()
    rows(progress, look(1, end=9, billing=4))
    rows(progress, look(2, end=9, billing=4))
    rows(progress, look(3, end=9, billing=4))
    assert rows(progress, look(4, end=9, billing=9)) == [
        row("billing", 4, 9, 3),
        row("billing", 9, 9, 4),
    ]
    assert rows(progress, look(5, end=10, billing=10)) == [row("billing", 10, 10, 5)]
    rows(progress, look(6, end=10, billing=10))
    assert rows(progress, look(7, end=12, billing=10)) == [row("billing", 10, 12, 7)]


def test_also_when_the_group_was_there_before_without_a_commit() -> None:
    progress = Progress()
    joining = {"points": [Member("m", "c", "/h", frozenset())]}
    assert rows(progress, look(1, members=joining)) == []
    assert rows(progress, look(2, end=3, members=joining, points=3)) == [
        row("points", 0, 0, 1, assumed=True),
        row("points", 3, 3, 2),
    ]


def test_a_topic_made_anew_is_begun_anew() -> None:
    progress = Progress()
    rows(progress, look(1, end=9, billing=9))
    assert rows(progress, look(2, end=2, life="b", billing=9)) == [], "of the life that is over"
    assert rows(progress, look(3, end=2, life="b", billing=1)) == [
        row("billing", 0, 2, 2, life="b", assumed=True),
        row("billing", 1, 2, 3, life="b"),
    ]


def test_members_are_handed_over_when_their_group_changes_and_once_a_minute() -> None:
    progress = Progress()
    member = Member("m-1", "billing-1", "/10.0.0.7", frozenset({ORDERS}))
    joined = MemberRow(
        "c", "billing", "m-1", "billing-1", "10.0.0.7", "Stable", (("orders", "0"),), 1
    )
    assert progress.members(look(1, members={"billing": [member]})) == [joined]
    assert progress.members(look(2, members={"billing": [member]})) == []
    later = progress.members(look(1 + REFRESH_MS, members={"billing": [member]}))
    assert [each.member_id for each in later] == ["m-1"]
    left = progress.members(look(2 + REFRESH_MS, members={"billing": []}, state="Empty"))
    assert [(each.member_id, each.state, each.assignment) for each in left] == [("", "Empty", ())]


def test_a_group_that_does_not_tell_its_members_is_left_out() -> None:
    assert Progress().members(look(1, billing=1)) == []
