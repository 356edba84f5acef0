"""Shares, catching up, absences that are too many, and the times at which attendance is open (groups.md 6, 7)."""

from __future__ import annotations

import datetime as dt
from contextlib import nullcontext

import pytest

from chassis.errors import Conflict, Invalid
from services.groups.rules import attendance
from services.groups.rules.attendance import Rule, Seen, tally

START = dt.datetime(2027, 2, 1, 16, tzinfo=dt.UTC)


def seen(codes: str, **changes: object) -> list[Seen]:
    """One meeting for each letter: p(resent), l(ate), e(arly gone), x(cused), a(bsent), - (not recorded)."""
    names = {"p": "present", "l": "late", "e": "left_early", "x": "excused", "a": "absent", "-": "not_recorded"}
    return [Seen(no=no, code=names[letter], **changes) for no, letter in enumerate(codes, 1)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("codes", "attended", "committed", "met"),
    [
        ("pppppppppp", 100, 100, True),
        ("plepppppxx", 80, 100, True),
        ("pppppppaaa", 70, 70, False),
        ("pppaxxxxxx", 30, 90, False),
        ("ppp-------", 100, 100, True),
        ("ppa", 66, 66, False),
        ("----", 0, 0, False),
        ("", 0, 0, False),
    ],
)
def test_both_shares_and_the_rule(codes: str, attended: int, committed: int, met: bool) -> None:  # noqa: FBT001 -- a column of the table above
    found = tally(seen(codes), Rule())
    assert (found.attended_share, found.commitment_share, found.rule_met) == (attended, committed, met)


def test_an_attended_catching_up_stands_for_the_missed_meeting() -> None:
    missed = seen("pa")
    made_up = tally([*missed, Seen(no=3, code="present", catches_up=2)], Rule())
    assert (made_up.held, made_up.attended, made_up.absent) == (2, 2, 0)
    missed_again = tally([*missed, Seen(no=3, code="absent", catches_up=2)], Rule())
    assert (missed_again.held, missed_again.attended, missed_again.absent) == (2, 1, 1)


def test_a_core_topic_counts_once_a_meeting_of_it_was_held() -> None:
    rule = Rule(min_share=50, core=("safety", "children"))
    records = [Seen(no=1, code="absent", topic_key="safety"), Seen(no=2, code="present")]
    assert tally(records, rule, core_held=["safety"]).core_missing == ("safety",)
    assert not tally(records, rule, core_held=["safety"]).rule_met
    made_up = [*records, Seen(no=3, code="present", topic_key="safety", catches_up=1)]
    assert tally(made_up, rule, core_held=["safety"]).rule_met


@pytest.mark.parametrize(
    ("codes", "too_often"),
    [("aa", True), ("apa", False), ("apapa", True), ("axa", False), ("a-a", True), ("xxxx", False), ("", False)],
)
def test_absences_that_are_too_many(codes: str, too_often: bool) -> None:  # noqa: FBT001 -- a column of the table above
    """What nobody recorded neither counts nor breaks a row; an apology breaks it."""
    assert tally(seen(codes), Rule()).too_often_absent is too_often


def test_the_rule_is_told_when_it_is_crossed_and_not_again() -> None:
    before, crossed, after = (tally(seen(codes), Rule()) for codes in ("a", "aa", "aaa"))
    assert attendance.newly_absent(before, crossed)
    assert not attendance.newly_absent(crossed, after)


@pytest.mark.parametrize(
    ("state", "minutes", "code"),
    [
        ("planned", -31, "attendance.too_early"),
        ("planned", -30, None),
        ("closed", 9000, None),
        ("cancelled", 10, "session.not_possible"),
    ],
)
def test_attendance_is_open_from_half_an_hour_before(state: str, minutes: int, code: str | None) -> None:
    with nullcontext() if code is None else pytest.raises(Conflict, match=code.replace(".", r"\.")):
        attendance.check_open(state=state, starts_at=START, now=START + dt.timedelta(minutes=minutes))


def test_only_a_correction_needs_a_reason() -> None:
    attendance.check_correction("held", None)
    attendance.check_correction("closed", "wrong_code")
    for state, reason in (("held", "wrong_code"), ("closed", None)):
        with pytest.raises(Invalid, match=r"attendance\.reason"):
            attendance.check_correction(state, reason)


def test_a_meeting_closes_by_itself_two_days_after_its_end() -> None:
    for hours, due in ((47, False), (48, True)):
        now = START + dt.timedelta(hours=hours)
        assert attendance.due_to_close(state="held", ends_at=START, now=now) is due
    assert not attendance.due_to_close(state="closed", ends_at=START, now=START + dt.timedelta(days=9))


@pytest.mark.parametrize(
    ("state", "minutes", "fine"),
    [("planned", -1, False), ("planned", 0, True), ("held", -1, True), ("closed", 0, False)],
)
def test_a_meeting_is_closed_once_it_is_over(state: str, minutes: int, fine: bool) -> None:  # noqa: FBT001 -- a column of the table above
    with nullcontext() if fine else pytest.raises(Conflict):
        attendance.check_over(state=state, ends_at=START, now=START + dt.timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("state", "minutes", "fine"), [("planned", -1, True), ("moved", 0, False), ("held", -1, False)]
)
def test_an_apology_comes_before_the_meeting(state: str, minutes: int, fine: bool) -> None:  # noqa: FBT001 -- a column of the table above
    with nullcontext() if fine else pytest.raises(Conflict, match=r"attendance\.too_late"):
        attendance.check_apology(state=state, starts_at=START, now=START + dt.timedelta(minutes=minutes))
