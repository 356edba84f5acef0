"""The gate before every message: each kind by each setting by the time of day, and the nights of the clock's change."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.messages import kinds, times
from chassis.messages.contact import NOBODY, Channel, Contact, Window, contact_of, minutes
from chassis.messages.gate import CONFIRMED_FOR, Decision, decide
from chassis.messages.kinds import KINDS, Kind

NOW = dt.datetime(2026, 3, 4, 10, 0, tzinfo=dt.UTC)  # a Wednesday
ZONES = ("Europe/Vilnius", "Europe/Helsinki", "Europe/Oslo", "Atlantic/Reykjavik")
VALUES = {"email": "somebody@example.org", "phone": "+37060000000", "post": "Demo g. 1"}
TO_PERSON = [kind for kind in KINDS.values() if kind.audience == kinds.PERSON]
TO_ORGANISATION = [kind for kind in KINDS.values() if kind.audience == kinds.ORGANISATION]
TRI = (True, False, None)
BEST: dict[str, Any] = {
    "safe": "yes",
    "may_call": True,
    "may_text": True,
    "may_leave_voicemail": True,
    "may_say_who_we_are": True,
    "may_post": True,
    "verified_at": NOW - dt.timedelta(days=1),
}


def channel(name: str = "email", **changes: Any) -> Channel:
    return Channel(channel=name, value=VALUES[name], **{**BEST, **changes})


def everywhere(**changes: Any) -> Contact:
    return Contact(channels=tuple(channel(name, **changes) for name in VALUES))


def window(weekday: int, start: int, end: int, zone: str = "Europe/Vilnius") -> Window:
    return Window(weekday=weekday, start=start, end=end, zone=zone)


def needed(kind: Kind, way: str) -> set[str]:
    return {"text": {"may_text"}, "call": {"may_call"}, "voicemail": {"may_call", "may_leave_voicemail"},
            "letter": {"may_post"}, "email": set()}[way]  # fmt: skip


@pytest.mark.parametrize("kind", TO_PERSON, ids=lambda kind: kind.code)
def test_a_message_to_a_person_goes_where_all_is_known_and_safe(kind: Kind) -> None:
    said = decide(kind, everywhere(), NOW)
    assert (said.way, said.at, said.alias, said.refused) == (kind.ways[0], NOW, False, "")


@pytest.mark.parametrize("kind", TO_PERSON, ids=lambda kind: kind.code)
def test_every_setting_of_every_channel_for_every_kind(kind: Kind) -> None:
    """Safety, five permissions, who may answer, and the age of the confirmation: against the words of the page."""
    ages = (None, dt.timedelta(days=-1), dt.timedelta(0), dt.timedelta(days=89), CONFIRMED_FOR)
    names = ("may_call", "may_text", "may_leave_voicemail", "may_say_who_we_are", "may_post")
    seen = {True: 0, False: 0}
    for safe, answered, age in itertools.product(("yes", "no", "unknown"), (None, "partner"), ages):
        verified = None if age is None else NOW - age
        for may in itertools.product(TRI, repeat=5):
            told = dict(zip(names, may, strict=True))
            said = decide(
                kind, everywhere(safe=safe, unsafe_if_answered_by=answered, verified_at=verified, **told), NOW
            )
            ways = [way for way in kind.ways if all(told[name] is True for name in needed(kind, way))]
            fresh = kind.proves or (age is not None and dt.timedelta(0) <= age < CONFIRMED_FOR)
            good = safe != "no" if kind.by_worker else safe == "yes" and answered is None and fresh
            assert said.allowed == (good and bool(ways)), (safe, answered, age, told, said)
            if said.allowed:
                assert said.way == ways[0]
                assert said.alias == (told["may_say_who_we_are"] is not True or safe != "yes")
            assert bool(said.refused) != said.allowed
            seen[said.allowed] += 1
    assert min(seen.values()) > 50


@pytest.mark.parametrize("kind", TO_PERSON, ids=lambda kind: kind.code)
@pytest.mark.parametrize("via", ["referrer", "lawyer", "probation_officer"])
def test_who_is_reached_through_somebody_gets_nothing_himself(kind: Kind, via: str) -> None:
    assert decide(kind, replace(everywhere(), via=via), NOW).refused == "reached_through_another"


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.code)
def test_no_contact_wanted_ends_every_message_to_him_and_every_reminder(kind: Kind) -> None:
    said = decide(kind, replace(everywhere(), do_not_contact=True), NOW)
    assert said.allowed == (kind.audience == kinds.ORGANISATION and kind.code != "organisation.reminder")
    assert said.allowed or said.refused == "do_not_contact"


@pytest.mark.parametrize("kind", TO_ORGANISATION, ids=lambda kind: kind.code)
def test_an_organisation_hears_whatever_the_person_s_channels_are(kind: Kind) -> None:
    for contact in (NOBODY, everywhere(safe="no"), replace(everywhere(), via="lawyer")):
        assert decide(kind, contact, NOW) == Decision(way="email", at=NOW, alias=False)


def test_nobody_can_be_reached_of_whom_nothing_is_known() -> None:
    for kind in TO_PERSON:
        assert decide(kind, NOBODY, NOW).refused == "no_channel"
        bare = Contact(channels=tuple(Channel(channel=name, value=value) for name, value in VALUES.items()))
        assert decide(kind, bare, NOW).refused in {"not_safe", "not_allowed"}


def test_only_ways_that_are_carried_count() -> None:
    only_phone = Contact(channels=(channel("phone"),))
    assert decide(KINDS["person.news"], only_phone, NOW).way == "text"
    assert decide(KINDS["person.news"], only_phone, NOW, carried=kinds.CARRIED).refused == "no_channel"


@pytest.mark.parametrize("value", ["", "somebody", "a@b\nBcc: x@example.org", "a b@example.org", "a@", "@b", "a@b,c@d"])
def test_what_is_no_address_is_no_channel(value: str) -> None:
    contact = Contact(channels=(replace(channel(), value=value),))
    assert decide(KINDS["person.news"], contact, NOW).refused == "no_address"


def test_the_channel_that_is_open_first_is_taken() -> None:
    tomorrow = channel(times=(window(4, 600, 660),))
    later = replace(channel("email", times=(window(5, 600, 660),)), value="other@example.org")
    said = decide(KINDS["person.news"], Contact(channels=(later, tomorrow)), NOW)
    assert said.channel == tomorrow
    assert decide(KINDS["person.news"], Contact(channels=(tomorrow, channel("phone"))), NOW).way == "text"


@pytest.mark.parametrize("kind", TO_PERSON, ids=lambda kind: kind.code)
def test_every_kind_at_every_time_of_the_week(kind: Kind) -> None:
    """Safe on Wednesdays from 17:00 to 19:30 in Vilnius: held until then, and never sent at another time."""
    held = [held_at(kind, NOW + dt.timedelta(minutes=minute)) for minute in range(0, 7 * 1440, 7)]
    assert 0 < sum(not each for each in held) < 50


def held_at(kind: Kind, now: dt.datetime) -> bool:
    contact = everywhere(times=(window(3, 17 * 60, 19 * 60 + 30),), verified_at=now)
    said = decide(kind, contact, now)
    assert said.at is not None
    local = said.at.astimezone(ZoneInfo("Europe/Vilnius"))
    assert local.isoweekday() == 3
    assert dt.time(17) <= local.time() < dt.time(19, 30)
    inside = now.astimezone(ZoneInfo("Europe/Vilnius"))
    if inside.isoweekday() == 3 and dt.time(17) <= inside.time() < dt.time(19, 30):
        assert said.at == now
        return False
    assert said.at > now
    assert (local.hour, local.minute) == (17, 0)
    assert said.at - now <= dt.timedelta(days=7)
    return True


def test_no_safe_time_is_no_time() -> None:
    for kind in TO_PERSON:
        assert decide(kind, everywhere(times=()), NOW).refused == "no_safe_time"


CHANGES = [dt.datetime(2026, 3, 29, 1, 0, tzinfo=dt.UTC), dt.datetime(2026, 10, 25, 1, 0, tzinfo=dt.UTC)]
windows = st.lists(
    st.builds(
        lambda weekday, start, length, zone: window(weekday, start, min(start + length, 1440), zone),
        st.sampled_from([1, 6, 7]),
        st.one_of(st.integers(0, 1430), st.integers(0, 300)),
        st.integers(1, 300),
        st.sampled_from(ZONES),
    ),
    min_size=1,
    max_size=3,
)


def first_by_hand(moment: dt.datetime, wanted: list[Window]) -> dt.datetime:
    """The oracle: minute by minute."""
    at = moment
    while not times.is_inside(at, wanted):
        at = at.replace(second=0, microsecond=0) + dt.timedelta(minutes=1)
    return at


@given(st.sampled_from(CHANGES), st.integers(-30 * 60, 30 * 60), st.integers(0, 59), windows)
def test_around_the_change_of_the_clock_the_first_safe_minute_is_found(
    change: dt.datetime, offset: int, second: int, wanted: list[Window]
) -> None:
    moment = change + dt.timedelta(minutes=offset, seconds=second)
    found = times.next_inside(moment, wanted)
    assert found == first_by_hand(moment, wanted)


def test_an_hour_that_does_not_exist_holds_no_safe_moment_and_the_next_week_is_taken() -> None:
    gone = window(7, 3 * 60 + 15, 3 * 60 + 45)  # Vilnius goes from 03:00 to 04:00 on the 29th of March
    night = dt.datetime(2026, 3, 28, 22, 0, tzinfo=dt.UTC)
    assert times.next_inside(night, [gone]) == dt.datetime(2026, 4, 5, 0, 15, tzinfo=dt.UTC)
    half = window(7, 3 * 60 + 15, 4 * 60 + 15)
    assert times.next_inside(night, [half]) == dt.datetime(2026, 3, 29, 1, 0, tzinfo=dt.UTC)


def test_an_hour_that_comes_twice_is_safe_twice() -> None:
    twice = [window(7, 3 * 60 + 15, 3 * 60 + 30)]
    between = dt.datetime(2026, 10, 25, 0, 40, tzinfo=dt.UTC)
    assert times.next_inside(between, twice) == dt.datetime(2026, 10, 25, 1, 15, tzinfo=dt.UTC)
    opens_before = [window(7, 2 * 60 + 30, 3 * 60 + 20)]
    assert times.next_inside(between, opens_before) == dt.datetime(2026, 10, 25, 1, 0, tzinfo=dt.UTC)


def test_the_sealed_part_is_read_as_it_was_sealed() -> None:
    told = {
        "contact_via": None, "language": "lv",
        "contact": {
            "channel": "email", "value": "a@example.org", "safe": "yes", "may_say_who_we_are": False,
            "safe_times": [{"weekday": 3, "from": "17:00", "to": "24:00", "time_zone": "Europe/Riga"}],
            "unsafe_if_answered_by": None, "do_not_contact": False,
            "verified_at": "2026-03-01T10:00:00+00:00",
            "further": [{"channel": "phone", "value": "+37060000000", "safe": "no"}],
        },
    }  # fmt: skip
    contact = contact_of(told)
    assert [each.channel for each in contact.channels] == ["email", "phone"]
    assert contact.language == "lv"
    assert contact.channels[0].times == (window(3, 1020, 1440, "Europe/Riga"),)
    assert decide(KINDS["person.news"], contact, NOW).at == dt.datetime(2026, 3, 4, 15, 0, tzinfo=dt.UTC)
    assert minutes("09:05") == 545


@pytest.mark.parametrize(
    "told",
    [
        {}, {"contact": None}, {"contact": {}}, {"contact": {"channel": "email", "value": "a@example.org"}},
        {"contact": {"channel": "email", "value": "a@example.org", "safe": "yes"}},
        {"contact": {"channel": "email", "value": "a@example.org", "safe": "yes", "verified_at": "2026-03-01"}},
        {"contact": {"do_not_contact": True}}, {"contact_via": "lawyer"},
    ],
)  # fmt: skip
def test_of_an_old_or_short_record_nothing_is_guessed(told: dict[str, Any]) -> None:
    for kind in TO_PERSON:
        if not kind.proves:  # it asks for the confirmation that is missing
            assert not decide(kind, contact_of(told), NOW).allowed
