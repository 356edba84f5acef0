"""What the tests of a group's meetings share: steps as the door would make them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from chassis.db import Database
from chassis.identity import Caller
from services.groups.usecases import attendance, sessions
from tests.support.group_staff import LEADER
from tests.support.groups import call

OPERATIONS = {"listed": "meeting.list", "proposal": "meeting.list"}


def session_step(
    db: Database, name: str, group_id: uuid.UUID, body: dict[str, Any] | None = None, by: Caller = LEADER, **parts: Any
) -> list[dict[str, Any]]:
    """The meetings of a group after a step; `no` is a part of the path."""
    path = {"group_id": group_id, **({"no": parts.pop("no")} if "no" in parts else {})}
    asked = call(f"sessions {name}", by, body, path=path, operation=OPERATIONS.get(name, "meeting.plan"), **parts)
    items: list[dict[str, Any]] = getattr(sessions, name)(db, asked).value["items"]
    return items


def listed(db: Database, group_id: uuid.UUID, by: Caller = LEADER) -> list[dict[str, Any]]:
    """The meetings of a group."""
    return session_step(db, "listed", group_id, by=by)


def wall(text: str) -> dt.datetime:
    """A wall time."""
    return dt.datetime.fromisoformat(text)


def attendance_step(  # noqa: PLR0917 - which meeting, what, by whom
    db: Database,
    name: str,
    group_id: uuid.UUID,
    no: int,
    body: dict[str, Any] | None = None,
    by: Caller = LEADER,
    **parts: Any,
) -> dict[str, Any]:
    """The list of a meeting after `sheet`, `enter` or `close`."""
    operation = "attendance.read" if name == "sheet" else "attendance.enter"
    asked = call(f"attendance {name}", by, body, path={"group_id": group_id, "no": no}, operation=operation, **parts)
    value: dict[str, Any] = getattr(attendance, name)(db, asked).value
    return value


def entered(codes: dict[str, str], **changes: Any) -> dict[str, Any]:
    """A form: who, as what."""
    entries = [{"signup_id": man, "code": code, "minutes": None} for man, code in codes.items()]
    return {"entries": entries, "headcount": None, "reason": None, **changes}
