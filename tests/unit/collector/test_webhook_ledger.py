"""What is told of findings: each once when it is new and once when it is over, whatever changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from collector.webhook.ledger import Change, Told, compare
from collector.webhook.settings import Webhook
from graph.findings.model import MINUTE, Finding, Kind, Severity, State
from tests.receiving import BEGIN, SECRET, finding

ALL = Webhook(url="https://example.org/hook", secret=SecretStr(SECRET))


class Telling:
    """Compares again and again, as a collector does."""

    def __init__(self, settings: Webhook = ALL) -> None:
        self.told: Iterable[Told] = ()
        self.settings = settings
        self.first = False
        self.since = BEGIN * MINUTE
        self.room = 100
        self.held_back = 0

    def __call__(self, *findings: Finding) -> list[str]:
        """What is told then, in a few words."""
        found = compare(
            *(self.told, findings, self.settings.wants),
            since=self.since,
            first=self.first,
            room=self.room,
        )
        self.told, self.first, self.held_back = found.told, False, found.held_back
        self.changes = found.changes
        return [_word(one) for one in found.changes]


def _word(change: Change) -> str:
    again = f" {change.times}" if change.times > 1 else ""
    return (change.reason or "new") + again


OPEN, OVER = finding(3, 5), finding(3, 5, State.CLOSED)


def test_it_is_told_once_when_it_is_new_and_once_when_it_is_over() -> None:
    tell = Telling()
    assert tell(OPEN) == ["new"]
    assert tell(finding(3, 7)) == []
    assert tell(finding(3, 7, State.CLOSED)) == ["over"]
    assert tell(finding(3, 7, State.CLOSED)) == []


def test_what_is_over_when_it_is_first_seen_is_told_both_at_once() -> None:
    assert Telling()(OVER) == ["new", "over"]


def test_what_was_over_before_the_first_start_is_not_told() -> None:
    tell = Telling()
    tell.first = True
    assert tell(OVER, finding(3, 5, service="points")) == ["new"]
    assert tell(OVER, finding(3, 5, service="points"), finding(9, 9, State.CLOSED)) == [
        *("new", "over")
    ]


def test_its_name_stays_when_it_turns_out_to_have_begun_earlier() -> None:
    tell = Telling()
    tell(OPEN)
    (new,) = tell.changes
    assert tell(finding(1, 5)) == []
    assert tell(finding(1, 5, State.CLOSED)) == ["over"]
    assert tell.changes[0].reference == new.reference == OPEN.id
    assert (new.id, tell.changes[0].id) == (
        f"finding-{OPEN.id}-opened",
        f"finding-{OPEN.id}-closed",
    )


def test_what_is_taken_back_is_over() -> None:
    tell = Telling()
    tell(OPEN)
    assert tell() == ["withdrawn"]
    assert tell.changes[0].finding["subject"]["service"] == "mail"
    assert tell() == []


def test_what_is_older_than_what_is_asked_for_is_over_and_not_taken_back() -> None:
    tell = Telling()
    tell(OPEN)
    tell.since = (BEGIN + 60) * MINUTE
    assert tell() == ["over"]


def test_what_was_over_long_ago_is_not_told_again() -> None:
    tell = Telling()
    tell(OVER)
    tell.since = (BEGIN + 60) * MINUTE
    assert tell(OVER) == []
    assert tell(OVER) == []


def test_what_comes_back_is_told_again_under_another_id() -> None:
    tell = Telling()
    tell(OPEN)
    tell(OVER)
    closed = tell.changes[0].id
    assert tell(finding(3, 9)) == ["new 2"], "what came late has joined the minutes"
    assert tell(finding(3, 9, State.CLOSED)) == ["over 2"]
    assert tell.changes[0].id == f"{closed}-2"


def test_two_runs_of_a_subject_are_two() -> None:
    tell = Telling()
    assert tell(OVER, finding(90, 92)) == ["new", "over", "new"]
    assert tell(OVER, finding(90, 92, State.CLOSED)) == ["over"]


def test_runs_that_became_one_go_on_as_the_one_that_is_open() -> None:
    tell = Telling()
    tell(OVER, finding(90, 92))
    opened = tell.changes[-1].reference
    assert tell(finding(3, 92)) == []
    assert tell(finding(3, 92, State.CLOSED)) == ["over"]
    assert tell.changes[0].reference == opened


def test_a_run_that_is_parted_is_told_of_no_more_than_before() -> None:
    tell = Telling()
    tell(finding(3, 92))
    parted = (finding(3, 5, State.CLOSED), finding(90, 92))
    assert tell(*parted) == []
    assert tell(*parted) == []
    assert tell(parted[0], finding(90, 92, State.CLOSED)) == ["over"]


def test_what_is_muted_is_not_told() -> None:
    tell = Telling()
    muted = finding(3, 5, muted="by design")
    assert tell(muted) == []
    assert tell(OPEN) == ["new"]
    assert tell(muted) == ["muted"]
    assert tell(muted) == []
    assert tell(OPEN) == ["new 2"], "the rule is gone"


def test_what_was_over_while_it_was_muted_is_never_told() -> None:
    tell = Telling()
    tell(finding(3, 5, State.CLOSED, muted="by design"))
    assert tell(OVER) == []


def test_kinds_and_severities_that_nobody_wants_are_not_told() -> None:
    settings = Webhook(
        url="https://example.org",
        secret=SecretStr(SECRET),
        kinds=(Kind.LOST,),
        severity=Severity.WARNING,
    )
    tell = Telling(settings)
    assert tell(finding(3, 5, severity=Severity.NOTICE)) == []
    assert tell(finding(3, 6, severity=Severity.WARNING)) == ["new"], "it became worse"
    assert tell(finding(3, 7, State.CLOSED, severity=Severity.NOTICE)) == ["over"]
    other = Telling(settings.model_copy(update={"kinds": (Kind.STUCK,)}))
    assert other(OPEN) == []


def test_what_there_is_no_room_for_is_told_later() -> None:
    tell = Telling()
    tell.room = 3
    runs = [finding(n, 9, State.CLOSED, service=f"s{n}") for n in range(3)]
    assert (tell(*runs), tell.held_back) == (["new", "over"], 2)
    assert [one.finding["subject"]["service"] for one in tell.changes] == ["s0", "s0"]
    assert (tell(*runs), tell.held_back) == (["new", "over"], 1)
    tell.room = 0
    assert (tell(*runs), tell.held_back) == ([], 1)
    tell.room = 3
    assert (tell(*runs), tell.held_back) == (["new", "over"], 0)
    assert tell(*runs) == []


@st.composite
def stands(draw: Any) -> list[Finding]:
    """How one subject's runs stand at some time: apart by more than a pause."""
    found: list[Finding] = []
    at = 0
    for _ in range(draw(st.integers(0, 3))):
        began = at + draw(st.integers(3, 9))
        at = began + draw(st.integers(0, 9))
        found.append(finding(began, at, State.CLOSED))
    if found and draw(st.booleans()):
        last = found.pop()
        found.append(finding(int(last.id.partition("-")[2], 16) - BEGIN, at))
    return found


@given(st.lists(stands(), max_size=6))
def test_whatever_changes_each_id_is_told_once_and_new_comes_before_over(
    looks: list[list[Finding]],
) -> None:
    tell = Telling()
    told: list[Change] = []
    for found in looks:
        tell(*found)
        told += tell.changes
        open_ones = {one.reference for one in tell.told if one.open}
        assert len(open_ones) == sum(one.state is State.OPEN for one in found)
    ids = [one.id for one in told]
    assert len(ids) == len(set(ids))
    last: dict[str, bool] = {}
    for one in told:
        assert last.get(one.reference, True) is (one.reason is None), "new and over take turns"
        last[one.reference] = one.reason is not None
    assert {name for name, over in last.items() if not over} == {
        one.reference for one in tell.told if one.open
    }
