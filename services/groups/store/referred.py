"""What groups knows of referrals: a local copy from events, and the sign-ups that were made of one."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from chassis import clock
from chassis.db import Work
from services.groups.rules.attendance import Tally
from services.groups.store.seats import COLUMNS, SignUp, sign_up_of

# A copy never goes back: an older event that comes late changes nothing.
KEEP = """
INSERT INTO referral_copy AS c (referral_id, org_id, kind, state, version)
VALUES (%(referral_id)s, %(org_id)s, %(kind)s, %(state)s, %(version)s)
ON CONFLICT (referral_id) DO UPDATE SET org_id = excluded.org_id, kind = excluded.kind, state = excluded.state,
       version = excluded.version WHERE c.version < excluded.version
"""


def keep(work: Work, copy: dict[str, Any]) -> None:
    """Keep the receiver's view of a referral."""
    work.later(KEEP, copy, expect=None)


COPY = "SELECT referral_id, kind, state FROM referral_copy WHERE referral_id = %s"


def copy(work: Work, referral_id: uuid.UUID) -> dict[str, Any] | None:
    """A referral that the acting organisation received."""
    return work.one(COPY, (referral_id,))


CUT = "UPDATE sign_up SET referral_id = NULL, due_on = NULL WHERE id = %s"


def cut(work: Work, sign_up_id: uuid.UUID) -> None:
    """Forget where a sign-up came from."""
    work.later(CUT, (sign_up_id,))


LIVE = "SELECT 1 AS one FROM sign_up WHERE group_id = %s AND referral_id = %s AND state = ANY(%s)"


def is_live(work: Work, group_id: uuid.UUID, referral_id: uuid.UUID, states: list[str]) -> bool:
    """Whether a referral has a live sign-up in this group already."""
    return work.one(LIVE, (group_id, referral_id, states)) is not None


SIGN_UPS = (
    COLUMNS
    + """
 WHERE referral_id = %s ORDER BY group_id, id
"""
)


def sign_ups(work: Work, referral_id: uuid.UUID) -> list[SignUp]:
    """The sign-ups of a referral, without a lock."""
    return [sign_up_of(row) for row in work.all(SIGN_UPS, (referral_id,))]


REPORT = """
SELECT id, held, attended, excused, absent, first_subject, first_at, second_at FROM attendance_report
 WHERE sign_up_id = %s ORDER BY first_at DESC LIMIT 1 FOR UPDATE
"""
SIGN_FIRST = """
INSERT INTO attendance_report (id, org_id, sign_up_id, held, attended, excused, absent, first_subject, first_at)
SELECT %(id)s, s.org_id, s.id, %(held)s, %(attended)s, %(excused)s, %(absent)s, %(subject)s, %(at)s
  FROM sign_up AS s WHERE s.id = %(sign_up)s
"""
SIGN_SECOND = """
UPDATE attendance_report SET second_subject = %(subject)s, second_at = %(at)s, alone = %(alone)s WHERE id = %(id)s
"""


def report(work: Work, sign_up_id: uuid.UUID) -> dict[str, Any] | None:
    """The newest report of a man, signed once or twice."""
    return work.one(REPORT, (sign_up_id,))


REPORTED = "SELECT sign_up_id FROM attendance_report WHERE id = %s"


def reported(work: Work, report_id: uuid.UUID) -> uuid.UUID | None:
    """Whose report it is."""
    row = work.one(REPORTED, (report_id,))
    return row["sign_up_id"] if row else None


def sign_first(work: Work, sign_up_id: uuid.UUID, counted: Tally, *, subject: str) -> None:
    """Write a report with the counts as they stand, signed once."""
    counts = {name: getattr(counted, name) for name in ("held", "attended", "excused", "absent")}
    values = {"id": clock.new_id(), "sign_up": sign_up_id, "subject": subject, "at": work.now}
    work.later(SIGN_FIRST, {**values, **counts})


def sign_second(work: Work, report_id: uuid.UUID, *, subject: str, alone: bool) -> None:
    """Write the second signature."""
    work.later(SIGN_SECOND, {"id": report_id, "subject": subject, "at": work.now, "alone": alone})


RISK_TOLD = "UPDATE sign_up SET risk_told_at = %s WHERE id = %s"
WITH_DUE_MEN = "SELECT org_id, group_id FROM groups_with_due_men(200)"
DUE_MEN = (
    COLUMNS.replace("version\n  FROM", "version, due_on\n  FROM")
    + " WHERE group_id = %s AND due_on IS NOT NULL AND risk_told_at IS NULL AND state = 'waiting' FOR UPDATE"
)


def risk_told(work: Work, sign_up_id: uuid.UUID) -> None:
    """Keep that it was told that he may not begin by his day."""
    work.later(RISK_TOLD, (work.now, sign_up_id))


def groups_with_due_men(work: Work) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Organisations and groups in which men wait who have a day to begin by, and of whom nothing was told yet."""
    return [(row["org_id"], row["group_id"]) for row in work.all(WITH_DUE_MEN)]


def due_men(work: Work, group_id: uuid.UUID) -> list[tuple[SignUp, dt.date]]:
    """Those men of a group, with their days."""
    rows = work.all(DUE_MEN, (group_id,))
    return [(sign_up_of({name: row[name] for name in row if name != "due_on"}), row["due_on"]) for row in rows]
