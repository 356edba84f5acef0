"""Erasure on real databases: nothing readable is left, whatever interrupts it, and nothing comes back by a restore."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

import psycopg
import pytest

from chassis import erasure
from chassis.db import Database
from chassis.errors import Conflict, NotFound, Unavailable
from chassis.identity import Caller
from chassis.sealing import KeyStore
from chassis.settings import Settings
from services.referrals import usecases
from services.referrals.usecases import RECORDS
from tests.support.databases import Databases, root_url
from tests.support.persons import ERASE, ask, copied, copied_keys, everything, with_keys_of
from tests.support.referrals import CENTRE, OTHER, POLICE, listing, look, move, new, seed

ACCEPTANCE = {"responsible": "Kanarėlė Trys", "next_step_on": "2026-12-01"}
PERSON = {"name": "Kanarėlė Vienas", "birth_year": 1971}
CANARIES = ("Kanarėlė Vienas", "canary reason", "ROIK-CANARY")
OF_ROW = "SELECT held_at, erased_at FROM receiver_case"


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    yield database
    database.close()


def rows(at: Settings, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "referrals"), autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def referred(db: Database, **changes: Any) -> uuid.UUID:
    given = {"person": PERSON, "reason": "canary reason", "external_ref": "ROIK-CANARY", **changes}
    made: uuid.UUID = usecases.create(db, new(**given)).value["id"]
    return made


def reads(db: Database, by: Caller, key: uuid.UUID) -> bool:
    try:
        usecases.read(db, look(by, key))
    except NotFound:
        return False
    return True


def test_nothing_of_the_record_can_be_read_in_the_live_databases(db: Database, at: Settings) -> None:
    key = referred(db)
    usecases.accept(db, move(CENTRE, key, "accept", 1, **ACCEPTANCE))
    before = everything(at, "referrals")
    assert all(canary in before for canary in (*CANARIES, "Kanarėlė Trys"))
    for by in (POLICE, CENTRE):
        answer = ask(db, by, "erase", key, **ERASE)
        assert (answer["state"], answer["done_at"] is None) == ("erased", False)
    after = everything(at, "referrals")
    assert not [canary for canary in (*CANARIES, "Kanarėlė Trys") if canary in after]
    assert rows(at, "SELECT personal, external_ref_mac, reason FROM sender_record") == [(b"", None, None)]
    assert rows(at, "SELECT personal, handling, reason FROM receiver_case") == [(b"", None, None)]
    assert rows(at, "SELECT DISTINCT reason, by_subject, at = date_trunc('day', at) FROM history") == [
        (None, None, True)
    ]


def test_the_other_party_keeps_its_own_and_may_go_on(db: Database, at: Settings) -> None:
    key = referred(db)
    ask(db, CENTRE, "erase", key, **ERASE)
    assert (reads(db, CENTRE, key), reads(db, POLICE, key)) == (False, True)
    with pytest.raises(NotFound):
        usecases.accept(db, move(CENTRE, key, "accept", 1, **ACCEPTANCE))
    usecases.withdraw(db, move(POLICE, key, "withdraw", 1, reason="mistaken"))
    assert rows(at, "SELECT state, personal, reason FROM receiver_case") == [("withdrawn", b"", None)]
    own = f"SELECT transition, reason FROM history WHERE org_id = '{CENTRE.org_id}' ORDER BY no"
    assert rows(at, own) == [("submit", None), ("withdraw", None)]
    theirs = f"SELECT transition, reason FROM history WHERE org_id = '{POLICE.org_id}' ORDER BY no"
    assert rows(at, theirs) == [("submit", None), ("withdraw", "mistaken")]
    told = rows(at, "SELECT data::text FROM outbox")
    assert not any("anar" in text for (text,) in told)


def test_what_is_told_again_of_an_erased_record_is_its_state_alone(db: Database) -> None:
    key = referred(db)
    usecases.decline(db, move(CENTRE, key, "decline", 1, reason="no_capacity"))
    baseline = usecases.BASELINES["referral"].state
    told = []
    for erased in (False, True):
        if erased:
            ask(db, CENTRE, "erase", key, **ERASE)
        with db.background("test") as work:
            told.append(baseline(work, key, f"org:{CENTRE.org_id}"))
    before, after = told
    assert before is not None
    assert after is not None
    assert {name: value for name, value in before.items() if name not in after} == {"reason": "no_capacity"}
    assert after["state"] == "declined"


def test_lists_and_history_go_on_without_it(db: Database) -> None:
    gone, stays = referred(db), referred(db, external_ref=None)
    ask(db, CENTRE, "erase", gone, **ERASE)
    assert [item["id"] for item in usecases.inbox(db, listing(CENTRE)).value["items"]] == [stays]
    for act in (usecases.read, usecases.history):
        with pytest.raises(NotFound):
            act(db, look(CENTRE, gone))


def test_an_officer_of_another_organisation_gets_the_same_404_on_everything(db: Database, at: Settings) -> None:
    key = referred(db)
    bodies: dict[str, dict[str, Any]] = {"erase": ERASE, "export": {}, "release": {}}
    bodies["hold"] = {"reference": "X 1", "review_in_days": 90}
    for act, body in bodies.items():
        said = set()
        for wanted in (key, uuid.uuid4()):
            with pytest.raises(NotFound) as refused:
                ask(db, OTHER, act, wanted, **body)
            said.add((refused.value.code, refused.value.detail))
        assert len(said) == 1
    assert rows(at, "SELECT count(*) FROM erasure_ledger") == [(0,)]
    assert reads(db, POLICE, key)
    assert reads(db, CENTRE, key)


def test_ledger_and_holds_of_others_are_hidden_by_the_database_alone(db: Database) -> None:
    """The second wall: whatever a statement forgets to ask."""
    ask(db, CENTRE, "erase", referred(db), **ERASE)
    ask(db, CENTRE, "hold", referred(db, external_ref=None), reference="X 1", review_in_days=90)
    for org, seen in ((CENTRE.org_id, 1), (OTHER.org_id, 0), (None, 0)):
        with db.background("test", org=org) as work:
            for table in ("erasure_ledger", "legal_hold"):
                assert work.one(f"SELECT count(*) AS rows FROM {table}") == {"rows": seen}


def test_erased_while_it_is_being_accepted_nothing_stays(db: Database, at: Settings) -> None:
    """Whichever comes first: the handling of an acceptance never lands in a record that was cleared."""
    for _ in range(8):
        key = referred(db, external_ref=None)
        ways = [
            threading.Thread(target=quietly, args=(usecases.accept, db, move(CENTRE, key, "accept", 1, **ACCEPTANCE))),
            threading.Thread(target=quietly, args=(partial(ask, **ERASE), db, CENTRE, "erase", key)),
        ]
        for way in ways:
            way.start()
        for way in ways:
            way.join()
    assert rows(at, "SELECT DISTINCT personal, handling FROM receiver_case") == [(b"", None)]
    assert rows(at, "SELECT count(*), count(done_at) FROM erasure_ledger") == [(8, 8)]


def quietly(act: Callable[..., Any], *arguments: Any) -> None:
    with contextlib.suppress(NotFound):
        act(*arguments)


def test_a_second_erasure_tells_of_the_first(db: Database, at: Settings) -> None:
    key = referred(db)
    first = ask(db, CENTRE, "erase", key, idempotency="k-1", **ERASE)
    assert ask(db, CENTRE, "erase", key, idempotency="k-1", **ERASE)["done_at"] == first["done_at"]
    assert ask(db, CENTRE, "erase", key, **ERASE)["at"] == first["at"]
    assert rows(at, "SELECT count(*), count(done_at) FROM erasure_ledger") == [(1, 1)]
    assert rows(at, "SELECT outcome FROM audit WHERE operation = 'person.erase' ORDER BY no") == [
        ("done",),
        ("repeated",),
        ("done",),
    ]


class Killed(BaseException):
    """As if the process had ended here."""


def killed(*_args: object, **_names: object) -> None:
    raise Killed


STEPS: list[tuple[type | Any, str]] = [(erasure, "destroy_keys"), (erasure, "clear_rows"), (KeyStore, "erase")]


@pytest.mark.parametrize(("where", "step"), STEPS, ids=["before-keys", "before-rows", "at-the-keys"])
def test_killed_between_steps_nothing_is_readable_and_the_sweeper_ends_it(
    db: Database, at: Settings, monkeypatch: pytest.MonkeyPatch, where: Any, step: str
) -> None:
    key = referred(db)
    with monkeypatch.context() as patch:
        patch.setattr(where, step, killed)
        with pytest.raises(Killed):
            ask(db, CENTRE, "erase", key, **ERASE)
    assert not reads(db, CENTRE, key)
    assert rows(at, "SELECT done_at FROM erasure_ledger") == [(None,)]  # never reported as done while it is not
    assert erasure.finish_all(db, RECORDS) == 1
    assert erasure.finish_all(db, RECORDS) == 0
    assert rows(at, "SELECT done_at IS NULL FROM erasure_ledger") == [(False,)]
    assert rows(at, "SELECT personal FROM receiver_case") == [(b"",)]
    assert everything(at, "referrals").count("Kanarėlė Vienas") == 1  # the sender's


def test_killed_before_the_first_commit_nothing_has_happened(
    db: Database, at: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = referred(db)
    with monkeypatch.context() as patch:
        patch.setattr(usecases.RECORDS.__class__, "close", killed)
        with pytest.raises(Killed):
            ask(db, CENTRE, "erase", key, **ERASE)
    assert reads(db, CENTRE, key)
    assert rows(at, "SELECT count(*) FROM erasure_ledger") == [(0,)]


def test_without_the_key_database_it_is_told_as_not_done(
    db: Database, at: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = referred(db)

    def gone(*_: object) -> None:
        raise Unavailable("keys.unavailable", "gone")

    with monkeypatch.context() as patch:
        patch.setattr(KeyStore, "erase", gone)
        assert ask(db, CENTRE, "erase", key, **ERASE)["state"] == "erasing"
    assert not reads(db, CENTRE, key)
    assert ask(db, CENTRE, "erase", key, **ERASE)["state"] == "erased"


def test_a_copy_from_before_cannot_be_opened_with_todays_keys(
    at: Settings, databases: Databases, service_database: Callable[..., Settings]
) -> None:
    with closing(Database(at, "referrals")) as db:
        seed(db)
        key = referred(db)
    backup, old_keys = copied(databases, at, "referrals"), copied_keys(databases, at, "referrals")
    with closing(Database(at, "referrals")) as db:
        for by in (POLICE, CENTRE):
            ask(db, by, "erase", key, **ERASE)
    assert "Kanarėlė Vienas" not in everything(backup, "referrals")
    with closing(Database(backup, "referrals")) as restored, pytest.raises(NotFound):
        usecases.read(restored, look(CENTRE, key))
    # the control: with the keys of that day the same copy opens, so it is the keys' destruction that shuts it
    with_old = with_keys_of(backup, old_keys)
    assert "Kanarėlė Vienas" in everything(with_old, "referrals")


def test_a_restored_case_database_learns_of_erasures_before_it_opens(at: Settings, databases: Databases) -> None:
    with closing(Database(at, "referrals")) as db:
        seed(db)
        key = referred(db)
    backup = copied(databases, at, "referrals")
    with closing(Database(at, "referrals")) as db:
        ask(db, CENTRE, "erase", key, **ERASE)
    assert rows(backup, OF_ROW) == [(None, None)]
    assert erasure.newest(backup, "referrals").cases is None
    assert erasure.reapply(backup, "referrals") >= 1  # other tests of this session share the key database
    assert erasure.reapply(backup, "referrals") == 0
    assert rows(backup, "SELECT personal, erased_at IS NULL FROM receiver_case") == [(b"", False)]
    with closing(Database(backup, "referrals")) as db:
        assert (reads(db, CENTRE, key), reads(db, POLICE, key)) == (False, True)
        assert ask(db, CENTRE, "erase", key, **ERASE)["state"] == "erased"


def test_a_ledger_kept_elsewhere_shuts_a_record_whose_keys_came_back(at: Settings, databases: Databases) -> None:
    with closing(Database(at, "referrals")) as db:
        seed(db)
        key = referred(db)
    backup, old_keys = copied(databases, at, "referrals"), copied_keys(databases, at, "referrals")
    with closing(Database(at, "referrals")) as db:
        ask(db, CENTRE, "erase", key, **ERASE)
    kept = [each for each in erasure.ledger_of(at, "referrals") if each.object_id == key]
    assert erasure.newest(with_keys_of(at, old_keys), "referrals").keys_are_older
    assert not erasure.newest(at, "referrals").keys_are_older
    both_old = with_keys_of(backup, old_keys)
    assert everything(both_old, "referrals").count("Kanarėlė Vienas") == 2
    assert erasure.reapply(both_old, "referrals", kept) >= 1
    assert everything(both_old, "referrals").count("Kanarėlė Vienas") == 1


def test_the_ledger_can_not_be_rewritten_by_the_process(db: Database, at: Settings) -> None:
    ask(db, CENTRE, "erase", referred(db), **ERASE)
    for statement in (
        "DELETE FROM erasure_ledger",
        "UPDATE erasure_ledger SET object_id = gen_random_uuid()",
        "UPDATE erasure_ledger SET reason = 'x'",
    ):
        with (
            psycopg.connect(at.database_url("referrals")) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement.encode())
    with (
        psycopg.connect(at.keys_url("referrals")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("DELETE FROM referrals.erasure")


def test_a_held_record_is_not_erased(db: Database) -> None:
    key = referred(db)
    ask(db, CENTRE, "hold", key, reference="X 1", review_in_days=90)
    with pytest.raises(Conflict) as refused:
        ask(db, CENTRE, "erase", key, **ERASE)
    assert refused.value.code == "person.held"
