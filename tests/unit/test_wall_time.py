"""Wall time: gaps and repeated hours of a change of the clock, series that stay at their hour, holidays skipped."""

from __future__ import annotations

import datetime as dt

import pytest

from chassis.wall_time import moment
from services.groups.rules import sessions
from services.groups.rules.sessions import Schedule

LAHTI = Schedule(start_on=dt.date(2024, 3, 4), local_start=dt.time(18), tz="Europe/Helsinki", sessions=11, country="FI")


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("local", "at", "back", "shifted"),
    [
        ("2024-03-25T18:00", "2024-03-25T16:00", "2024-03-25T18:00", False),
        ("2024-04-08T18:00", "2024-04-08T15:00", "2024-04-08T18:00", False),
        ("2024-03-31T03:30", "2024-03-31T01:30", "2024-03-31T04:30", True),  # the hour does not exist
        ("2024-10-27T03:30", "2024-10-27T00:30", "2024-10-27T03:30", False),  # twice: the first one, summer time
    ],
)
def test_a_wall_time_means_one_moment(local: str, at: str, back: str, shifted: bool) -> None:  # noqa: FBT001 -- a parameter of the table above
    found = moment(dt.datetime.fromisoformat(local), "Europe/Helsinki")
    assert (found.at, found.local, found.shifted) == (utc(at), dt.datetime.fromisoformat(back), shifted)


def test_a_time_with_an_offset_is_no_wall_time() -> None:
    with pytest.raises(ValueError, match="no offset"):
        moment(utc("2024-03-25T16:00"), "Europe/Helsinki")


def test_eleven_mondays_in_lahti_keep_their_hour_over_easter_and_summer_time() -> None:
    """groups.md section 6: the series of 2024, whose Easter Monday is made up for at the end."""
    found = sessions.propose(LAHTI)
    assert len(found) == 12
    assert [each.local_start.date() for each in found if each.skipped] == [dt.date(2024, 4, 1)]
    assert {each.local_start.time() for each in found} == {dt.time(18)}
    assert {each.local_start.weekday() for each in found} == {0}
    before, after = found[:4], found[4:]
    assert {each.starts_at.hour for each in before} == {16}
    assert {each.starts_at.hour for each in after} == {15}
    assert found[-1].local_start == dt.datetime(2024, 5, 20, 18)  # noqa: DTZ001 - a wall time has no zone


def test_a_holiday_is_kept_where_the_leader_says_so() -> None:
    found = sessions.propose(LAHTI, keep=frozenset({dt.date(2024, 4, 1)}))
    assert len(found) == 11
    assert [each.holiday for each in found].count(True) == 1
    assert not any(each.skipped for each in found)


def test_jarvenpaa_crosses_the_change_in_autumn() -> None:
    autumn = Schedule(
        start_on=dt.date(2018, 10, 9), local_start=dt.time(17, 30), tz="Europe/Helsinki", sessions=6, country="FI"
    )
    hours = [each.starts_at.strftime("%H:%M") for each in sessions.propose(autumn)]
    assert hours == ["14:30", "14:30", "14:30", "15:30", "15:30", "15:30"]
