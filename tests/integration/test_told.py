"""What operators see of an outbox: each event once, whenever it is committed, and never its content."""

from __future__ import annotations

import datetime as dt
import json
import threading
import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest

from chassis import clock, told
from chassis.db import Database
from chassis.settings import Settings
from tests.integration.bus_rig import CHANGED, tell
from tests.support.client import eventually
from tests.support.facts import facts

Make = Callable[..., Settings]
ROW = """
INSERT INTO outbox (id, routing_key, type, version, aggregate_type, aggregate_id, audience, sequence, data, occurred_at)
VALUES (gen_random_uuid(), 'organisation.changed', 'organisation.changed', 1, 'organisation', %s, 'network', 1, %s,
        now()) RETURNING no
"""


@pytest.fixture
def settings_(service_database: Make) -> Settings:
    return service_database("directory")


@pytest.fixture
def directory(settings_: Settings) -> Iterator[Database]:
    made = Database(settings_, "directory")
    yield made
    made.close()


def taken(database: Database, follower: told.Follower) -> list[uuid.UUID]:
    with database.view() as work:
        return [row["aggregate_id"] for row in follower.take(work)]


def test_a_row_that_commits_late_is_not_missed(settings_: Settings, directory: Database) -> None:
    """Architecture.md trap 9: its number is lower than those already seen."""
    follower = told.Follower(since=clock.now() - dt.timedelta(minutes=1))
    late, subjects = uuid.uuid4(), [uuid.uuid4() for _ in range(6)]
    seen = []
    with psycopg.connect(settings_.database_url("directory")) as slow:
        slow.execute(ROW, (late, json.dumps(facts(CHANGED, version=1), default=str)))
        for subject in subjects:
            tell(directory, subject)
            seen += taken(directory, follower)
        assert seen == subjects
        slow.commit()
    assert taken(directory, follower) == [late]

    def moved_on() -> bool:  # as soon as no transaction of the whole instance is older, other tests' ones included
        tell(directory, subjects[0])
        assert taken(directory, follower) == [subjects[0]]
        return follower._floor > len(subjects)

    eventually(moved_on)
    assert len(follower._seen) < len(subjects)  # so that not everything is read again and again


def test_every_row_is_given_once_while_many_write(settings_: Settings, directory: Database) -> None:
    follower, ended = told.Follower(since=clock.now() - dt.timedelta(minutes=1)), threading.Event()
    subjects = [[uuid.uuid4() for _ in range(60)] for _ in range(3)]
    writers = [
        threading.Thread(target=lambda mine=mine: [tell(directory, subject) for subject in mine]) for mine in subjects
    ]
    for writer in writers:
        writer.start()
    seen: list[uuid.UUID] = []
    while any(writer.is_alive() for writer in writers):
        seen += taken(directory, follower)
        ended.wait(0.005)
    seen += taken(directory, follower)
    assert sorted(seen) == sorted(subject for mine in subjects for subject in mine)


def test_long_histories_come_page_by_page(
    settings_: Settings, directory: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(told, "PAGE", 7)
    subject = uuid.uuid4()
    tell(directory, subject, 30)
    follower = told.Follower(since=clock.now() - dt.timedelta(minutes=1))
    assert len(taken(directory, follower)) == 30
    assert taken(directory, follower) == []
    assert taken(directory, told.Follower(since=clock.now())) == []
    assert taken(directory, told.Follower(since=clock.now() - dt.timedelta(hours=1), types=["referral.sent"])) == []


def test_it_is_counted_by_type(directory: Database) -> None:
    tell(directory, uuid.uuid4(), 3)
    with directory.view() as work:
        assert told.counts(work, clock.now() - dt.timedelta(minutes=1)) == [
            {"type": "organisation.changed", "told": 3, "waiting": 3}
        ]
        assert told.counts(work, clock.now() + dt.timedelta(minutes=1)) == []


@pytest.mark.parametrize(
    ("audience", "word"),
    [("network", "network"), ("org:4f6c1a52-9d0e-4b7a-8c35-7e1d2b90a6f1", "one organisation"), ("", "inside")],
)
def test_for_whom_is_said_without_the_organisation(audience: str, word: str) -> None:
    assert told.audience_of(audience) == word
