"""What the tests of a group's meetings share: steps as the door would make them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from chassis.db import Database
from chassis.identity import Caller
from services.groups.usecases import sessions
from tests.support.group_staff import LEADER
from tests.support.groups import call

OPERATIONS = {"listed": "session.list", "proposal": "session.list"}


def session_step(
    db: Database, name: str, group_id: uuid.UUID, body: dict[str, Any] | None = None, by: Caller = LEADER, **parts: Any
) -> list[dict[str, Any]]:
    """The meetings of a group after a step; `no` is a part of the path."""
    path = {"group_id": group_id, **({"no": parts.pop("no")} if "no" in parts else {})}
    asked = call(f"sessions {name}", by, body, path=path, operation=OPERATIONS.get(name, "session.plan"), **parts)
    items: list[dict[str, Any]] = getattr(sessions, name)(db, asked).value["items"]
    return items


def listed(db: Database, group_id: uuid.UUID, by: Caller = LEADER) -> list[dict[str, Any]]:
    """The meetings of a group."""
    return session_step(db, "listed", group_id, by=by)


def wall(text: str) -> dt.datetime:
    """A wall time."""
    return dt.datetime.fromisoformat(text)
