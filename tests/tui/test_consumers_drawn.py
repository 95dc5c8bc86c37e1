"""What the table and the details of consumer groups look like, and how they sort."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.goldens import assert_golden
from tests.tui.groups import group, groups
from tui.drawing.consumer_details import behind_on, consumer_details
from tui.drawing.consumer_table import (
    COLUMNS,
    WORST,
    ConsumerTable,
    GroupKey,
    next_sort,
    sorted_by,
)
from tui.drawing.segments import text_of, width_of
from tui.drawing.sorting import Sort


def names(sort: Sort) -> list[str]:
    return [one.group for one in ConsumerTable(groups(), sort, 100).consumers]


@pytest.mark.parametrize("width", [79, 148])
def test_every_standing_looks_so(width: int) -> None:
    table = ConsumerTable(groups(), WORST, width)
    lines = [table.heading, *(table.line(y, table.first()) for y in range(table.height))]
    assert_golden(f"tui/consumers-table-{width}.txt", "\n".join(map(text_of, lines)))


@pytest.mark.parametrize("width", [46, 78])
def test_details_look_so(width: int) -> None:
    parts = [consumer_details(one, width) for one in groups()]
    assert all(width_of(line) <= width for part in parts for line in part)
    texts = ["\n".join(map(text_of, part)) for part in parts]
    assert_golden(f"tui/consumers-details-{width}.txt", f"\n{'=' * width}\n".join(texts))


@pytest.mark.parametrize("width", range(60, 210, 7))
def test_every_line_has_exactly_the_width(width: int) -> None:
    odd = group("決済サービス\x1b[31m" * 9, ("注文.作成" * 20, 3, 5), ("b", 1, 1), cluster="other")
    table = ConsumerTable([*groups(), odd], WORST, width)
    lines = [table.heading, *(table.line(y, table.first()) for y in range(table.height))]
    assert {width_of(line) for line in lines} == {width}
    assert "\x1b" not in "".join(map(text_of, lines)), "a name cannot move the cursor"


def test_the_worst_come_first_and_what_is_unknown_last() -> None:
    assert names(WORST) == [
        "crm-sync",  # nobody reads what waits, and has not for more than an hour
        "mailer",
        "analytics-batch",
        "recommendation",
        "search",
        "points",
        "audit",
        "inventory",
        "old-report",
    ]
    assert names(Sort("lag", down=True))[:2] == ["analytics-batch", "recommendation"]
    assert names(Sort("oldest", down=True))[-1] == "points", "nobody knows since when"
    assert names(Sort("oldest", down=False))[-1] == "points"
    assert names(Sort("group", down=False)) == sorted(one.group for one in groups())
    assert names(Sort("done in", down=True))[-2:] != ["crm-sync", "mailer"], "never is long"


def test_sorting_goes_round_by_key_and_turns_by_a_second_click() -> None:
    sort, seen = WORST, list[str]()
    for _ in COLUMNS:
        sort = next_sort(sort)
        seen.append(sort.column)
    assert tuple(seen) == COLUMNS
    assert sort == WORST
    assert sorted_by("group", WORST) == Sort("group", down=False)
    assert sorted_by("lag", sorted_by("lag", WORST)) == Sort("lag", down=False)


def test_a_column_that_is_sorted_by_shows_in_80_columns() -> None:
    for column in COLUMNS:
        table = ConsumerTable(groups(), sorted_by(column), 79)
        assert column in text_of(table.heading)


def test_the_same_group_of_two_clusters_is_two() -> None:
    table = ConsumerTable([group("a"), group("a", cluster="dr")], WORST, 80)
    keys = {table.first(), table.step(table.first(), 0, 1)}
    assert keys == {GroupKey("shop", "a"), GroupKey("dr", "a")}
    assert any("@dr" in text_of(table.line(y, None)) for y in range(2))


def test_where_messages_wait() -> None:
    told = {one.group: one for one in groups()}
    assert behind_on(told["analytics-batch"]) == ["order.created", "payment.captured"]
    assert behind_on(told["mailer"]) == ["order.cancelled"]
    assert behind_on(told["old-report"]) == []
    assert behind_on(told["audit"]) == [], "without a commit nobody knows what waits"
    assert consumer_details(replace(told["mailer"], progress=()), 46), "a group without partitions"
