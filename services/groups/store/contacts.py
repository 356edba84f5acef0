"""Whether men's contacts are confirmed, and whom a message or a call may reach."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace
from typing import Any

from chassis.db import Work
from services.groups.store.seats import SignUp

CONFIRM = """
UPDATE sign_up SET contact_until = NULL, contact_verified_at = %(at)s WHERE id = %(id)s AND contact_way IS NOT NULL
"""


def confirm(work: Work, sign_up: SignUp) -> SignUp:
    """The channel is his; from now on he may be offered a seat."""
    work.later(CONFIRM, {"id": sign_up.id, "at": work.now}, expect=None)
    return replace(sign_up, contact_until=None)


ASKED = "SELECT max(created_at) AS at FROM message WHERE object_id = %s AND kind = 'man.confirm'"


def asked_at(work: Work, sign_up_id: uuid.UUID) -> dt.datetime | None:
    """When the digits were last written to him."""
    row = work.one(ASKED, (sign_up_id,))
    return row["at"] if row else None


MAILED = "SELECT contact_mailed_again(%s, %s) AS times"


def mailed_times(work: Work, mac: bytes, today: dt.date) -> int:
    """How often an address was asked today, this time included; `mac` is its hash of the day."""
    row = work.one(MAILED, (mac, today))
    return int(row["times"]) if row else 0


REACHED = """
SELECT s.state, s.contact_until, s.contact_verified_at, coalesce(s.language, g.languages[1]) AS language
  FROM sign_up AS s JOIN peer_group AS g ON g.id = s.group_id WHERE s.id = %s
"""


def standing(work: Work, sign_up_id: uuid.UUID) -> dict[str, Any]:
    """What decides whether a message may go to him: state, confirmation, language; empty where there is nobody."""
    return work.one(REACHED, (sign_up_id,)) or {}


MEETS = """
SELECT id FROM sign_up WHERE group_id = %s AND state IN ('confirmed', 'active') AND contact_way = 'mail' ORDER BY id
"""


def who_meets(work: Work, group_id: uuid.UUID) -> list[uuid.UUID]:
    """The men of a group who come to its meetings and have an address."""
    return [row["id"] for row in work.all(MEETS, (group_id,))]


LIVE_WITH_CONTACT = """
SELECT id FROM sign_up WHERE group_id = %s AND contact_mac = %s AND contact_way = 'mail'
   AND state IN ('waiting', 'offered', 'intake', 'confirmed', 'active')
   AND NOT EXISTS (SELECT 1 FROM message AS m WHERE m.object_id = sign_up.id AND m.kind = 'man.again'
                      AND m.created_at > %s - interval '24 hours')
"""


def to_warn(work: Work, group_id: uuid.UUID, contact_mac: bytes) -> uuid.UUID | None:
    """The sign-up whose contact was given again; None where it was told so within a day."""
    row = work.one(LIVE_WITH_CONTACT, (group_id, contact_mac, work.now))
    return row["id"] if row else None


TO_CALL = """
SELECT s.id AS signup_id, s.state, s.participant_id, p.key_id, p.personal, s.version,
       coalesce(s.offer_until, s.intake_until, s.contact_until) AS deadline,
       CASE WHEN s.state = 'offered' THEN 'offer' WHEN s.contact_until IS NOT NULL THEN 'contact' ELSE 'intake' END
           AS about,
       (SELECT count(*) FROM intake_entry AS e WHERE e.sign_up_id = s.id AND e.kind = 'attempt') AS attempts
  FROM sign_up AS s JOIN participant AS p ON p.id = s.participant_id
 WHERE s.group_id = %s AND s.contact_way = 'call'
   AND (s.state IN ('offered', 'intake') OR (s.state IN ('waiting', 'confirmed') AND s.contact_until IS NOT NULL))
 ORDER BY coalesce(s.offer_until, s.intake_until, s.contact_until), s.id
"""


def to_call(work: Work, group_id: uuid.UUID) -> list[dict[str, Any]]:
    """The men of a group whom somebody has to ring, still sealed, the most urgent first."""
    return work.all(TO_CALL, (group_id,))
