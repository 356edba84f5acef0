"""Rows that say who of an organisation may open a case: its unit and worker, named and barred members, looks."""

from __future__ import annotations

import uuid
from typing import Any

from chassis import clock
from chassis.db import Work
from services.referrals.rules.lifecycle import SENDER

PLACE_RECORD = """
UPDATE sender_record SET unit = CASE WHEN %(sets_unit)s THEN %(unit)s ELSE unit END,
       worker = CASE WHEN %(sets_worker)s THEN %(worker)s ELSE worker END WHERE id = %(id)s
"""
PLACE_CASE = """
UPDATE receiver_case SET unit = CASE WHEN %(sets_unit)s THEN %(unit)s ELSE unit END,
       worker = CASE WHEN %(sets_worker)s THEN %(worker)s ELSE worker END WHERE id = %(id)s
"""


def place(work: Work, referral_id: uuid.UUID, side: str, given: dict[str, str | None]) -> None:
    """Set the unit, the worker or both of the acting organisation's row; None takes it away."""
    values: dict[str, Any] = {"id": referral_id}
    for name in ("unit", "worker"):
        values |= {name: given.get(name), f"sets_{name}": name in given}
    work.later(PLACE_RECORD if side == SENDER else PLACE_CASE, values)


RESTRICT_RECORD = "UPDATE sender_record SET restricted = %s WHERE id = %s"
RESTRICT_CASE = "UPDATE receiver_case SET restricted = %s WHERE id = %s"
UNNAME = "DELETE FROM case_member WHERE referral_id = %s AND kind = 'named'"
ADD = """
INSERT INTO case_member (org_id, referral_id, subject, kind, by_subject, at)
SELECT acting_org(), %(id)s, subject, %(kind)s, %(by)s, %(at)s FROM unnest(%(subjects)s::text[]) AS subject
ON CONFLICT DO NOTHING
"""


def restrict(work: Work, referral_id: uuid.UUID, side: str, *, subjects: list[str], by: str) -> None:
    """Open the case to these members only, in place of whoever was named before; to all again when there are none."""
    work.later(RESTRICT_RECORD if side == SENDER else RESTRICT_CASE, (bool(subjects), referral_id))
    work.later(UNNAME, (referral_id,), expect=None)
    _add(work, referral_id, "named", subjects, by)


def bar(work: Work, referral_id: uuid.UUID, subject: str, *, by: str) -> None:
    """Close the case to one member."""
    _add(work, referral_id, "barred", [subject], by)


UNBAR = "DELETE FROM case_member WHERE referral_id = %s AND subject = %s AND kind = 'barred'"


def unbar(work: Work, referral_id: uuid.UUID, subject: str) -> None:
    """Open the case to a barred member again."""
    work.later(UNBAR, (referral_id, subject), expect=None)


def _add(work: Work, referral_id: uuid.UUID, kind: str, subjects: list[str], by: str) -> None:
    values = {"id": referral_id, "kind": kind, "subjects": subjects, "by": by, "at": work.now}
    work.later(ADD, values, expect=None)


OUTSIDE = """
INSERT INTO outside_read (id, org_id, referral_id, side, subject, reason, at)
VALUES (%(id)s, acting_org(), %(referral_id)s, %(side)s, %(subject)s, %(reason)s, %(at)s)
"""


def note_outside(work: Work, referral_id: uuid.UUID, *, side: str, subject: str, reason: str) -> None:
    """Note a look from outside the unit for its leads."""
    values = {"id": clock.new_id(), "referral_id": referral_id, "side": side, "subject": subject}
    work.later(OUTSIDE, {**values, "reason": reason, "at": work.now})
