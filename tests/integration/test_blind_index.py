"""Duplicates are found by slow keyed hashes that are made after the submit, inside one organisation only."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chassis import relay
from chassis.blind_index import Indexer, hashed, normalised
from chassis.db import Database
from chassis.errors import NotAllowed, NotFound
from chassis.identity import Caller
from chassis.relay import store
from chassis.requests import Call
from chassis.sealing import KeyStore
from chassis.settings import Settings
from services.referrals import usecases
from services.referrals.rules.rights import OPERATIONS
from services.referrals.store import members
from tests.integration.bus_rig import until
from tests.support.referrals import CENTRE, OTHER, POLICE, look, move, new, seed
from tests.support.rows import rows

KEY, ORG = b"k" * 32, uuid.UUID(int=1)
PHONE = {"channel": "phone", "value": "+37061234567", "safe": "yes"}
SOMEBODY = {"name": "Demo Pavyzdys", "birth_year": 1985}
COUNT = "SELECT count(*) FROM person_index_due"


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    yield database
    database.close()


def index(at: Settings) -> None:
    keys = KeyStore(at, "referrals")
    try:
        with store.connect(at.database_url("referrals")) as connection:
            indexer = Indexer(connection, keys, bytes.fromhex(at.secret("contact_key")))
            while indexer.index(threading.Event()):
                pass
    finally:
        keys.close()


def make(db: Database, by: Caller = POLICE, **changes: Any) -> uuid.UUID:
    contact = {"contact": PHONE, "contact_via": None}
    made: uuid.UUID = usecases.create(db, new(by, **{**contact, **changes})).value["id"]
    return made


def ask(db: Database, by: Caller, referral_id: uuid.UUID) -> dict[str, Any]:
    call = Call(route="-", operation="-", caller=by, request_id="r", path={"referral_id": referral_id})
    value: dict[str, Any] = usecases.duplicates(db, call).value
    return value


def test_what_is_compared_is_one_form_of_it() -> None:
    assert normalised({"contact": {"channel": "phone", "value": "+370 612 34567"}}) == {"phone": "+37061234567"}
    assert normalised({"contact": {"channel": "email", "value": " Jonas@Example.ORG "}}) == {
        "email": "jonas@example.org"
    }
    forms = ("Jonas  JONAITIS", "jonaitis, jonas", "Jonas-Jonaitis")
    found = {normalised({"person": {"name": name, "birth_year": 1985}})["name_year"] for name in forms}
    assert found == {"jonaitis jonas 1985"}
    for nothing in ({}, {"contact": None, "person": None}, {"contact": {"channel": "phone", "value": "hello"}}):
        assert normalised(nothing) == {}


def test_a_hash_is_another_one_for_another_key_organisation_kind_or_text() -> None:
    one = hashed(KEY, ORG, "phone", "+37061234567")
    assert one == hashed(KEY, ORG, "phone", "+37061234567")
    others = [(b"x" * 32, ORG, "phone", "+37061234567"), (KEY, uuid.UUID(int=2), "phone", "+37061234567"),
              (KEY, ORG, "email", "+37061234567"), (KEY, ORG, "phone", "+37061234568")]  # fmt: skip
    assert len({one, *(hashed(*other) for other in others)}) == 5
    assert len(one) == 32


def test_duplicates_are_found_after_a_while_on_ones_own_side_only(db: Database, at: Settings) -> None:
    first = make(db, person=SOMEBODY)
    assert ask(db, POLICE, first) == {"ready": False, "ids": []}
    same_phone = make(db, person={"name": "Somebody Else", "birth_year": 1970})
    same_name = make(db, person={**SOMEBODY, "name": "PAVYZDYS, Demo"}, contact=None, contact_via="referrer")
    nobody = make(db, person={"name": "A Third", "birth_year": 1990}, contact=None, contact_via="referrer")
    by_other = make(db, OTHER, person=SOMEBODY)
    index(at)
    assert rows(at, "referrals", COUNT) == [(0,)]
    assert ask(db, POLICE, first) == {"ready": True, "ids": sorted((same_phone, same_name))}
    assert ask(db, POLICE, nobody) == {"ready": True, "ids": []}
    assert ask(db, OTHER, by_other)["ids"] == [], "the police's records are not its own"
    assert ask(db, CENTRE, first)["ids"] == sorted((same_phone, same_name, by_other)), "it received them all"
    usecases.withdraw(db, move(POLICE, same_name, "withdraw", 1, reason="circumstances_changed"))
    assert ask(db, POLICE, first)["ids"] == [same_phone]


def test_only_leads_and_intake_of_ones_own_side_may_ask(db: Database, at: Settings) -> None:
    first = make(db)
    assert OPERATIONS["referral.duplicates"] == {"sender_lead", "intake_worker", "receiver_lead"}
    for org, roles, refusal in (
        (POLICE, {"intake_worker", "sender_worker"}, NotAllowed),  # he may read it, and not compare
        (CENTRE, {"sender_lead"}, NotFound),
        (OTHER, set(OPERATIONS), NotFound),
    ):
        caller = Caller(org.subject, org.org_id, org.org_key, frozenset(roles), "t")
        with pytest.raises(refusal):
            ask(db, caller, first)
    asked = "SELECT count(*) FROM audit WHERE operation = 'referral.duplicates'"
    ask(db, POLICE, first)
    assert rows(at, "referrals", asked) == [(1,)]


def test_nothing_of_the_person_stands_in_the_index_and_it_is_shut_to_others(db: Database, at: Settings) -> None:
    make(db, person=SOMEBODY)
    index(at)
    found = rows(at, "referrals", "SELECT i::text, org_id FROM person_index AS i")
    assert len(found) == 4
    for word in ("pavyzdys", "61234567", "1985"):
        assert word not in str(found).lower()
    assert len({org for _, org in found}) == 2
    with db.background("test") as work:
        assert work.all("SELECT * FROM person_index") == []
    with db.background("test", org=OTHER.org_id) as work:
        assert work.all("SELECT * FROM person_index") == []


def test_a_record_whose_key_was_destroyed_is_left_alone(db: Database, at: Settings) -> None:
    made = make(db)
    keys = [key for (key,) in rows(at, "referrals", "SELECT key_id FROM sender_record")]
    db.keys.destroy(keys)
    index(at)
    assert rows(at, "referrals", COUNT) == [(0,)]
    assert {org for (org,) in rows(at, "referrals", "SELECT org_id FROM person_index")} == {CENTRE.org_id}
    with pytest.raises(NotFound):
        usecases.read(db, look(POLICE, made))


def test_a_record_that_is_erased_while_it_is_hashed_leaves_nothing(
    db: Database, at: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(db)
    hash_it = Indexer._values

    def erased_meanwhile(
        indexer: Indexer, org: uuid.UUID, record_id: uuid.UUID, source: Any
    ) -> list[tuple[str, bytes]]:
        values = hash_it(indexer, org, record_id, source)
        with db.background("test", org=org) as work:
            usecases.RECORDS.close(work, record_id, erased=True)
            usecases.RECORDS.clear(work, record_id)
        return values

    monkeypatch.setattr(Indexer, "_values", erased_meanwhile)
    index(at)
    assert rows(at, "referrals", "SELECT record_id FROM person_index WHERE record_id = %s", (made,)) == []


def test_duplicates_that_are_closed_to_the_reader_are_not_named(db: Database, at: Settings) -> None:
    first, other = make(db, person=SOMEBODY), make(db, person=SOMEBODY)
    index(at)
    reader = Caller(POLICE.subject, POLICE.org_id, POLICE.org_key, frozenset({"sender_lead"}), "t")
    assert ask(db, reader, first)["ids"] == [other]
    with db.background("test", org=POLICE.org_id) as work:
        members.bar(work, other, reader.subject, by=POLICE.subject)
    assert ask(db, reader, first)["ids"] == []


def test_the_relay_does_it_without_a_broker(db: Database, at: Settings) -> None:
    make(db)
    no_broker = {**(at.environment or {}), "TUKIVERKKO_AMQP_URL": "amqp://x:y@127.0.0.1:1/none"}
    stop = threading.Event()
    moved = Settings(**{**at.__dict__, "environment": no_broker})
    thread = threading.Thread(target=relay.run, args=(moved, ["referrals"], stop), kwargs={"health_port": 0})
    thread.start()
    try:
        until(lambda: rows(at, "referrals", COUNT) == [(0,)], 60)
    finally:
        stop.set()
        thread.join(15)
    assert rows(at, "referrals", "SELECT count(*) FROM person_index") == [(4,)]
