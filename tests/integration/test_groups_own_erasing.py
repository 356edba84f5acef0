"""A man lets himself be erased by his card, on a real database: after two days, and until then he may think again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from chassis import clock, retention
from chassis.db import Database
from chassis.errors import Conflict, NotFound
from chassis.settings import Settings
from services.groups import schemas, usecases
from services.groups.schemas.reaching import NewMessage
from services.groups.usecases import glass, own_erasing, remarks
from tests.support.databases import root_url
from tests.support.group_staff import LEADER, STRANGER
from tests.support.groups import PIN, call, opened, own, sign_up

MAIL = {"channel": "email", "value": "canary-4711@example.org"}


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("groups")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    with closing(Database(at, "groups")) as database:
        yield database


def query(at: Settings, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "groups")) as connection:
        cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []


def by_card(db: Database, act: str, man: dict[str, Any], *, pin: str = PIN) -> dict[str, Any]:
    body = schemas.Card().load({"return_code": man["return_code"], "pin": pin})
    asked = call(f"erasing {act}", None, body, path={"signup_id": man["signup_id"]})
    value: dict[str, Any] = getattr(own_erasing, act)(db, asked).value
    return value


def two_days_later(db: Database, at: Settings) -> None:
    query(at, "UPDATE return_card SET erase_at = erase_at - interval '48 hours'")
    retention.run(db, usecases.RECORDS)
    usecases.drop_cards(db)


def test_after_two_days_nothing_of_him_is_left_and_his_seat_goes_to_the_next(db: Database, at: Settings) -> None:
    group = opened(db, capacity=2)
    man, _ = sign_up(db, group, contact=MAIL), sign_up(db, group)
    waiting = sign_up(db, group)
    answer = by_card(db, "ask", man)
    assert (answer["state"], answer["erase_at"] is not None) == ("confirmed", True)
    assert own(db, "status", man)["erase_at"] == answer["erase_at"]
    assert by_card(db, "ask", man)["erase_at"] == answer["erase_at"], "a second press does not begin anew"
    retention.run(db, usecases.RECORDS)
    assert own(db, "status", man)["state"] == "confirmed"
    two_days_later(db, at)
    with pytest.raises(NotFound):
        own(db, "status", man)
    assert own(db, "status", waiting)["state"] == "offered"
    assert query(at, "SELECT state, contact_mac, language FROM sign_up ORDER BY queue_seq LIMIT 1") == [
        ("erased", None, None)
    ]
    assert query(at, "SELECT type FROM outbox WHERE type = 'signup.erased'") == [("signup.erased",)]


def test_until_then_he_may_think_again(db: Database, at: Settings) -> None:
    man = sign_up(db, opened(db))
    by_card(db, "ask", man)
    assert by_card(db, "take_back", man)["erase_at"] is None
    two_days_later(db, at)
    assert own(db, "status", man)["state"] == "confirmed"


def test_a_card_without_a_sign_up_looks_alike_and_goes_as_well(db: Database, at: Settings) -> None:
    group = opened(db)
    man, twin = (sign_up(db, group, contact=MAIL) for _ in range(2))
    assert set(by_card(db, "ask", twin)) == set(by_card(db, "ask", man))
    by_card(db, "take_back", man)
    two_days_later(db, at)
    with pytest.raises(NotFound):
        own(db, "status", twin)
    assert own(db, "status", man)["state"] == "confirmed"


def test_a_wrong_pin_erases_nothing(db: Database, at: Settings) -> None:
    man = sign_up(db, opened(db))
    with pytest.raises(NotFound):
        by_card(db, "ask", man, pin="0000")
    assert query(at, "SELECT erase_at FROM return_card") == [(None,)]


def test_whoever_was_sent_is_told_whom_to_ask(db: Database, at: Settings) -> None:
    man = sign_up(db, opened(db))
    query(at, "UPDATE sign_up SET track = 0")
    with pytest.raises(Conflict, match=r"signup\.kept"):
        by_card(db, "ask", man)
    assert query(at, "SELECT erase_at FROM return_card") == [(None,)]


def test_what_was_written_to_him_and_looked_at_goes_with_him(db: Database, at: Settings) -> None:
    group = opened(db)
    man = sign_up(db, group, contact={**MAIL, "safe": "yes"}, alias="Canary Alias")
    loaded = NewMessage().load({"text": "canary text 4712"})
    remarks.write(db, call("write", LEADER, loaded, operation="remark.write", path={"group_id": group}))
    stranger = replace(STRANGER, proved_at=int(clock.now().timestamp()))
    path = {"group_id": group, "signup_id": man["signup_id"]}
    asked = call("glass", stranger, {"reason": "meeting_today"}, operation="glass.break", path=path)
    glass.break_glass(db, asked)
    tables = ("remark", "glass_broken", "message")
    assert [query(at, f"SELECT count(*) > 0 FROM {name}") for name in tables] == [[(True,)]] * 3
    by_card(db, "ask", man)
    two_days_later(db, at)
    assert [query(at, f"SELECT count(*) FROM {name}") for name in tables] == [[(0,)]] * 3
    with pytest.raises(NotFound):
        glass.look(db, call("look", stranger, {}, operation="glass.look", path=path))
