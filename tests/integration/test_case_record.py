"""Notes, attempts, sessions, risk, drop-outs and amendments on a real database: who reads what, who is told."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from chassis import clock, erasure
from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from chassis.identity import Caller
from chassis.requests import Call
from chassis.settings import Settings
from services.referrals import usecases
from services.referrals.rules import reasons
from services.referrals.schemas import record as schemas
from services.referrals.store import copies
from services.referrals.usecases import amending, copying, reading, recording
from tests.support.databases import root_url
from tests.support.referrals import CENTRE, OTHER, POLICE, listing, look, move, new, seed
from tests.support.rows import rows

ACCEPTANCE = {"responsible": "Intake team", "next_step_on": "2026-12-01"}
START = {"started_on": "2026-11-02", "how": "first_session"}
WRITES: dict[str, tuple[Callable[[Database, Call], Any], Any]] = {
    "add_note": (recording.add_note, schemas.NewNote),
    "log_contact_attempt": (recording.log_contact_attempt, schemas.NewAttempt),
    "record_session": (recording.record_session, schemas.NewSession),
    "change_risk": (recording.change_risk, schemas.NewRisk),
    "drop_out": (recording.drop_out, schemas.NewDropOut),
    "amend": (amending.amend, schemas.Amendment),
}
SAFE = {"channel": "phone", "value": "+37060000000", "safe": "yes"}
SCOPES = ("none", "received_only", "attendance", "attendance_and_completion", "completion_and_goals", "full_report")


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    yield database
    database.close()


def write(db: Database, by: Caller, case: uuid.UUID, action: str, *, key: str | None = None, **body: Any) -> Any:
    act, shape = WRITES[action]
    call = replaced(listing(by), case, shape().load(body))
    call.route, call.idempotency_key = f"POST /referrals/{{referral_id}}/{action}", key
    if "version" in body:
        raise AssertionError
    return act(db, call)


def replaced(call: Call, case: uuid.UUID, body: dict[str, Any]) -> Call:
    call.path, call.body, call.raw = {"referral_id": case}, body, repr(body).encode()
    return call


def sign(db: Database, by: Caller, case: uuid.UUID) -> Any:
    return recording.sign_sessions(db, replaced(listing(by), case, {}))


def entries(db: Database, by: Caller, case: uuid.UUID, kind: str | None = None) -> list[dict[str, Any]]:
    call = replaced(listing(by, kind=kind, reason=None), case, {})
    found: list[dict[str, Any]] = reading.entries(db, call).value["items"]
    return found


def shown(db: Database, by: Caller, case: uuid.UUID) -> dict[str, Any]:
    value: dict[str, Any] = usecases.read(db, look(by, case)).value
    return value


def step(db: Database, by: Caller, case: uuid.UUID, action: str, **body: Any) -> Any:
    return usecases.move(db, move(by, case, action, shown(db, by, case)["version"], **body), action)


def created(db: Database, **changes: Any) -> uuid.UUID:
    made: uuid.UUID = usecases.create(db, new(**changes)).value["id"]
    return made


def started(db: Database, scope: str = "full_report", **changes: Any) -> uuid.UUID:
    case = created(db, feedback_scope=scope, **changes)
    step(db, CENTRE, case, "accept", **ACCEPTANCE)
    step(db, CENTRE, case, "start", **START)
    return case


def told(at: Settings, to: Caller) -> list[str]:
    query = "SELECT type FROM outbox WHERE audience = %s ORDER BY no"
    return [row[0] for row in rows(at, "referrals", query, (f"org:{to.org_id}",))]


def session(number: int, attended: str = "attended") -> dict[str, Any]:
    return {"number": number, "held_on": f"2026-11-{number:02}", "attended": attended, "minutes": 90}


def test_a_note_for_both_is_two_rows_with_two_keys_and_names_no_staff(db: Database, at: Settings) -> None:
    case = created(db)
    write(db, CENTRE, case, "add_note", text="Kanarėlė pastaba", visibility="both")
    (mine,), (theirs,) = entries(db, CENTRE, case), entries(db, POLICE, case)
    assert mine["content"] == theirs["content"] == {"text": "Kanarėlė pastaba"}
    assert (mine["by_subject"], theirs["by_subject"]) == (CENTRE.subject, None)
    assert mine["by"]["key"] == theirs["by"]["key"] == "lt-kavkc"
    keys = rows(at, "referrals", "SELECT DISTINCT key_id FROM case_entry")
    assert len(keys) == 2
    assert [kind for kind in told(at, POLICE) if "note" in kind] == ["referral.note_added"]
    for table in ("case_entry", "outbox", "audit", "history"):
        assert "Kanar" not in str(rows(at, "referrals", f"SELECT to_jsonb(t)::text FROM {table} AS t"))  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        entries(db, OTHER, case)


def test_an_own_note_stays_in_its_organisation_and_a_named_one_with_those_named(db: Database, at: Settings) -> None:
    case = created(db)
    write(db, CENTRE, case, "add_note", text="own", visibility="own_org")
    write(db, CENTRE, case, "add_note", text="few", visibility="named", named=["member:few"])
    few, many = replace(CENTRE, subject="member:few"), replace(CENTRE, subject="member:many")
    assert [each["content"]["text"] for each in entries(db, few, case)] == ["few", "own"]
    assert [each["content"]["text"] for each in entries(db, CENTRE, case)] == ["few", "own"]  # the author
    assert [each["content"]["text"] for each in entries(db, many, case)] == ["own"]
    assert entries(db, POLICE, case) == []
    assert told(at, POLICE) == ["referral.sent"]
    with pytest.raises(NotAllowed):
        write(
            db, replace(CENTRE, roles=frozenset({"network_coordinator"})), case, "add_note", text="x", visibility="both"
        )


@pytest.mark.parametrize("scope", SCOPES)
def test_a_receiver_writes_to_the_sender_only_what_the_scope_lets_him(db: Database, scope: str) -> None:
    case = created(db, feedback_scope=scope)
    note = {"text": "hello", "visibility": "both"}
    if scope == "none":
        with pytest.raises(Conflict, match="outside_scope"):
            write(db, CENTRE, case, "add_note", **note)
    else:
        write(db, CENTRE, case, "add_note", **note)
    step(db, CENTRE, case, "accept", **ACCEPTANCE)
    if scope in {"none", "received_only"}:
        with pytest.raises(Conflict, match="outside_scope"):
            write(db, CENTRE, case, "add_note", **note)
    else:
        write(db, CENTRE, case, "add_note", **note)
    write(db, POLICE, case, "add_note", **note)
    assert len(entries(db, CENTRE, case, "note")) == 1 + {"none": 0, "received_only": 1}.get(scope, 2)


def test_attempts_go_by_channels_that_may_be_used_and_count_at_different_times(db: Database) -> None:
    case = created(db, contact={**SAFE}, contact_via=None)
    step(db, CENTRE, case, "acknowledge")
    step(db, CENTRE, case, "accept", **ACCEPTANCE)
    for channel in ("email", "via", "post"):
        with pytest.raises(Invalid):
            attempt(db, case, "2026-11-02T08:00:00+02:00", channel=channel)
    with pytest.raises(Invalid, match="body"):
        attempt(db, case, "2126-11-02T08:00:00+02:00")
    given_up = {"reason": "not_reached"}
    attempt(db, case, "2026-11-02T08:00:00+02:00")
    attempt(db, case, "2026-11-02T08:30:00+02:00")
    attempt(db, case, "2026-11-02T12:00:00+02:00")
    with pytest.raises(Conflict, match="attempts_needed"):
        step(db, CENTRE, case, "end", **given_up)
    attempt(db, case, "2026-11-03T18:00:00+02:00", outcome="reached")
    attempt(db, case, "2026-11-04T18:00:00+02:00")
    with pytest.raises(Conflict, match="attempts_needed"):
        step(db, CENTRE, case, "end", **given_up)
    attempt(db, case, "2026-11-05T08:00:00+02:00", outcome="left_message")
    attempt(db, case, "2026-11-05T19:00:00+02:00")
    assert step(db, CENTRE, case, "end", **given_up).value["state"] == "ended"
    assert len(entries(db, CENTRE, case, "attempt")) == 7
    assert entries(db, POLICE, case) == []
    with pytest.raises(NotAllowed):
        attempt(db, case, "2026-11-05T19:00:00+02:00", by=POLICE)


def attempt(db: Database, case: uuid.UUID, when: str, *, by: Caller = CENTRE, **changes: Any) -> None:
    body = {"attempted_at": when, "channel": "phone", "outcome": "not_reached", **changes}
    write(db, by, case, "log_contact_attempt", **body)


@pytest.mark.parametrize("safe", ["no", "unknown"])
def test_a_channel_that_is_not_safe_takes_at_most_a_call_by_alias(db: Database, safe: str) -> None:
    case = created(db, contact={**SAFE, "safe": safe}, contact_via=None)
    step(db, CENTRE, case, "acknowledge")
    with pytest.raises(Invalid):
        attempt(db, case, "2026-11-02T08:00:00+02:00")
    if safe == "no":
        with pytest.raises(Invalid):
            attempt(db, case, "2026-11-02T08:00:00+02:00", by_alias=True)
    else:
        attempt(db, case, "2026-11-02T08:00:00+02:00", by_alias=True)


@pytest.mark.parametrize("scope", SCOPES)
def test_the_sender_learns_signed_counts_only_and_only_under_a_scope_with_attendance(
    db: Database, at: Settings, scope: str
) -> None:
    case = started(db, scope)
    for number, attended in enumerate(("attended", "attended", "excused", "absent"), start=1):
        write(db, CENTRE, case, "record_session", **session(number, attended))
    counts = {"held": 4, "attended": 2, "excused": 1, "absent": 1}
    assert shown(db, CENTRE, case)["attendance"] == counts
    assert shown(db, POLICE, case)["attendance"] is None
    sign(db, CENTRE, case)
    agreed = scope in {"attendance", "attendance_and_completion", "full_report"}
    assert shown(db, POLICE, case)["attendance"] == (counts if agreed else None)
    assert ("referral.attendance_signed" in told(at, POLICE)) == agreed
    assert "referral.session_recorded" not in told(at, POLICE)
    write(db, CENTRE, case, "record_session", **session(5))
    assert shown(db, POLICE, case)["attendance"] == (counts if agreed else None)
    kinds = {each["kind"] for each in entries(db, POLICE, case)}
    assert kinds == ({"attendance"} if agreed else set())
    with pytest.raises(NotAllowed):
        write(db, POLICE, case, "record_session", **session(6))


def test_a_session_is_replaced_until_it_is_signed(db: Database, at: Settings) -> None:
    case = started(db)
    write(db, CENTRE, case, "record_session", **session(1, "absent"))
    write(db, CENTRE, case, "record_session", **session(1, "excused"))
    (one,) = entries(db, CENTRE, case, "session")
    assert (one["number"], one["content"]["attended"], one["signed_at"]) == (1, "excused", None)
    sign(db, CENTRE, case)
    with pytest.raises(Conflict, match="signed"):
        write(db, CENTRE, case, "record_session", **session(1))
    write(db, CENTRE, case, "record_session", **session(1, "excused"))  # said again
    assert len(entries(db, CENTRE, case, "session")) == 1
    sign(db, CENTRE, case)  # nothing new
    assert told(at, CENTRE).count("referral.attendance_signed") == 1
    with pytest.raises(Invalid):
        write(db, CENTRE, case, "record_session", **{**session(2), "held_on": "2126-01-01"})


COMPLETION = {"ended_on": "2026-11-20", "outcome": "completed", "goals": [{"goal": "Peace", "level": "partly"}]}


def test_attendance_at_completion_is_counted_unless_it_is_given(db: Database) -> None:
    case = started(db)
    with pytest.raises(Invalid) as refused:
        step(db, CENTRE, case, "complete", **COMPLETION)
    assert refused.value.fields[0].pointer == "/attendance"
    write(db, CENTRE, case, "record_session", **session(1))
    step(db, CENTRE, case, "complete", **COMPLETION)
    counts = {"held": 1, "attended": 1, "excused": 0, "absent": 0}
    assert shown(db, CENTRE, case)["handling"]["attendance"] == counts
    assert shown(db, POLICE, case)["attendance"] == counts
    last = usecases.history(db, look(POLICE, case)).value["items"][-1]
    assert (last["details"]["attendance"], last["details"]["goals"]) == (counts, COMPLETION["goals"])
    given = started(db)
    write(db, CENTRE, given, "record_session", **session(1))
    other = {"held": 9, "attended": 8, "excused": 1, "absent": 0}
    step(db, CENTRE, given, "complete", **COMPLETION, attendance=other)
    assert shown(db, POLICE, given)["attendance"] == other


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("kind", ["change_risk", "drop_out"])
def test_risk_and_drop_out_of_the_receiver_reach_the_sender_under_a_full_report_only(
    db: Database, at: Settings, scope: str, kind: str
) -> None:
    case = started(db, scope)
    said = {
        "change_risk": {"risks": {"danger_to_others": "yes"}, "text": "Kanarėlė"},
        "drop_out": {"reason": "disengaged", "since": "2026-11-20", "text": "Kanarėlė"},
    }[kind]
    verb = {"change_risk": "referral.risk_changed", "drop_out": "referral.dropped_out"}[kind]
    write(db, CENTRE, case, kind, **said)
    assert (verb in told(at, POLICE)) == (scope == "full_report")
    assert verb in told(at, CENTRE)
    theirs = entries(db, POLICE, case)
    assert len(theirs) == (scope == "full_report")
    assert "Kanar" not in str(theirs)  # codes alone
    assert "yes" not in str(rows(at, "referrals", "SELECT data::text FROM outbox WHERE type = %s", (verb,)))
    assert shown(db, CENTRE, case)["state"] == "in_progress"


def test_a_risk_that_the_sender_tells_reaches_the_receiver_whatever_the_scope(db: Database, at: Settings) -> None:
    case = created(db, feedback_scope="none")
    write(db, POLICE, case, "change_risk", risks={"weapons": "yes"}, text="Hunting rifle")
    (one,) = entries(db, CENTRE, case, "risk")
    assert one["content"] == {"risks": {"weapons": "yes"}, "text": "Hunting rifle"}
    assert told(at, CENTRE)[-1] == "referral.risk_changed"


def amend(db: Database, case: uuid.UUID, *, by: Caller = POLICE, version: int | None = None, **body: Any) -> Any:
    call = replaced(listing(by), case, schemas.Amendment().load({"because": "Mistyped", **body}))
    call.expected_version = shown(db, by, case)["version"] if version is None else version
    return amending.amend(db, call)


def test_both_parties_see_amended_values_and_the_event_names_fields_only(db: Database, at: Settings) -> None:
    case = created(db, external_ref="A-7")
    person = {"name": "Kitas Vardas", "birth_year": 1990}
    outcome = amend(db, case, person=person, needs=["substance"])
    assert (outcome.value["person"], outcome.version) == (person, 2)
    assert outcome.value["external_ref"] == "A-7"
    theirs = shown(db, CENTRE, case)
    assert (theirs["person"], theirs["needs"], theirs["version"]) == (person, ["substance"], 2)
    for to in (POLICE, CENTRE):
        query = "SELECT data FROM outbox WHERE type = 'referral.amended' AND audience = %s"
        ((data,),) = rows(at, "referrals", query, (f"org:{to.org_id}",))
        assert data["fields"] == ["needs", "person"]
        assert "Kitas" not in str(data)
        last = usecases.history(db, look(to, case)).value["items"][-1]
        assert (last["transition"], last["to_state"]) == ("amend", "sent")
        before = {"needs": ["violence_own_use"], "person": {"name": "Demo Pavyzdys", "birth_year": 1985}}
        assert last["details"] == {"fields": ["needs", "person"], "because": "Mistyped", "before": before}
        assert last["by_subject"] == (POLICE.subject if to is POLICE else None)
    waiting = "SELECT count(*) FROM person_index_due WHERE record_id = %s"
    assert rows(at, "referrals", waiting, (case,)) == [(2,)]


def test_an_amendment_is_the_senders_of_the_version_he_read_and_leaves_a_way_to_the_man(db: Database) -> None:
    case = created(db)
    with pytest.raises(Stale):
        amend(db, case, version=7, person_informed="yes")
    with pytest.raises(NotAllowed):
        amend(db, case, by=CENTRE, person_informed="yes")
    with pytest.raises(Invalid):
        amend(db, case, contact_via=None)
    amend(db, case, contact_via=None, contact=SAFE)
    step(db, POLICE, case, "withdraw", reason="mistaken")
    with pytest.raises(Conflict) as refused:
        amend(db, case, person_informed="no")
    assert refused.value.code == "referral.not_possible"


def test_what_makes_no_sense_in_a_state_is_a_conflict_with_what_is_possible(db: Database) -> None:
    case = created(db)
    for action, body in (
        ("log_contact_attempt", {"attempted_at": "2026-11-02T08:00:00+02:00", "channel": "via", "outcome": "reached"}),
        ("record_session", session(1)),
        ("drop_out", {"reason": "disengaged", "since": "2026-11-20"}),
    ):
        with pytest.raises(Conflict) as refused:
            write(db, CENTRE, case, action, **body)
        assert "acknowledge" in refused.value.allowed
    draft = usecases.create(db, new(draft=True)).value["id"]
    with pytest.raises(Conflict):
        write(db, POLICE, draft, "add_note", text="x", visibility="own_org")


def test_the_same_key_writes_once(db: Database) -> None:
    case = started(db)
    for _ in range(2):
        write(db, CENTRE, case, "record_session", key="k-1", **session(1))
        write(db, POLICE, case, "add_note", key="k-2", text="once", visibility="both")
    assert [each["kind"] for each in entries(db, CENTRE, case)] == ["note", "session"]


def test_two_who_record_the_same_session_at_once_leave_one(db: Database) -> None:
    case = started(db)
    gate, faults = threading.Barrier(8), list[Exception]()

    def record(number: int) -> None:
        gate.wait()
        try:
            write(db, CENTRE, case, "record_session", **session(1, ("attended", "absent")[number % 2]))
        except Exception as error:  # noqa: BLE001 - all that goes wrong is told below
            faults.append(error)

    threads = [threading.Thread(target=record, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert faults == []
    assert len(entries(db, CENTRE, case, "session")) == 1


def test_erasing_a_record_takes_its_entries_and_nothing_comes_into_it_again(db: Database, at: Settings) -> None:
    case = created(db)
    write(db, POLICE, case, "add_note", text="for both", visibility="both")
    with db.background("test", org=CENTRE.org_id) as work:
        begun = erasure.begin(work, usecases.RECORDS, case, org=CENTRE.org_id, reason="request", basis="gdpr_17")
    erasure.finish(db, usecases.RECORDS, begun)
    left = "SELECT org_id FROM case_entry"
    assert rows(at, "referrals", left) == [(POLICE.org_id,)]
    write(db, POLICE, case, "add_note", text="again", visibility="both")
    amend(db, case, person_informed="no")
    assert {row[0] for row in rows(at, "referrals", left)} == {POLICE.org_id}


def test_history_tells_durations_and_labels_also_of_a_retired_code(
    db: Database, at: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = created(db)
    step(db, CENTRE, case, "acknowledge")
    step(db, CENTRE, case, "decline", reason="no_capacity")
    with psycopg.connect(root_url(at, "referrals")) as connection:
        query = "UPDATE history SET at = at - make_interval(secs => 60 * (4 - no)) WHERE org_id = %s"
        connection.execute(query, (CENTRE.org_id,))
    yesterday = clock.now().date() - dt.timedelta(days=1)
    table = tuple(
        replace(each, effective_to=yesterday) if each.code == "no_capacity" else each for each in reasons.REASONS
    )
    monkeypatch.setattr(reasons, "REASONS", table)
    call = look(CENTRE, case)
    call.query = {"reason": None, "lang": "fi"}
    steps = usecases.history(db, call).value["items"]
    assert [(each["to_state"], each["seconds"] and round(each["seconds"] / 60)) for each in steps] == [
        ("sent", 1),
        ("received", 1),
        ("declined", None),
    ]
    assert steps[-1]["reason_label"] == "Ei vapaita paikkoja"
    other = created(db)
    with pytest.raises(Invalid) as refused:
        step(db, CENTRE, other, "decline", reason="no_capacity")
    assert refused.value.code == "reason.not_in_force"
    assert "out_of_area" in refused.value.fields[0].detail


def copied(db: Database, by: Caller, case: uuid.UUID, lang: str = "lt") -> dict[str, Any]:
    call = replaced(listing(by, lang=lang), case, {})
    value: dict[str, Any] = copying.copy(db, call, demo=True).value
    return value


def test_both_sides_print_the_persons_copy_and_it_is_on_record(db: Database, at: Settings) -> None:
    case = created(db, reason="Kanarėlė")
    for by in (POLICE, CENTRE):
        made = copied(db, by, case)
        assert made["title"] == "Jūsų nukreipimo kopija"
        assert "Demo Pavyzdys, 1985" in made["parts"][0]["lines"]
        assert "Kanar" not in str(made)
    audit = "SELECT org_id FROM audit WHERE operation = 'referral.copy' ORDER BY at"
    assert rows(at, "referrals", audit) == [(POLICE.org_id,), (CENTRE.org_id,)]
    with pytest.raises(NotFound):
        copied(db, OTHER, case)
    coordinator = replace(CENTRE, roles=frozenset({"network_coordinator"}))
    with pytest.raises(NotAllowed):
        copied(db, coordinator, case)
    page = copying.page(db, replaced(listing(POLICE, lang="sv"), case, {}), demo=True)
    assert b"Din kopia" in page.value
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_there_is_no_copy_of_a_draft_and_none_of_what_was_an_error(db: Database) -> None:
    draft = usecases.create(db, new(draft=True)).value["id"]
    with pytest.raises(Conflict):
        copied(db, POLICE, draft)
    case = created(db)
    step(db, POLICE, case, "mark_error", text="Twice")
    for by in (POLICE, CENTRE):
        with pytest.raises(NotAllowed, match="personal_closed"):
            copied(db, by, case)
        with pytest.raises(NotAllowed, match="personal_closed"):
            entries(db, by, case)


def test_after_a_withdrawn_consent_the_sender_neither_reads_nor_writes_the_record(db: Database) -> None:
    case = created(db)
    write(db, POLICE, case, "add_note", text="before", visibility="both")
    assert "Jūsų sutikimas" in str(copied(db, POLICE, case))
    step(db, POLICE, case, "revoke_consent", reported_by="person", revoked_at="2026-11-20T10:00:00+02:00")
    with pytest.raises(NotAllowed, match="personal_closed"):
        entries(db, POLICE, case)
    with pytest.raises(NotAllowed, match="personal_closed"):
        copied(db, POLICE, case)
    with pytest.raises(NotAllowed, match="personal_closed"):
        write(db, POLICE, case, "add_note", text="after", visibility="own_org")


def test_names_of_organisations_come_from_the_directory(db: Database) -> None:
    case = created(db)
    with db.background("test") as work:
        copy = {"org_id": POLICE.org_id, "key": "lt-police", "type": "police", "country": "LT", "status": "active"}
        copies.keep_partner(work, {**copy, "names": {"lt": "Lietuvos policija", "en": "Police"}, "version": 2})
    assert "Lietuvos policija" in str(copied(db, CENTRE, case)["parts"])
    assert "lt-kavkc" in str(copied(db, CENTRE, case)["parts"])


@pytest.mark.parametrize("scope", ["none", "received_only", "full_report"])
def test_a_warning_is_read_before_anybody_meets_the_person(db: Database, at: Settings, scope: str) -> None:
    case = created(db, warning="Kanarėlė: a large dog", feedback_scope=scope, contact=SAFE, contact_via=None)
    assert (shown(db, CENTRE, case)["warning"], shown(db, CENTRE, case)["warning_read"]) == (
        "Kanarėlė: a large dog",
        False,
    )
    step(db, CENTRE, case, "acknowledge")
    for action, body in (("accept", ACCEPTANCE), ("start_assessment", {"assessor": "A", "planned_on": "2026-12-01"})):
        with pytest.raises(Conflict, match="unread"):
            step(db, CENTRE, case, action, **body)
    with pytest.raises(Conflict, match="unread"):
        attempt(db, case, "2026-11-02T08:00:00+02:00")
    with pytest.raises(NotAllowed):
        confirm(db, POLICE, case)
    for _ in range(2):
        confirm(db, CENTRE, case)
    assert shown(db, CENTRE, case)["warning_read"]
    receipts = entries(db, POLICE, case, "receipt")
    assert [each["by_subject"] for each in receipts] == ([] if scope == "none" else [None])
    assert ("referral.warning_read" in told(at, POLICE)) == (scope != "none")
    other = replace(CENTRE, subject="member:other")
    with pytest.raises(Conflict, match="unread"):  # each reads for himself
        step(db, other, case, "accept", **ACCEPTANCE)
    amend(db, case, warning="Two dogs")
    with pytest.raises(Conflict, match="unread"):  # it is another warning now
        step(db, CENTRE, case, "accept", **ACCEPTANCE)
    confirm(db, CENTRE, case)
    assert step(db, CENTRE, case, "accept", **ACCEPTANCE).value["state"] == "accepted"
    assert "dog" not in str(copied(db, POLICE, case))


def test_where_is_no_warning_nothing_is_confirmed(db: Database, at: Settings) -> None:
    case = created(db)
    confirm(db, CENTRE, case)
    assert entries(db, CENTRE, case) == []
    assert "referral.warning_read" not in told(at, CENTRE)


def confirm(db: Database, by: Caller, case: uuid.UUID) -> None:
    recording.read_warning(db, replaced(listing(by), case, {}))


def running(db: Database, by: Caller, case: uuid.UUID) -> dict[str, dict[str, Any]]:
    return {each["clock"]: each for each in shown(db, by, case)["clocks"]}


def test_an_attempt_stops_the_clock_of_the_first_contact_and_signed_counts_are_an_update(db: Database) -> None:
    case = created(db, feedback_scope="attendance", contact=SAFE, contact_via=None)
    step(db, CENTRE, case, "accept", **ACCEPTANCE)
    assert "C3" in running(db, CENTRE, case)
    attempt(db, case, "2026-11-02T08:00:00+02:00")
    assert "C3" not in running(db, CENTRE, case)
    step(db, CENTRE, case, "start", **START)
    before = running(db, CENTRE, case)["C6"]["started_at"]
    write(db, CENTRE, case, "record_session", **session(1))
    assert running(db, CENTRE, case)["C6"]["started_at"] == before
    sign(db, CENTRE, case)
    assert running(db, CENTRE, case)["C6"]["started_at"] > before
    assert running(db, POLICE, case)["C6"]["started_at"] > before
