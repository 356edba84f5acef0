"""Rolling groups on a real database: once begun, seats are given before every n-th meeting; the queue is open."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from chassis.db import Database
from chassis.errors import Conflict
from chassis.settings import Settings
from services.groups import schemas, usecases
from services.groups.usecases import referred
from tests.support.databases import root_url
from tests.support.group_season import season_step
from tests.support.group_staff import INTAKE
from tests.support.groups import call, opened, own, sign_up


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("groups")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    with closing(Database(at, "groups")) as database:
        yield database


def query(at: Settings, text: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "groups")) as connection:
        cursor = connection.execute(text.encode(), values)
        return cursor.fetchall() if cursor.description else []


def begun(db: Database, *, admission: str = "rolling") -> uuid.UUID:
    """A group of three that has begun with two men and takes new ones before every third meeting."""
    group = opened(db, capacity=3, min_to_start=2, admission=admission, rolling_every=3)
    for _ in range(2):
        sign_up(db, group)
    version = page(db, group)["version"]
    season_step(db, "start", group, {"with_few": True}, expected_version=version)
    return group


def page(db: Database, group: uuid.UUID) -> dict[str, Any]:
    asked = call("GET /groups/{group_id}", None, {}, path={"group_id": group})
    value: dict[str, Any] = usecases.read_group(db, asked).value
    return value


def past(at: Settings, meetings: int) -> None:
    """So many meetings have begun; all others are ahead, one a day from now."""
    query(at, "UPDATE session SET starts_at = now() + (no - %s - 0.5) * interval '1 day'", meetings)


@pytest.mark.parametrize(
    ("meetings", "open_now"), [(0, False), (1, False), (2, True), (3, False), (5, True), (9, False)]
)
def test_the_window_is_before_every_third_meeting(db: Database, at: Settings, *, meetings: int, open_now: bool) -> None:
    group = begun(db)
    past(at, meetings)
    shown = page(db, group)
    assert (shown["accepting"], shown["seat_at_once"]) == (open_now, open_now)
    man = sign_up(db, group)
    assert man["state"] == ("confirmed" if open_now else "waiting")
    if not open_now:
        assert own(db, "status", man)["why"]["code"] == "between_windows"


def test_a_cancelled_meeting_does_not_count(db: Database, at: Settings) -> None:
    group = begun(db)
    past(at, 2)
    assert page(db, group)["accepting"]
    query(at, "UPDATE session SET state = 'cancelled' WHERE no = 1")
    assert not page(db, group)["accepting"], "the next meeting is the second that counts"


def test_when_the_window_opens_the_sweeper_offers_what_is_free(db: Database, at: Settings) -> None:
    group = begun(db)
    past(at, 1)
    first, second = sign_up(db, group), sign_up(db, group)
    usecases.sweep(db)
    assert [own(db, "status", man)["state"] for man in (first, second)] == ["waiting", "waiting"]
    assert page(db, group)["joins_at"] == query(at, "SELECT starts_at FROM session WHERE no = 3")[0][0]
    past(at, 2)
    assert usecases.sweep(db) == 1
    assert [own(db, "status", man)["state"] for man in (first, second)] == ["offered", "waiting"]
    ends = query(at, "SELECT offer_until <= starts_at FROM sign_up, session WHERE no = 3 AND offer_until IS NOT NULL")
    assert ends == [(True,)], "he answers before the meeting at which he joins"


def test_whoever_goes_between_windows_leaves_a_seat_for_the_next_one(db: Database, at: Settings) -> None:
    group = begun(db)
    past(at, 2)
    man, waiting = sign_up(db, group), sign_up(db, group)
    past(at, 3)
    own(db, "withdraw", man)
    assert own(db, "status", waiting)["state"] == "waiting"
    past(at, 5)
    assert own(db, "status", waiting)["state"] == "offered", "looking in is enough"


def test_a_group_that_admits_always_does(db: Database, at: Settings) -> None:
    group = begun(db, admission="open")
    past(at, 3)
    assert page(db, group)["joins_at"] is None
    assert sign_up(db, group)["state"] == "confirmed"


def test_before_the_start_a_rolling_group_is_as_any_other(db: Database) -> None:
    group = opened(db, capacity=3, admission="rolling")
    assert page(db, group)["accepting"]
    assert sign_up(db, group)["state"] == "confirmed"


def test_after_the_last_day_men_do_not_sign_themselves_up_and_the_queue_goes_on(db: Database, at: Settings) -> None:
    group = opened(db, capacity=2, sign_up_until=dt.date(2020, 1, 1).isoformat())
    assert not page(db, group)["accepting"]
    with pytest.raises(Conflict, match=r"group\.not_accepting"):
        sign_up(db, group)
    version = page(db, group)["version"]
    season_step(db, "change", group, {"sign_up_until": None}, expected_version=version)
    first, _, waiting = (sign_up(db, group) for _ in range(3))
    query(at, "UPDATE peer_group SET sign_up_until = current_date - 1")
    own(db, "withdraw", first)
    assert own(db, "status", waiting)["state"] == "offered"
    body = schemas.SignUpForHim().load(schemas.FOR_HIM_EXAMPLE)
    asked = call("for him", INTAKE, body, operation="signup.create_for", path={"group_id": group})
    assert referred.sign_up_for_him(db, asked).value["state"] == "waiting", "a worker may still"


def test_the_last_day_is_a_day_of_the_group_s_own_zone(db: Database, at: Settings) -> None:
    group = opened(db)
    query(at, "UPDATE peer_group SET tz = 'Pacific/Kiritimati',"
              " sign_up_until = (now() AT TIME ZONE 'Pacific/Kiritimati')::date")  # fmt: skip
    assert page(db, group)["accepting"]
    query(at, "UPDATE peer_group SET sign_up_until = sign_up_until - 1")
    assert not page(db, group)["accepting"]


def test_a_drop_in_evening_is_always_open(db: Database) -> None:
    group = opened(db, kind="drop_in", min_to_start=2)
    assert page(db, group)["admission"] == "open"
    version = page(db, group)["version"]
    season_step(db, "start", group, {"with_few": True}, expected_version=version)
    assert sign_up(db, group)["state"] == "confirmed"
