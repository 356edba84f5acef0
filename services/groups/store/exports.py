"""Files that left the house, and addresses of calendars."""

from __future__ import annotations

import uuid
from typing import Any

from chassis import clock
from chassis.db import Work

NOTE = """
INSERT INTO export_made (id, org_id, group_id, purpose, format, by_subject, at)
SELECT %(id)s, g.org_id, g.id, %(purpose)s, %(format)s, %(subject)s, %(at)s FROM peer_group AS g WHERE g.id = %(group)s
"""


def note(work: Work, group_id: uuid.UUID, *, purpose: str, form: str, subject: str) -> uuid.UUID:
    """Write that somebody took a roster along; the id of the row."""
    export_id = clock.new_id()
    values = {"id": export_id, "group": group_id, "purpose": purpose, "format": form, "subject": subject}
    work.later(NOTE, {**values, "at": work.now})
    return export_id


ONE = "SELECT group_id, by_subject, purpose FROM export_made WHERE id = %s"


def one(work: Work, export_id: uuid.UUID) -> dict[str, Any] | None:
    """One file that somebody took along."""
    return work.one(ONE, (export_id,))


CODES = """
SELECT a.sign_up_id, s.no, a.code FROM attendance AS a JOIN session AS s ON s.id = a.session_id WHERE s.group_id = %s
"""


def codes(work: Work, group_id: uuid.UUID) -> dict[uuid.UUID, dict[int, str]]:
    """Who took part how in which meeting."""
    found: dict[uuid.UUID, dict[int, str]] = {}
    for row in work.all(CODES, (group_id,)):
        found.setdefault(row["sign_up_id"], {})[row["no"]] = row["code"]
    return found


OPEN_MAN = """
INSERT INTO calendar_feed (id, org_id, group_id, token_mac, sign_up_id, language, at)
SELECT %(id)s, s.org_id, s.group_id, %(mac)s, s.id, %(language)s, %(at)s FROM sign_up AS s WHERE s.id = %(sign_up)s
"""
OPEN_STAFF = """
INSERT INTO calendar_feed (id, org_id, group_id, token_mac, subject, language, at)
SELECT %(id)s, g.org_id, g.id, %(mac)s, %(subject)s, %(language)s, %(at)s FROM peer_group AS g WHERE g.id = %(group)s
"""
CLOSE_MAN = "DELETE FROM calendar_feed WHERE sign_up_id = %s"
CLOSE_STAFF = "DELETE FROM calendar_feed WHERE group_id = %s AND subject = %s"


def open_for_man(work: Work, sign_up_id: uuid.UUID, mac: bytes, language: str) -> None:
    """Give a man a new address in place of the one that he had."""
    close_for_man(work, sign_up_id)
    values = {"id": clock.new_id(), "mac": mac, "sign_up": sign_up_id, "language": language}
    work.later(OPEN_MAN, {**values, "at": work.now})


def close_for_man(work: Work, sign_up_id: uuid.UUID) -> None:
    """Take a man's address back."""
    work.later(CLOSE_MAN, (sign_up_id,), expect=None)


def open_for_staff(work: Work, group_id: uuid.UUID, subject: str, mac: bytes, language: str) -> None:
    """Give a worker a new address in place of the one that he had."""
    close_for_staff(work, group_id, subject)
    values = {"id": clock.new_id(), "mac": mac, "group": group_id, "subject": subject, "language": language}
    work.later(OPEN_STAFF, {**values, "at": work.now})


def close_for_staff(work: Work, group_id: uuid.UUID, subject: str) -> None:
    """Take a worker's address back."""
    work.later(CLOSE_STAFF, (group_id, subject), expect=None)


CALENDAR = "SELECT org_id, group_id, language FROM calendar_of(%s, %s)"


def calendar(work: Work, mac: bytes) -> dict[str, Any] | None:
    """Whose meetings an address shows, while whoever asked for it belongs to them."""
    return work.one(CALENDAR, (mac, work.now))


ENTRIES = """
SELECT id, local_start, tz, minutes, state = 'cancelled' AS cancelled, sequence, changed_at FROM session
 WHERE group_id = %s ORDER BY starts_at, no
"""


def entries(work: Work, group_id: uuid.UUID) -> list[dict[str, Any]]:
    """The meetings of a group for a calendar."""
    return work.all(ENTRIES, (group_id,))
