"""A group over its season on a real database: changes, too few, start, finish, cancel, merge, transfer, leaders."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotFound, Stale
from chassis.settings import Settings
from services.groups.rules.season import HOUR_OF_TELLING
from services.groups.usecases import season
from tests.support.databases import root_url
from tests.support.group_season import mine, season_step, transferred
from tests.support.group_sessions import attendance_step, entered, listed
from tests.support.group_staff import COORDINATOR, LEADER, STRANGER, programme, step
from tests.support.groups import OTHER, new_group, opened, own, roster, sign_up

MAIL = {"channel": "email", "value": "man@example.org"}
SCHEDULE = {"start_on": "2027-02-01", "local_start": "18:00", "tz": "Europe/Vilnius", "sessions": 2}


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("groups")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "groups")
    yield database
    database.close()


def query(at: Settings, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "groups")) as connection:
        cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []


def states(db: Database, men: list[dict[str, Any]]) -> list[str]:
    return [own(db, "status", man)["state"] for man in men]


def test_a_higher_capacity_promotes_in_the_same_transaction_and_a_lower_one_is_refused(
    db: Database, at: Settings
) -> None:
    group = opened(db, capacity=2)
    men = [sign_up(db, group) for _ in range(4)]
    changed = season_step(db, "change", group, {"capacity": 3}, expected_version=2)
    assert (changed["capacity"], changed["version"]) == (3, 3)
    assert states(db, men) == ["confirmed", "confirmed", "offered", "waiting"]
    with pytest.raises(Conflict, match=r"group\.seats_held"):
        season_step(db, "change", group, {"capacity": 2}, expected_version=3)
    with pytest.raises(Stale):
        season_step(db, "change", group, {"capacity": 4}, expected_version=2)
    with pytest.raises(Invalid, match=r"group\.capacity"):
        season_step(db, "change", group, {"capacity": 17}, expected_version=3)
    told = query(at, "SELECT data->>'capacity' FROM outbox WHERE type = 'group.changed'")
    assert told == [("3",)]


def test_what_is_not_named_stays(db: Database) -> None:
    group = opened(db, capacity=2, waitlist_limit=5)
    changed = season_step(db, "change", group, {"place_full": "Street 1"}, expected_version=2)
    assert (changed["waitlist_limit"], changed["place_public"], changed["place_full"]) == (5, "Kaunas", "Street 1")
    assert season_step(db, "change", group, {"waitlist_limit": None}, expected_version=3)["waitlist_limit"] is None


def test_with_too_few_men_a_coordinator_chooses(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE, min_to_start=3)
    sign_up(db, group)
    assert mine(db, COORDINATOR)[0]["choice_due"] is False
    query(at, "UPDATE peer_group SET start_on = current_date + 6")
    assert mine(db, COORDINATOR)[0]["choice_due"] is True
    with pytest.raises(Conflict, match=r"group\.not_possible"):
        season_step(db, "postpone", new_group(db)["id"], {"start_on": dt.date(2027, 5, 3)}, expected_version=1)
    with pytest.raises(Conflict, match=r"group\.too_few") as refused:
        season_step(db, "start", group, {"with_few": False}, expected_version=2)
    assert refused.value.allowed == ("run", "postpone", "merge", "cancel")
    started = season_step(db, "start", group, {"with_few": True}, by=LEADER, expected_version=2)
    assert (started["state"], started["accepting"]) == ("running", False)
    with pytest.raises(Conflict, match=r"group\.not_accepting"):
        sign_up(db, group)


def test_a_postponed_group_moves_every_meeting_that_is_ahead(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    changed = season_step(db, "postpone", group, {"start_on": dt.date(2027, 3, 22)}, expected_version=2)
    assert changed["schedule"]["start_on"] == dt.date(2027, 3, 22)
    days = [each["local_start"].date() for each in listed(db, group)]
    assert days == [dt.date(2027, 3, 22), dt.date(2027, 4, 5)]  # Easter Monday lies between
    with pytest.raises(Invalid, match=r"session\.past"):
        season_step(db, "postpone", group, {"start_on": dt.date(2020, 1, 6)}, expected_version=3)
    assert query(at, "SELECT count(*) FROM outbox WHERE type = 'session.moved'") == [(2,)]


def test_a_group_that_goes_on_admitting_gives_freed_seats_while_it_runs(db: Database) -> None:
    group = opened(db, capacity=2, admission="open", min_to_start=1)
    first, _, third = (sign_up(db, group) for _ in range(3))
    assert season_step(db, "start", group, {"with_few": False}, expected_version=2)["accepting"] is True
    own(db, "withdraw", first)
    assert own(db, "status", third)["state"] == "offered"
    assert sign_up(db, group)["state"] == "waiting"


def run_through(db: Database, at: Settings, group: uuid.UUID, men: list[dict[str, Any]]) -> None:
    """Both meetings held and closed, everybody there."""
    query(at, "UPDATE session SET starts_at = now() - interval '3 hours'")
    for no in (1, 2):
        attendance_step(db, "enter", group, no, entered({man["signup_id"]: "present" for man in men}))
        attendance_step(db, "close", group, no)


def test_a_season_is_finished_once_everything_is_settled(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE, capacity=3, min_to_start=1)
    came, never, held, waits = (sign_up(db, group) for _ in range(4))
    season_step(db, "start", group, {"with_few": False}, expected_version=2)
    with pytest.raises(Conflict) as refused:
        season_step(db, "finish", group, expected_version=3)
    assert "2 sessions are neither closed nor cancelled" in refused.value.detail
    run_through(db, at, group, [came])
    with pytest.raises(Conflict) as refused:
        season_step(db, "finish", group, expected_version=3)
    assert "1 men are in the group" in refused.value.detail
    step(db, "complete", group, came, LEADER, {"decided_on": None})
    assert season_step(db, "finish", group, by=LEADER, expected_version=3)["state"] == "finished"
    assert states(db, [came, never, held, waits]) == ["completed", "closed", "closed", "closed"]
    assert season_step(db, "archive", group, expected_version=4)["state"] == "archived"
    told = query(at, "SELECT type FROM outbox WHERE type LIKE 'group.%' ORDER BY no")
    assert [row[0] for row in told] == ["group.opened", "group.started", "group.finished", "group.archived"]


def test_the_successor_takes_the_queue_over_with_its_ages(db: Database, at: Settings) -> None:
    made = programme(db, intake="none")
    first, nxt = (opened(db, kind="guided", programme=made["key"], capacity=2, schedule=SCHEDULE) for _ in range(2))
    other = new_group(db, kind="guided")["id"]
    with pytest.raises(Invalid, match=r"group\.no_successor"):
        season_step(db, "change", first, {"successor_id": other}, expected_version=2)
    with pytest.raises(Invalid, match=r"group\.unknown"):
        season_step(db, "change", first, {"successor_id": clock.new_id()}, expected_version=2)
    season_step(db, "change", first, {"successor_id": nxt}, expected_version=2)
    seated = [sign_up(db, first) for _ in range(2)]
    waited = [sign_up(db, first, contact=MAIL), sign_up(db, first)]
    newer = [sign_up(db, nxt) for _ in range(3)]
    season_step(db, "cancel", first, {"reason": "too_few"}, expected_version=3)
    assert states(db, seated) == ["closed", "closed"]
    assert [own(db, "status", man)["place"] for man in (*waited, newer[2])] == [1, 2, 3]
    assert {own(db, "status", man)["group_id"] for man in waited} == {nxt}
    assert [line["state"] for line in roster(db, first)] == []
    assert sign_up(db, nxt, contact=MAIL)["state"] == "waiting"  # the same kind of answer, and no second place
    assert query(at, f"SELECT waiting FROM peer_group WHERE id = '{nxt}'") == [(3,)]
    assert query(at, f"SELECT waiting, held FROM peer_group WHERE id = '{first}'") == [(0, 0)]
    assert {each["state"] for each in listed(db, first)} == {"cancelled"}


def test_a_group_is_not_cancelled_over_the_heads_of_men_who_came(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    man = sign_up(db, group)
    run_through(db, at, group, [man])
    with pytest.raises(Conflict, match=r"group\.not_settled"):
        season_step(db, "cancel", group, {"reason": "funding"}, expected_version=2)


def test_a_merge_moves_the_queue_oldest_first(db: Database) -> None:
    made = programme(db, intake="none")
    one, two = (opened(db, kind="guided", programme=made["key"], capacity=2) for _ in range(2))
    for group in (one, two):
        for _ in range(2):
            sign_up(db, group)
    old, middle, young = sign_up(db, one), sign_up(db, two), sign_up(db, one)
    assert season_step(db, "merge", one, {"group_id": two})["waiting"] == 0
    assert [own(db, "status", man)["place"] for man in (old, middle, young)] == [1, 2, 3]


def test_a_man_goes_over_on_his_word_and_keeps_his_age(db: Database, at: Settings) -> None:
    made = programme(db, intake="none")
    one, two = (opened(db, kind="guided", programme=made["key"], capacity=2) for _ in range(2))
    for _ in range(2):
        sign_up(db, one)
    man = sign_up(db, one, contact=MAIL)
    with pytest.raises(Invalid, match=r"group\.no_successor"):
        transferred(db, one, man, one)
    with pytest.raises(Invalid, match=r"group\.unknown"):
        transferred(db, one, man, opened(db, OTHER))
    with pytest.raises(NotFound):
        transferred(db, one, man, two, by=LEADER)
    gone = [transferred(db, one, man, two, expected_version=1, idempotency_key="k")]
    assert gone[0]["state"] == "offered"  # a seat was free there
    assert own(db, "accept_offer", man)["state"] == "confirmed"
    assert query(at, "SELECT data->>'group_id' FROM outbox WHERE type = 'signup.transferred'") == [(str(two),)]
    again = sign_up(db, one, contact=MAIL)
    with pytest.raises(Conflict, match=r"signup\.live_there"):
        transferred(db, one, again, two)


def test_a_substitute_leads_until_his_day_and_sees_nothing_after_it(db: Database, at: Settings) -> None:
    group = opened(db)
    sign_up(db, group)
    with pytest.raises(NotFound):
        roster(db, group, STRANGER)
    until = clock.now() + dt.timedelta(days=3)
    body = {"subject": STRANGER.subject, "alias": "S", "role": "substitute", "until": until}
    with pytest.raises(Invalid, match=r"group\.leader_until"):
        season_step(db, "assign", group, {**body, "until": None})
    season_step(db, "assign", group, body)
    assert len(roster(db, group, STRANGER)) == 1
    assert [each["id"] for each in mine(db, STRANGER)] == [group]
    query(at, "UPDATE leader_assignment SET to_at = now() - interval '1 second' WHERE role = 'substitute'")
    with pytest.raises(NotFound):
        roster(db, group, STRANGER)
    assert mine(db, STRANGER) == []
    told = query(at, "SELECT data->>'actor_id' FROM outbox WHERE type = 'leader.substituted'")
    assert told == [(STRANGER.subject,)]


def test_a_group_with_men_is_never_without_a_leader(db: Database) -> None:
    group = opened(db)
    assert len(season_step(db, "end", group, {"subject": "user:demo-leader-2"})["leaders"]) == 1
    with pytest.raises(Conflict, match=r"group\.leaderless"):
        season_step(db, "end", group, {"subject": "user:demo-leader-1"})
    with pytest.raises(Conflict, match=r"group\.no_leader"):
        season_step(db, "end", group, {"subject": "user:demo-leader-2"})
    back = {"subject": "user:demo-leader-2", "alias": "B", "role": "co", "until": None}
    assert len(season_step(db, "assign", group, back)["leaders"]) == 2
    with pytest.raises(Conflict, match=r"group\.leader_twice"):
        season_step(db, "assign", group, back)


def test_each_sees_the_groups_that_he_works_with(db: Database) -> None:
    led, not_led = opened(db), opened(db, leaders=[{"subject": f"user:{name}"} for name in ("x", "y")])
    opened(db, OTHER)
    assert [each["id"] for each in mine(db, LEADER)] == [led]
    assert [each["id"] for each in mine(db, COORDINATOR)] == [not_led, led]


def test_whether_a_group_takes_men_is_told_once_a_day_at_a_fixed_hour(
    db: Database, at: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = opened(db, capacity=2, waitlist_limit=0)
    for _ in range(2):
        sign_up(db, group)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now.replace(hour=HOUR_OF_TELLING + 1))
    assert season.tell_daily(db) == 0
    monkeypatch.setattr(clock, "now", lambda: now.replace(hour=HOUR_OF_TELLING))
    assert season.tell_daily(db) == 1
    assert season.tell_daily(db) == 0
    told = query(at, "SELECT data->>'accepting' FROM outbox WHERE type = 'group.changed'")
    assert told == [("false",)]


def test_a_closed_door_says_nothing_of_a_group(db: Database) -> None:
    group = opened(db)
    for name, body in (("start", {"with_few": True}), ("merge", {"group_id": group}), ("archive", {})):
        with pytest.raises(NotFound):
            season_step(db, name, group, body, by=OTHER, expected_version=2)
