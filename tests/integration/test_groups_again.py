"""Queueing once more by the same card, on a real database: at the tail, or with one's age in the next group."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from chassis.db import Database
from chassis.errors import Conflict, Invalid
from chassis.settings import Settings
from services.groups import schemas, usecases
from services.groups.usecases import queueing_again
from tests.support.databases import root_url
from tests.support.group_season import season_step
from tests.support.group_staff import programme
from tests.support.groups import PIN, call, opened, own, sign_up

MAIL = {"channel": "email", "value": "man@example.org"}


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


def again(db: Database, man: dict[str, Any], *, key: str | None = None) -> dict[str, Any]:
    body = schemas.Card().load({"return_code": man["return_code"], "pin": PIN})
    asked = call("again", None, body, path={"signup_id": man["signup_id"]}, idempotency_key=key)
    value: dict[str, Any] = queueing_again.queue_again(db, asked).value
    return {**value, "return_code": man["return_code"]}


def test_after_an_offer_that_lapsed_one_press_queues_at_the_tail(db: Database, at: Settings) -> None:
    group = opened(db, capacity=2)
    first, _, late, other = (sign_up(db, group, contact=MAIL if number == 2 else None) for number in range(4))
    own(db, "withdraw", first)
    query(at, "UPDATE sign_up SET offer_until = now() - interval '1 second' WHERE state = 'offered'")
    usecases.sweep(db)
    assert own(db, "status", late)["state"] == "lapsed"
    new = again(db, late, key="k")
    assert (new["state"], new["place"]) == ("waiting", 1)
    assert new["signup_id"] != late["signup_id"]
    assert again(db, late, key="k")["signup_id"] == new["signup_id"]
    assert own(db, "status", new)["place"] == 1
    assert own(db, "status", other)["state"] == "offered"
    assert query(at, "SELECT count(*) FROM participant") == [(5,)]


def test_two_weeks_later_one_signs_up_anew(db: Database, at: Settings) -> None:
    group = opened(db, capacity=2)
    first, _, late = (sign_up(db, group) for _ in range(3))
    own(db, "withdraw", first)
    query(at, "UPDATE sign_up SET offer_until = now() - interval '1 second' WHERE state = 'offered'")
    usecases.sweep(db)
    query(at, "UPDATE sign_up SET changed_at = now() - interval '14 days' WHERE state = 'lapsed'")
    with pytest.raises(Conflict, match=r"signup\.too_late"):
        again(db, late)


def test_who_said_no_or_whose_group_ended_queues_for_the_next_with_his_age(db: Database, at: Settings) -> None:
    key = programme(db, intake="none")["key"]
    one, nxt = (opened(db, kind="guided", programme=key, capacity=2) for _ in range(2))
    first, seated, said_no = (sign_up(db, one, contact=MAIL if number == 2 else None) for number in range(3))
    own(db, "withdraw", first)
    own(db, "decline_offer", said_no)
    with pytest.raises(Conflict, match=r"signup\.not_possible"):
        again(db, said_no)
    season_step(db, "change", one, {"successor_id": nxt}, expected_version=2)
    newer = [sign_up(db, nxt) for _ in range(4)]
    waits = again(db, said_no)
    assert (waits["group_id"], waits["place"]) == (nxt, 1)
    season_step(db, "cancel", one, {"reason": "too_few"}, expected_version=3)
    assert own(db, "status", seated)["state"] == "closed"
    assert again(db, seated)["place"] == 1  # older than everybody who waits there
    assert [own(db, "status", man)["place"] for man in newer[2:]] == [3, 4]
    assert query(at, f"SELECT waiting, queue_last FROM peer_group WHERE id = '{nxt}'") == [(4, 6)]


def test_where_nothing_leads_on_nothing_changes(db: Database) -> None:
    group = opened(db)
    man = sign_up(db, group)
    with pytest.raises(Conflict, match=r"signup\.not_possible"):
        again(db, man)
    own(db, "withdraw", man)
    with pytest.raises(Conflict, match=r"signup\.not_possible"):
        again(db, man)
    assert own(db, "status", man)["state"] == "withdrawn"


def test_a_refusal_leaves_the_card_as_it_was(db: Database, at: Settings) -> None:
    """What is refused is committed with the count of wrong PINs: nothing else may have been written by then."""
    key = programme(db, intake="none")["key"]
    one, nxt = (opened(db, kind="guided", programme=key, capacity=2) for _ in range(2))
    first, _, said_no = (sign_up(db, one) for _ in range(3))
    own(db, "withdraw", first)
    own(db, "decline_offer", said_no)
    season_step(db, "change", one, {"successor_id": nxt}, expected_version=2)
    for _ in range(2):
        sign_up(db, nxt)
    query(at, f"UPDATE peer_group SET waitlist_limit = 0 WHERE id = '{nxt}'")
    with pytest.raises(Conflict, match=r"group\.queue_full"):
        again(db, said_no)
    assert own(db, "status", said_no)["state"] == "declined"
    query(at, f"UPDATE peer_group SET languages = '{{fi}}', waitlist_limit = NULL WHERE id = '{nxt}'")
    with pytest.raises(Invalid, match=r"signup\.language"):
        again(db, said_no)
    assert own(db, "status", said_no)["state"] == "declined"
