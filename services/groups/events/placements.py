"""Events for our own referrals service: a sign-up that was made of a referral, and the report that two people signed.

They have no audience: nobody outside learns which referral a sign-up belongs to. The design calls the first of them
`signup.linked`; it has a noun of its own here because a baseline is one per noun, and a sign-up's own baseline goes to
its organisation (decision 0031).
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from chassis import clock
from chassis.envelope import INSIDE, Event, EventType, event
from chassis.kinds import Kind

_COUNTS = dict.fromkeys(("held", "attended", "excused", "absent"), Kind.INTEGER)


def _type(verb: str, summary: str) -> EventType:
    return EventType(
        name=f"placement.{verb}",
        source="groups",
        data={
            "signup_id": Kind.ID,
            "referral_id": Kind.ID,
            "organisation_id": Kind.ID,
            "state": Kind.CODE,
            "date": Kind.DATE,
            **_COUNTS,
        },
        optional=frozenset(_COUNTS),
        summary=summary,
        audience="Nobody outside: the referrals service alone.",
    )


PLACEMENT: dict[str, EventType] = {
    "changed": _type("changed", "A sign-up that was made of a referral took a step."),
    "reported": _type("reported", "Two people signed how often he came; the counts may go to the referrer."),
}
PLACEMENT_BASELINE = _type("baseline", "A sign-up of a referral as it stands, for whoever missed steps.")
REPORT_READY = EventType(
    name="attendance_report.ready",
    source="groups",
    data={"signup_id": Kind.ID, "report_id": Kind.ID},
    summary="Two people signed a man's attendance; the report is read by its own route.",
    audience="The organisation that owns the group.",
)
REPORT_BASELINE = EventType(
    name="attendance_report.baseline",
    source="groups",
    data={"signup_id": Kind.ID, "report_id": Kind.ID},
    summary="The newest signed report of a man, for whoever missed steps.",
    audience="The organisation that owns the group.",
)


def placement_told(verb: str, placement_id: uuid.UUID, data: dict[str, Any], *, at: dt.datetime) -> Event:
    """An event for the referrals service; `data` as `placement_state` gives it."""
    return event(
        PLACEMENT[verb],
        aggregate=("placement", placement_id),
        audience=INSIDE,
        data=data,
        at=at,
        id=clock.new_id(),
    )


def placement_state(
    sign_up_id: uuid.UUID,
    *,
    referral_id: uuid.UUID,
    org_id: uuid.UUID,
    state: str,
    day: dt.date,
    counts: dict[str, int] | None = None,
) -> dict[str, Any]:
    """What every event of a placement says; `counts` only once they are signed."""
    data = {"signup_id": sign_up_id, "referral_id": referral_id, "organisation_id": org_id, "state": state}
    return {**data, "date": day, **(counts or {})}


def report_told(sign_up_id: uuid.UUID, report_id: uuid.UUID, *, org_id: uuid.UUID, at: dt.datetime) -> Event:
    """The event of a signed report, for the owner of the group; its counts are not in it."""
    return event(
        REPORT_READY,
        aggregate=("attendance_report", report_id),
        audience=f"org:{org_id}",
        data={"signup_id": sign_up_id, "report_id": report_id},
        at=at,
        id=clock.new_id(),
    )
