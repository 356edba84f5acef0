"""Who of an organisation opens a case, on a real database: units, assigned workers, restricted, barred, looks."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.errors import Invalid, NotAllowed, NotFound
from chassis.identity import Caller
from chassis.settings import Settings
from services.referrals import usecases
from services.referrals.rules import rights as rules
from services.referrals.usecases import rights
from services.referrals.views import lists
from services.referrals.views.viewer import MAY_OPEN
from tests.support.databases import root_url
from tests.support.referrals import CENTRE, POLICE, decide, listing, look, move, new, seed
from tests.support.rows import rows

ACCEPTANCE = {"responsible": "Intake team", "next_step_on": "2026-12-01"}
NORTH, SOUTH = frozenset({"north"}), frozenset({"south"})
WORKING = frozenset({"receiver_worker", "intake_worker", "sender_worker"})
LEADING = frozenset({"receiver_lead", "sender_lead"})
LEAD = replace(CENTRE, subject="member:lead", roles=LEADING, units=SOUTH)
A = replace(CENTRE, subject="member:a", roles=WORKING, units=NORTH)
B = replace(CENTRE, subject="member:b", roles=WORKING, units=NORTH)
FAR = replace(CENTRE, subject="member:far", roles=WORKING, units=SOUTH)
SMALL = replace(CENTRE, subject="member:small", roles=WORKING)
SYSTEM = replace(CENTRE, roles=frozenset({"recipient_client"}))


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
def case(db: Database) -> uuid.UUID:
    """A case of the centre's unit north."""
    made: uuid.UUID = usecases.create(db, new()).value["id"]
    rights.assign(db, decide(LEAD, made, "assign", unit="north"))
    return made


def opens(db: Database, by: Caller, case: uuid.UUID, *, reason: str | None = None) -> bool:
    asked = look(by, case)
    asked.query = {"reason": reason}
    try:
        usecases.read(db, asked)
    except NotFound:
        return False
    return True


def listed(db: Database, by: Caller) -> list[uuid.UUID]:
    return [item["id"] for item in usecases.inbox(db, listing(by)).value["items"]]


def test_a_case_is_open_to_its_unit_the_lead_small_organisations_and_systems(db: Database, case: uuid.UUID) -> None:
    for by in (A, B, LEAD, SMALL, SYSTEM):
        assert opens(db, by, case)
        assert listed(db, by) == [case]
    assert listed(db, FAR) == []


def test_another_unit_needs_a_reason_and_the_lead_reads_that_it_looked(
    db: Database, case: uuid.UUID, at: Settings
) -> None:
    with pytest.raises(NotAllowed, match="reason_needed"):
        opens(db, FAR, case)
    assert opens(db, FAR, case, reason="stand_in")
    (line,) = rights.outside_reads(db, listing(LEAD, weeks=1)).value["items"]
    assert (line["referral_id"], line["subject"], line["reason"], line["unit"]) == (
        case,
        FAR.subject,
        "stand_in",
        "north",
    )
    assert set(line) == {"id", "referral_id", "side", "unit", "subject", "reason", "at"}
    audit = "SELECT purpose FROM audit WHERE operation = 'referral.read' AND subject = %s"
    assert rows(at, "referrals", audit, (FAR.subject,)) == [("stand_in",)]
    for action, body in (("accept", ACCEPTANCE), ("acknowledge", {})):
        with pytest.raises(NotAllowed, match="other_unit"):
            getattr(usecases, action)(db, move(FAR, case, action, 1, **body))


def test_looks_of_the_sending_side_are_for_the_sending_lead_and_old_ones_go_off_the_list(
    db: Database, case: uuid.UUID, at: Settings
) -> None:
    assert opens(db, FAR, case, reason="emergency")
    sending = replace(LEAD, roles=frozenset({"sender_lead"}))
    assert rights.outside_reads(db, listing(sending, weeks=1)).value["items"] == []
    assert rights.outside_reads(db, listing(replace(POLICE, roles=LEADING), weeks=1)).value["items"] == []
    rows(at, "referrals", "UPDATE outside_read SET at = now() - interval '8 days' RETURNING 1")
    assert rights.outside_reads(db, listing(LEAD, weeks=1)).value["items"] == []
    assert len(rights.outside_reads(db, listing(LEAD, weeks=2)).value["items"]) == 1


def test_the_assigned_worker_comes_in_whatever_his_unit(db: Database, case: uuid.UUID) -> None:
    rights.assign(db, decide(LEAD, case, "assign", worker=FAR.subject))
    assert opens(db, FAR, case)
    assert listed(db, FAR) == [case]
    assert usecases.accept(db, move(FAR, case, "accept", 1, **ACCEPTANCE)).value["state"] == "accepted"
    view = rights.assign(db, decide(LEAD, case, "assign", worker=None)).value
    assert (view["unit"], view["worker"]) == ("north", None)
    with pytest.raises(NotAllowed):
        opens(db, FAR, case)


def test_a_restricted_case_does_not_exist_for_others(db: Database, case: uuid.UUID) -> None:
    view = rights.restrict(db, decide(LEAD, case, "restrict", members=[A.subject])).value
    assert (view["restricted"], view["named"]) == (True, [A.subject, LEAD.subject])
    assert opens(db, A, case)
    assert listed(db, A) == [case]
    other_lead = replace(LEAD, subject="member:lead-two")
    for by in (B, SMALL, SYSTEM, FAR, other_lead):
        assert not opens(db, by, case, reason="emergency")
        assert listed(db, by) == []
        with pytest.raises(NotFound):
            usecases.history(db, look(by, case))
        with pytest.raises(NotFound):
            usecases.accept(db, move(by, case, "accept", 1, **ACCEPTANCE))
        with pytest.raises(NotFound):
            rights.unrestrict(db, decide(by, case, "unrestrict"))
    assert rights.unrestrict(db, decide(LEAD, case, "unrestrict")).value["named"] == []
    assert opens(db, B, case)


def test_a_barred_member_finds_nothing_and_it_is_not_told(db: Database, case: uuid.UUID, at: Settings) -> None:
    told = rows(at, "referrals", "SELECT count(*) FROM outbox")
    rights.bar(db, decide(LEAD, case, "bar", member=A.subject))
    rights.restrict(db, decide(LEAD, case, "restrict", members=[A.subject, B.subject]))
    assert not opens(db, A, case, reason="emergency")
    assert listed(db, A) == []
    with pytest.raises(NotFound):
        usecases.history(db, look(A, case))
    assert opens(db, B, case)
    rights.unrestrict(db, decide(LEAD, case, "unrestrict"))
    assert not opens(db, A, case)
    assert rights.unbar(db, decide(LEAD, case, "unbar", member=A.subject)).value["barred"] == []
    assert opens(db, A, case)
    assert rows(at, "referrals", "SELECT count(*) FROM outbox") == told


def test_a_repeat_is_answered_under_the_rights_of_today(db: Database, case: uuid.UUID) -> None:
    asked = move(A, case, "acknowledge", 1, key="k-1")
    usecases.acknowledge(db, asked)
    rights.bar(db, decide(LEAD, case, "bar", member=A.subject))
    with pytest.raises(NotFound):
        usecases.acknowledge(db, asked)


def test_the_other_side_has_its_own_unit_and_members(db: Database, case: uuid.UUID) -> None:
    rights.bar(db, decide(LEAD, case, "bar", member="member:x"))
    police = rights.access(db, decide(replace(POLICE, subject="member:chief", roles=LEADING), case, "access")).value
    assert (police["side"], police["unit"], police["barred"]) == ("sender", None, [])


def test_a_new_referral_is_its_authors_and_his_units(db: Database) -> None:
    author = replace(POLICE, subject="member:officer", roles=WORKING, units=NORTH)
    made = usecases.create(db, new(author)).value["id"]
    chief = replace(POLICE, subject="member:chief", roles=LEADING)
    view = rights.access(db, decide(chief, made, "access")).value
    assert (view["unit"], view["worker"]) == ("north", author.subject)
    colleague = replace(author, subject="member:other", units=SOUTH)
    assert usecases.sent(db, listing(colleague)).value["items"] == []
    assert [item["id"] for item in usecases.sent(db, listing(author)).value["items"]] == [made]


def test_intake_sorts_what_has_no_unit_and_assigns_nobody(db: Database) -> None:
    made = usecases.create(db, new()).value["id"]
    with pytest.raises(Invalid) as refused:
        rights.assign(db, decide(A, made, "assign", unit="north", worker=A.subject))
    assert [(fault.pointer, fault.code) for fault in refused.value.fields] == [("/worker", "field.not_writable")]
    rights.assign(db, decide(A, made, "assign", unit="south"))
    with pytest.raises(NotAllowed):
        rights.assign(db, decide(A, made, "assign", unit="north"))


def test_allowed_actions_are_those_of_the_caller(db: Database, case: uuid.UUID) -> None:
    assert usecases.read(db, look(A, case)).value["allowed_actions"] == [
        "acknowledge",
        "accept",
        "decline",
        "forward",
        "revoke_consent",
    ]
    asked = look(FAR, case)
    asked.query = {"reason": "stand_in"}
    assert usecases.read(db, asked).value["allowed_actions"] == []


def test_what_a_role_does_not_see_is_not_even_opened(
    db: Database, case: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    coordinator = replace(CENTRE, subject="member:net", roles=frozenset({"network_coordinator"}))

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(db.keys, "open", refuse)
    outcome = usecases.read(db, look(coordinator, case))
    assert set(outcome.value) == rules.METADATA
    with pytest.raises(AssertionError):
        usecases.read(db, look(A, case))


FILL = """
WITH made AS (SELECT gen_random_uuid() AS id, n FROM generate_series(1, 5000) AS n), legs AS (
    INSERT INTO leg (id, episode_id, kind, sender_id, receiver_id, urgency, ordered, state, feedback_scope, created_at,
                     changed_at)
    SELECT id, id, 'ordinary', %(police)s, %(centre)s, 'urgent', false, 'sent', 'none', now(), now() FROM made)
INSERT INTO receiver_case (id, org_id, sender_id, state, urgency, version, key_id, personal, unit, restricted, sent_at,
                           changed_at)
SELECT id, %(centre)s, %(police)s, 'sent', 'urgent', 1, id, '', CASE WHEN n %% 2 = 0 THEN 'north' ELSE 'south' END,
       n %% 50 = 0, now() - n * interval '1 minute', now() FROM made
"""


def test_a_list_is_one_walk_along_its_index(db: Database, at: Settings) -> None:
    """No sort of the whole inbox and no question per line, however many cases there are."""
    with psycopg.connect(root_url(at, "referrals"), autocommit=True) as connection:
        connection.execute(FILL, {"police": POLICE.org_id, "centre": CENTRE.org_id})
        connection.execute("ANALYZE receiver_case, case_member")
    who = {"subject": A.subject, "units": sorted(A.units), "all_units": False}
    none = dict.fromkeys(("with", "urgency", "since", "until", "at", "after"))
    page = {**none, "overdue": False, "limit": 51, "now": clock.now()}
    inbox = lists.RECEIVED + lists.FILTERS + MAY_OPEN + lists.NEWEST
    with db.background("test", org=CENTRE.org_id) as work:
        plan = "\n".join(row["QUERY PLAN"] for row in work.all("EXPLAIN " + inbox, {**who, **page}))
    assert "receiver_case_inbox" in plan, plan
    assert "Seq Scan on receiver_case" not in plan
    assert "Sort" not in plan
    viewed = usecases.inbox(db, listing(A, limit=200)).value["items"]
    assert len(viewed) == 200
