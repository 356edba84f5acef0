"""Child concerns on a real database: their authorities, their readers, and that they leave no trace anywhere else."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotAllowed, NotFound
from chassis.exporting import export
from chassis.identity import Caller
from chassis.keyed_ids import id_of_key
from chassis.requests import Call
from chassis.settings import Settings
from services.access.rules.roles import ROLES
from services.referrals import usecases
from services.referrals.rules.concerns import AUTHORITIES
from services.referrals.rules.lifecycle import CHILD_CONCERN
from services.referrals.schemas.concerns import SAFEGUARDING_EXAMPLE, Safeguarding
from services.referrals.schemas.transitions import EXAMPLES
from services.referrals.usecases import concerns
from tests.support.databases import root_url
from tests.support.referrals import CENTRE, POLICE, decide, listing, look, move, new, seed

CHILD_RIGHTS = Caller(
    "member:authority", id_of_key("organisation", "lt-child-rights"), "lt-child-rights", POLICE.roles, "t4"
)
CANARY = "Kanarėlė Vaikas"
STEPS = sorted(set(EXAMPLES) - {"submit", "discard"})


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    values = f"'{CHILD_RIGHTS.org_id}', 'lt-child-rights', 'child_rights_authority', 'LT', 'active', 1"
    rows(at, f"INSERT INTO partner VALUES ({values})")
    yield database
    database.close()


def rows(at: Settings, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "referrals"), autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def member(of: Caller, name: str, *roles: str) -> Caller:
    return replace(of, subject=f"member:{name}", roles=frozenset(roles))


AUTHOR = member(CENTRE, "author", "receiver_worker", "sender_worker")
LEAD = member(CENTRE, "lead", "child_protection_lead")
CHIEF = member(CENTRE, "chief", "receiver_lead", "sender_lead", "intake_worker", "receiver_worker", "sender_worker")


def concern(db: Database, by: Caller = AUTHOR, **changes: Any) -> uuid.UUID:
    said = {"kind": CHILD_CONCERN, "service": None, "receiver": "lt-child-rights", "person_informed": "not_safe"}
    made: uuid.UUID = usecases.create(db, new(by, **{**said, "reason": CANARY, **changes})).value["id"]
    return made


def raising(by: Caller, referral: uuid.UUID, *, key: str | None = None, **changes: Any) -> Call:
    body = Safeguarding().load({**SAFEGUARDING_EXAMPLE, "reason": CANARY, **changes})
    return decide(by, referral, "raise_safeguarding", key=key, **body)


def concerned(db: Database, by: Caller) -> list[uuid.UUID]:
    return [row["id"] for row in concerns.listed(db, listing(by)).value["items"]]


def test_it_goes_to_an_authority_that_need_not_offer_a_service_and_to_nobody_else(db: Database, at: Settings) -> None:
    made = concern(db)
    seen = usecases.read(db, look(CHILD_RIGHTS, made)).value
    assert (seen["kind"], seen["state"], seen["reason"]) == (CHILD_CONCERN, "sent", CANARY)
    assert seen["legal_basis"]["kind"] == "statutory_duty_child"
    assert seen["person_informed"] == "not_safe"
    for kind in sorted(AUTHORITIES | {"crisis_centre", "ngo", "helpline", "school", "health_centre", "network"}):
        rows(at, f"UPDATE partner SET type = '{kind}' WHERE key = 'lt-kapvc'")
        if kind in AUTHORITIES:
            concern(db, receiver="lt-kapvc")
        else:
            with pytest.raises(Invalid) as refused:
                concern(db, receiver="lt-kapvc")
            assert refused.value.code == "receiver.no_authority"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"receiver": "lt-kavkc"}, "receiver.self"),
        ({"receiver": "lt-nobody"}, "receiver.unknown"),
        ({"receiver": None, "area": "LT:Raseiniai"}, "required"),
        ({"legal_basis": {"template": "consent"}, "person_informed": "yes"}, "legal_basis.concern_by_consent"),
    ],
)
def test_what_is_refused(db: Database, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        concern(db, **changes)
    assert refused.value.code == code


def test_a_suspended_authority_gets_none(db: Database, at: Settings) -> None:
    rows(at, "UPDATE partner SET status = 'suspended' WHERE key = 'lt-child-rights'")
    with pytest.raises(Invalid) as refused:
        concern(db)
    assert refused.value.code == "receiver.suspended"


def test_author_lead_and_authority_read_it_and_nobody_else_of_the_sender(db: Database) -> None:
    made = concern(db)
    for by in (AUTHOR, LEAD):
        assert usecases.read(db, look(by, made)).value["reason"] == CANARY
        assert usecases.history(db, look(by, made)).value["items"]
        assert concerned(db, by) == [made]
    for role in sorted(set(ROLES) - {"child_protection_lead"}):
        stranger = member(CENTRE, "stranger", role)
        with pytest.raises(NotFound):
            usecases.read(db, look(stranger, made))
        with pytest.raises(NotFound):
            usecases.history(db, look(stranger, made))
    assert concerned(db, CHIEF) == []
    with pytest.raises(NotFound):
        usecases.read(db, look(CHIEF, made))
    assert concerned(db, CHILD_RIGHTS) == [made]
    assert concerned(db, POLICE) == []


def test_it_is_in_no_other_list_and_nobodys_duplicate(db: Database, at: Settings) -> None:
    concern(db)
    concern(db, draft=True)
    every = replace(CENTRE, subject=AUTHOR.subject)
    for use in (usecases.sent, usecases.drafts):
        assert use(db, listing(every)).value["items"] == []
    assert usecases.inbox(db, listing(CHILD_RIGHTS)).value["items"] == []
    assert rows(at, "SELECT count(*) FROM person_index_due") == [(0,)]
    assert len(concerned(db, AUTHOR)) == 2
    assert len(concerned(db, LEAD)) == 1, "a draft is its author's alone"


def test_nothing_but_its_own_few_steps(db: Database) -> None:
    """Every action by both sides in every state that a concern can be in."""
    both = {
        "sender": replace(CENTRE, subject=AUTHOR.subject, roles=CENTRE.roles - {"dpo"}),
        "receiver": replace(CHILD_RIGHTS, roles=CHILD_RIGHTS.roles - {"dpo"}),
    }
    lawful = {("sent", "acknowledge", "receiver"), ("received", "close_concern", "receiver")}
    tried = 0
    for state, action, side in itertools.product(("sent", "received", "completed"), STEPS, both):
        if (state, action, side) in lawful:
            continue
        made = concern(db)
        steps = {"received": ["acknowledge"], "completed": ["acknowledge", "close_concern"]}.get(state, [])
        for number, step in enumerate(steps, start=1):
            usecases.move(db, move(both["receiver"], made, step, number, **EXAMPLES[step]), step)
        tried += 1
        with pytest.raises((Conflict, NotAllowed, NotFound)):
            usecases.move(db, move(both[side], made, action, len(steps) + 1, **EXAMPLES[action]), action)
    assert tried == 3 * 2 * len(STEPS) - len(lawful)


def test_its_way_is_told_to_the_authority_and_to_no_system_of_the_sender(db: Database, at: Settings) -> None:
    made = concern(db)
    usecases.move(db, move(CHILD_RIGHTS, made, "acknowledge", 1), "acknowledge")
    usecases.move(db, move(CHILD_RIGHTS, made, "close_concern", 2, **EXAMPLES["close_concern"]), "close_concern")
    told = rows(at, "SELECT type, audience FROM outbox ORDER BY no")
    audience = f"org:{CHILD_RIGHTS.org_id}"
    assert told == [(f"referral.{verb}", audience) for verb in ("sent", "received", "concern_closed")]


def test_raised_out_of_a_case_it_leaves_no_trace_there(db: Database, at: Settings) -> None:
    referral = usecases.create(db, new(person={"name": "Demo Tėvas", "birth_year": 1980})).value["id"]
    before = shots(at, referral)
    seen = usecases.read(db, look(CENTRE, referral)), usecases.history(db, look(CENTRE, referral))
    made = concerns.raise_safeguarding(db, raising(AUTHOR, referral, key="k-1"))
    assert made.value["person"]["name"] == "Demo Tėvas"
    assert made.value["kind"] == CHILD_CONCERN
    assert made.value["receiver"]["key"] == "lt-child-rights"
    assert shots(at, referral) == before
    after = usecases.read(db, look(CENTRE, referral)), usecases.history(db, look(CENTRE, referral))
    assert [each.value for each in after] == [each.value for each in seen]
    assert [each.version for each in after] == [each.version for each in seen]
    for table in ("audit", "request", "outbox", "history", "sender_record", "receiver_case", "leg"):
        for (line,) in rows(at, f"SELECT to_jsonb(t)::text FROM {table} AS t"):
            assert not (str(referral) in line and str(made.value["id"]) in line), table
    names = rows(at, f"SELECT operation FROM audit WHERE object_id = '{made.value['id']}'")
    assert names == [("referral.create",)]


def shots(at: Settings, referral: uuid.UUID) -> list[Any]:
    """Every row that names the referral, but for what a read of it writes."""
    tables = ("leg", "sender_record", "receiver_case", "history", "case_member", "outside_read", "request", "outbox")
    return [
        rows(at, f"SELECT to_jsonb(t)::text FROM {table} AS t WHERE to_jsonb(t)::text LIKE '%{referral}%' ORDER BY 1")
        for table in tables
    ]


def test_raised_again_with_the_same_key_it_is_the_same_and_for_another_case_refused(db: Database) -> None:
    first, second = (usecases.create(db, new()).value["id"] for _ in range(2))
    made = concerns.raise_safeguarding(db, raising(AUTHOR, first, key="k-1")).value["id"]
    assert concerns.raise_safeguarding(db, raising(AUTHOR, first, key="k-1")).value["id"] == made
    with pytest.raises(Invalid):
        concerns.raise_safeguarding(db, raising(AUTHOR, second, key="k-1"))


def test_whoever_may_not_read_the_case_raises_nothing_out_of_it(db: Database, at: Settings) -> None:
    referral = usecases.create(db, new()).value["id"]
    for role in ("network_coordinator", "org_admin", "auditor", "group_leader"):
        with pytest.raises((NotFound, NotAllowed)):
            concerns.raise_safeguarding(db, raising(member(CENTRE, "x", role), referral))
    with pytest.raises(NotFound):
        concerns.raise_safeguarding(db, raising(member(CHILD_RIGHTS, "x", "intake_worker"), referral))
    assert rows(at, "SELECT count(*) FROM leg") == [(1,)]


@pytest.mark.parametrize("org", [CENTRE.org_id, CHILD_RIGHTS.org_id])
def test_nothing_of_it_is_handed_out_before_an_officer_has_read_it(db: Database, org: uuid.UUID) -> None:
    made = concern(db)
    with db.background("test", org=org) as work:
        held = export(work, usecases.RECORDS, made, reviewed=False)
        read = export(work, usecases.RECORDS, made, reviewed=True)
    about = [
        each for part in held["parts"] for each in part["fields"] if each["kind"] in {"sealed", "offence", "personal"}
    ]
    assert about
    assert all(each["value"] is None for each in about)
    assert CANARY not in str(held)
    assert CANARY in str(read)
