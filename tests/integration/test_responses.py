"""How long a service takes to answer: measured by referrals, told to the network, shown by the directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from chassis.db import Database
from chassis.keyed_ids import id_of_key
from chassis.requests import Call
from chassis.settings import Settings
from services.directory import usecases as directory
from services.referrals import usecases
from services.referrals.rules.reporting import SMALLEST
from services.referrals.usecases import responding
from tests.support.databases import root_url
from tests.support.referrals import CENTRE, go, new, seed

SERVICE = "lt-kavkc-behaviour-change"
ACCEPTANCE = {"responsible": "Intake team", "next_step_on": "2027-12-01"}


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    yield database
    database.close()


def run(at: Settings, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "referrals"), autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def answered(db: Database, at: Settings, hours: int) -> None:
    made = usecases.create(db, new()).value["id"]
    go(db, CENTRE, made, "acknowledge")
    go(db, CENTRE, made, "accept", **ACCEPTANCE)
    run(at, f"UPDATE receiver_case SET sent_at = sent_at - interval '{hours} hours' WHERE id = '{made}'")


def told(at: Settings) -> list[tuple[Any, ...]]:
    what = "aggregate_id, audience, (data->>'median_hours')::int, sequence"
    return run(at, f"SELECT {what} FROM outbox WHERE type = 'response.measured' ORDER BY no")


def test_a_median_is_told_once_enough_were_answered(db: Database, at: Settings) -> None:
    for hours in (2, 4, 30, 100):
        answered(db, at, hours)
    assert responding.measure(db) == 0, "four are too few: who they were could be guessed"
    assert told(at) == []
    answered(db, at, 50)
    usecases.create(db, new())  # one that nobody has answered counts for nothing
    assert SMALLEST == 5
    assert responding.measure(db) == 1
    assert told(at) == [(id_of_key("service", SERVICE), "network", 30, 1)]
    assert responding.measure(db) == 0
    with db.background("test") as work:
        again = responding.standing(work, id_of_key("service", SERVICE), "network")
    assert again == {"organisation_id": CENTRE.org_id, "median_hours": 30}


def test_what_was_told_is_taken_back_when_too_few_are_left(db: Database, at: Settings) -> None:
    for _ in range(SMALLEST):
        answered(db, at, 6)
    responding.measure(db)
    run(at, "UPDATE receiver_case SET sent_at = sent_at - interval '2 years'")
    assert responding.measure(db) == 1
    assert [row[2] for row in told(at)] == [6, None]


def test_the_directory_shows_it(service_database: Callable[..., Settings]) -> None:
    database = Database(service_database("directory"), "directory")
    directory.import_demo(database)

    def shown() -> Any:
        call = Call(route="X", operation="directory.service", path={"service": SERVICE})
        return directory.service(database, call).value["response_hours"]

    assert shown() is None
    subject = id_of_key("service", SERVICE)
    for data, hours in (({"median_hours": 30}, 30), ({}, None)):
        with database.background("test") as work:
            directory.keep_response(work, SimpleNamespace(subject=subject, data=data))  # type: ignore[arg-type]
        assert shown() == hours
        with database.view() as work:
            last = work.one("SELECT type, data->'version' AS told FROM outbox ORDER BY no DESC LIMIT 1")
            now = work.one("SELECT version FROM service WHERE id = %s", (subject,))
        assert last is not None
        assert now is not None
        assert (last["type"], last["told"]) == ("service.changed", now["version"])
    database.close()
