"""Working days against known calendars: Easter, midsummer, Christmas, the two changes of the clock, Friday evenings."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import working_time
from chassis.working_time import (
    COUNTRIES,
    add_days,
    add_working_days,
    end_not_before,
    end_of,
    is_working_day,
    next_working_moment,
    zone_of,
)

ALL = sorted(COUNTRIES)
MOMENTS = st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2032, 12, 31), timezones=st.just(dt.UTC))  # noqa: DTZ001 - the strategy adds the zone


def local(country: str, text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(COUNTRIES[country]))


def told(moment: dt.datetime, country: str) -> str:
    return moment.astimezone(ZoneInfo(COUNTRIES[country])).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize("country", ALL)
def test_a_day_in_an_ordinary_week_ends_at_six_of_the_next_day(country: str) -> None:
    for start in ("2026-09-14 09:00", "2026-09-14 23:30", "2026-09-14 00:00"):
        assert told(add_working_days(local(country, start), 1, country), country) == "2026-09-15 18:00"


@pytest.mark.parametrize("country", ALL)
def test_friday_evening_and_the_weekend_end_on_monday(country: str) -> None:
    for start in ("2026-09-18 19:00", "2026-09-19 12:00", "2026-09-20 23:59"):
        assert told(add_working_days(local(country, start), 1, country), country) == "2026-09-21 18:00"
        assert told(add_working_days(local(country, start), 2, country), country) == "2026-09-22 18:00"


# The first two working days after the evening before the feast, by the public calendars of each country.
FEASTS = [
    # Easter 2026 is 5 April; Maundy Thursday is off in NO, DK, IS; Good Friday is a working day in LT alone.
    *((c, "2026-04-01 20:00", "2026-04-07", "2026-04-08") for c in ("NO", "DK", "IS")),
    *((c, "2026-04-01 20:00", "2026-04-02", "2026-04-07") for c in ("FI", "SE", "LV")),
    ("EE", "2026-04-01 20:00", "2026-04-02", "2026-04-06"),  # no Easter Monday in Estonia
    ("LT", "2026-04-01 20:00", "2026-04-02", "2026-04-03"),
    ("LT", "2026-04-03 20:00", "2026-04-07", "2026-04-08"),
    # Midsummer: Friday to Saturday in FI and SE, 23 and 24 June in EE and LV, 24 June in LT, none in NO, DK, IS.
    *((c, "2026-06-18 20:00", "2026-06-22", "2026-06-23") for c in ("FI", "SE")),
    *((c, "2026-06-18 20:00", "2026-06-19", "2026-06-22") for c in ("NO", "DK", "IS", "LT", "EE")),
    ("EE", "2026-06-22 20:00", "2026-06-25", "2026-06-26"),
    ("LV", "2026-06-19 20:00", "2026-06-25", "2026-06-26"),  # 22 June is moved to a Saturday by the government
    ("LT", "2026-06-22 20:00", "2026-06-23", "2026-06-25"),
    # Christmas 2026: 25 December is a Friday, so the 26th is lost to a Saturday.
    *((c, "2026-12-23 20:00", "2026-12-28", "2026-12-29") for c in ("FI", "SE", "DK", "IS", "EE", "LV", "LT")),
    ("NO", "2026-12-23 20:00", "2026-12-24", "2026-12-28"),
    # The end of the year: the eve is off in SE, DK, IS and LV.
    *((c, "2026-12-30 20:00", "2027-01-04", "2027-01-05") for c in ("SE", "DK", "IS", "LV")),
    *((c, "2026-12-30 20:00", "2026-12-31", "2027-01-04") for c in ("FI", "NO", "EE", "LT")),
    # Own days.
    ("LT", "2026-02-13 20:00", "2026-02-17", "2026-02-18"),
    ("LT", "2026-07-03 20:00", "2026-07-07", "2026-07-08"),
    ("LV", "2026-11-17 20:00", "2026-11-19", "2026-11-20"),
    ("EE", "2026-02-23 20:00", "2026-02-25", "2026-02-26"),
    ("FI", "2027-01-05 20:00", "2027-01-07", "2027-01-08"),
    ("NO", "2027-05-14 20:00", "2027-05-18", "2027-05-19"),  # 17 May is Pentecost Monday too in 2027
    ("DK", "2026-06-04 20:00", "2026-06-08", "2026-06-09"),
    ("IS", "2026-04-22 20:00", "2026-04-24", "2026-04-27"),
    ("SE", "2028-06-05 20:00", "2028-06-07", "2028-06-08"),
]


@pytest.mark.parametrize(("country", "start", "first", "second"), FEASTS)
def test_the_days_after_a_feast(country: str, start: str, first: str, second: str) -> None:
    begun = local(country, start)
    assert told(add_working_days(begun, 1, country), country) == f"{first} 18:00"
    assert told(add_working_days(begun, 2, country), country) == f"{second} 18:00"


@pytest.mark.parametrize("country", ALL)
def test_six_o_clock_stays_six_o_clock_over_both_changes_of_the_clock(country: str) -> None:
    spring = add_working_days(local(country, "2026-03-27 20:00"), 1, country)  # clocks move on Sunday the 29th
    autumn = add_working_days(local(country, "2026-10-23 20:00"), 1, country)  # and back on Sunday 25 October
    assert told(spring, country) == "2026-03-30 18:00"
    assert told(autumn, country) == "2026-10-26 18:00"
    shift = dt.timedelta(0) if country == "IS" else dt.timedelta(hours=1)  # Iceland never changes
    before = add_working_days(local(country, "2026-03-25 20:00"), 1, country)
    assert spring - before == dt.timedelta(days=4) - shift
    before = add_working_days(local(country, "2026-10-21 20:00"), 1, country)
    assert autumn - before == dt.timedelta(days=4) + shift


def test_the_local_day_counts_and_not_the_day_in_utc() -> None:
    late = dt.datetime(2026, 9, 14, 21, 30, tzinfo=dt.UTC)  # Tuesday 00:30 in Vilnius, Monday 23:30 in Stockholm
    assert told(add_working_days(late, 1, "LT"), "LT") == "2026-09-16 18:00"
    assert told(add_working_days(late, 1, "SE"), "SE") == "2026-09-15 18:00"


def test_calendar_days_end_on_a_working_day() -> None:
    assert told(add_days(local("LT", "2026-09-14 10:00"), 14, "LT"), "LT") == "2026-09-28 18:00"
    assert told(add_days(local("LT", "2026-11-25 10:00"), 30, "LT"), "LT") == "2026-12-28 18:00"
    assert told(end_of(dt.date(2026, 12, 24), "FI"), "FI") == "2026-12-28 18:00"


def test_an_end_is_moved_to_the_next_end_of_a_working_day() -> None:
    assert told(end_not_before(local("FI", "2026-09-15 10:00"), "FI"), "FI") == "2026-09-15 18:00"
    assert told(end_not_before(local("FI", "2026-09-15 18:00"), "FI"), "FI") == "2026-09-15 18:00"
    assert told(end_not_before(local("FI", "2026-09-15 18:01"), "FI"), "FI") == "2026-09-16 18:00"
    assert told(end_not_before(local("FI", "2026-06-18 18:01"), "FI"), "FI") == "2026-06-22 18:00"
    azores = ZoneInfo("Atlantic/Azores")
    moved = end_not_before(dt.datetime(2026, 9, 15, 10, tzinfo=dt.UTC), "FI", zone=azores)
    assert moved.astimezone(azores).hour == 18


def test_the_next_working_moment_lies_in_office_hours() -> None:
    assert told(next_working_moment(local("LV", "2026-09-14 07:15"), "LV"), "LV") == "2026-09-14 08:00"
    assert told(next_working_moment(local("LV", "2026-09-14 11:11"), "LV"), "LV") == "2026-09-14 11:11"
    assert told(next_working_moment(local("LV", "2026-09-14 18:00"), "LV"), "LV") == "2026-09-15 08:00"
    assert told(next_working_moment(local("LV", "2026-06-19 18:00"), "LV"), "LV") == "2026-06-25 08:00"
    assert told(next_working_moment(local("LV", "2026-09-19 12:00"), "LV"), "LV") == "2026-09-21 08:00"


def test_an_unknown_country_has_weekends_alone() -> None:
    assert zone_of(None) == zone_of("XX") == ZoneInfo("UTC")
    assert is_working_day(dt.date(2026, 12, 25), "XX")
    assert not is_working_day(dt.date(2026, 12, 26), None)


def test_a_moment_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="without an offset"):
        add_working_days(dt.datetime(2026, 1, 1), 1, "LT")  # noqa: DTZ001 - that is the point


@given(MOMENTS, st.integers(1, 30), st.sampled_from(ALL))
def test_working_days_only_go_forward_and_end_on_working_days(start: dt.datetime, days: int, country: str) -> None:
    end = add_working_days(start, days, country)
    shown = end.astimezone(ZoneInfo(COUNTRIES[country]))
    assert end > start
    assert is_working_day(shown.date(), country)
    assert shown.time() == working_time.CLOSES
    assert add_working_days(start, days + 1, country) > end
    assert end_not_before(end, country) == end
    assert add_working_days(start + dt.timedelta(minutes=1), days, country) >= end
