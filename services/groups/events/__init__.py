"""The events of groups: ids, codes, states and times only; sign-up ids differ per group, so nobody can follow a man."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from chassis import clock
from chassis.envelope import NETWORK, Event, EventType, event
from chassis.kinds import Kind
from services.groups.events.certificates import CERTIFICATE, CERTIFICATE_BASELINE, certificate_told
from services.groups.events.meetings import (
    ATTENDANCE,
    ATTENDANCE_BASELINE,
    SESSION,
    SESSION_BASELINE,
    Meeting,
    attendance_state,
    attendance_told,
    session_state,
    session_told,
)
from services.groups.events.placements import (
    PLACEMENT,
    PLACEMENT_BASELINE,
    REPORT_BASELINE,
    REPORT_READY,
    placement_state,
    placement_told,
    report_told,
)
from services.groups.events.programmes import PROGRAMME, PROGRAMME_BASELINE, programme_state, programme_told
from services.groups.events.staff import (
    EXPORT,
    EXPORT_BASELINE,
    GLASS,
    GLASS_BASELINE,
    LEADER,
    LEADER_BASELINE,
    export_state,
    export_told,
    glass_told,
    leader_state,
    leader_told,
)
from services.groups.events.statistics import STATISTICS, STATISTICS_BASELINE, statistics_state, statistics_told

__all__ = [
    "ATTENDANCE_BASELINE",
    "CERTIFICATE_BASELINE",
    "EXPORT_BASELINE",
    "GLASS_BASELINE",
    "GROUP",
    "GROUP_BASELINE",
    "INTAKE",
    "INTAKE_BASELINE",
    "LEADER_BASELINE",
    "PLACEMENT_BASELINE",
    "PROGRAMME_BASELINE",
    "REPORT_BASELINE",
    "SESSION_BASELINE",
    "SIGN_UP",
    "SIGN_UP_BASELINE",
    "STATISTICS_BASELINE",
    "TYPES",
    "Meeting",
    "Step",
    "attendance_state",
    "attendance_told",
    "certificate_told",
    "export_state",
    "export_told",
    "glass_told",
    "group_state",
    "group_told",
    "intake_state",
    "intake_told",
    "leader_state",
    "leader_told",
    "moved",
    "placement_state",
    "placement_told",
    "programme_state",
    "programme_told",
    "report_told",
    "session_state",
    "session_told",
    "sign_up_state",
    "statistics_state",
    "statistics_told",
]

_GROUP = {
    "group_id": Kind.ID,
    "organisation_id": Kind.ID,
    "programme_key": Kind.CODE,
    "kind": Kind.CODE,
    "area_codes": Kind.CODES,
    "languages": Kind.CODES,
    "mode": Kind.CODE,
    "capacity": Kind.INTEGER,
    "accepting": Kind.BOOLEAN,
    "start_date": Kind.DATE,
    "version": Kind.INTEGER,
}


def _group_type(verb: str, summary: str) -> EventType:
    return EventType(
        name=f"group.{verb}",
        source="groups",
        data=_GROUP,
        optional=frozenset({"start_date"}),
        summary=summary,
        audience="Everybody in the network; a support pair is told to its own organisation only.",
    )


GROUP: dict[str, EventType] = {
    verb: _group_type(verb, summary)
    for verb, summary in {
        "opened": "A group takes sign-ups from now on.",
        "changed": "Something that everybody may know of a group changed, or whether it takes sign-ups.",
        "started": "A group has begun.",
        "finished": "A group has had its last meeting.",
        "cancelled": "A group does not take place, or not any more.",
        "archived": "A group is closed for good.",
    }.items()
}
GROUP_BASELINE = _group_type("baseline", "A group as it stands, for whoever missed steps.")

_DATA = {
    "signup_id": Kind.ID,
    "group_id": Kind.ID,
    "track": Kind.INTEGER,
    "state": Kind.CODE,
    "queue_seq": Kind.INTEGER,
    "deadline": Kind.TIME,
    "version": Kind.INTEGER,
}


def _type(verb: str, summary: str) -> EventType:
    return EventType(
        name=f"signup.{verb}",
        source="groups",
        data=_DATA,
        optional=frozenset({"deadline"}),
        summary=summary,
        audience="The organisation that owns the group.",
    )


SIGN_UP: dict[str, EventType] = {
    verb: _type(verb, summary)
    for verb, summary in {
        "received": "A man signed up and has a place in the queue.",
        "seated": "A seat was free and nobody waited before him: he has it.",
        "offered": "A seat is kept for the head of the queue until the deadline.",
        "offer_accepted": "He took the offered seat.",
        "offer_declined": "He said no to the offered seat.",
        "offer_lapsed": "He did not answer in time; the seat is free again.",
        "offer_reminded": "Half of the time for an answer has passed.",
        "confirmed": "The conversation found the group suitable for him: the seat is his.",
        "redirected": "This group is not for him now; a next step is on record.",
        "lapsed": "His contact was not confirmed in time; the seat or place is free again.",
        "intake_lapsed": "No conversation came about in time; the seat is free again.",
        "activated": "He came for the first time.",
        "completed": "He has finished the group, as somebody decided.",
        "withdrawn": "He left.",
        "removed": "Leader and coordinator ended it.",
        "transferred": "He waits in another group of the programme, with his age in the queue.",
        "closed": "The group was cancelled or finished before he began.",
        "erased": "Nothing of him is kept any more.",
        "due_at_risk": "He may not be able to start by the date he was given.",
    }.items()
}
SIGN_UP_BASELINE = _type("baseline", "A sign-up as it stands, for whoever missed steps.")


def _intake_type(verb: str, summary: str) -> EventType:
    return EventType(
        name=f"intake.{verb}",
        source="groups",
        data={"signup_id": Kind.ID, "date": Kind.DATE},
        summary=summary,
        audience="The organisation that owns the group.",
    )


INTAKE: dict[str, EventType] = {
    verb: _intake_type(verb, summary)
    for verb, summary in {
        "booked": "A day for the conversation is agreed.",
        "held": "The conversation was held.",
    }.items()
}
INTAKE_BASELINE = _intake_type("baseline", "The latest day of a conversation, for whoever missed steps.")

TYPES: dict[str, EventType] = {
    each.name: each
    for each in (
        *GROUP.values(),
        GROUP_BASELINE,
        *SIGN_UP.values(),
        SIGN_UP_BASELINE,
        *INTAKE.values(),
        INTAKE_BASELINE,
        *SESSION.values(),
        SESSION_BASELINE,
        *ATTENDANCE.values(),
        ATTENDANCE_BASELINE,
        *LEADER.values(),
        LEADER_BASELINE,
        *PLACEMENT.values(),
        PLACEMENT_BASELINE,
        PROGRAMME,
        PROGRAMME_BASELINE,
        STATISTICS,
        STATISTICS_BASELINE,
        EXPORT,
        EXPORT_BASELINE,
        GLASS,
        GLASS_BASELINE,
        CERTIFICATE,
        CERTIFICATE_BASELINE,
        REPORT_READY,
        REPORT_BASELINE,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a sign-up as the owning organisation may know it."""

    signup_id: uuid.UUID
    group_id: uuid.UUID
    org_id: uuid.UUID
    track: int
    queue_seq: int
    state: str
    deadline: dt.datetime | None
    version: int


def moved(verb: str, step: Step, *, at: dt.datetime) -> Event:
    """The event of one transition, for the owner of the group."""
    return event(
        SIGN_UP[verb],
        aggregate=("signup", step.signup_id),
        audience=f"org:{step.org_id}",
        data=sign_up_state(step),
        at=at,
        id=clock.new_id(),
    )


def intake_told(
    verb: str, entry_id: uuid.UUID, sign_up_id: uuid.UUID, *, org_id: uuid.UUID, day: dt.date, at: dt.datetime
) -> Event:
    """The event of a conversation that was agreed or held, for the owner of the group; each entry stands for itself."""
    return event(
        INTAKE[verb],
        aggregate=("intake", entry_id),
        audience=f"org:{org_id}",
        data=intake_state(sign_up_id, day=day),
        at=at,
        id=clock.new_id(),
    )


def intake_state(sign_up_id: uuid.UUID, *, day: dt.date) -> dict[str, Any]:
    """What every event of a conversation says."""
    return {"signup_id": sign_up_id, "date": day}


def sign_up_state(step: Step) -> dict[str, Any]:
    """What every event of a sign-up says."""
    values = {name: getattr(step, name) for name in _DATA}
    return {name: value for name, value in values.items() if value is not None}


def group_told(verb: str, group: dict[str, Any], *, public: bool, accepting: bool, at: dt.datetime) -> Event:
    """An event of a group: to the network, of a support pair to its own organisation only."""
    return event(
        GROUP[verb],
        aggregate=("group", group["id"]),
        audience=NETWORK if public else f"org:{group['org_id']}",
        data=group_state(group, accepting=accepting),
        at=at,
        id=clock.new_id(),
    )


def group_state(group: dict[str, Any], *, accepting: bool) -> dict[str, Any]:
    """What every event of a group says, from its row."""
    data = {
        "group_id": group["id"],
        "organisation_id": group["org_id"],
        "programme_key": group["programme_key"],
        "kind": group["kind"],
        "area_codes": group["areas"],
        "languages": group["languages"],
        "mode": group["mode"],
        "capacity": group["capacity"],
        "accepting": accepting,
        "start_date": group["start_on"],
        "version": group["version"],
    }
    return {name: value for name, value in data.items() if value is not None}
