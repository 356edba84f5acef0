"""Pairs of men who must not meet, and the rows by which the database itself keeps them apart."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.db import Work

# One after the other within an organisation: a pair that is written while a man of it is linked must not be missed. It
# comes before the lock of any group, since whoever writes a pair has it and then refers to the groups of both men.
LOCK = "SELECT pg_advisory_xact_lock(7402601, hashtext(%s))"


def lock(work: Work, org_id: uuid.UUID) -> None:
    """Let nobody else link or pair in this organisation until the end of the transaction."""
    work.one(LOCK, (str(org_id),))


OF = "SELECT person_mac FROM sign_up WHERE id = %s"


def person_of(work: Work, sign_up_id: uuid.UUID) -> bytes | None:
    """By what a man is known again, once he was linked."""
    row = work.one(OF, (sign_up_id,))
    return bytes(row["person_mac"]) if row and row["person_mac"] is not None else None


BLOCKED = """
SELECT 1 AS one FROM keep_apart AS k JOIN apart_seat AS a ON a.pair_id = k.id
 WHERE a.group_id = %(group)s AND a.sign_up_id <> %(sign_up)s AND %(value)s IN (k.low_mac, k.high_mac) LIMIT 1
"""


def blocked(work: Work, group_id: uuid.UUID, sign_up_id: uuid.UUID, value: bytes) -> bool:
    """Whether somebody is live in the group from whom this person is kept apart."""
    return work.one(BLOCKED, {"group": group_id, "sign_up": sign_up_id, "value": value}) is not None


TWICE = """
SELECT 1 AS one FROM person_seat AS s JOIN programme AS p ON p.id = s.programme_id AND NOT p.several_seats
 WHERE s.programme_id = %(programme)s AND s.person_mac = %(value)s AND s.sign_up_id <> %(sign_up)s
"""


def twice(work: Work, programme_id: uuid.UUID, sign_up_id: uuid.UUID, value: bytes) -> bool:
    """Whether this person has another live sign-up in the programme."""
    values = {"programme": programme_id, "sign_up": sign_up_id, "value": value}
    return work.one(TWICE, values) is not None


LINK = "UPDATE sign_up SET person_mac = %(value)s, version = version + 1 WHERE id = %(sign_up)s"
NOTE = """
INSERT INTO history (id, org_id, group_id, sign_up_id, no, transition, from_state, to_state, actor, by_subject, at)
SELECT gen_random_uuid(), org_id, group_id, id, version, 'link', state, state, 'worker', %(subject)s, %(at)s
  FROM sign_up WHERE id = %(sign_up)s
"""
ENTER_PAIRS = """
INSERT INTO apart_seat (group_id, pair_id, sign_up_id, org_id)
SELECT s.group_id, k.id, s.id, s.org_id FROM sign_up AS s JOIN keep_apart AS k
    ON k.org_id = s.org_id AND s.person_mac IN (k.low_mac, k.high_mac)
 WHERE s.id = %(sign_up)s
"""
ENTER_PERSON = """
INSERT INTO person_seat (programme_id, person_mac, sign_up_id, org_id)
SELECT g.programme_id, s.person_mac, s.id, s.org_id FROM sign_up AS s JOIN peer_group AS g ON g.id = s.group_id
  JOIN programme AS p ON p.id = g.programme_id AND NOT p.several_seats
 WHERE s.id = %(sign_up)s
"""
LEAVE_PAIRS = "DELETE FROM apart_seat WHERE sign_up_id = %s"
LEAVE_PERSON = "DELETE FROM person_seat WHERE sign_up_id = %s"


def link(work: Work, sign_up_id: uuid.UUID, value: bytes, *, subject: str) -> None:
    """Write by what a live man is known again, in place of what stood there."""
    work.later(LINK, {"sign_up": sign_up_id, "value": value})
    work.later(NOTE, {"sign_up": sign_up_id, "subject": subject, "at": work.now})
    enter(work, sign_up_id)


def enter(work: Work, sign_up_id: uuid.UUID) -> None:
    """Take the man's places behind the wall anew, where he is live now."""
    leave(work, sign_up_id)
    work.later(ENTER_PAIRS, {"sign_up": sign_up_id}, expect=None)
    work.later(ENTER_PERSON, {"sign_up": sign_up_id}, expect=None)


def leave(work: Work, sign_up_id: uuid.UUID) -> None:
    """Give up the man's places behind the wall."""
    work.later(LEAVE_PAIRS, (sign_up_id,), expect=None)
    work.later(LEAVE_PERSON, (sign_up_id,), expect=None)


TOGETHER = """
SELECT DISTINCT a.group_id FROM sign_up AS a JOIN sign_up AS b ON b.group_id = a.group_id
 WHERE a.person_mac = %(low)s AND b.person_mac = %(high)s AND a.state = ANY(%(live)s) AND b.state = ANY(%(live)s)
"""
ADD = """
INSERT INTO keep_apart (id, org_id, low_mac, high_mac, reason, by_subject, at)
VALUES (%(id)s, %(org)s, %(low)s, %(high)s, %(reason)s, %(subject)s, %(at)s)
ON CONFLICT (org_id, low_mac, high_mac) DO NOTHING
"""
SEAT_BOTH = """
INSERT INTO apart_seat (group_id, pair_id, sign_up_id, org_id)
SELECT s.group_id, %(id)s, s.id, s.org_id FROM sign_up AS s
 WHERE s.person_mac IN (%(low)s, %(high)s) AND s.state = ANY(%(live)s)
"""


def together(work: Work, low: bytes, high: bytes, *, live: list[str]) -> list[uuid.UUID]:
    """The groups in which both are live."""
    return [row["group_id"] for row in work.all(TOGETHER, {"low": low, "high": high, "live": live})]


def add(work: Work, values: dict[str, Any], *, live: list[str]) -> bool:
    """Write a pair and who of it is live where; False where there is one already."""
    added = work.run(ADD, {**values, "at": work.now}, expect=None) == 1
    if added:
        work.run(SEAT_BOTH, {**values, "live": live}, expect=None)
    return added


PAIRS = """
SELECT k.id, k.reason, k.at, coalesce(array_agg(s.id) FILTER (WHERE s.id IS NOT NULL), '{}') AS signup_ids
  FROM keep_apart AS k LEFT JOIN sign_up AS s ON s.person_mac IN (k.low_mac, k.high_mac) AND s.state = ANY(%s)
 GROUP BY k.id ORDER BY k.at DESC, k.id LIMIT 500
"""


def pairs(work: Work, *, live: list[str]) -> list[dict[str, Any]]:
    """The organisation's pairs and who of them is live; 500 at most."""
    return work.all(PAIRS, (live,))


END = "DELETE FROM keep_apart WHERE id = %s"


def end(work: Work, pair_id: uuid.UUID) -> bool:
    """Forget a pair; False where there is none."""
    return work.run(END, (pair_id,), expect=None) == 1
