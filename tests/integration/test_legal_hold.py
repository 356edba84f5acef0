"""A held record stays, whatever would erase it, and is not there for ordinary readers; the other party is untouched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from marshmallow import ValidationError

from chassis import clock, retention
from chassis.db import Database
from chassis.errors import Conflict, NotFound
from chassis.settings import Settings
from services.referrals import usecases
from services.referrals.usecases import RECORDS
from tests.support import groups
from tests.support.databases import owner_url, root_url
from tests.support.persons import ask, everything
from tests.support.referrals import CENTRE, POLICE, listing, look, move, new, seed

ACCEPTANCE = {"responsible": "Demo worker", "next_step_on": "2026-12-01"}


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    yield database
    database.close()


def inbox(db: Database) -> list[Any]:
    return [item["id"] for item in usecases.inbox(db, listing(CENTRE)).value["items"]]


def test_it_blocks_every_ordinary_way_for_its_own_organisation_alone(db: Database) -> None:
    key = usecases.create(db, new()).value["id"]
    assert ask(db, CENTRE, "hold", key, reference="Order 7", review_in_days=90)["held"]
    for act in (usecases.read, usecases.history):
        with pytest.raises(NotFound):
            act(db, look(CENTRE, key))
    with pytest.raises(NotFound):
        usecases.accept(db, move(CENTRE, key, "accept", 1, **ACCEPTANCE))
    assert inbox(db) == []
    assert usecases.read(db, look(POLICE, key)).value["state"] == "sent"
    ask(db, CENTRE, "release", key)
    assert inbox(db) == [key]
    assert usecases.accept(db, move(CENTRE, key, "accept", 1, **ACCEPTANCE)).value["state"] == "accepted"


def test_look_ups_of_the_owner_see_held_rows(db: Database, at: Settings) -> None:
    """Else a sweeper of unused keys would take the key of a held record for one that nobody uses."""
    key = usecases.create(db, new()).value["id"]
    ask(db, CENTRE, "hold", key, reference="Order 7", review_in_days=90)
    with psycopg.connect(owner_url(at, "referrals")) as connection:
        for table in ("receiver_case", "legal_hold"):
            assert connection.execute(f"SELECT count(key_id) FROM {table}".encode()).fetchall() == [(1,)]


def test_what_the_other_party_does_meanwhile_is_kept(db: Database) -> None:
    key = usecases.create(db, new()).value["id"]
    ask(db, CENTRE, "hold", key, reference="Order 7", review_in_days=90)
    usecases.withdraw(db, move(POLICE, key, "withdraw", 1, reason="mistaken"))
    ask(db, CENTRE, "release", key)
    assert usecases.read(db, look(CENTRE, key)).value["state"] == "withdrawn"


@pytest.mark.parametrize("days", [-1, 0, 185, 4000])
def test_the_day_of_review_is_within_six_months(db: Database, days: int) -> None:
    key = usecases.create(db, new()).value["id"]
    with pytest.raises(ValidationError):
        ask(db, CENTRE, "hold", key, reference="Order 7", review_in_days=days)
    assert inbox(db) == [key]
    held = ask(db, CENTRE, "hold", key, reference="Order 7", review_in_days=184)
    assert held["review_on"] == clock.now().date() + dt.timedelta(days=184)


def test_held_twice_or_released_twice_is_a_conflict_and_a_repeat_is_not(db: Database) -> None:
    key = usecases.create(db, new()).value["id"]
    ask(db, CENTRE, "hold", key, idempotency="h-1", reference="Order 7", review_in_days=90)
    ask(db, CENTRE, "hold", key, idempotency="h-1", reference="Order 7", review_in_days=90)
    with pytest.raises(Conflict):
        ask(db, CENTRE, "hold", key, reference="Order 8", review_in_days=90)
    ask(db, CENTRE, "release", key)
    with pytest.raises(Conflict):
        ask(db, CENTRE, "release", key)


def test_the_reference_is_sealed_and_retention_passes_a_held_record_by(db: Database, at: Settings) -> None:
    key = usecases.create(db, new()).value["id"]
    usecases.withdraw(db, move(POLICE, key, "withdraw", 1, reason="mistaken"))
    ask(db, CENTRE, "hold", key, reference="Canary order", review_in_days=90)
    with psycopg.connect(root_url(at, "referrals"), autocommit=True) as connection:
        stored = connection.execute("SELECT to_jsonb(h)::text FROM legal_hold AS h").fetchall()
        connection.execute("UPDATE sender_record SET changed_at = now() - interval '400 days'")
        connection.execute("UPDATE receiver_case SET changed_at = now() - interval '400 days'")
        connection.execute("UPDATE legal_hold SET review_on = current_date - 1")
    assert "Canary" not in str(stored)
    assert "Canary order" in everything(at, "referrals")
    assert retention.run(db, RECORDS)["referral.final"] == 1  # the sender's
    assert retention.holds_to_review(db, RECORDS) == 1
    ask(db, CENTRE, "release", key)
    assert retention.run(db, RECORDS)["referral.final"] == 1
    assert "Canary order" not in everything(at, "referrals")


def test_a_held_man_is_not_on_the_roster_and_the_queue_goes_on(service_database: Callable[..., Settings]) -> None:
    database = Database(service_database("groups"), "groups")
    group_id = groups.opened(database, capacity=2, waitlist_limit=10)
    men = [groups.sign_up(database, group_id) for _ in range(4)]
    ask(database, groups.CENTRE, "hold", men[2]["signup_id"], reference="Order 7", review_in_days=90)
    assert men[2]["signup_id"] not in [line["signup_id"] for line in groups.roster(database, group_id)]
    groups.own(database, "withdraw", men[0])
    assert groups.own(database, "status", men[2])["state"] == "offered"
    assert groups.own(database, "status", men[3])["place"] == 1
    database.close()
