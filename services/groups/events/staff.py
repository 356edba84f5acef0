"""The events of staff: who leads a group; an id and a code, never a name."""

from __future__ import annotations

import datetime as dt
import re
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


def leader_told(
    verb: str, assignment_id: uuid.UUID, group_id: uuid.UUID, *, org_id: uuid.UUID, subject: str, at: dt.datetime
) -> Event:
    """The event of somebody who leads from now on, for the owner of the group."""
    return event(
        LEADER[verb],
        aggregate=("leader", assignment_id),
        audience=f"org:{org_id}",
        data=leader_state(group_id, subject=subject),
        at=at,
        id=clock.new_id(),
    )


def leader_state(group_id: uuid.UUID, *, subject: str) -> dict[str, Any]:
    """What every event of leading says; the subject is the id of an account."""
    return {"group_id": group_id, "actor_id": actor(subject), "purpose_code": "leading"}


def _export_type(verb: str, summary: str) -> EventType:
    return EventType(
        name=f"export.{verb}",
        source="groups",
        data={"group_id": Kind.ID, "actor_id": Kind.CODE, "purpose_code": Kind.CODE},
        summary=summary,
        audience="The organisation that owns the group.",
    )


EXPORT = _export_type("made", "Somebody took a group's roster along as a file.")
EXPORT_BASELINE = _export_type("baseline", "The newest file of a group, for whoever missed steps.")


def export_told(
    export_id: uuid.UUID, group_id: uuid.UUID, *, org_id: uuid.UUID, subject: str, purpose: str, at: dt.datetime
) -> Event:
    """The event of a file, for the owner of the group."""
    return event(
        EXPORT,
        aggregate=("export", export_id),
        audience=f"org:{org_id}",
        data=export_state(group_id, subject=subject, purpose=purpose),
        at=at,
        id=clock.new_id(),
    )


def export_state(group_id: uuid.UUID, *, subject: str, purpose: str) -> dict[str, Any]:
    """What every event of a file says."""
    return {"group_id": group_id, "actor_id": actor(subject), "purpose_code": purpose}


def _glass_type(verb: str, summary: str) -> EventType:
    return EventType(
        name=f"glass.{verb}",
        source="groups",
        data={"group_id": Kind.ID, "actor_id": Kind.CODE, "purpose_code": Kind.CODE},
        summary=summary,
        audience="The organisation that owns the group.",
    )


GLASS = _glass_type("broken", "Somebody looked at a man's contact outside of duty.")
GLASS_BASELINE = _glass_type("baseline", "Such a look, for whoever missed it.")


def glass_told(
    glass_id: uuid.UUID, group_id: uuid.UUID, *, org_id: uuid.UUID, subject: str, purpose: str, at: dt.datetime
) -> Event:
    """The event of a look outside of duty, for the owner of the group."""
    return event(
        GLASS,
        aggregate=("glass", glass_id),
        audience=f"org:{org_id}",
        data=export_state(group_id, subject=subject, purpose=purpose),
        at=at,
        id=clock.new_id(),
    )


def actor(subject: str) -> str:
    """The id of an account as a code: small letters, and a dash for what no code has."""
    return re.sub(r"[^a-z0-9_.:-]", "-", subject.lower()).strip("-_.:")[:64] or "unknown"
