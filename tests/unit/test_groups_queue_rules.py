"""When an offer ends, who is called before whom, how many seats men who were sent may hold (groups.md section 4)."""

from __future__ import annotations

import datetime as dt
from contextlib import nullcontext
from typing import Any

import pytest

from chassis.errors import Conflict, Invalid
from services.groups.rules import intake, queue

MONDAY = dt.datetime(2026, 1, 12, 9, tzinfo=dt.UTC)  # 11:00 in Vilnius


def offered(**changes: Any) -> queue.Offered:
    about: dict[str, Any] = {"code_only": False, "track": queue.VOLUNTARY, "country": "LT", "tz": "Europe/Vilnius"}
    return queue.Offered(**{**about, "starts_at": None, **changes})


def at(day: str, hour: int = 16) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{day}T{hour:02}:00:00+00:00")


@pytest.mark.parametrize(
    ("now", "about", "ends"),
    [
        (MONDAY, offered(), at("2026-01-15")),  # 72 hours end on Thursday at 11:00: until 18:00 local
        (MONDAY, offered(code_only=True), at("2026-01-19")),  # 144 hours end on a Sunday
        (at("2026-01-14", 9), offered(), at("2026-01-19")),  # on a Saturday
        (at("2026-02-13", 9), offered(), at("2026-02-17")),  # on the holiday of 16 February
        (MONDAY, offered(track=queue.MANDATED), at("2026-01-19")),  # five working days
        (MONDAY, offered(starts_at=at("2026-01-20")), at("2026-01-15")),
        (MONDAY, offered(code_only=True, starts_at=at("2026-01-19")), at("2026-01-18")),  # a day before the start
        (MONDAY, offered(starts_at=at("2026-01-15")), at("2026-01-13", 9)),  # by telephone: 24 hours
        (MONDAY, offered(starts_at=at("2026-01-12", 17)), at("2026-01-12", 17)),  # never after the start
        (MONDAY, offered(starts_at=at("2026-01-05")), at("2026-01-15")),  # a group that goes on admitting
        (at("2026-03-26", 9), offered(), at("2026-03-30", 15)),  # summer time began in between
        (MONDAY, offered(country="FI", tz="Europe/Helsinki"), at("2026-01-15")),
        (MONDAY, offered(tz=None), at("2026-01-15")),
    ],
)
def test_an_offer_ends_at_the_end_of_a_working_day(now: dt.datetime, about: queue.Offered, ends: dt.datetime) -> None:
    assert queue.offer_until(now, about) == ends


@pytest.mark.parametrize(
    ("head", "reason", "fine"),
    [(True, None, True), (False, "safety", True), (True, "safety", False), (False, None, False)],
)
def test_only_who_is_called_before_others_needs_a_reason(head: bool, reason: str | None, fine: bool) -> None:  # noqa: FBT001 -- parameters of the table above
    with nullcontext() if fine else pytest.raises(Invalid, match=r"queue\.reason"):
        queue.check_call(is_head=head, reason=reason)


def test_men_who_were_sent_hold_a_share_of_the_seats() -> None:
    assert queue.mandated_seats(capacity=9, share=50, mandated="yes") == 4
    assert queue.mandated_seats(capacity=9, share=50, mandated="no") == 0
    assert queue.mandated_seats(capacity=9, share=0, mandated="only") == 9


def test_a_conversation_has_its_time_in_working_days() -> None:
    assert intake.until(MONDAY, track=queue.VOLUNTARY, country="LT") == at("2026-02-02")
    assert intake.until(MONDAY, track=queue.MANDATED, country="LT") == at("2026-01-22")


RULES, PHOTOS = intake.Asked("group-rules", "2"), intake.Asked("photos", "1")


def test_what_is_missing_before_the_seat_is_his_is_named() -> None:
    intake.check_suitable(asked=[RULES], given=[RULES, PHOTOS], meetings=2, needed=2)
    with pytest.raises(Conflict, match=r"signup\.not_ready") as refused:
        intake.check_suitable(asked=[RULES], given=[intake.Asked("group-rules", "1")], meetings=1, needed=2)
    assert "the consent group-rules (2)" in refused.value.detail
    assert "2 individual meetings (1 recorded)" in refused.value.detail


@pytest.mark.parametrize(
    ("step", "ids", "fine"),
    [
        ("own_group", {"group_id": 1, "referral_id": None}, True),
        ("referral", {"group_id": None, "referral_id": 1}, True),
        ("information", {"group_id": None, "referral_id": None}, True),
        ("own_group", {"group_id": None, "referral_id": None}, False),
        ("referral", {"group_id": 1, "referral_id": 1}, False),
        ("information", {"group_id": 1, "referral_id": None}, False),
    ],
)
def test_a_next_step_names_what_it_leads_to(step: str, ids: dict[str, object], fine: bool) -> None:  # noqa: FBT001 -- a parameter of the table above
    with nullcontext() if fine else pytest.raises(Invalid, match=r"intake\.next_step"):
        intake.check_next_step(step, ids)


def test_nobody_removes_a_man_alone_but_after_a_day() -> None:
    asked = [("member:a", MONDAY)]
    assert intake.check_removal(asked, by="member:b", now=MONDAY) is False
    with pytest.raises(Conflict, match=r"signup\.not_proposed"):
        intake.check_removal(asked, by="member:a", now=MONDAY + dt.timedelta(hours=23))
    assert intake.check_removal(asked, by="member:a", now=MONDAY + dt.timedelta(hours=24)) is True
    with pytest.raises(Conflict, match=r"signup\.not_proposed"):
        intake.check_removal([], by="member:a", now=MONDAY)
