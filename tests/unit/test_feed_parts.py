"""The small parts of the feed: how long a request may take, where a stream begins, what its messages look like."""

from __future__ import annotations

import time
import uuid
from types import SimpleNamespace
from typing import Any

import eventlet
import pytest

from chassis.errors import Malformed, Unavailable
from chassis.http import headers, sse
from chassis.http.loading import load_query
from chassis.http.places import Held, Shares, Slots
from chassis.http.route import plans_of
from chassis.openapi import merged
from chassis.problems import BadQuery
from chassis.settings import Settings, SettingsError
from services.subscriptions import schemas
from services.subscriptions.service import SubscriptionsService
from services.subscriptions.usecases.following import first_of

UNREAD = ("+10", "%2B10", "00010", "1_0", "10%20")
"""Forms that one reader of numbers takes and another does not."""


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        ("", 0),
        ("wait=25", 25),
        ("a=1&wait=%32", 2),
        ("wait=99", 30),
        ("wait=9999", 0),
        *((f"wait={form}", 0) for form in UNREAD),
        ("wait=-1", 0),
        ("wait=x", 0),
    ],
)
def test_a_long_poll_may_take_as_long_as_it_says(query: str, seconds: int) -> None:
    assert headers.allowed_seconds("long_poll", query) == 5 + seconds
    assert headers.may_wait("long_poll", query) == (seconds > 0)
    assert headers.allowed_seconds("normal", query) == 5
    assert not headers.may_wait("normal", query)
    assert headers.allowed_seconds("stream", query) is None
    assert headers.may_wait("stream", query)


@pytest.mark.parametrize("form", [*UNREAD, "", "-1", "31", "99", "\u0661\u0660"])
def test_the_door_and_the_schema_read_the_seconds_alike(form: str) -> None:
    plan = dict(plans_of(SubscriptionsService))["feed"]
    with pytest.raises(BadQuery):
        load_query(plan, f"wait={form}")
    for seconds in ("0", "7", "07", "30"):
        assert load_query(plan, f"wait={seconds}")["wait"] == headers.seconds_wanted(f"wait={seconds}") == int(seconds)


def test_a_long_poll_ends_in_its_time_though_something_always_seems_to_come() -> None:
    """As when a number is known that cannot be read, or all that comes is of types that are not wanted."""
    begun = time.monotonic()

    def read() -> list[Any]:
        assert time.monotonic() - begun < 5, "it goes on for ever"
        time.sleep(0.01)
        return []

    restless: Any = SimpleNamespace(comes=lambda _seconds: True, read=read)
    assert first_of(restless, 0.2) == []
    assert first_of(restless, -1) == []


def test_who_is_patient_pushes_nobody_out_of_the_queue() -> None:
    slots = Slots(1, 1)
    slots.take(0)
    patient = [eventlet.spawn(slots.take, 1, patient=True) for _ in range(3)]
    eventlet.sleep(0)
    waiting = eventlet.spawn(slots.take, 1)
    eventlet.sleep(0)
    with pytest.raises(Unavailable, match=r"workers\.busy"):
        slots.take(1)
    for each in (*patient, waiting):
        slots.give()
        assert each.wait()


def test_an_organisation_has_its_part_of_the_places_and_no_more() -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    shares = Shares(Slots(3, 0), 2)
    held = [shares.take(one), shares.take(one)]
    with pytest.raises(Unavailable, match=r"waiting\.own_full"):
        shares.take(one)
    held.append(shares.take(other))
    with pytest.raises(Unavailable, match=r"workers\.busy"):  # the places themselves are full, which counts for nobody
        shares.take(other)
    for each in held:
        each.give()
    for owner in (one, one, other):
        shares.take(owner)


def test_a_stream_begins_behind_the_last_event_id() -> None:
    assert [headers.last_seen(text) for text in (None, "", "0", "41")] == [None, None, 0, 41]
    for wrong in ("-1", "4 1", "1e3", "9" * 19, "org:4"):
        with pytest.raises(Malformed):
            headers.last_seen(wrong)


def test_messages_are_those_of_the_standard() -> None:
    row = SimpleNamespace(position=7, type="referral.sent", body=b'{"a":1}')
    told = b'id: 7\nevent: referral.sent\ndata: {"a":1}\n\n'
    assert schemas.messages_of([row], None) == told
    assert schemas.messages_of([row], 9) == told + b"id: 9\n\n"
    assert b"".join(sse.stream([told, b""]).body) == b"retry: 2000\n\n" + told + b":\n\n"


def test_a_place_is_given_back_once() -> None:
    places = Slots(2, 0)
    places.take(0)
    held = Held(iter([b"a"]), places)
    assert (places.taken(), list(held)) == (1, [b"a"])
    held.close()
    held.close()
    assert places.taken() == 0


@pytest.mark.parametrize("text", ["0", "3651", "a month", "-1", "1.5"])
def test_the_journal_is_kept_for_a_sane_number_of_days(text: str) -> None:
    assert Settings.load({}).journal_days == 30
    assert Settings.load({"TUKIVERKKO_JOURNAL_DAYS": "90"}).journal_days == 90
    with pytest.raises(SettingsError, match="TUKIVERKKO_JOURNAL_DAYS"):
        Settings.load({"TUKIVERKKO_JOURNAL_DAYS": text})


def test_the_specification_tells_of_both_ways() -> None:
    document: dict[str, Any] = merged([SubscriptionsService])
    paths, shared = document["paths"], document["components"]
    gone = shared["responses"]["Problem410"]["content"]["application/problem+json"]["schema"]
    assert gone["allOf"][1]["properties"]["oldest"]["type"] == "integer"
    assert shared["schemas"]["StreamEvent"].get("additionalProperties", True) is not False  # new fields may appear
    feed, stream = paths["/events"]["get"], paths["/events/stream"]["get"]
    names = {each["name"]: each for each in feed["parameters"] if "name" in each}
    assert (names["wait"]["schema"]["maximum"], names["stream"]["required"]) == (30, False)
    assert list(stream["responses"]["200"]["content"]) == ["text/event-stream"]
    assert "410" in stream["responses"]
    assert {"$ref": "#/components/parameters/LastEventID"} in stream["parameters"]
    for way in (feed, stream):
        assert "304" not in way["responses"]
        assert "headers" not in way["responses"]["200"]
        assert {"$ref": "#/components/parameters/IfNoneMatch"} not in way["parameters"]
    assert (feed["x-tukiverkko-deadline"], stream["x-tukiverkko-deadline"]) == ("long_poll", "stream")
