"""What a consumer misses it asks for; what is gone comes as a baseline; an operator can have it all told again."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from chassis import consumer as consumers
from chassis import gaps, republish, settling
from chassis.clock import now
from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.settings import Settings
from services.directory import events, usecases
from services.groups import events as group_events
from services.groups import usecases as group_usecases
from services.referrals import events as referral_events
from services.referrals import usecases as referral_usecases
from tests.integration.bus_rig import channel_of, consuming, depth, relaying, tell, until
from tests.integration.test_consumer import message, send
from tests.support.facts import facts

Make = Callable[..., Settings]

ADD = """
INSERT INTO organisation (id, key, type, country, names, status, version, changed_at)
VALUES (%s, %s, 'crisis_centre', 'LT', '{"en": "A centre"}', 'active', %s, now())
"""


class Copies:
    """A consumer's handler that keeps what it is told, in its own database so that a rollback forgets it."""

    def __init__(self) -> None:
        self.told: list[Received] = []

    def __call__(self, _work: Work, event: Received) -> None:
        """Take one event."""
        self.told.append(event)

    def of(self, subject: uuid.UUID) -> list[tuple[str, int]]:
        """Types and sequences of one object, in the order of their application."""
        return [(event.type, event.sequence) for event in self.told if event.subject == subject]


@pytest.fixture
def asking(vhost: Settings, service_database: Make) -> Settings:
    """The directory as publisher, groups as consumer, and no patience with gaps."""
    both = service_database("groups", into=service_database("directory", into=vhost))
    return replace(both, ask_after_seconds=1)


@pytest.fixture
def directory(asking: Settings) -> Iterator[Database]:
    """The publisher's database."""
    made = Database(asking, "directory")
    yield made
    made.close()


@pytest.fixture
def groups(asking: Settings) -> Iterator[Database]:
    """The consumer's database."""
    made = Database(asking, "groups")
    yield made
    made.close()


def run(settings: Settings, service: str, query: str, values: tuple[Any, ...] = ()) -> int:
    """One statement in a service's database as its owner would."""
    with psycopg.connect(settings.database_url(service), autocommit=True) as connection:
        return connection.execute(query, values).rowcount  # type: ignore[arg-type]


def row(settings: Settings, service: str, query: str) -> Any:
    """The one row of a question."""
    with psycopg.connect(settings.database_url(service)) as connection:
        return connection.execute(query).fetchone()  # type: ignore[arg-type]


def register(settings: Settings, subject: uuid.UUID, *, version: int) -> None:
    """An organisation in the directory itself, so that it has a state to tell."""
    run(settings, "directory", ADD, (subject, f"lt-{subject.hex[:8]}", version))


def answering(settings: Settings, directory: Database) -> Any:
    """The directory's own consumer, with its real use case."""
    return consuming(settings, directory, usecases.tell_again, nouns=("republish",))


def lose(settings: Settings, subject: uuid.UUID, *sequences: int) -> None:
    """Mark events as published that never were: what a broker that lost its queues leaves."""
    run(
        settings,
        "directory",
        "UPDATE outbox SET published_at = now() WHERE aggregate_id = %s AND sequence = ANY(%s)",
        (subject, list(sequences)),
    )


def test_a_missing_event_is_asked_for_and_comes(asking: Settings, directory: Database, groups: Database) -> None:
    copies, subject = Copies(), uuid.uuid4()
    tell(directory, subject, 4)
    lose(asking, subject, 2)
    with (
        relaying(asking, "directory", "groups"),
        consuming(asking, groups, copies) as consumer,
        answering(asking, directory),
    ):
        until(lambda: len(copies.of(subject)) == 4)
        assert [sequence for _, sequence in copies.of(subject)] == [1, 2, 3, 4]
        assert consumer.counts["asked"] == 1
    assert row(asking, "groups", "SELECT count(*) FROM inbox_waiting") == (0,)
    assert row(asking, "groups", "SELECT asked_at, asks FROM inbox_gate WHERE last = 4") == (None, 0)


def test_without_an_answer_the_gap_stays_and_is_asked_about_less_and_less(asking: Settings, groups: Database) -> None:
    """Nobody answers: the stream waits, others go on, and questions come with growing pauses."""
    copies, subject, other = Copies(), uuid.uuid4(), uuid.uuid4()
    with consuming(asking, groups, copies):
        send(asking, message(subject, 2), message(other, 1))
        until(lambda: copies.of(other))
        until(lambda: row(asking, "groups", "SELECT asks FROM inbox_gate WHERE asks > 0") == (1,))
        asked = "SELECT count(*) FROM outbox WHERE type = 'republish.requested'"
        assert row(asking, "groups", asked) == (1,)
        until(lambda: row(asking, "groups", asked) == (2,))
        assert copies.of(subject) == []
    run(asking, "groups", "UPDATE inbox_gate SET asks = 7, asked_at = now() - interval '100 seconds'")
    with groups.background("test") as work:
        assert republish_asked(work) == 0  # 2^7 seconds have not passed
    run(asking, "groups", "UPDATE inbox_gate SET asked_at = now() - interval '129 seconds'")
    with groups.background("test") as work:
        assert republish_asked(work) == 1


def republish_asked(work: Work) -> int:
    """One look for gaps."""
    return gaps.ask_for_missing(work, dt.timedelta(seconds=1))


def test_what_waits_behind_a_failure_is_not_asked_for(
    asking: Settings, directory: Database, groups: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUKIVERKKO_RETRY_LADDER", "600,600,600,600")
    subject = uuid.uuid4()

    def fail(_work: Work, _event: Received) -> None:
        raise RuntimeError

    tell(directory, subject, 3)
    with relaying(asking, "directory"), consuming(asking, groups, fail) as consumer:
        until(lambda: row(asking, "groups", "SELECT count(*) FROM inbox_waiting") == (2,))
        until(lambda: depth(asking, "groups.events.retry.1") == 1)
        time.sleep(1.5)
        with groups.background("test") as work:
            assert republish_asked(work) == 0
        assert consumer.counts["asked"] == 0


def test_history_that_is_gone_comes_as_a_baseline(asking: Settings, directory: Database, groups: Database) -> None:
    copies, subject = Copies(), uuid.uuid4()
    register(asking, subject, version=9)
    tell(directory, subject, 5)
    lose(asking, subject, 1, 2, 3)
    assert run(asking, "directory", "DELETE FROM outbox WHERE aggregate_id = %s AND sequence < 3", (subject,)) == 2
    with (
        relaying(asking, "directory", "groups"),
        consuming(asking, groups, copies),
        answering(asking, directory),
    ):
        until(lambda: copies.of(subject))
        tell(directory, subject, 1)
        until(lambda: len(copies.of(subject)) == 2)
    assert copies.of(subject) == [("organisation.baseline", 5), ("organisation.changed", 6)]
    assert next(event.data["version"] for event in copies.told if event.subject == subject) == 9
    assert row(asking, "groups", "SELECT last, floor FROM inbox_gate WHERE floor > 0") == (6, 5)
    assert row(asking, "groups", "SELECT count(*) FROM inbox_waiting") == (0,)


def test_a_baseline_changes_nothing_for_who_is_up_to_date(
    asking: Settings, directory: Database, groups: Database
) -> None:
    copies, subject = Copies(), uuid.uuid4()
    register(asking, subject, version=2)
    tell(directory, subject, 2)
    with relaying(asking, "directory"), consuming(asking, groups, copies) as consumer:
        until(lambda: len(copies.of(subject)) == 2)
        assert run(asking, "directory", "DELETE FROM outbox WHERE aggregate_id = %s AND sequence = 1", (subject,)) == 1
        with directory.background("test") as work:
            assert republish.of_aggregate(work, subject, baselines=usecases.BASELINES) == 2
        until(lambda: (consumer.counts["seen"], consumer.counts["older"]) == (1, 1))
    assert copies.of(subject) == [("organisation.changed", 1), ("organisation.changed", 2)]
    assert row(asking, "groups", "SELECT last, floor FROM inbox_gate") == (2, 0)


def test_who_misses_one_that_is_kept_gets_it_and_not_the_baseline(
    asking: Settings, directory: Database, groups: Database
) -> None:
    """The beginning is gone, one of the rest is missed here: it comes, although a baseline is told for others too."""
    copies, subject = Copies(), uuid.uuid4()
    register(asking, subject, version=5)
    tell(directory, subject, 5)
    with relaying(asking, "directory"), consuming(replace(asking, ask_after_seconds=600), groups, copies):
        until(lambda: len(copies.of(subject)) == 5)
    run(asking, "groups", "UPDATE inbox_gate SET last = 3")
    run(asking, "groups", "DELETE FROM inbox WHERE event_id <> ALL(%s)", (ids_until(asking, subject, 3),))
    copies.told.clear()
    run(asking, "directory", "DELETE FROM outbox WHERE aggregate_id = %s AND sequence < 3", (subject,))
    with relaying(asking, "directory"), consuming(asking, groups, copies) as consumer:
        with directory.background("test") as work:
            assert republish.of_aggregate(work, subject, baselines=usecases.BASELINES) == 3 + 1
        until(lambda: consumer.counts["older"] == 1)
    assert copies.of(subject) == [("organisation.changed", 4), ("organisation.changed", 5)]


def ids_until(settings: Settings, subject: uuid.UUID, sequence: int) -> list[uuid.UUID]:
    """The ids of an object's events up to a number."""
    query = "SELECT array_agg(id) FROM outbox WHERE aggregate_id = %s AND sequence <= %s"
    with psycopg.connect(settings.database_url("directory")) as connection:
        found = connection.execute(query, (subject, sequence)).fetchone()
    assert found is not None
    ids: list[uuid.UUID] = found[0]
    return ids


def test_a_baseline_for_others_does_not_swallow_what_is_still_on_its_way(asking: Settings, groups: Database) -> None:
    """Neither behind a failure nor in a gap that nobody asked about yet is anything surely lost."""
    copies, late, failing = Copies(), uuid.uuid4(), uuid.uuid4()
    patient = replace(asking, ask_after_seconds=600)
    broken = message(failing, 1, data=facts(events.ORGANISATION_CHANGED, version="one"))
    with consuming(patient, groups, copies) as consumer:
        send(patient, message(late, 1), message(late, 3), broken, message(failing, 2))
        until(lambda: row(patient, "groups", "SELECT count(*) FROM inbox_waiting") == (2,))
        send(patient, *(message(each, 3, type_="organisation.baseline") for each in (late, failing)))
        until(lambda: consumer.counts["unwanted"] == 2)
        send(patient, message(late, 2))
        until(lambda: len(copies.of(late)) == 3)
    assert [sequence for _, sequence in copies.of(late)] == [1, 2, 3]
    assert copies.of(failing) == []


def test_a_block_whose_event_is_lost_is_lifted_and_asked_about(
    asking: Settings, directory: Database, groups: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It failed once, waited on the ladder, and the ladder was lost with the broker."""
    monkeypatch.setenv("TUKIVERKKO_RETRY_LADDER", "600,600,600,600")
    monkeypatch.setattr(consumers, "PROBE_SECONDS", 0.3)
    monkeypatch.setattr(settling, "LOST_AFTER", dt.timedelta(seconds=1))
    copies, subject, failures = Copies(), uuid.uuid4(), [1, 2, 3, 4]

    def handle(work: Work, event: Received) -> None:
        if event.subject == subject and event.sequence == 1 and failures:
            failures.pop()
            raise RuntimeError
        copies(work, event)

    tell(directory, subject, 3)
    with (
        relaying(asking, "directory", "groups"),
        consuming(asking, groups, handle),
        answering(asking, directory),
    ):
        until(lambda: depth(asking, "groups.events.retry.1") == 1)
        with channel_of(asking) as channel:
            channel.queue_purge("groups.events.retry.1")
        until(lambda: len(copies.of(subject)) == 3, 60)
    assert [sequence for _, sequence in copies.of(subject)] == [1, 2, 3]


def test_what_was_below_a_baseline_is_old_and_a_stolen_number_is_not(asking: Settings, groups: Database) -> None:
    """Below the floor nothing was ever seen, so a late original is no fault; above it a second id is."""
    copies, subject, first = Copies(), uuid.uuid4(), uuid.uuid4()
    base = message(subject, 3, type_="organisation.baseline")
    with consuming(asking, groups, copies) as consumer:
        send(asking, base, message(subject, 4, id=first))
        until(lambda: len(copies.of(subject)) == 2)
        send(asking, message(subject, 2), message(subject, 4, id=first), message(subject, 4))
        until(lambda: depth(asking, "groups.events.parked") == 1)
        assert (consumer.counts["older"], consumer.counts["seen"], consumer.counts["unfit"]) == (1, 1, 1)
        send(asking, message(subject, 5))
        until(lambda: len(copies.of(subject)) == 3)


def test_wrong_data_is_parked_and_its_stream_waits_behind_it(asking: Settings, groups: Database) -> None:
    copies, subject, other = Copies(), uuid.uuid4(), uuid.uuid4()
    wrong = message(subject, 1, data=facts(events.ORGANISATION_CHANGED, version="nine"))
    with consuming(asking, groups, copies):
        send(asking, wrong, message(subject, 2), message(other, 1))
        until(lambda: depth(asking, "groups.events.parked") == 1 and copies.of(other))
        until(lambda: row(asking, "groups", "SELECT count(*) FROM inbox_waiting") == (1,))
    assert copies.of(subject) == []
    assert row(asking, "groups", "SELECT count(*) FROM inbox_gate WHERE blocked_by IS NOT NULL") == (1,)


def test_since_publishes_again_and_readers_know_what_they_have(
    asking: Settings, directory: Database, groups: Database
) -> None:
    copies, subject, begun = Copies(), uuid.uuid4(), now()
    with relaying(asking, "directory"), consuming(asking, groups, copies) as consumer:
        tell(directory, subject, 3)
        until(lambda: len(copies.of(subject)) == 3)
        assert republish.since(directory, begun, actor="test", until=begun) == 0
        assert republish.since(directory, begun, actor="test") == 3
        until(lambda: consumer.counts["seen"] == 3)
    assert len(copies.of(subject)) == 3


def test_a_wiped_broker_is_filled_again(asking: Settings, directory: Database, groups: Database) -> None:
    """The queue is lost with all that was in it, after the relay had its confirms."""
    copies, subject, begun = Copies(), uuid.uuid4(), now()
    tell(directory, subject, 3)
    with relaying(asking, "directory"):
        until(lambda: depth(asking, "groups.events") == 3)
        with channel_of(asking) as channel:
            channel.queue_purge("groups.events")
        with consuming(asking, groups, copies):
            assert republish.since(directory, begun, actor="test") == 3
            until(lambda: len(copies.of(subject)) == 3)


def test_everything_of_a_noun_goes_out_again(asking: Settings, directory: Database, monkeypatch: Any) -> None:
    monkeypatch.setattr(republish, "AGGREGATES_AT_ONCE", 2)
    subjects = [uuid.uuid4() for _ in range(5)]
    for subject in subjects:
        register(asking, subject, version=1)
        tell(directory, subject, 2)
    run(asking, "directory", "UPDATE outbox SET published_at = now()")
    run(asking, "directory", "DELETE FROM outbox WHERE aggregate_id = %s AND sequence = 1", (subjects[0],))
    told = republish.everything(directory, "organisation", actor="test", baselines=usecases.BASELINES)
    assert told == 4 * 2 + 2
    assert row(asking, "directory", "SELECT count(*) FROM outbox WHERE published_at IS NULL") == (10,)
    assert republish.everything(directory, "nothing", actor="test", baselines=usecases.BASELINES) == 0


def test_an_unknown_aggregate_and_one_that_is_gone_are_answered_with_nothing(
    asking: Settings, directory: Database
) -> None:
    subject = uuid.uuid4()
    tell(directory, subject, 1)
    run(asking, "directory", "DELETE FROM outbox")
    with directory.background("test") as work:
        assert republish.of_aggregate(work, uuid.uuid4(), baselines=usecases.BASELINES) == 0
        assert republish.of_aggregate(work, subject, baselines=usecases.BASELINES) == 0
    assert row(asking, "directory", "SELECT count(*) FROM outbox") == (0,)


def test_every_noun_has_a_baseline() -> None:
    for types, baselines in (
        (events.TYPES, usecases.BASELINES),
        (group_events.TYPES, group_usecases.BASELINES),
        (referral_events.TYPES, referral_usecases.BASELINES),
    ):
        assert {kind.noun for kind in types.values()} == set(baselines)
        assert all(each.type.name == f"{noun}.baseline" for noun, each in baselines.items())
