"""The legal basis on a real database: templates, what is refused at submit, withdrawal and its race with a yes."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotAllowed, NotFound, Refused, Stale
from chassis.identity import Caller
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from services.referrals import usecases
from services.referrals.schemas import legal as shapes
from services.referrals.schemas.transitions import EXAMPLES
from services.referrals.usecases import area, templates
from tests.support.databases import root_url
from tests.support.referrals import CENTRE, OTHER, POLICE, decide, look, move, new, seed

ACCEPTANCE = {"responsible": "Intake team", "next_step_on": "2026-12-01"}
REVOKED = {"reported_by": "person", "revoked_at": "2026-12-02T10:00:00+02:00"}
NEWCOMER = Caller("client:test:new", uuid.UUID(int=77), "lt-new", POLICE.roles, "t9")
OFFICER = Caller("member:officer", NEWCOMER.org_id, "lt-new", frozenset({"dpo"}), "t8")
SERVICE = "lt-kavkc-behaviour-change"
ELSEWHERE = "lt-kapvc-consultations"


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


def created(db: Database, by: Caller = POLICE, **changes: Any) -> uuid.UUID:
    made: uuid.UUID = usecases.create(db, new(by, **changes)).value["id"]
    return made


def revoke(by: Caller, referral: uuid.UUID, version: int, **more: Any) -> Call:
    return move(by, referral, "revoke_consent", version, **{**REVOKED, **more})


def refused(use: Callable[[], object]) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        use()
    return [(each.pointer, each.code) for each in caught.value.fields]


def approving(by: Caller, body: dict[str, Any], *, version: int | None = None) -> Call:
    call = decide(by, uuid.UUID(int=1), "-")
    call.body, call.expected_version = body, version
    call.path = {} if version is None else {"name": body.pop("name")}
    return call


# -- at submit ---------------------------------------------------------------------------------------------------------


def test_ten_fields_carry_a_whole_basis_which_each_side_sees_as_far_as_it_may(db: Database, at: Settings) -> None:
    referral = created(db)
    mine = usecases.read(db, look(POLICE, referral)).value["legal_basis"]
    theirs = usecases.read(db, look(CENTRE, referral)).value["legal_basis"]
    assert (mine["kind"], mine["template"], mine["template_version"]) == ("consent", "consent", 1)
    assert mine["consent"]["taken_by"] == POLICE.subject
    assert mine["consent"]["scope_orgs"] == ["lt-kavkc"]
    assert theirs["kind"] == "consent"
    assert "template" not in theirs
    assert POLICE.subject not in str(theirs)
    shape = shapes.LegalBasisView()
    assert shape.dump(mine)["gdpr10"]["authorising_law"] == templates.DEMO_LAW
    assert rows(at, "SELECT valid_until = current_date + 365 FROM leg") == [(True,)]
    assert rows(at, "SELECT consent_until FROM sender_record") == rows(at, "SELECT consent_until FROM receiver_case")


def test_an_order_is_carried_by_its_template_and_its_reference(db: Database, at: Settings) -> None:
    basis = {"template": "probation-condition", "reference": "PB-9", "valid_until": "2099-01-31"}
    referral = created(db, ordered=True, order_reference="N-1", legal_basis=basis)
    seen = usecases.read(db, look(CENTRE, referral)).value["legal_basis"]
    assert (seen["kind"], seen["reference"], seen["valid_until"]) == ("probation_condition", "PB-9", "2099-01-31")
    assert rows(at, "SELECT valid_until::text FROM leg") == [("2099-01-31",)]
    assert rows(at, "SELECT consent_until FROM sender_record") == [(None,)]


@pytest.mark.parametrize(
    ("basis", "pointer", "code"),
    [
        ({"template": "unheard-of"}, "/legal_basis/template", "legal_basis.template_unknown"),
        ({"consent": {"valid_until": "2020-01-01"}}, "/legal_basis/consent/valid_until", "legal_basis.consent_expired"),
        (
            {"consent": {"withdrawn_at": "2026-01-01"}},
            "/legal_basis/consent/withdrawn_at",
            "legal_basis.consent_withdrawn",
        ),
        (
            {"consent": {"scope_orgs": ["lt-kapvc"]}},
            "/legal_basis/consent/scope_orgs",
            "legal_basis.consent_other_receiver",
        ),
        ({"template": "protection-order"}, "/legal_basis/reference", "legal_basis.reference_missing"),
        ({"valid_until": "2020-01-01"}, "/legal_basis/valid_until", "legal_basis.expired"),
        (
            {"kind": "consent", "gdpr6": "a", "gdpr9": "a", "consent": {},
             "gdpr10": {"contains_offence_data": True, "authorising_law": None}},
            "/legal_basis/gdpr10/authorising_law",
            "legal_basis.offence_data_without_law",
        ),
    ],
)  # fmt: skip
def test_what_carries_nothing_is_refused_and_leaves_nothing(
    db: Database, at: Settings, basis: dict[str, Any], pointer: str, code: str
) -> None:
    assert refused(lambda: created(db, legal_basis=basis)) == [(pointer, code)]
    assert rows(at, "SELECT count(*) FROM leg") == [(0,)]


def test_a_draft_is_checked_when_it_is_sent(db: Database) -> None:
    draft = usecases.create(db, new(draft=True, legal_basis={"consent": {"valid_until": "2020-01-01"}}))
    assert draft.value["legal_basis"]["consent"]["valid_until"] == "2020-01-01"
    call = move(POLICE, draft.value["id"], "submit", 1)
    assert refused(lambda: usecases.submit(db, call)) == [
        ("/legal_basis/consent/valid_until", "legal_basis.consent_expired")
    ]


# -- templates ---------------------------------------------------------------------------------------------------------


def join(db: Database, at: Settings) -> None:
    rows(at, f"INSERT INTO partner VALUES ('{NEWCOMER.org_id}', 'lt-new', 'police', 'LT', 'active', 1)")


def test_an_organisation_without_templates_gets_them_by_one_request_of_its_officer(db: Database, at: Settings) -> None:
    join(db, at)
    assert refused(lambda: created(db, NEWCOMER)) == [("/legal_basis", "legal_basis.no_template")]
    made = templates.approve_standard(
        db, approving(OFFICER, {"authorising_law": "Invented law", "onward_sharing": "none"})
    )
    assert [each["version"] for each in made.value["items"]] == [1] * 8
    assert {each["approved_by"] for each in made.value["items"]} == {"member:officer"}
    again = templates.approve_standard(db, approving(OFFICER, {"authorising_law": "Another", "onward_sharing": "none"}))
    assert again.value["items"] == made.value["items"]
    assert (
        usecases.read(db, look(NEWCOMER, created(db, NEWCOMER))).value["legal_basis"]["approved_by"] == "member:officer"
    )
    shape = shapes.TemplateView()
    assert shape.dump(made.value["items"][0])["name"] == "child-duty"


def test_a_template_is_approved_changed_and_taken_out_of_use_by_versions(db: Database, at: Settings) -> None:
    join(db, at)
    body = shapes.NewTemplate().load({**shapes.NEW_TEMPLATE_EXAMPLE, "name": "order", "default_for": "voluntary"})
    assert templates.approve(db, approving(OFFICER, dict(body))).version == 1
    assert templates.approve(db, approving(OFFICER, dict(body))).version == 1
    with pytest.raises(Conflict):
        templates.approve(db, approving(OFFICER, {**body, "gdpr6": "e"}))
    sent = created(db, NEWCOMER, legal_basis={"reference": "N-1"})
    with pytest.raises(Stale):
        templates.replace(db, approving(OFFICER, dict(body), version=7))
    changed = templates.replace(db, approving(OFFICER, {**body, "gdpr6": "e"}, version=1))
    assert (changed.version, changed.value["gdpr6"]) == (2, "e")
    templates.replace(db, approving(OFFICER, {**body, "active": False}, version=2))
    assert refused(lambda: created(db, NEWCOMER)) == [("/legal_basis", "legal_basis.no_template")]
    kept = usecases.read(db, look(NEWCOMER, sent)).value["legal_basis"]
    assert (kept["template"], kept["template_version"], kept["gdpr6"]) == ("order", 1, "c")
    assert rows(at, "SELECT version FROM legal_template WHERE name = 'order' ORDER BY 1") == [(1,), (2,), (3,)]
    with pytest.raises(NotFound):
        templates.replace(db, approving(OFFICER, {**body, "name": "nothing"}, version=1))


def test_templates_are_nobodys_but_the_organisations(db: Database) -> None:
    with db.background("test", org=OTHER.org_id) as work:
        assert {row["org_id"] for row in work.all("SELECT org_id FROM legal_template")} == {OTHER.org_id}
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        db.background("test", org=OTHER.org_id) as work,
    ):
        work.run("UPDATE legal_template SET approved_by = 'somebody'")


# -- the end of a consent ----------------------------------------------------------------------------------------------


def closed(outcome: Outcome) -> bool:
    shut = outcome.value["personal_closed"]
    assert ("person" in outcome.value) is not shut
    assert ("legal_basis" in outcome.value) is not shut
    return bool(shut)


def test_a_withdrawal_before_acceptance_ends_every_read_at_once(db: Database) -> None:
    referral = created(db)
    assert closed(usecases.move(db, revoke(POLICE, referral, 1), "revoke_consent"))
    for by in (POLICE, CENTRE):
        seen = usecases.read(db, look(by, referral))
        assert closed(seen)
        assert seen.value["state"] == "withdrawn"
        assert all(step["details"] is None for step in usecases.history(db, look(by, referral)).value["items"])
    with pytest.raises(Refused):
        usecases.resend(db, decide(POLICE, referral, "resend", service=SERVICE, receiver=None, urgency=None))


def test_told_by_the_receiver_the_sender_learns_that_it_is_closed_and_not_why(db: Database, at: Settings) -> None:
    referral = created(db)
    usecases.move(db, revoke(CENTRE, referral, 1), "revoke_consent")
    seen = usecases.read(db, look(POLICE, referral)).value
    assert (seen["state"], seen["reason_code"], seen["personal_closed"]) == ("closed", None, True)
    assert "consent" not in str(rows(at, f"SELECT data::text FROM outbox WHERE audience = 'org:{POLICE.org_id}'"))


@pytest.mark.parametrize(("stays", "kept", "shut"), [(True, True, False), (None, False, False), (False, False, True)])
def test_a_service_that_treats_him_goes_on_if_he_wishes(
    db: Database,
    stays: bool | None,  # noqa: FBT001 -- columns of the table
    kept: bool,  # noqa: FBT001
    shut: bool,  # noqa: FBT001
) -> None:
    referral = created(db)
    usecases.accept(db, move(CENTRE, referral, "accept", 1, **ACCEPTANCE))
    usecases.move(db, revoke(CENTRE, referral, 3, stays_with_service=stays), "revoke_consent")
    theirs = usecases.read(db, look(CENTRE, referral))
    assert (closed(theirs), theirs.value["kept_as_self_referral"]) == (shut, kept)
    assert closed(usecases.read(db, look(POLICE, referral)))


def test_an_acceptance_that_was_taken_back_is_no_treatment(db: Database) -> None:
    referral = created(db)
    usecases.accept(db, move(CENTRE, referral, "accept", 1, **ACCEPTANCE))
    usecases.move(db, move(CENTRE, referral, "undo_decision", 3, note="Too soon."), "undo_decision")
    usecases.move(db, revoke(POLICE, referral, 2, stays_with_service=True), "revoke_consent")
    assert closed(usecases.read(db, look(CENTRE, referral)))


ORDERS = [
    {"template": "court-order"},
    {"template": "protection-order"},
    {"template": "probation-condition"},
    {"template": "child-duty"},
    {"template": "danger-to-life"},
]


@pytest.mark.parametrize("basis", ORDERS, ids=lambda each: each["template"])
def test_order_and_duty_stand_and_the_objection_is_kept(db: Database, basis: dict[str, str]) -> None:
    referral = created(db, ordered=True, order_reference="N-1", legal_basis=basis)
    answer = usecases.move(db, revoke(CENTRE, referral, 1), "revoke_consent")
    assert (answer.value["state"], answer.version) == ("sent", 1)
    assert answer.value["objected_at"] is not None
    for by in (POLICE, CENTRE):
        seen = usecases.read(db, look(by, referral))
        assert not closed(seen)
        assert seen.value["objected_at"] is not None
    assert usecases.accept(db, move(CENTRE, referral, "accept", 1, **ACCEPTANCE)).value["state"] == "accepted"


def test_a_consent_that_ran_out_shuts_those_who_do_not_treat_him(db: Database, at: Settings) -> None:
    treated, waiting = created(db), created(db)
    usecases.accept(db, move(CENTRE, treated, "accept", 1, **ACCEPTANCE))
    for table in ("sender_record", "receiver_case"):
        rows(at, f"UPDATE {table} SET consent_until = current_date - 1")
    assert not closed(usecases.read(db, look(CENTRE, treated)))
    assert closed(usecases.read(db, look(CENTRE, waiting)))
    assert closed(usecases.read(db, look(POLICE, treated)))
    rows(at, "UPDATE receiver_case SET consent_until = current_date")
    assert not closed(usecases.read(db, look(CENTRE, waiting)))


def test_a_consent_that_ran_out_carries_nobody_on(db: Database, at: Settings) -> None:
    """No acceptance opens again what has ended; what ends the referral stays possible."""
    referral, treated = created(db), created(db)
    usecases.accept(db, move(CENTRE, treated, "accept", 1, **ACCEPTANCE))
    for table in ("sender_record", "receiver_case"):
        rows(at, f"UPDATE {table} SET consent_until = current_date - 1")
    usecases.acknowledge(db, move(CENTRE, referral, "acknowledge", 1))
    for action in ("accept", "waitlist", "start_assessment", "forward"):
        with pytest.raises(NotAllowed) as refusal:
            usecases.move(db, move(CENTRE, referral, action, 2, **EXAMPLES[action]), action)
        assert refusal.value.code == "referral.personal_closed"
    assert usecases.decline(db, move(CENTRE, referral, "decline", 2, reason="no_capacity")).value["state"] == "declined"
    begun = usecases.move(db, move(CENTRE, treated, "start", 3, **EXAMPLES["start"]), "start")
    assert begun.value["state"] == "in_progress"


def test_what_needs_the_personal_part_is_refused_once_it_is_shut(db: Database) -> None:
    referral = created(db)
    usecases.move(db, revoke(POLICE, referral, 1), "revoke_consent")
    from services.referrals.rules import rights  # noqa: PLC0415 -- beside what it shows

    rights.check_open("referral.read", "2026-11-26")
    with pytest.raises(NotAllowed) as refusal:
        rights.check_open("referral.add_note", "2026-11-26")
    assert refusal.value.code == "referral.personal_closed"


@pytest.mark.parametrize("word", ["none", "ask_sender", "allowed"])
def test_it_is_passed_on_as_far_as_he_said(db: Database, at: Settings, word: str) -> None:
    referral = created(db, legal_basis={"consent": {"onward_sharing": word}})
    call = move(CENTRE, referral, "forward", 1, service=ELSEWHERE, reason="other_service_better")
    if word == "allowed":
        assert usecases.move(db, call, "forward").value["state"] == "forwarded"
        assert rows(at, "SELECT count(*) FROM receiver_case") == [(2,)]
    else:
        assert refused(lambda: usecases.move(db, call, "forward")) == [
            ("/service", "legal_basis.consent_other_receiver")
        ]
        assert rows(at, "SELECT state FROM leg") == [("sent",)]


def test_sent_elsewhere_he_is_asked_again(db: Database) -> None:
    referral = created(db)
    usecases.decline(db, move(CENTRE, referral, "decline", 1, reason="no_capacity"))
    call = decide(POLICE, referral, "resend", service=ELSEWHERE, receiver=None, urgency=None)
    seen = usecases.resend(db, call).value
    assert seen["legal_basis"]["consent"]["scope_orgs"] == ["lt-kapvc"]


QUEUED: dict[str, Any] = {"service": None, "area": "LT:Raseiniai"}


def test_a_consent_goes_to_a_queue_only_if_it_names_the_area(db: Database, at: Settings) -> None:
    named = {"consent": {"scope_orgs": ["lt-kavkc"]}}
    where = [("/legal_basis/consent/scope_orgs", "legal_basis.consent_other_receiver")]
    assert refused(lambda: created(db, **QUEUED, legal_basis=named)) == where
    referral = created(db, **QUEUED)
    mine = usecases.read(db, look(POLICE, referral)).value["legal_basis"]
    assert mine["consent"]["scope_orgs"] == ["area:lt:raseiniai"]
    taken = area.take(db, taking(at), "accept").value
    assert (taken["id"], "template" in taken["legal_basis"]) == (referral, False)
    assert rows(at, "SELECT consent_until = current_date + 365 FROM receiver_case") == [(True,)]
    assert rows(at, "SELECT valid_until = current_date + 365 FROM leg") == [(True,)]


def test_nobody_takes_from_the_queue_what_a_consent_carries_no_more(db: Database, at: Settings) -> None:
    created(db, **QUEUED, legal_basis={"consent": {"valid_until": clock.now().date().isoformat()}})
    later = clock.now() + dt.timedelta(days=2)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(clock, "now", lambda: later)
        with pytest.raises(NotAllowed) as refusal:
            area.take(db, taking(at), "accept")
    assert refusal.value.code == "referral.personal_closed"
    assert rows(at, "SELECT count(*) FROM receiver_case") == [(0,)]


def test_back_in_the_queue_it_is_bound_as_before(db: Database, at: Settings) -> None:
    first = created(db, **QUEUED)
    area.take(db, taking(at), "acknowledge")
    usecases.decline(db, move(CENTRE, first, "decline", 2, reason="no_capacity"))
    assert rows(at, "SELECT count(*) FROM leg WHERE valid_until = current_date + 365") == [(2,)]
    assert rows(at, "SELECT count(*) FROM sender_record WHERE consent_until = current_date + 365") == [(2,)]


def taking(at: Settings) -> Call:
    """The centre's call for its one open card."""
    ((offer,),) = rows(at, f"SELECT id FROM area_offer WHERE org_id = '{CENTRE.org_id}' AND state = 'open'")
    call = decide(CENTRE, uuid.UUID(int=0), "card", **ACCEPTANCE)
    call.path = {"offer_id": offer}
    return call


def raced(db: Database, referral: uuid.UUID) -> tuple[str, str]:
    """How an acceptance and a withdrawal end that begin at the same moment."""
    answers: dict[str, str] = {}
    barrier = threading.Barrier(2)

    def go(name: str, use: Callable[[], object]) -> None:
        barrier.wait()
        try:
            use()
            answers[name] = "done"
        except Refused as refusal:
            answers[name] = refusal.code

    calls: list[tuple[str, Callable[[], object]]] = [
        ("accept", lambda: usecases.accept(db, move(CENTRE, referral, "accept", 1, **ACCEPTANCE))),
        ("revoke", lambda: usecases.move(db, revoke(POLICE, referral, 1), "revoke_consent")),
    ]
    threads = [threading.Thread(target=go, args=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers["accept"], answers["revoke"]


# An acceptance passes `received` on the way, which the sender is told: his version is old then.
LAWFUL = {("done", "referral.stale"): "accepted", ("referral.not_possible", "done"): "withdrawn"}


@pytest.mark.parametrize("_time", range(8))
def test_a_withdrawal_racing_an_acceptance_leaves_nobody_reading_who_does_not_treat(
    db: Database, at: Settings, _time: int
) -> None:
    """Whoever comes first has the lock; afterwards nobody reads but a service that took him before."""
    referral = created(db)
    state = LAWFUL[raced(db, referral)]
    assert rows(at, "SELECT state FROM leg") == [(state,)]
    for by in (POLICE, CENTRE):
        assert closed(usecases.read(db, look(by, referral))) is (state == "withdrawn")
    if state == "accepted":
        usecases.move(db, revoke(POLICE, referral, 2), "revoke_consent")
        assert closed(usecases.read(db, look(POLICE, referral)))
        assert not closed(usecases.read(db, look(CENTRE, referral)))


def test_without_the_lock_both_would_win(db: Database, at: Settings) -> None:
    """The control: the same race over a leg that nobody locks."""
    rows(
        at,
        """CREATE OR REPLACE FUNCTION leg_locked(wanted uuid) RETURNS SETOF leg LANGUAGE plpgsql SECURITY DEFINER
           SET search_path = public AS $$
           BEGIN
               RETURN QUERY SELECT l.* FROM leg AS l WHERE l.id = $1 AND acting_org() IN (l.sender_id, l.receiver_id);
               PERFORM pg_sleep(0.3);
           END $$""",
    )
    assert raced(db, created(db)) not in LAWFUL
