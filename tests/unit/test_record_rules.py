"""What may be written down when, who may be tried how, and what counts: pure rules, tried exhaustively."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Conflict, Invalid
from services.referrals.rules import record
from services.referrals.rules.feedback import SCOPES
from services.referrals.rules.lifecycle import (
    CHILD_CONCERN,
    CLOSED,
    FINAL,
    ORDINARY,
    RECEIVER,
    SENDER,
    STATES,
    Standing,
)
from services.referrals.schemas.record import NewRisk, Risks

NOW = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize("action", record.POSSIBLE)
@pytest.mark.parametrize("state", [*STATES, CLOSED])
def test_every_action_in_every_state(action: str, state: str) -> None:
    possible = state in record.POSSIBLE[action]
    for side, kind in itertools.product((SENDER, RECEIVER), (ORDINARY, CHILD_CONCERN)):
        seen = Standing(state=state, kind=kind)
        if possible and (kind == ORDINARY or action == "add_note"):
            record.check_possible(action, seen, side)
        else:
            with pytest.raises(Conflict) as refused:
                record.check_possible(action, seen, side)
            assert refused.value.code == "referral.not_possible"


def test_nothing_is_written_into_a_draft_or_what_must_not_exist() -> None:
    for states in record.POSSIBLE.values():
        assert not states & {"draft", "entered_in_error"}


@pytest.mark.parametrize("channel", record.CHANNELS)
@pytest.mark.parametrize("safe", [None, "yes", "no", "unknown"])
@pytest.mark.parametrize("by_alias", [False, True])
@pytest.mark.parametrize("via", [None, "referrer"])
def test_who_may_be_tried_how(channel: str, safe: str | None, by_alias: bool, via: str | None) -> None:  # noqa: FBT001 - a parameter of the test
    for named, forbidden in itertools.product(("phone", "email", "post"), (False, True)):
        contact = {"channel": named, "value": "x", "safe": safe, "do_not_contact": forbidden} if safe else None
        content: dict[str, Any] = {"contact": contact, "contact_via": via}
        by_own = contact is not None and channel == named
        allowed = (
            channel == "in_person"
            or (channel == "via" and via is not None)
            or (by_own and safe == "yes")
            or (by_own and safe == "unknown" and channel == "phone" and by_alias)
        ) and not (contact and forbidden)
        if allowed:
            record.check_channel(channel, content, by_alias=by_alias)
        else:
            with pytest.raises(Invalid):
                record.check_channel(channel, content, by_alias=by_alias)


def test_one_of_several_channels_may_be_the_safe_one() -> None:
    further = [{"channel": "email", "value": "x", "safe": "yes"}, {"channel": "phone", "value": "y", "safe": "no"}]
    content = {"contact": {"channel": "phone", "value": "x", "safe": "unknown", "further": further}}
    record.check_channel("email", content, by_alias=False)
    with pytest.raises(Invalid):  # of two phones one is unsafe: by alias nobody knows which was rung
        record.check_channel("phone", content, by_alias=True)


def tries(*hours: float, reached: tuple[int, ...] = ()) -> list[dict[str, Any]]:
    return [
        {
            "attempted_at": (NOW + dt.timedelta(hours=each)).isoformat(),
            "outcome": "reached" if number in reached else "not_reached",
        }
        for number, each in enumerate(hours)
    ]


def test_attempts_count_at_different_times_and_begin_anew_once_he_was_reached() -> None:
    assert record.counted([]) == 0
    assert record.counted(tries(0, 1, 2)) == 1
    assert record.counted(tries(0, 3, 6)) == 3
    assert record.counted(tries(6, 0, 3)) == 3  # in whatever order they were logged
    assert record.counted(tries(0, 3, 6, 9, reached=(2,))) == 1
    record.check_tried(tries(0, 24, 48))
    with pytest.raises(Conflict) as refused:
        record.check_tried(tries(0, 24))
    assert "2 count" in refused.value.detail


@given(st.lists(st.floats(0, 100), max_size=12))
def test_counted_attempts_are_never_closer_than_three_hours(hours: list[float]) -> None:
    number = record.counted(tries(*hours))
    assert number <= len(hours)
    assert (number == 0) == (not hours)
    if hours:
        assert (number - 1) * 3 <= max(hours) - min(hours) + 1e-6


@given(st.lists(st.sampled_from(("attended", "excused", "absent"))))
def test_counts_add_up(taken: list[str]) -> None:
    counts = record.attendance_of([{"attended": each} for each in taken])
    assert counts["held"] == len(taken) == counts["attended"] + counts["excused"] + counts["absent"]


def test_the_shape_of_a_risk_has_the_items_of_the_rules() -> None:
    assert tuple(Risks().load_fields) == record.RISKS
    assert NewRisk().validate({"risks": {}}) == {"risks": {"_schema": ["Name an item whose answer changed."]}}


@pytest.mark.parametrize("scope", SCOPES)
def test_what_the_sender_learns_waits_until_the_scope_is_fixed(scope: str) -> None:
    assert not record.attendance_told(scope, fixed=False)
    assert not record.told_to_other(scope, fixed=False, side=RECEIVER)
    assert record.told_to_other(scope, fixed=True, side=RECEIVER) == (scope == "full_report")
    assert record.told_to_other(scope, fixed=False, side=SENDER)
    assert record.attendance_told(scope, fixed=True) == (
        scope in {"attendance", "attendance_and_completion", "full_report"}
    )


@pytest.mark.parametrize("state", sorted(FINAL | {CLOSED}))
def test_after_the_end_a_note_stays_at_home(state: str) -> None:
    ends = {"kind": ORDINARY, "side": SENDER, "seen": state, "scope": "full_report", "fixed": True}
    record.check_visibility({"visibility": "own_org"}, **ends)  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="own_only"):
        record.check_visibility({"visibility": "both"}, **ends)  # type: ignore[arg-type]


def test_a_day_that_has_begun_somewhere_is_not_the_future() -> None:
    record.check_past(NOW.date(), NOW, pointer="/held_on")
    record.check_past(NOW.date() + dt.timedelta(days=1), NOW, pointer="/held_on")  # in the far east it has begun
    for later in (NOW + dt.timedelta(seconds=1), NOW.date() + dt.timedelta(days=2)):
        with pytest.raises(Invalid):
            record.check_past(later, NOW, pointer="/x")
