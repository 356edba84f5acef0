"""What the tests of a group's season share: steps as the door would make them."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.db import Database
from chassis.identity import Caller
from services.groups import usecases
from services.groups.usecases import leading, moving_on, season
from tests.support.group_staff import COORDINATOR
from tests.support.groups import call

MODULES = {"merge": moving_on, "assign": leading, "end": leading}
OPERATIONS = {"assign": "group.leaders", "end": "group.leaders"}


def season_step(
    db: Database,
    name: str,
    group_id: uuid.UUID,
    body: dict[str, Any] | None = None,
    by: Caller = COORDINATOR,
    **parts: Any,
) -> dict[str, Any]:
    """A group after a step."""
    operation = OPERATIONS.get(name, f"group.{name}")
    asked = call(f"season {name}", by, body, path={"group_id": group_id}, operation=operation, **parts)
    value: dict[str, Any] = getattr(MODULES.get(name, season), name)(db, asked).value
    return value


def transferred(
    db: Database, group_id: uuid.UUID, man: dict[str, Any], to: uuid.UUID, by: Caller = COORDINATOR, **parts: Any
) -> dict[str, Any]:
    """A man after he went over."""
    path = {"group_id": group_id, "signup_id": man["signup_id"]}
    asked = call("transfer", by, {"group_id": to}, path=path, operation="signup.transfer", **parts)
    value: dict[str, Any] = moving_on.transfer(db, asked).value
    return value


def mine(db: Database, by: Caller) -> list[dict[str, Any]]:
    """The groups that somebody works with."""
    asked = call("GET /groups/mine", by, query={"cursor": None, "limit": 50}, operation="group.mine")
    items: list[dict[str, Any]] = usecases.my_groups(db, asked).value["items"]
    return items
