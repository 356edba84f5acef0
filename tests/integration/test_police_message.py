"""The Lithuanian police message on a real database: a referral, and the place for the partner's side alone."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import orjson
import psycopg
import pytest
from marshmallow import ValidationError

from chassis import clock
from chassis.db import Database
from chassis.errors import Invalid, NotFound
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from services.referrals import usecases
from services.referrals.rules import police as rules
from services.referrals.schemas.police import POLICE_MESSAGE_EXAMPLE, PoliceMessage
from services.referrals.usecases import copying, police, restricted
from tests.support.databases import root_url
from tests.support.persons import ask
from tests.support.referrals import CENTRE, OTHER, POLICE, look, move, seed

PLACE = "Kanareles gatve 7, Kaunas"
OBLIGATIONS = "Kanareles isakymas: not within 200 m of Kanareles gatve"
SAFETY = replace(CENTRE, subject="member:safety", roles=frozenset({"partner_safety"}))
TODAY = clock.now().date()


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
        return connection.execute(query.encode()).fetchall()


def message(**changes: Any) -> dict[str, Any]:
    order = {"granted": TODAY.isoformat(), "obligations": OBLIGATIONS, "risk": "high"}
    made = {**deepcopy(POLICE_MESSAGE_EXAMPLE), "protection_order": order, **changes}
    made["incident"] = {"date": TODAY.isoformat(), "address": PLACE}
    return made


def sent(db: Database, said: dict[str, Any], *, key: str | None = None) -> Outcome:
    return police.receive(
        db,
        Call(
            route="POST /referrals/police-message",
            operation="referral.police_message",
            caller=POLICE,
            request_id="r-1",
            body=PoliceMessage().load(said),
            raw=orjson.dumps(said),
            idempotency_key=key,
        ),
    )


def faults(said: dict[str, Any]) -> Any:
    with pytest.raises(ValidationError) as caught:
        PoliceMessage().load(said)
    return caught.value.messages


def test_it_becomes_an_urgent_referral_by_way_of_the_officer(db: Database) -> None:
    made = sent(db, message())
    shown = usecases.read(db, look(CENTRE, made.value["id"])).value
    assert (shown["state"], shown["urgency"], shown["contact_via"]) == ("sent", "urgent", "referrer")
    assert (shown["contact"]["channel"], shown["contact"]["safe"]) == ("phone", "unknown")
    assert shown["person"] == {"name": "Demo Pavyzdys"}
    assert (shown["role"], shown["needs"], shown["person_informed"]) == ("used_violence", ["violence_own_use"], "no")
    assert "Risk assessed by the police: high." in shown["reason"]
    assert shown["legal_basis"]["kind"] == "protection_order"
    assert shown["legal_basis"]["valid_until"] == (TODAY + dt.timedelta(days=15)).isoformat()
    assert made.location == f"/referrals/{made.value['id']}"
    usecases.acknowledge(db, move(CENTRE, made.value["id"], "acknowledge", 1))


def test_no_channel_is_lost(db: Database) -> None:
    loaded = rules.referral_of(PoliceMessage().load(message()))
    assert [each["value"] for each in (loaded["contact"], *loaded["contact"]["further"])] == [
        "+37060000002",
        "demo@example.org",
    ]
    assert rules.referral_of(PoliceMessage().load(message(person={"name": "X"})))["contact"] is None
    only = rules.referral_of(PoliceMessage().load(message(person={"name": "X", "email": "a@example.org"})))
    assert only["contact"] == {"channel": "email", "value": "a@example.org", "safe": "unknown"}


def test_the_place_is_for_the_partners_side_alone(db: Database, at: Settings) -> None:
    made = sent(db, message()).value["id"]
    seen = restricted.read(db, look(SAFETY, made)).value
    assert (seen["incident_address"], seen["partner_note"]) == (PLACE, OBLIGATIONS)
    for by in (POLICE, CENTRE):
        assert "Kanareles" not in repr(usecases.read(db, look(by, made)).value)
        with pytest.raises(NotFound):
            restricted.read(db, look(by, made))
        assert "Kanareles" not in repr(ask(db, by, "export", made, reviewed="true"))
    assert restricted.read(db, look(replace(SAFETY, org_id=POLICE.org_id), made)).value["incident_address"] is None
    assert rows(at, "SELECT org_id, by_subject FROM restricted_part") == [(CENTRE.org_id, "message:police")]
    tables = ("sender_record", "receiver_case", "history", "outbox", "audit", "restricted_part", "request")
    for table in tables:
        assert "Kanareles" not in repr(rows(at, f"SELECT to_jsonb(t)::text FROM {table} AS t"))
    with pytest.raises(NotFound):
        restricted.read(db, look(replace(SAFETY, org_id=OTHER.org_id), made))


def test_a_repeat_makes_nothing_twice(db: Database, at: Settings) -> None:
    said = message()
    assert sent(db, said, key="k-1").value["id"] == sent(db, said, key="k-1").value["id"]
    assert rows(at, "SELECT (SELECT count(*) FROM leg), (SELECT count(*) FROM restricted_part)") == [(1, 1)]


def test_a_message_about_a_victim_belongs_elsewhere() -> None:
    (told,) = faults(message(role="experienced_violence"))["role"]
    assert told.code == "police_message.victim"
    assert "victim service" in told


def test_without_an_order_it_rests_on_the_duty_to_tell(db: Database) -> None:
    made = sent(db, message(protection_order=None)).value["id"]
    basis = usecases.read(db, look(CENTRE, made)).value["legal_basis"]
    assert (basis["kind"], basis["reference"]) == ("statutory_duty_other", "DEMO-ROIK-1")


def test_nothing_is_stored_when_the_service_cannot_take_it(db: Database, at: Settings) -> None:
    with pytest.raises(Invalid, match="unknown"):
        sent(db, message(service="no-such-service"))
    assert rows(at, "SELECT (SELECT count(*) FROM leg), (SELECT count(*) FROM restricted_part)") == [(0, 0)]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"urgency": "urgent"}, "urgency"),
        ({"protection_order": {"granted": "2020-05-01", "until": "2020-06-01"}}, "protection_order"),
        ({"protection_order": {"granted": "2099-05-01"}}, "protection_order"),
        ({"person": {"name": "X", "phone": "861234567"}}, "person"),
        ({"person": {"name": "X", "email": "no address"}}, "person"),
        ({"description": " "}, "description"),
        ({"role": "witness"}, "role"),
    ],
)
def test_exactly_this_set_is_accepted(changes: dict[str, Any], place: str) -> None:
    assert set(faults(message(**changes))) == {place}


def test_the_example_is_one() -> None:
    loaded = PoliceMessage().load(POLICE_MESSAGE_EXAMPLE)
    assert isinstance(loaded["incident"]["date"], dt.date)
    assert uuid.UUID(int=0) != loaded["service"]


def test_the_persons_copy_is_printed_without_a_year_of_birth(db: Database) -> None:
    made = sent(db, message()).value["id"]
    call = look(CENTRE, made)
    call.query = {"lang": "lt"}
    parts = repr(copying.copy(db, call, demo=True).value)
    assert "Demo Pavyzdys" in parts
    assert "Kanareles" not in parts
