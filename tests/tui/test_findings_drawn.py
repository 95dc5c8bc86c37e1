"""What findings look like: the table, the details, the bars around them, and how they sort."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graph.findings.model import Findings, Kind, Severity, State
from tests.goldens import assert_golden
from tests.tui.findings import CONTEXT, DEAD, MUTED, PASSED, SENT, finding, findings
from tests.tui.shop import NOON
from tui.drawing.finding_bars import looked_line, no_findings, said_of, stretch
from tui.drawing.finding_details import finding_details
from tui.drawing.finding_table import (
    COLUMNS,
    WORST,
    FindingKey,
    FindingTable,
    next_sort,
    sorted_by,
)
from tui.drawing.segments import text_of, width_of
from tui.drawing.sorting import Sort
from tui.drawing.status import Connection

HOUR = 3600 * 10**9


def table(sort: Sort = WORST, width: int = 79) -> FindingTable:
    return FindingTable(findings(), sort, width, NOON)


def names(sort: Sort) -> list[str]:
    return [one.kind.value for one in table(sort).findings]


@pytest.mark.parametrize("width", [79, 139])
def test_the_table_looks_so(width: int) -> None:
    drawn = table(width=width)
    lines = [drawn.heading, *(drawn.line(y, drawn.first()) for y in range(drawn.height))]
    assert_golden(f"tui/findings-table-{width}.txt", "\n".join(map(text_of, lines)))


@pytest.mark.parametrize("width", [55, 78])
def test_details_look_so(width: int) -> None:
    parts = [finding_details(one, width) for one in findings()]
    assert all(width_of(line) <= width for part in parts for line in part)
    texts = ["\n".join(map(text_of, part)) for part in parts]
    assert_golden(f"tui/findings-details-{width}.txt", f"\n{'=' * width}\n".join(texts))


@pytest.mark.parametrize("width", range(70, 210, 7))
def test_every_line_has_exactly_the_width(width: int) -> None:
    odd = finding(
        Kind.OVERDUE,
        Severity.ERROR,
        "決済サービス\x1b[31m" * 40,
        first=20_000,
        last=1,
        count=12_345_678,
        destination="注文.作成" * 20,
        event_type="b" * 90,
        peer="c\n" * 9,
    )
    for sort in (WORST, Sort("last", True)):
        drawn = FindingTable([*findings(), odd, replace(odd, muted="x", id="m")], sort, width, NOON)
        lines = [drawn.heading, *(drawn.line(y, drawn.first()) for y in range(drawn.height))]
        assert {width_of(line) for line in lines} == {width}
        assert "\x1b" not in "".join(map(text_of, lines)), "a name cannot move the cursor"


def test_kinds_with_the_worst_that_is_open_come_first_and_what_is_muted_last() -> None:
    assert names(WORST) == [
        "dead-letter",
        "stuck",
        "lost",
        "lost",  # worse, but closed
        "storming",
        "broken-context",
        "clock-skew",
        "stale",  # muted
    ]
    turned = names(sorted_by("kind", WORST))
    assert turned[0] == "clock-skew"
    assert turned[-1] == "stale", "what is muted stays apart"


def test_it_sorts_by_each_column_both_ways() -> None:
    assert names(Sort("count", True))[0] == "clock-skew"
    assert names(Sort("first", True))[0] == "lost"
    assert names(Sort("first", False))[0] == "clock-skew"
    assert names(Sort("state", True))[-3:] == ["lost", "clock-skew", "stale"]
    sort = WORST
    for column in (*COLUMNS[1:], "kind"):
        sort = next_sort(sort)
        assert sort.column == column
        assert names(sort)[-1] == "stale"
    assert sorted_by("last", Sort("last", True)) == Sort("last", False)


def test_a_selection_moves_from_finding_to_finding_over_headings() -> None:
    drawn = table()
    target, seen = drawn.first(), []
    while target is not None:
        seen.append(target)
        assert len(drawn.rows_of(target) or ()) == 2
        target = drawn.step(target, 0, 1)
    assert seen == [FindingKey(one.id) for one in drawn.findings]
    assert drawn.step(drawn.first() or "", 0, 1_000) == seen[-1]
    assert drawn.step(seen[-1], 0, -1_000) == seen[0]
    assert drawn.step(seen[0], 0, 8) == seen[4], "a page is so many lines, of two a finding"
    assert drawn.finding(FindingKey("gone")) is None


def test_how_many_there_are_is_told_by_severity() -> None:
    assert text_of(said_of(findings())) == "5 open ✗ 2 ! 2 · 1 · 2 closed · 1 muted"
    assert text_of(said_of([SENT])) == "0 open · 1 closed"


def test_proofs_and_only_they_can_be_chosen_in_details() -> None:
    targets = {part.target for line in finding_details(DEAD, 60) for part in line}
    assert targets - {None} == set(DEAD.proof)
    assert "matter of counts" in "\n".join(
        text_of(line) for line in finding_details(replace(DEAD, proof=()), 60)
    )


def health(*components: dict[str, object]) -> dict[str, object]:
    return {"status": "ok", "components": list(components)}


TAP = {"name": "kafka shop:9092", "ok": True, "detail": "reading", "figures": {"bootstrap": "a"}}


def told(found: Findings, text: str, connection: Connection) -> str:
    return "\n".join(text_of(line) for line in no_findings(found, text, connection))


def test_nothing_found_says_what_was_looked_at_and_what_was_not_seen() -> None:
    found = Findings((), NOON - 120 * 10**9, since=NOON - 4 * HOUR)
    connection = Connection("http://127.0.0.1:8411")
    connection.answered(health(), NOON)
    said = told(found, "", connection)
    assert "looked at  2026-10-01 08:00 - 11:58 UTC" in said
    assert "No broker is tapped, and only a broker can tell: stuck, storming, stale" in said
    connection.answered(health(TAP), NOON)
    said = told(found, "", connection)
    assert "No broker" not in said
    assert "What sends no spans, and lies on no broker that is tapped, is not seen." in said
    ailing = {"name": "findings", "ok": False, "detail": "lost: too much memory", "figures": {}}
    connection.answered({**health(TAP, ailing), "covered_from_ns": NOON - 9 * HOUR}, NOON)
    said = told(found, "", connection)
    assert "Not all could be looked for: lost: too much memory" in said
    assert "What was received before 2026-10-01 03:00 UTC was pruned." in said
    recorded = told(found, "", Connection("spans.json", live=False))
    assert "Only while a collector runs is looked for: stuck, storming" in recorded
    assert "by itself" not in recorded


def test_nothing_looked_at_yet_claims_nothing() -> None:
    said = told(Findings(()), "", Connection("http://127.0.0.1:8411"))
    assert said.startswith("Nothing was looked at yet.")
    assert "Nothing was found" not in said
    assert stretch(Findings((), NOON)) == ""


def test_the_line_below_says_which_minutes_and_what_is_missing() -> None:
    connection = Connection("http://127.0.0.1:8411")
    found = Findings([DEAD], NOON - 120 * 10**9, True, NOON - 30 * HOUR)
    drawn = looked_line(found, connection, 140)
    assert width_of(drawn) == 140
    assert text_of(drawn) == (
        " looked at 2026-09-30 06:00 - 2026-10-01 11:58 UTC · there are more: narrow the filter"
    )


def test_what_is_closed_or_muted_keeps_its_sign() -> None:
    drawn = FindingTable([replace(CONTEXT, state=State.CLOSED), MUTED, PASSED], WORST, 90, NOON)
    lines = [text_of(drawn.line(y, None)) for y in range(drawn.height)]
    assert any(line.startswith("  · inventory on order.created") for line in lines)
    assert any("closed" in line for line in lines)
    assert any(line.startswith("  muted  1 open  nobody is to be bothered") for line in lines)
