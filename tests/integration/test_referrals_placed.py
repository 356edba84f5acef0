"""A sign-up moves the referral that it was made of, on a real database; what ends gives a task, nothing is decided."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.envelope import Received
from chassis.settings import Settings
from services.referrals import usecases
from services.referrals.rules import placing as rules
from tests.support.databases import root_url
from tests.support.referrals import CENTRE, OTHER, POLICE, go, look, new, seed

DAY = "2027-01-11"


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    yield database
    database.close()


def query(at: Settings, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "referrals")) as connection:
        return connection.execute(text.encode()).fetchall()


def told(
    db: Database,
    referral: uuid.UUID,
    state: str,
    *,
    org: uuid.UUID = CENTRE.org_id,
    verb: str = "changed",
    **counts: int,
) -> None:
    """Groups tells how a sign-up of the referral stands."""
    sign_up = uuid.uuid5(referral, "sign-up")
    data = {"signup_id": str(sign_up), "referral_id": str(referral), "organisation_id": str(org), "state": state}
    event = Received(
        id=clock.new_id(),
        type=f"placement.{verb}",
        version=1,
        source="groups",
        subject=sign_up,
        audience="",
        sequence=1,
        time=clock.now(),
        data={**data, "date": DAY, **counts},
    )
    with db.background("test") as work:
        usecases.hear_of_placement(work, event)


@pytest.mark.parametrize(
    ("sign_up", "referral", "step"),
    [
        ("waiting", "accepted", "waitlist"),
        ("waiting", "received", "waitlist"),
        ("waiting", "waitlisted", None),
        ("waiting", "in_progress", None),
        ("offered", "waitlisted", None),
        ("confirmed", "waitlisted", "offer_place"),
        ("intake", "waitlisted", "offer_place"),
        ("active", "accepted", "start"),
        ("active", "waitlisted", "start"),
        ("active", "on_hold", None),
        ("completed", "in_progress", None),
        ("withdrawn", "in_progress", None),
    ],
)
def test_which_step_a_sign_up_takes(sign_up: str, referral: str, step: str | None) -> None:
    assert rules.step_for(sign_up, referral) == step


def state(db: Database, by: Any, referral: uuid.UUID) -> str:
    found: str = usecases.read(db, look(by, referral)).value["state"]
    return found


def of_the_centre(referral: uuid.UUID) -> str:
    """The rows of the receiver."""
    return f"referral_id = '{referral}' AND org_id = '{CENTRE.org_id}'"


def accepted(db: Database) -> uuid.UUID:
    """A referral that the centre accepted; the police may know of attendance and completion."""
    made: uuid.UUID = usecases.create(db, new(feedback_scope="attendance_and_completion")).value["id"]
    go(db, CENTRE, made, "accept", responsible="Intake team", next_step_on="2026-12-01")
    return made


def test_a_sign_up_moves_its_referral_and_the_sender_hears_what_he_may(db: Database, at: Settings) -> None:
    made = accepted(db)
    for sign_up, expected in (
        ("waiting", "waitlisted"),
        ("offered", "waitlisted"),
        ("confirmed", "accepted"),
        ("active", "in_progress"),
    ):
        told(db, made, sign_up)
        assert state(db, CENTRE, made) == expected, sign_up
    assert state(db, POLICE, made) == "in_progress"
    steps = query(at, f"SELECT transition FROM history WHERE {of_the_centre(made)} ORDER BY no")
    assert [row[0] for row in steps][-3:] == ["waitlist", "offer_place", "start"]


def test_the_same_word_twice_takes_one_step(db: Database, at: Settings) -> None:
    made = accepted(db)
    for _ in range(2):
        told(db, made, "waiting")
    told(db, made, "active")
    told(db, made, "active")
    assert query(
        at,
        f"SELECT count(*) FROM history WHERE {of_the_centre(made)} AND transition = 'start'",
    ) == [(1,)]


@pytest.mark.parametrize(("ending", "kind"), [("lapsed", "signup_ended"), ("completed", "signup_completed")])
def test_an_end_gives_a_worker_a_task_and_decides_nothing(db: Database, at: Settings, ending: str, kind: str) -> None:
    made = accepted(db)
    told(db, made, "active")
    told(db, made, ending)
    assert state(db, CENTRE, made) == "in_progress"
    due = query(
        at,
        f"SELECT kind, side, due_at > now() + interval '4 days' FROM task WHERE {of_the_centre(made)}",
    )
    assert (kind, "receiver", True) in due


def test_signed_counts_fill_in_the_completion(db: Database) -> None:
    made = accepted(db)
    told(db, made, "active")
    counts = {"held": 12, "attended": 10, "excused": 1, "absent": 1}
    told(db, made, "completed", verb="reported", **counts)
    assert usecases.read(db, look(CENTRE, made)).value["attendance"] == counts
    go(db, CENTRE, made, "complete", ended_on=DAY, outcome="completed", goals=[])
    shown = usecases.read(db, look(POLICE, made)).value
    assert (shown["state"], shown["attendance"]) == ("completed", counts)


def test_what_is_not_here_any_more_stays_as_it_is(db: Database, at: Settings) -> None:
    made = accepted(db)
    told(db, clock.new_id(), "active")
    told(db, made, "active", org=OTHER.org_id)
    assert state(db, CENTRE, made) == "accepted"
    assert query(at, "SELECT count(*) FROM placement") == [(0,)]
