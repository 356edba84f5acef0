"""The events of meetings: which one, its local day and zone; to everybody only while the group admits."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from chassis import clock
from chassis.envelope import NETWORK, Event, EventType, event
from chassis.kinds import Kind


def _type(verb: str, summary: str) -> EventType:
    return EventType(
        name=f"session.{verb}",
        source="groups",
        data={"group_id": Kind.ID, "session_no": Kind.INTEGER, "local_date": Kind.DATE, "tz": Kind.ZONE},
        summary=summary,
        audience="Everybody in the network while the group admits; later the organisation that owns the group.",
    )


SESSION: dict[str, EventType] = {
    verb: _type(verb, summary)
    for verb, summary in {
        "scheduled": "A meeting is planned.",
        "moved": "A meeting is at another time.",
        "cancelled": "A meeting does not take place.",
        "held": "A meeting took place; told to the group's organisation alone.",
    }.items()
}
SESSION_BASELINE = _type("baseline", "A meeting as it stands, for whoever missed steps.")


def _attendance_type(verb: str, summary: str) -> EventType:
    return EventType(
        name=f"attendance.{verb}",
        source="groups",
        data={"group_id": Kind.ID, "session_no": Kind.INTEGER, "signup_ids": Kind.IDS},
        summary=summary,
        audience="The organisation that owns the group.",
    )


ATTENDANCE: dict[str, EventType] = {
    verb: _attendance_type(verb, summary)
    for verb, summary in {
        "closed": "Attendance of a meeting is settled; who was on its list, without codes.",
        "corrected": "Attendance of a settled meeting was changed, with a reason.",
        "threshold_reached": "Somebody was absent too often, as the programme's rule has it.",
    }.items()
}
ATTENDANCE_BASELINE = _attendance_type("baseline", "The list of a settled meeting, for whoever missed steps.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """What events tell of a meeting."""

    id: uuid.UUID
    attendance_id: uuid.UUID
    org_id: uuid.UUID
    group_id: uuid.UUID
    no: int
    local_date: dt.date
    tz: str


def session_told(verb: str, meeting: Meeting, *, to_all: bool, at: dt.datetime) -> Event:
    """An event of a meeting, to the network or to the group's organisation."""
    return event(
        SESSION[verb],
        aggregate=("session", meeting.id),
        audience=NETWORK if to_all else f"org:{meeting.org_id}",
        data=session_state(meeting),
        at=at,
        id=clock.new_id(),
    )


def session_state(meeting: Meeting) -> dict[str, Any]:
    """What every event of a meeting says."""
    return {
        "group_id": meeting.group_id,
        "session_no": meeting.no,
        "local_date": meeting.local_date,
        "tz": meeting.tz,
    }


def attendance_told(verb: str, meeting: Meeting, sign_up_ids: list[uuid.UUID], *, at: dt.datetime) -> Event:
    """An event of a meeting's attendance, for the group's organisation: who is concerned, never how."""
    return event(
        ATTENDANCE[verb],
        aggregate=("attendance", meeting.attendance_id),
        audience=f"org:{meeting.org_id}",
        data=attendance_state(meeting, sign_up_ids),
        at=at,
        id=clock.new_id(),
    )


def attendance_state(meeting: Meeting, sign_up_ids: list[uuid.UUID]) -> dict[str, Any]:
    """What every event of attendance says."""
    return {"group_id": meeting.group_id, "session_no": meeting.no, "signup_ids": sign_up_ids}
