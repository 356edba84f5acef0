"""The unit of work: all or nothing, sequences without gaps, no leaking context, a database that goes and comes."""

from __future__ import annotations

import datetime as dt
import select
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.envelope import event
from chassis.errors import Unavailable
from chassis.pipelining import one_flush
from chassis.settings import Settings
from chassis.work import WrongRowCount
from services.referrals.events import TYPES
from tests.support.databases import root_url
from tests.support.facts import facts

SENT = TYPES["sent"]


def moved(thing: uuid.UUID, audience: str = "network") -> object:
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return event(SENT, aggregate=("referral", thing), audience=audience, data=facts(SENT), at=at, id=clock.new_id())


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    yield database
    database.close()


def outbox(at: Settings) -> list[tuple[object, ...]]:
    with psycopg.connect(root_url(at, "referrals")) as connection:
        return connection.execute("SELECT aggregate_id, audience, sequence FROM outbox ORDER BY no").fetchall()


def tell(db: Database, *events: object) -> None:
    with db.background("test") as work:
        work.tell(*events)  # type: ignore[arg-type]


def test_sequences_run_from_one_without_gap_per_aggregate_and_audience(db: Database, at: Settings) -> None:
    one, two, org = uuid.uuid4(), uuid.uuid4(), f"org:{uuid.uuid4()}"
    tell(db, moved(one), moved(one), moved(two), moved(one, org))
    tell(db, moved(one), moved(one, org), moved(one, org))
    told = outbox(at)
    assert [s for a, u, s in told if (a, u) == (one, "network")] == [1, 2, 3]
    assert [s for a, u, s in told if (a, u) == (two, "network")] == [1]
    assert [s for a, u, s in told if (a, u) == (one, org)] == [1, 2, 3]


def test_a_failure_leaves_nothing_behind(db: Database, at: Settings) -> None:
    def fail(work: Work) -> None:
        work.tell(moved(uuid.uuid4()))  # type: ignore[arg-type]
        work.record(Entry(operation="x", object_type="thing", object_id=None))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), db.background("test") as work:
        fail(work)
    assert outbox(at) == []
    tell(db, moved(uuid.uuid4()))
    assert len(outbox(at)) == 1


def test_parallel_writers_leave_no_gap(db: Database, at: Settings) -> None:
    thing = uuid.uuid4()
    threads = [threading.Thread(target=lambda: [tell(db, moved(thing)) for _ in range(10)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [s for _, _, s in outbox(at)] == list(range(1, 61))


def test_the_organisation_of_one_transaction_is_unknown_to_the_next(at: Settings) -> None:
    database = Database(replace(at, pool_size=1), "referrals")
    with database.background("test", org=uuid.uuid4()) as work:
        assert work.one("SELECT acting_org() AS org")["org"] is not None  # type: ignore[index]
    with database.background("test") as work:
        assert work.one("SELECT acting_org() AS org") == {"org": None}
    with database.view() as work:
        assert work.one("SELECT acting_org() AS org") == {"org": None}
    database.close()


def test_acting_for_another_ends_with_the_statement(db: Database) -> None:
    mine, theirs = uuid.uuid4(), uuid.uuid4()
    with db.background("test", org=mine) as work:
        with work.acting_for(theirs):
            assert work.one("SELECT acting_org() AS org") == {"org": theirs}
        assert work.one("SELECT acting_org() AS org") == {"org": mine}


def test_a_write_that_touches_another_number_of_rows_is_an_error(db: Database) -> None:
    with pytest.raises(WrongRowCount), db.background("test") as work:
        work.run("UPDATE partner SET status = 'active' WHERE org_id = %s", (uuid.uuid4(),))


def test_connections_that_died_are_replaced_without_a_restart(db: Database, at: Settings) -> None:
    tell(db, moved(uuid.uuid4()))
    with psycopg.connect(root_url(at, "referrals"), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    tell(db, moved(uuid.uuid4()))
    assert db.ping()
    assert len(outbox(at)) == 2


def test_looking_replaces_dead_connections_too(db: Database, at: Settings) -> None:
    with db.view() as work:
        assert work.one("SELECT 1 AS one") == {"one": 1}
    with psycopg.connect(root_url(at, "referrals"), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with db.view() as work:
        assert work.one("SELECT 1 AS one") == {"one": 1}


def test_a_database_that_is_gone_is_unavailable_not_a_fault(at: Settings) -> None:
    nowhere = {**(at.environment or {}), "TUKIVERKKO_REFERRALS_DATABASE_URL": "postgresql://x:y@127.0.0.1:1/none"}
    database = Database(replace(at, environment=nowhere), "referrals")
    with pytest.raises(Unavailable) as refusal:
        tell(database, moved(uuid.uuid4()))
    assert refusal.value.retry_after == 5
    assert not database.ping()
    database.close()


def test_a_commit_wakes_whoever_listens(db: Database, at: Settings) -> None:
    with psycopg.connect(at.database_url("referrals"), autocommit=True) as connection:
        connection.execute("LISTEN outbox")
        tell(db, moved(uuid.uuid4()))
        assert [note.channel for note in connection.notifies(timeout=3, stop_after=1)] == ["outbox"]


def counting(asked: list[int]) -> Callable[..., object]:
    """A wait function for psycopg that notes every time it is asked to look at the socket."""

    def wait(gen: Any, fileno: int, interval: float = 0.0, timeout: float | None = None) -> object:
        try:
            wanted = next(gen)
            while True:
                asked.append(wanted)
                readable, writable, _ = select.select([fileno], [fileno] if wanted & 2 else [], [], 5)
                wanted = gen.send((1 if readable else 0) | (2 if writable else 0))
        except StopIteration as end:
            return end.value

    return wait


def test_statements_that_are_kept_back_leave_in_one_flush(at: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    with psycopg.connect(at.database_url("referrals"), autocommit=True) as connection:
        monkeypatch.setattr(psycopg.waiting, "wait", counting(asked))
        with one_flush(connection):
            cursors = [connection.execute("SELECT %s::int AS n", (n,)) for n in range(6)]
            assert asked == []
        assert [cursor.fetchone() for cursor in cursors] == [(n,) for n in range(6)]
        with pytest.raises(psycopg.errors.DivisionByZero), one_flush(connection):
            connection.execute("SELECT 1 / %s::int", (0,))
            connection.execute("SELECT 2")
        assert connection.execute("SELECT 3").fetchone() == (3,)


def test_a_wrong_count_of_a_kept_back_write_rolls_everything_back(db: Database, at: Settings) -> None:
    with pytest.raises(WrongRowCount), db.background("test") as work:
        work.later("UPDATE partner SET status = 'active' WHERE org_id = %s", (uuid.uuid4(),))
        work.tell(moved(uuid.uuid4()))  # type: ignore[arg-type]
    assert outbox(at) == []


def test_kept_back_writes_act_for_the_organisation_that_was_named(db: Database) -> None:
    mine, theirs = uuid.uuid4(), uuid.uuid4()
    with db.background("test", org=mine) as work:
        with work.acting_for(theirs):
            work.later("SELECT 1 WHERE acting_org() = %s", (theirs,))
        work.later("SELECT 1 WHERE acting_org() = %s", (mine,))
        assert work.one("SELECT acting_org() AS org") == {"org": mine}


def test_what_is_to_be_done_after_the_commit_is_done_then_and_only_then(db: Database, at: Settings) -> None:
    seen: list[object] = []
    thing = uuid.uuid4()
    with db.background("test") as work:
        work.after(lambda: seen.append(len(outbox(at))))  # another connection, which sees what is committed
        work.tell(moved(thing))  # type: ignore[arg-type]
        assert seen == []
    assert seen == [1]
    with pytest.raises(KeyError), db.background("test") as work:
        work.after(lambda: seen.append("never"))
        raise KeyError
    assert seen == [1]


def test_a_fault_after_the_commit_is_not_the_callers(db: Database, at: Settings) -> None:
    seen: list[int] = []
    with db.background("test") as work:
        work.after(lambda: 1 // 0)  # type: ignore[arg-type, return-value]
        work.after(lambda: seen.append(1))
        work.tell(moved(uuid.uuid4()))  # type: ignore[arg-type]
    assert (seen, len(outbox(at))) == ([1], 1)
