"""Attendance: as it appears, and at completion counted unless it is given: as recorded, or as signed in a group."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chassis.db import Work
from chassis.errors import FieldError, Invalid
from services.referrals.rules import record
from services.referrals.rules.lifecycle import RECEIVER
from services.referrals.store import case_entries, placements
from services.referrals.store.legs import Leg
from services.referrals.usecases.acts import Act, Moved
from services.referrals.usecases.telling import tell_attendance

COUNTED = frozenset({"accepted", "waitlisted", "in_progress", "on_hold", "completed", "ended", "withdrawn", "closed"})
"""States in which there can be counts of attendance at all."""


def with_attendance(work: Work, leg: Leg, act: Act) -> Act:
    """The completion with its counts. Raises Invalid where none are given and no session was recorded."""
    if "attendance" in act.details:
        return act
    sessions = case_entries.own(work, leg.id, "session")
    signed = placements.signed(work, leg.id)
    if signed is not None and not sessions:
        return replace(act, details={**act.details, "attendance": signed})
    if not sessions:
        detail = "No session was recorded, and no report was signed in the group; give the counts."
        raise Invalid("body.invalid", detail, fields=(FieldError("/attendance", "required", detail),))
    return replace(act, details={**act.details, "attendance": record.attendance_of(sessions)})


def sign_at_completion(work: Work, moved: Moved) -> None:
    """Whoever says that it is completed signs what was recorded; the sender has the counts of the completion."""
    if moved.edge.name != "complete":
        return
    case_entries.sign(work, moved.leg.id)
    tell_attendance(work, moved.leg, moved.scope, fixed=True, counts=moved.act.details["attendance"])


def attendance(work: Work, row: dict[str, Any]) -> dict[str, Any]:
    """How often he came: for the receiver as recorded, for the sender as it was signed and told; null without."""
    if row["state"] not in COUNTED:
        return {"attendance": None}
    if row["side"] == RECEIVER:
        sessions = case_entries.own(work, row["id"], "session")
        return {"attendance": record.attendance_of(sessions) if sessions else placements.signed(work, row["id"])}
    told = case_entries.own(work, row["id"], "attendance")
    return {"attendance": told[-1]["attendance"] if told else None}
