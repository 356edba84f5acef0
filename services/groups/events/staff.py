"""The events of staff: who leads a group; an id and a code, never a name."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from chassis import clock
from chassis.envelope import Event, EventType, event
from chassis.kinds import Kind


def _type(verb: str, summary: str) -> EventType:
    return EventType(
        name=f"leader.{verb}",
        source="groups",
        data={"group_id": Kind.ID, "actor_id": Kind.CODE, "purpose_code": Kind.CODE},
        summary=summary,
        audience="The organisation that owns the group.",
    )


LEADER: dict[str, EventType] = {
    "assigned": _type("assigned", "Somebody leads a group from now on."),
    "substituted": _type("substituted", "Somebody leads a group for a while, in place of somebody else."),
}
LEADER_BASELINE = _type("baseline", "Who was assigned last, for whoever missed steps.")


def leader_told(verb: str, group_id: uuid.UUID, *, org_id: uuid.UUID, subject: str, at: dt.datetime) -> Event:
    """The event of somebody who leads from now on, for the owner of the group."""
    return event(
        LEADER[verb],
        aggregate=("leader", group_id),
        audience=f"org:{org_id}",
        data=leader_state(group_id, subject=subject),
        at=at,
        id=clock.new_id(),
    )


def leader_state(group_id: uuid.UUID, *, subject: str) -> dict[str, Any]:
    """What every event of leading says; the subject is the id of an account."""
    return {"group_id": group_id, "actor_id": subject.lower(), "purpose_code": "leading"}
