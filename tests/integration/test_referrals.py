"""Referrals on a real database: three rows, two streams of events, guards, repeats, and walls between organisations."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace

import psycopg
import pytest

from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotAllowed, NotFound, Refused, Stale
from chassis.keyed_ids import id_of_key
from chassis.settings import Settings
from services.referrals import usecases
from tests.support.databases import root_url
from tests.support.referrals import CENTRE, OTHER, POLICE, look, move, new, seed

ACCEPTANCE = {"responsible": "Intake team", "next_step_on": "2026-12-01"}


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    yield database
    database.close()


def rows(at: Settings, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(root_url(at, "referrals")) as connection:
        return connection.execute(query.encode()).fetchall()


def created(db: Database, **changes: object) -> uuid.UUID:
    made: uuid.UUID = usecases.create(db, new(**changes)).value["id"]
    return made


def test_a_new_referral_is_three_rows_two_events_and_one_audit_row(db: Database, at: Settings) -> None:
    outcome = usecases.create(db, new(key="k-1"))
    assert outcome.value["state"] == "sent"
    assert outcome.location == f"/referrals/{outcome.value['id']}"
    assert rows(at, "SELECT state, feedback_scope FROM leg") == [("sent", "received_only")]
    assert rows(at, "SELECT org_id FROM sender_record") == [(POLICE.org_id,)]
    assert rows(at, "SELECT org_id FROM receiver_case") == [(CENTRE.org_id,)]
    told = rows(at, "SELECT type, audience, sequence FROM outbox ORDER BY no")
    assert told == [("referral.sent", f"org:{POLICE.org_id}", 1), ("referral.sent", f"org:{CENTRE.org_id}", 1)]
    audit = "SELECT operation, object_id, org_id FROM audit"
    assert rows(at, audit) == [("referral.create", outcome.value["id"], POLICE.org_id)]


def test_whoever_refers_to_a_service_that_nobody_confirmed_for_long_is_warned(db: Database) -> None:
    made = created(db)
    assert usecases.read(db, look(POLICE, made)).value["service_stale"] is False
    service = {
        "key": "lt-kavkc-behaviour-change",
        "kind": "behaviour_change",
        "accepting": "open",
        "status": "published",
    }
    told = {
        "subject": id_of_key("service", service["key"]),
        "data": {**service, "organisation_id": CENTRE.org_id, "urgencies": ["urgent"], "stale": True, "version": 2},
    }
    with db.background("test") as work:
        usecases.keep_service(work, SimpleNamespace(**told))  # type: ignore[arg-type]
    assert usecases.read(db, look(POLICE, made)).value["service_stale"] is True


def test_nothing_personal_stands_in_clear_anywhere(db: Database, at: Settings) -> None:
    usecases.create(db, new(person={"name": "Kanarėlė Vienas", "birth_year": 1971}, external_ref="ROIK-CANARY-7"))
    for table in ("leg", "sender_record", "receiver_case", "history", "outbox", "audit", "request"):
        dump = "".join(str(row) for row in rows(at, f"SELECT to_jsonb(t)::text FROM {table} AS t"))
        assert "Kanar" not in dump
        assert "CANARY" not in dump


def test_each_side_reads_its_own_row_and_nobody_else_any(db: Database) -> None:
    referral = created(db, external_ref="A-1")
    mine = usecases.read(db, look(POLICE, referral)).value
    theirs = usecases.read(db, look(CENTRE, referral)).value
    assert (mine["side"], theirs["side"]) == ("sender", "receiver")
    assert mine["person"] == theirs["person"] == {"name": "Demo Pavyzdys", "birth_year": 1985}
    assert mine["external_ref"] == "A-1"
    assert "external_ref" not in theirs
    with pytest.raises(NotFound):
        usecases.read(db, look(OTHER, referral))
    with pytest.raises(NotFound):
        usecases.history(db, look(OTHER, referral))


def test_the_way_to_accepted_under_received_only(db: Database, at: Settings) -> None:
    referral = created(db)
    assert usecases.acknowledge(db, move(CENTRE, referral, "acknowledge", 1)).version == 2
    accepted = usecases.accept(db, move(CENTRE, referral, "accept", 2, **ACCEPTANCE))
    assert (accepted.value["state"], accepted.version) == ("accepted", 3)
    assert accepted.value["handling"]["responsible"] == "Intake team"
    seen = usecases.read(db, look(POLICE, referral))
    assert (seen.value["state"], seen.version) == ("received", 2)
    assert "handling" not in seen.value
    told = rows(at, f"SELECT type FROM outbox WHERE audience = 'org:{POLICE.org_id}' ORDER BY no")
    assert told == [("referral.sent",), ("referral.received",)]
    steps = usecases.history(db, look(CENTRE, referral)).value["items"]
    assert [(s["from_state"], s["to_state"], s["by"]["key"]) for s in steps] == [
        (None, "sent", "lt-police"),
        ("sent", "received", "lt-kavkc"),
        ("received", "accepted", "lt-kavkc"),
    ]
    assert [s["by_subject"] for s in steps] == [None, CENTRE.subject, CENTRE.subject]


def test_an_ordered_referral_tells_the_sender_of_the_acceptance(db: Database) -> None:
    referral = created(db, ordered=True, order_reference="N-1")
    usecases.accept(db, move(CENTRE, referral, "accept", 1, **ACCEPTANCE))
    seen = usecases.read(db, look(POLICE, referral))
    assert (seen.value["state"], seen.version) == ("accepted", 3)


def test_a_hidden_reason_is_told_to_the_sender_as_not_possible_here(db: Database, at: Settings) -> None:
    referral = created(db)
    usecases.decline(db, move(CENTRE, referral, "decline", 1, reason="conflict_of_interest"))
    assert usecases.read(db, look(CENTRE, referral)).value["reason_code"] == "conflict_of_interest"
    seen = usecases.read(db, look(POLICE, referral)).value
    assert (seen["state"], seen["reason_code"]) == ("declined", "not_possible_here")
    history = usecases.history(db, look(POLICE, referral)).value["items"]
    assert [step["reason_code"] for step in history] == [None, None, "not_possible_here"]
    assert "conflict_of_interest" not in str(rows(at, "SELECT data::text FROM outbox"))


def test_a_hidden_state_moves_neither_history_nor_version_of_the_sender(db: Database) -> None:
    referral = created(db)
    usecases.accept(db, move(CENTRE, referral, "accept", 1, **ACCEPTANCE))
    usecases.withdraw(db, move(POLICE, referral, "withdraw", 2, reason="mistaken"))
    steps = usecases.history(db, look(POLICE, referral)).value["items"]
    assert [(s["from_state"], s["to_state"]) for s in steps] == [
        (None, "sent"),
        ("sent", "received"),
        ("received", "withdrawn"),
    ]


def test_guards(db: Database) -> None:
    referral = created(db)
    with pytest.raises(NotAllowed):
        usecases.accept(db, move(POLICE, referral, "accept", 1, **ACCEPTANCE))
    with pytest.raises(NotFound):
        usecases.accept(db, move(OTHER, referral, "accept", 1, **ACCEPTANCE))
    with pytest.raises(NotFound):
        usecases.accept(db, move(CENTRE, uuid.uuid4(), "accept", 1, **ACCEPTANCE))
    with pytest.raises(Stale):
        usecases.accept(db, move(CENTRE, referral, "accept", 7, **ACCEPTANCE))
    usecases.decline(db, move(CENTRE, referral, "decline", 1, reason="no_capacity"))
    with pytest.raises(Conflict):
        usecases.accept(db, move(CENTRE, referral, "accept", 3, **ACCEPTANCE))


def test_the_same_key_gives_the_same_referral_and_another_body_is_refused(db: Database, at: Settings) -> None:
    first = usecases.create(db, new(key="k-1")).value["id"]
    assert usecases.create(db, new(key="k-1")).value["id"] == first
    with pytest.raises(Invalid):
        usecases.create(db, new(key="k-1", urgency="standard"))
    assert usecases.create(db, new(key="k-2")).value["id"] != first
    assert rows(at, "SELECT count(*) FROM leg") == [(2,)]
    outcomes = rows(at, "SELECT outcome FROM audit ORDER BY no")
    assert outcomes == [("done",), ("repeated",), ("done",)]


def test_the_same_transition_with_the_same_key_is_done_once(db: Database) -> None:
    referral = created(db)
    first = usecases.acknowledge(db, move(CENTRE, referral, "acknowledge", 1, key="a"))
    again = usecases.acknowledge(db, move(CENTRE, referral, "acknowledge", 1, key="a"))
    assert first.version == again.version == 2


def test_a_key_that_is_running_is_a_conflict(db: Database, at: Settings) -> None:
    call = new(key="k-slow")
    with db.work(call) as work:
        assert work.claimed() is None
        with pytest.raises(Conflict, match="in_progress"):
            usecases.create(db, new(key="k-slow"))
    assert rows(at, "SELECT count(*) FROM leg") == [(0,)]


def test_an_own_reference_opens_one_referral_at_a_time(db: Database) -> None:
    referral = created(db, external_ref="P-77")
    with pytest.raises(Conflict, match="reference_in_use"):
        created(db, external_ref="P-77")
    usecases.withdraw(db, move(POLICE, referral, "withdraw", 1, reason="mistaken"))
    assert created(db, external_ref="P-77") != referral


def test_contradictory_decisions_at_once_one_wins(db: Database, at: Settings) -> None:
    referral = created(db)
    answers: list[str] = []

    def decide(call: Callable[[], object]) -> None:
        try:
            call()
            answers.append("done")
        except Refused as refusal:
            answers.append(refusal.code)

    calls = [
        lambda: usecases.accept(db, move(CENTRE, referral, "accept", 1, **ACCEPTANCE)),
        lambda: usecases.decline(db, move(CENTRE, referral, "decline", 1, reason="no_capacity")),
        lambda: usecases.withdraw(db, move(POLICE, referral, "withdraw", 1, reason="mistaken")),
    ]
    threads = [threading.Thread(target=decide, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count("done") in {1, 2}  # accept, then withdraw, is a lawful order
    final = rows(at, "SELECT state FROM leg")
    assert final[0][0] in {"accepted", "declined", "withdrawn"}
    for audience in (POLICE.org_id, CENTRE.org_id):
        told = rows(at, f"SELECT sequence FROM outbox WHERE audience = 'org:{audience}' ORDER BY no")
        assert [row[0] for row in told] == list(range(1, len(told) + 1))


@pytest.mark.parametrize("table", ["sender_record", "receiver_case", "history"])
def test_row_security_alone_shows_nothing_foreign(db: Database, table: str) -> None:
    created(db)
    query = f"SELECT org_id FROM {table}"
    for caller in (POLICE, CENTRE, OTHER):
        with db.background("test", org=caller.org_id) as work:
            assert {row["org_id"] for row in work.all(query)} <= {caller.org_id}  # type: ignore[arg-type]
    with db.background("test") as work:
        assert work.all(query) == []  # type: ignore[arg-type]


def test_the_process_has_no_right_on_the_leg_nor_on_the_audit(db: Database) -> None:
    created(db)
    for query in ("SELECT * FROM leg", "SELECT * FROM audit", "DELETE FROM audit", "DELETE FROM history"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), db.background("test", org=POLICE.org_id) as work:
            work.all(query)  # type: ignore[arg-type]


def test_an_audit_row_is_final_even_for_the_owner(db: Database, at: Settings) -> None:
    created(db)
    with psycopg.connect(root_url(at, "referrals")) as connection, pytest.raises(psycopg.errors.RaiseException):
        connection.execute("UPDATE audit SET subject = 'nobody'")


def test_parallel_submits_with_one_reference_make_one_referral(db: Database, at: Settings) -> None:
    answers: list[str] = []

    def submit(number: int) -> None:
        try:
            usecases.create(db, new(key=f"parallel-{number}", external_ref="ROIK-1"))
            answers.append("done")
        except Conflict as refusal:
            answers.append(refusal.code)

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["done"] + ["referral.reference_in_use"] * 7
    assert rows(at, "SELECT count(*) FROM leg") == [(1,)]


def test_who_only_sends_does_not_read_what_his_organisation_receives(db: Database) -> None:
    referral = created(db)
    sending = replace(CENTRE, roles=frozenset({"sender_worker", "sender_client"}))
    receiving = replace(CENTRE, roles=frozenset({"intake_worker"}))
    for use in (usecases.read, usecases.history):
        with pytest.raises(NotFound):
            use(db, look(sending, referral))
        assert use(db, look(receiving, referral)).value


def test_a_second_audit_row_in_one_unit_of_work_is_refused(db: Database) -> None:
    entry = Entry(operation="x", object_type="referral", object_id=None)
    with pytest.raises(RuntimeError), db.background("test") as work:
        work.record(entry)
        work.record(entry)
