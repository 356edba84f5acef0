"""What the tests of groups share: two organisations, calls as the door would make them, an open group."""

from __future__ import annotations

import uuid
from typing import Any

import orjson

from chassis.db import Database
from chassis.identity import Caller
from chassis.keyed_ids import id_of_key
from chassis.requests import Call, Outcome
from services.groups import schemas, usecases
from services.groups.rules.rights import OPERATIONS

ROLES = frozenset().union(*OPERATIONS.values())
CENTRE = Caller("user:test:lt-kavkc", id_of_key("organisation", "lt-kavkc"), "lt-kavkc", ROLES, "t2")
OTHER = Caller("user:test:lt-kapvc", id_of_key("organisation", "lt-kapvc"), "lt-kapvc", ROLES, "t3")
PIN = "2580"


def call(route: str, by: Caller | None, body: dict[str, Any] | None = None, **parts: Any) -> Call:
    """A call with a loaded body."""
    raw = orjson.dumps(body or {}, default=str)
    return Call(route=route, operation=parts.pop("operation", "-"), caller=by, body=body or {}, raw=raw, **parts)


def new_group(db: Database, by: Caller = CENTRE, **changes: Any) -> dict[str, Any]:
    """A draft."""
    body = schemas.NewGroup().load({**schemas.NEW_GROUP_EXAMPLE, **changes})
    made: dict[str, Any] = usecases.create_group(db, call("POST /groups", by, body)).value
    return made


def opened(db: Database, by: Caller = CENTRE, **changes: Any) -> uuid.UUID:
    """The id of an open group."""
    group_id: uuid.UUID = new_group(db, by, **changes)["id"]
    usecases.open_group(db, call("POST /groups/{group_id}/open", by, path={"group_id": group_id}, expected_version=1))
    return group_id


def sign_up(db: Database, group_id: uuid.UUID, *, key: str | None = None, **changes: Any) -> dict[str, Any]:
    """What a man is answered."""
    body = schemas.NewSignUp().load({**schemas.NEW_SIGN_UP_EXAMPLE, "group_id": str(group_id), "pin": PIN, **changes})
    answer: dict[str, Any] = usecases.sign_up(db, call("POST /signups", None, body, idempotency_key=key)).value
    return answer


def own(db: Database, action: str, man: dict[str, Any], *, pin: str = PIN, key: str | None = None) -> dict[str, Any]:
    """What a man is answered who comes with his code: status, accept_offer, decline_offer or withdraw."""
    body = schemas.Card().load({"return_code": man["return_code"], "pin": pin})
    path = {} if action == "status" else {"signup_id": man["signup_id"]}
    route = f"POST /signups/{action}"
    outcome: Outcome = getattr(usecases, action)(db, call(route, None, body, path=path, idempotency_key=key))
    value: dict[str, Any] = outcome.value
    return value


def roster(db: Database, group_id: uuid.UUID, by: Caller = CENTRE) -> list[dict[str, Any]]:
    """The lines of the roster."""
    asked = call("GET /groups/{group_id}/roster", by, path={"group_id": group_id}, query={"state": None})
    items: list[dict[str, Any]] = usecases.roster(db, asked).value["items"]
    return items
