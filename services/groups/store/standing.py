"""A group or a sign-up as it stands, locked against steps, for a baseline."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from chassis.db import Work

GROUP = """
SELECT g.id, g.org_id, p.key AS programme_key, p.kind, g.areas, g.languages, g.mode, g.state, g.admission, g.capacity,
       g.held, g.waiting, g.waitlist_limit, g.start_on, g.version
  FROM peer_group AS g JOIN programme AS p ON p.id = g.programme_id WHERE g.id = %s FOR SHARE OF g
"""
SIGN_UP = """
SELECT id, group_id, org_id, track, queue_seq, state, coalesce(offer_until, intake_until) AS deadline, version
  FROM sign_up WHERE id = %s FOR SHARE
"""


def group(work: Work, group_id: uuid.UUID) -> dict[str, Any] | None:
    """What events tell of a group, in the context of its organisation."""
    return work.one(GROUP, (group_id,))


def sign_up(work: Work, sign_up_id: uuid.UUID) -> dict[str, Any] | None:
    """What events tell of a sign-up, in the context of the group's organisation."""
    return work.one(SIGN_UP, (sign_up_id,))


INTAKE_DAY = """
SELECT day FROM intake_entry WHERE sign_up_id = %s AND kind IN ('booked', 'held') ORDER BY at DESC, id DESC LIMIT 1
"""


def intake_day(work: Work, sign_up_id: uuid.UUID) -> dt.date | None:
    """The day that was written down last for a conversation."""
    row = work.one(INTAKE_DAY, (sign_up_id,))
    return row["day"] if row else None


PLACEMENT = "SELECT * FROM placement_of(%s)"


def placement(work: Work, sign_up_id: uuid.UUID) -> dict[str, Any] | None:
    """What our own referrals service may know of a sign-up, whichever organisation's it is."""
    return work.one(PLACEMENT, (sign_up_id,))
