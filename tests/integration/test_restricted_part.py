"""The restricted part on a real database: partner safety alone reads it, and nothing on the man's side shows it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from chassis import erasure
from chassis.db import Database
from chassis.errors import NotFound, Refused, Stale
from chassis.exporting import export
from chassis.identity import Caller
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from services.access.rules.roles import ROLES
from services.referrals import usecases
from services.referrals.rules.partner_side import MANS_SIDE
from services.referrals.schemas.restricted import RESTRICTED_EXAMPLE, RestrictedPart, RestrictedView
from services.referrals.usecases import restricted, rights
from tests.support.databases import root_url
from tests.support.referrals import CENTRE, OTHER, POLICE, decide, listing, look, move, new, seed

CANARY = "KANARELE-PARTNERE-7"
ACCEPTANCE = {"responsible": "Intake team", "next_step_on": "2026-12-01"}
SAFETY = frozenset({"partner_safety"})


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    yield database
    database.close()


@pytest.fixture
def referral(db: Database) -> uuid.UUID:
    made: uuid.UUID = usecases.create(db, new()).value["id"]
    restricted.write(db, put(safety(), made, 0))
    return made


def rows(at: Settings, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "referrals"), autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def safety(of: Caller = CENTRE, name: str = "safety") -> Caller:
    return replace(of, subject=f"member:{name}", roles=SAFETY)


def put(by: Caller, referral: uuid.UUID, version: int, *, key: str | None = None, **changes: Any) -> Call:
    said = {**RESTRICTED_EXAMPLE, "partner_note": CANARY, "incident_address": CANARY, **changes}
    call = decide(by, referral, "restricted", key=key, **RestrictedPart().load(said))
    call.expected_version = version
    return call


def test_partner_safety_writes_and_reads_it_by_versions(db: Database, referral: uuid.UUID) -> None:
    seen = restricted.read(db, look(safety(), referral))
    assert (seen.version, seen.value["partner_note"], seen.value["partner_step"]) == (1, CANARY, "open")
    assert RestrictedView().dump(seen.value)["protected_persons"] == RESTRICTED_EXAMPLE["protected_persons"]
    with pytest.raises(Stale):
        restricted.write(db, put(safety(), referral, 0))
    done = restricted.write(db, put(safety(), referral, 1, key="k", partner_step="done"))
    assert (done.version, done.value["partner_step"]) == (2, "done")
    assert restricted.write(db, put(safety(), referral, 1, key="k", partner_step="done")).version == 2


def test_what_nobody_wrote_is_empty_and_looks_like_any(db: Database) -> None:
    made = usecases.create(db, new()).value["id"]
    seen = restricted.read(db, look(safety(), made))
    assert (seen.version, seen.value["partner_note"], seen.value["partner_step"]) == (0, None, "open")
    assert RestrictedView().dump(seen.value)["protected_persons"] == []


@pytest.mark.parametrize("role", sorted(set(ROLES) - SAFETY))
def test_no_other_role_opens_it_alone_nor_together_with_partner_safety(
    db: Database, referral: uuid.UUID, role: str
) -> None:
    for roles in ({role}, {role, "partner_safety"} if role in MANS_SIDE else {role}, set(ROLES)):
        by = replace(CENTRE, subject="member:other", roles=frozenset(roles))
        for use, call in ((restricted.read, look(by, referral)), (restricted.write, put(by, referral, 1))):
            with pytest.raises(NotFound):
                use(db, call)


def test_each_organisation_has_its_own_and_a_third_none(db: Database, referral: uuid.UUID) -> None:
    assert restricted.read(db, look(safety(POLICE), referral)).version == 0
    with pytest.raises(NotFound):
        restricted.read(db, look(safety(OTHER), referral))
    with db.background("test", org=POLICE.org_id) as work:
        assert work.all("SELECT id FROM restricted_part") == []
    with db.background("test", org=CENTRE.org_id) as work:
        assert len(work.all("SELECT id FROM restricted_part")) == 1


def test_no_member_holds_both_sides_of_one_episode(db: Database, referral: uuid.UUID) -> None:
    both = replace(CENTRE, subject="member:safety")
    for use in (usecases.read, usecases.history):
        with pytest.raises(NotFound):
            use(db, look(both, referral))
    with pytest.raises(NotFound):
        usecases.accept(db, move(both, referral, "accept", 1, **ACCEPTANCE))
    worker = replace(CENTRE, subject="member:worker")
    usecases.accept(db, move(worker, referral, "accept", 1, **ACCEPTANCE))
    with pytest.raises(NotFound):
        restricted.read(db, look(safety(name="worker"), referral))
    usecases.read(db, look(both, usecases.create(db, new()).value["id"]))  # another man's case is open to him


def test_who_is_assigned_or_named_on_the_mans_side_stays_on_it(db: Database, referral: uuid.UUID) -> None:
    rights.assign(db, decide(CENTRE, referral, "assign", unit="north", worker="member:assigned"))
    rights.restrict(db, decide(CENTRE, referral, "restrict", members=["member:named"]))
    for name in ("assigned", "named"):
        with pytest.raises(NotFound):
            restricted.read(db, look(safety(name=name), referral))


def test_the_next_leg_of_the_episode_counts_as_well(db: Database) -> None:
    """Who works for the partner on one leg that the organisation sent reads the man's side of none of them."""
    first = usecases.create(db, new()).value["id"]
    usecases.decline(db, move(CENTRE, first, "decline", 1, reason="no_capacity"))
    again = {"service": "lt-kavkc-behaviour-change", "receiver": None, "urgency": None}
    second = usecases.resend(db, decide(POLICE, first, "resend", **again)).value["id"]
    restricted.read(db, look(safety(POLICE), first))
    with pytest.raises(NotFound):
        usecases.read(db, look(replace(POLICE, subject="member:safety"), second))
    usecases.move(db, move(replace(POLICE, subject="member:ona"), second, "withdraw", 1, reason="mistaken"), "withdraw")
    with pytest.raises(NotFound):
        restricted.read(db, look(safety(POLICE, "ona"), first))


def everything_seen(db: Database, by: Caller, referral: uuid.UUID) -> Iterator[Outcome]:
    """What every way of looking at a case answers to one caller."""
    for use in (usecases.read, usecases.history, usecases.duplicates, rights.access):
        try:
            yield use(db, look(by, referral))
        except Refused:
            continue
    for use in (usecases.inbox, usecases.sent, usecases.drafts):
        yield use(db, listing(by))


def test_no_answer_on_the_mans_side_shows_that_there_is_one(db: Database, referral: uuid.UUID) -> None:
    seen = 0
    for role in sorted(set(ROLES) - SAFETY):
        for org in (CENTRE, POLICE):
            for outcome in everything_seen(
                db, replace(org, subject=f"member:{role}", roles=frozenset({role})), referral
            ):
                seen += 1
                for word in (CANARY, "partner", "restricted_part", "member:safety"):
                    assert word not in str(outcome.value)
    assert seen > 100


def test_neither_copy_nor_events_nor_audit_of_the_mans_case_name_it(
    db: Database, at: Settings, referral: uuid.UUID
) -> None:
    restricted.read(db, look(safety(), referral))
    with db.background("test", org=CENTRE.org_id) as work:
        copy = str(export(work, usecases.RECORDS, referral, reviewed=True))
    assert "Demo Pavyzdys" in copy
    for word in (CANARY, "partner_s", "restricted.", "restricted_part", "member:safety"):
        assert word not in copy
    assert (
        rows(at, f"SELECT operation FROM audit WHERE object_id = '{referral}' AND operation LIKE 'restricted%'") == []
    )
    assert rows(at, "SELECT count(*) FROM audit WHERE operation LIKE 'restricted%'")[0][0] >= 2
    tables = [name for (name,) in rows(at, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    for table in tables:
        dump = "".join(str(row) for row in rows(at, f"SELECT to_jsonb(t)::text FROM {table} AS t"))
        assert CANARY not in dump, table
        assert CANARY.encode().hex() not in dump, table


def test_it_is_sealed_by_a_key_of_its_own_and_goes_with_the_record(
    db: Database, at: Settings, referral: uuid.UUID
) -> None:
    keys = rows(at, "SELECT key_id FROM restricted_part UNION ALL SELECT key_id FROM receiver_case")
    assert len(set(keys)) == 2
    with db.background("test", org=CENTRE.org_id) as work:
        begun = erasure.begin(
            work, usecases.RECORDS, referral, org=CENTRE.org_id, reason="person_asked", basis="gdpr_17_1_b"
        )
    assert {key for (key,) in keys} <= set(begun.key_ids)
    erasure.finish(db, usecases.RECORDS, begun)
    assert rows(at, "SELECT count(*) FROM restricted_part") == [(0,)]
    assert rows(at, "SELECT count(*) FROM partner_side") == [(0,)]


def test_what_a_message_brings_is_read_by_the_receivers_partner_safety(db: Database, at: Settings) -> None:
    made = usecases.create(db, new()).value["id"]
    with db.background("test", org=POLICE.org_id) as work:
        restricted.bring(work, made, CENTRE.org_id, {"incident_address": CANARY}, by="client:police")
    assert restricted.read(db, look(safety(), made)).value["incident_address"] == CANARY
    assert restricted.read(db, look(safety(POLICE), made)).value["incident_address"] is None
