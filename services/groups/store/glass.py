"""Looks at a contact outside of duty."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, LiteralString

from chassis import clock
from chassis.db import Work

BREAK = """
INSERT INTO glass_broken (id, org_id, group_id, sign_up_id, reason, by_subject, at, until)
SELECT %(id)s, s.org_id, s.group_id, s.id, %(reason)s, %(subject)s, %(at)s, %(until)s FROM sign_up AS s
 WHERE s.id = %(sign_up)s
"""


def broken(work: Work, sign_up_id: uuid.UUID, *, reason: str, subject: str, until: dt.datetime) -> uuid.UUID:
    """Write that somebody looks, and why; the id of the row."""
    glass_id = clock.new_id()
    values = {"id": glass_id, "sign_up": sign_up_id, "reason": reason, "subject": subject}
    work.later(BREAK, {**values, "at": work.now, "until": until})
    return glass_id


OPEN = """
SELECT max(until) AS until FROM glass_broken WHERE sign_up_id = %s AND by_subject = %s AND until > %s
"""


def open_until(work: Work, sign_up_id: uuid.UUID, subject: str) -> dt.datetime | None:
    """Until when somebody may look at this man's contact; None where he may not."""
    row = work.one(OPEN, (sign_up_id, subject, work.now))
    return row["until"] if row else None


ONE = "SELECT group_id, reason, by_subject FROM glass_broken WHERE id = %s"


def one(work: Work, glass_id: uuid.UUID) -> dict[str, Any] | None:
    """One look."""
    return work.one(ONE, (glass_id,))


COLUMNS: LiteralString = """
SELECT id, group_id, sign_up_id AS signup_id, reason, by_subject AS actor, at, until, seen_at FROM glass_broken
"""
LISTED = (
    COLUMNS
    + """
 WHERE (%(at)s::timestamptz IS NULL OR (at, id) < (%(at)s, %(after)s::uuid))
 ORDER BY at DESC, id DESC LIMIT %(limit)s
"""
)


def listed(work: Work, *, after: tuple[Any, Any], limit: int) -> list[dict[str, Any]]:
    """The acting organisation's looks, newest first."""
    return work.all(LISTED, {"at": after[0], "after": after[1], "limit": limit})


SEEN = """
UPDATE glass_broken SET seen_at = %(at)s, seen_by = %(subject)s WHERE id = %(id)s AND seen_at IS NULL
"""


def seen(work: Work, glass_id: uuid.UUID, subject: str) -> None:
    """The officer has seen it; the first time counts."""
    work.later(SEEN, {"id": glass_id, "subject": subject, "at": work.now}, expect=None)


SHOWN = COLUMNS + " WHERE id = %s"


def shown(work: Work, glass_id: uuid.UUID) -> dict[str, Any] | None:
    """One look as the officer sees it."""
    return work.one(SHOWN, (glass_id,))
