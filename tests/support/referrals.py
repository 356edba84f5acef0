"""What the tests of referrals share: two institutions, a service, and calls as the door would make them."""

from __future__ import annotations

import uuid
from typing import Any

import orjson

from chassis import clock
from chassis.db import Database
from chassis.identity import Caller
from chassis.requests import Call
from services.referrals import schemas
from services.referrals.rules.rights import OPERATIONS
from services.referrals.schemas.transitions import SHAPES
from services.referrals.store import copies

ROLES = frozenset().union(*OPERATIONS.values())
POLICE = Caller("client:test:lt-police", clock.id_of_key("organisation", "lt-police"), "lt-police", ROLES, "t1")
CENTRE = Caller("client:test:lt-kavkc", clock.id_of_key("organisation", "lt-kavkc"), "lt-kavkc", ROLES, "t2")
OTHER = Caller("client:test:lt-kapvc", clock.id_of_key("organisation", "lt-kapvc"), "lt-kapvc", ROLES, "t3")
SERVICE_ID = clock.id_of_key("service", "lt-kavkc-behaviour-change")


def seed(db: Database) -> None:
    """Copies of the directory as its events would leave them."""
    kinds = {"lt-police": "police", "lt-kavkc": "crisis_centre", "lt-kapvc": "crisis_centre"}
    with db.background("test") as work:
        for caller in (POLICE, CENTRE, OTHER):
            copy = {
                "key": caller.org_key,
                "type": kinds[caller.org_key],
                "country": "LT",
                "status": "active",
                "version": 1,
            }
            copies.keep_partner(work, {"org_id": caller.org_id, **copy})
        service = {"key": "lt-kavkc-behaviour-change", "kind": "behaviour_change", "accepting": "open"}
        rest = {"urgencies": ["urgent", "standard"], "status": "published", "version": 1}
        copies.keep_service(work, {"service_id": SERVICE_ID, "org_id": CENTRE.org_id, **service, **rest})


def new(by: Caller = POLICE, *, key: str | None = None, **changes: Any) -> Call:
    """The call behind POST /referrals with the ten fields."""
    body = schemas.NewReferral().load({**schemas.NEW_REFERRAL_EXAMPLE, **changes})
    return _call("POST /referrals", by, body, key=key, path={})


def move(by: Caller, referral_id: uuid.UUID, action: str, version: int, *, key: str | None = None, **body: Any) -> Call:
    """The call behind POST /referrals/{id}/{action}."""
    shape = SHAPES[action]
    call = _call(
        f"POST /referrals/{{referral_id}}/{action}", by, shape().load(body), key=key, path={"referral_id": referral_id}
    )
    call.expected_version = version
    return call


def look(by: Caller, referral_id: uuid.UUID) -> Call:
    """The call behind GET /referrals/{id}."""
    return _call("GET /referrals/{referral_id}", by, {}, key=None, path={"referral_id": referral_id})


def _call(route: str, by: Caller, body: dict[str, Any], *, key: str | None, path: dict[str, Any]) -> Call:
    raw = orjson.dumps(body, default=str)
    return Call(
        route=route, operation="-", caller=by, request_id="r-1", body=body, raw=raw, path=path, idempotency_key=key
    )


def decide(by: Caller, referral_id: uuid.UUID, action: str, *, key: str | None = None, **body: Any) -> Call:
    """The call behind POST /referrals/{id}/assign, restrict, bar … of a lead."""
    call = _call(f"POST /referrals/{{referral_id}}/{action}", by, body, key=key, path={"referral_id": referral_id})
    call.operation = f"referral.{action}"
    return call


def listing(by: Caller, **query: Any) -> Call:
    """The call behind a list."""
    call = _call("GET /referrals/…", by, {}, key=None, path={})
    call.query = {"cursor": None, "limit": 50, "state": None, **query}
    return call
