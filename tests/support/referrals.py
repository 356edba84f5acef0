"""What the tests of referrals share: two institutions, a service, and calls as the door would make them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import orjson

from chassis import clock
from chassis.db import Database
from chassis.identity import Caller
from chassis.keyed_ids import id_of_key
from chassis.requests import Call, Outcome
from services.referrals import schemas, usecases, views
from services.referrals.rules import lifecycle
from services.referrals.rules.lifecycle import SYSTEM
from services.referrals.rules.rights import OPERATIONS
from services.referrals.schemas.transitions import SHAPES
from services.referrals.store import copies, legs
from services.referrals.usecases import templates
from services.referrals.usecases.consequences import Act
from services.referrals.usecases.moving import take

ROLES = frozenset().union(*OPERATIONS.values())
POLICE = Caller("client:test:lt-police", id_of_key("organisation", "lt-police"), "lt-police", ROLES, "t1")
CENTRE = Caller("client:test:lt-kavkc", id_of_key("organisation", "lt-kavkc"), "lt-kavkc", ROLES, "t2")
OTHER = Caller("client:test:lt-kapvc", id_of_key("organisation", "lt-kapvc"), "lt-kapvc", ROLES, "t3")
FAR = Caller("client:test:fi-miessakit", id_of_key("organisation", "fi-miessakit"), "fi-miessakit", ROLES, "t4")
AREAS = {"lt-kavkc-behaviour-change": ["LT:Kaunas", "LT:Raseiniai"]}
SERVICE_ID = id_of_key("service", "lt-kavkc-behaviour-change")


def seed(db: Database) -> None:
    """Copies of the directory as its events would leave them."""
    kinds = {
        "lt-police": "police",
        "lt-kavkc": "crisis_centre",
        "lt-kapvc": "crisis_centre",
        "fi-miessakit": "mens_organisation",
    }
    with db.background("test") as work:
        for caller in (POLICE, CENTRE, OTHER, FAR):
            copy = {
                "key": caller.org_key,
                "type": kinds[caller.org_key],
                "country": caller.org_key[:2].upper(),
                "status": "active",
                "version": 1,
            }
            copies.keep_partner(work, {"org_id": caller.org_id, **copy})
        for owner, key, kind in (
            (CENTRE, "lt-kavkc-behaviour-change", "behaviour_change"),
            (OTHER, "lt-kapvc-consultations", "consultation"),
            (FAR, "fi-lyomaton-linja", "helpline"),
        ):
            service: dict[str, Any] = {
                "key": key,
                "kind": kind,
                "accepting": "open",
                "status": "published",
                "version": 1,
            }
            service["coverage"] = AREAS.get(key, [])
            ids = {"service_id": id_of_key("service", key), "org_id": owner.org_id}
            copies.keep_service(work, {**ids, **service, "urgencies": ["urgent", "standard"]})
    for caller in (POLICE, CENTRE, OTHER, FAR):
        with db.background("test", org=caller.org_id) as work:
            templates.add_missing(work, templates.DEMO_LAW, by="demo", onward="allowed")


def safe_contact(**changes: Any) -> dict[str, Any]:
    """A contact by which a message may go at any time: an address that is marked safe and was confirmed yesterday."""
    yesterday = (clock.now() - dt.timedelta(days=1)).isoformat()
    safe = {"channel": "email", "value": "somebody@mail.example.org", "safe": "yes", "verified_at": yesterday}
    return {"contact": {**safe, **changes}}


def new(by: Caller = POLICE, *, key: str | None = None, only: tuple[str, ...] = (), **changes: Any) -> Call:
    """The call behind POST /referrals with the ten fields, or with those that are named and changed alone."""
    fields = {name: value for name, value in schemas.NEW_REFERRAL_EXAMPLE.items() if not only or name in only}
    body = schemas.NewReferral().load({**fields, **changes})
    return _call("POST /referrals", by, body, key=key, path={})


def move(by: Caller, referral_id: uuid.UUID, action: str, version: int, *, key: str | None = None, **body: Any) -> Call:
    """The call behind POST /referrals/{id}/{action}."""
    shape = SHAPES[action]
    call = _call(
        f"POST /referrals/{{referral_id}}/{action}", by, shape().load(body), key=key, path={"referral_id": referral_id}
    )
    call.expected_version = version
    return call


def go(
    db: Database, by: Caller, referral_id: uuid.UUID, action: str, *, key: str | None = None, **body: Any
) -> Outcome:
    """Take a transition at the version that the caller's side has now."""
    with db.work(look(by, referral_id)) as work:
        version = views.row_of(work, referral_id, by.subject)["version"]
    return usecases.move(db, move(by, referral_id, action, version, key=key, **body), action)


def expire(db: Database, referral_id: uuid.UUID) -> None:
    """What the system does when nobody answered in time (T21)."""
    expire_of(db, CENTRE, referral_id)


def expire_of(db: Database, party: Caller, referral_id: uuid.UUID) -> None:
    """The same in the context of a party."""
    with db.background("test", org=party.org_id) as work:
        leg = legs.lock_leg(work, referral_id, party.org_id)
        edge = lifecycle.decide("expire", true=leg.standing, seen=leg.standing, actor=SYSTEM)
        take(work, leg, edge, Act(actor=SYSTEM))


def look(by: Caller, referral_id: uuid.UUID) -> Call:
    """The call behind GET /referrals/{id}."""
    return _call("GET /referrals/{referral_id}", by, {}, key=None, path={"referral_id": referral_id})


def _call(route: str, by: Caller, body: dict[str, Any], *, key: str | None, path: dict[str, Any]) -> Call:
    raw = orjson.dumps(body, default=str)
    return Call(
        route=route, operation="-", caller=by, request_id="r-1", body=body, raw=raw, path=path, idempotency_key=key
    )


def ask(
    by: Caller,
    referral_id: uuid.UUID,
    action: str,
    *,
    key: str | None = None,
    version: int | None = None,
    body: dict[str, Any] | None = None,
    **more: Any,
) -> Call:
    """The call behind what is done with a referral besides its transitions."""
    route = f"POST /referrals/{{referral_id}}/{action}"
    call = _call(route, by, body if body is not None else more, key=key, path={"referral_id": referral_id})
    call.expected_version = version
    return call


def decide(by: Caller, referral_id: uuid.UUID, action: str, *, key: str | None = None, **body: Any) -> Call:
    """The call behind POST /referrals/{id}/assign, restrict, bar … of a lead."""
    call = _call(f"POST /referrals/{{referral_id}}/{action}", by, body, key=key, path={"referral_id": referral_id})
    call.operation = f"referral.{action}"
    return call


def listing(by: Caller, **query: Any) -> Call:
    """The call behind a list."""
    call = _call("GET /referrals/…", by, {}, key=None, path={})
    call.query = {**schemas.SideListQuery().load({}), **query}
    return call
