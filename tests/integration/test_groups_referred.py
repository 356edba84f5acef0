"""Men whom a referral leads into a group, on a real database: made, told to referrals, capped, signed for, cut."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.envelope import Received
from chassis.errors import Conflict, Invalid, NotFound
from chassis.identity import Caller
from chassis.settings import Settings
from services.groups import schemas, usecases
from services.groups.usecases import history, referred
from tests.support.databases import root_url
from tests.support.group_sessions import attendance_step, entered
from tests.support.group_staff import COORDINATOR, INTAKE, LEADER, programme, step
from tests.support.groups import CENTRE, OTHER, call, opened, own, roster, sign_up

DUE = dt.date(2027, 3, 1)
MAIL = {"channel": "email", "value": "man@example.org"}


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("groups")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "groups")
    yield database
    database.close()


def query(at: Settings, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "groups")) as connection:
        cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []


def heard(
    db: Database, state: str, *, version: int = 2, referral: uuid.UUID | None = None, **changes: Any
) -> uuid.UUID:
    """The service hears of a referral that the centre received; its id."""
    referral_id = referral or clock.new_id()
    data = {"state": state, "kind": "ordinary", "version": version, "receiver_id": str(CENTRE.org_id)}
    event = Received(
        id=clock.new_id(),
        type=f"referral.{state}",
        version=1,
        source="referrals",
        subject=referral_id,
        audience=f"org:{CENTRE.org_id}",
        sequence=version,
        time=clock.now(),
        data={**data, "sender_id": str(OTHER.org_id), **changes},
    )
    with db.background("test") as work:
        usecases.keep_referral(work, event)
    return referral_id


def mixed(db: Database, *, capacity: int = 4, **changes: Any) -> uuid.UUID:
    """An open group whose programme takes men who were sent."""
    made = programme(db, intake="none", mandated="yes", **changes)
    return opened(db, kind="guided", programme=made["key"], capacity=capacity)


def for_him(
    db: Database, group: uuid.UUID, by: Caller = INTAKE, *, key: str | None = None, **changes: Any
) -> dict[str, Any]:
    """What a worker is answered who signs a man up."""
    body = {"alias": "Sent", "language": "lt", "pin": "2580"}
    asked = call(
        "POST /groups/{group_id}/signups",
        by,
        {**schemas.SignUpForHim().load(body), **changes},
        path={"group_id": group},
        operation="signup.create_for",
        idempotency_key=key,
    )
    value: dict[str, Any] = referred.sign_up_for_him(db, asked).value
    return value


def told(at: Settings, kind: str) -> list[dict[str, Any]]:
    return [row[0] for row in query(at, f"SELECT data FROM outbox WHERE type = '{kind}' ORDER BY no")]


def test_each_step_is_told_inside_and_the_referral_to_nobody_else(db: Database, at: Settings) -> None:
    group, referral = mixed(db), heard(db, "accepted")
    man = for_him(db, group, referral_id=referral)
    assert man["state"] == "confirmed"
    assert [each["state"] for each in told(at, "placement.changed")] == ["waiting", "confirmed"]
    assert query(at, "SELECT DISTINCT audience FROM outbox WHERE type LIKE 'placement.%'") == [("",)]
    outside = query(at, "SELECT data::text FROM outbox WHERE audience <> ''")
    assert not any(str(referral) in row[0] for row in outside)
    placement = query(at, "SELECT placement_id FROM sign_up WHERE placement_id IS NOT NULL")[0][0]
    with db.background("test") as work:
        standing = history.BASELINES["placement"].state(work, placement, "")
    assert standing is not None
    assert (standing["signup_id"], standing["referral_id"], standing["state"]) == (
        man["signup_id"],
        referral,
        "confirmed",
    )
    assert own(db, "status", man)["state"] == "confirmed"


def test_what_may_not_be_made_of_a_referral(db: Database) -> None:
    group, peer = mixed(db), opened(db)
    only = opened(db, kind="guided", programme=programme(db, intake="none", mandated="only")["key"])
    voluntary = opened(db, kind="guided", programme=programme(db, intake="none")["key"])
    good, sent, concern = heard(db, "accepted"), heard(db, "sent"), heard(db, "received", kind="child_concern")
    refused: list[tuple[uuid.UUID, dict[str, Any], type[Exception], str]] = [
        (peer, {"referral_id": good}, Invalid, "signup.peer_keeps_none"),
        (group, {"referral_id": clock.new_id()}, Invalid, "signup.no_referral"),
        (group, {"referral_id": concern}, Invalid, "signup.no_referral"),
        (group, {"mandated": True}, Invalid, "signup.no_referral"),
        (group, {"due_on": DUE}, Invalid, "signup.due_on"),
        (voluntary, {"referral_id": good, "mandated": True}, Invalid, "signup.voluntary_only"),
        (only, {"referral_id": good}, Invalid, "signup.mandated_only"),
        (group, {"referral_id": sent}, Conflict, "signup.referral_not_open"),
    ]
    for where, body, kind, code in refused:
        with pytest.raises(kind, match=code.replace(".", r"\.")):
            for_him(db, where, **body)
    with pytest.raises(NotFound):
        for_him(db, group, LEADER)
    with pytest.raises(NotFound):
        for_him(db, group, OTHER)


def test_one_referral_has_one_live_sign_up_in_a_group(db: Database, at: Settings) -> None:
    group, referral = mixed(db), heard(db, "accepted")
    first = [for_him(db, group, referral_id=referral, key="k") for _ in range(2)]
    assert first[0] == first[1]
    with pytest.raises(Conflict, match=r"signup\.referral_live"):
        for_him(db, group, referral_id=referral)
    for_him(db, group, contact=MAIL)
    with pytest.raises(Conflict, match=r"signup\.live"):
        for_him(db, group, contact=MAIL)
    assert query(at, "SELECT count(*) FROM sign_up") == [(2,)]


def test_men_who_were_sent_come_first_up_to_their_share(db: Database) -> None:
    group = mixed(db, capacity=4)  # two of four
    sent = [for_him(db, group, referral_id=heard(db, "accepted"), mandated=True) for _ in range(3)]
    assert [man["state"] for man in sent] == ["confirmed", "confirmed", "waiting"]
    assert sent[2]["why"]["code"] == "share_reached"
    own_man = sign_up(db, group)
    assert own_man["state"] == "offered"  # he may pass the one who waits at the cap, by the rule and by name
    assert sign_up(db, group)["state"] == "offered"
    last = sign_up(db, group)
    assert (last["state"], last["place"], last["why"]["code"]) == ("waiting", 2, "no_seat")
    step(db, "withdraw", group, sent[0], COORDINATOR)
    assert own(db, "status", sent[2])["state"] == "offered"


def test_who_may_not_begin_by_his_day_is_told_at_once(db: Database, at: Settings) -> None:
    group = mixed(db, capacity=2)  # begins on 11 January 2027; one seat for men who were sent
    early = dt.date(2027, 1, 4)
    for due in (early, DUE, None):
        for_him(db, group, referral_id=heard(db, "accepted"), mandated=True, due_on=due)
    risks = told(at, "signup.due_at_risk")
    assert len(risks) == 2  # the group begins after his day; no seat for the second; the third has no day


def test_whatever_makes_it_late_is_told_once_without_anybody_asking(db: Database, at: Settings) -> None:
    group = mixed(db, capacity=4)  # begins on 11 January 2027; two seats for men who were sent
    men = [for_him(db, group, referral_id=heard(db, "accepted"), mandated=True, due_on=DUE) for _ in range(2)]
    for_him(db, group, referral_id=heard(db, "accepted"), mandated=True, due_on=dt.date(2030, 1, 1))
    assert usecases.sweep_risks(db) == 0, "the third waits, and it was told at once"
    query(at, "UPDATE sign_up SET risk_told_at = NULL")
    assert usecases.sweep_risks(db) == 1
    assert usecases.sweep_risks(db) == 0
    assert len(told(at, "signup.due_at_risk")) == 2
    assert len(men) == 2


def test_a_referral_that_is_over_ends_what_was_waiting_and_is_forgotten(db: Database, at: Settings) -> None:
    group = mixed(db, capacity=2)
    kept, waits = heard(db, "accepted"), heard(db, "accepted")
    seated = for_him(db, group, referral_id=kept)
    sign_up(db, group)
    waiting = for_him(db, group, referral_id=waits)
    heard(db, "withdrawn", version=3, referral=waits)
    heard(db, "ended", version=3, referral=kept)
    assert own(db, "status", waiting)["state"] == "closed"
    assert own(db, "status", seated)["state"] == "confirmed"
    assert query(at, "SELECT count(*) FROM sign_up WHERE referral_id IS NOT NULL") == [(0,)]
    heard(db, "accepted", version=2, referral=kept)  # an older event that comes late
    assert query(at, f"SELECT state FROM referral_copy WHERE referral_id = '{kept}'") == [("ended",)]


def test_a_referral_that_others_received_is_not_known_here(db: Database, at: Settings) -> None:
    heard(db, "accepted", receiver_id=str(OTHER.org_id))
    assert query(at, "SELECT count(*) FROM referral_copy") == [(0,)]


def test_the_counts_go_to_the_referrer_once_two_people_signed_them(db: Database, at: Settings) -> None:
    group, referral = mixed(db), heard(db, "accepted")
    man = for_him(db, group, referral_id=referral)

    def sign(by: Caller) -> dict[str, Any] | None:
        path = {"group_id": group, "signup_id": man["signup_id"]}
        asked = call("sign", by, path=path, operation="report.sign")
        report: dict[str, Any] | None = referred.sign_report(db, asked).value["report"]
        return report

    with pytest.raises(Conflict, match=r"signup\.no_attendance"):
        sign(LEADER)
    query(at, "UPDATE session SET starts_at = now() - interval '3 hours' WHERE no = 1")
    attendance_step(db, "enter", group, 1, entered({man["signup_id"]: "present"}))
    first = sign(LEADER)
    assert first is not None
    assert (first["signatures"], first["attended"]) == (1, 1)
    assert told(at, "placement.reported") == []
    with pytest.raises(Conflict, match=r"report\.signed_alone"):
        sign(LEADER)
    second = sign(COORDINATOR)
    assert second is not None
    assert second["signatures"] == 2
    report = told(at, "placement.reported")[0]
    assert (report["held"], report["attended"], report["excused"], report["absent"]) == (1, 1, 0, 0)
    assert set(told(at, "attendance_report.ready")[0]) == {"signup_id", "report_id"}
    placement, made = query(at, "SELECT placement_id, r.id FROM sign_up JOIN attendance_report AS r ON true")[0]
    with db.background("test") as work:
        standing = history.BASELINES["placement"].state(work, placement, "")
        audience = f"org:{CENTRE.org_id}"
        ready = history.BASELINES["attendance_report"].state(work, made, audience)
    assert ready == {"signup_id": man["signup_id"], "report_id": made}
    assert standing is not None
    assert standing["attended"] == 1


def test_who_works_alone_signs_twice_a_day_apart(db: Database, at: Settings) -> None:
    group = mixed(db)
    man = for_him(db, group, referral_id=heard(db, "accepted"))
    query(at, "UPDATE session SET starts_at = now() - interval '3 hours' WHERE no = 1")
    attendance_step(db, "enter", group, 1, entered({man["signup_id"]: "present"}))
    path = {"group_id": group, "signup_id": man["signup_id"]}
    referred.sign_report(db, call("sign", LEADER, path=path, operation="report.sign"))
    query(at, "UPDATE attendance_report SET first_at = now() - interval '24 hours'")
    referred.sign_report(db, call("sign", LEADER, path=path, operation="report.sign"))
    assert query(at, "SELECT alone FROM attendance_report") == [(True,)]
    assert len(roster(db, group)) == 1
