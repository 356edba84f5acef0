"""A group or a sign-up as it stands, locked against steps, for a baseline."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.db import Work

GROUP = """
SELECT g.id, g.org_id, p.key AS programme_key, p.kind, g.areas, g.languages, g.mode, g.state, g.admission, g.capacity,
       g.held, g.waiting, g.waitlist_limit,
       window_open(g.state, g.admission, g.id, g.rolling_every) AS window_open,
       signing_up(g.sign_up_until, g.tz) AS signing_up, g.start_on, g.version
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


INTAKE = "SELECT sign_up_id, day FROM intake_entry WHERE id = %s AND kind IN ('booked', 'held')"


def intake(work: Work, entry_id: uuid.UUID) -> dict[str, Any] | None:
    """What was written down of a conversation that was agreed or held."""
    return work.one(INTAKE, (entry_id,))


PLACEMENT = "SELECT * FROM placement_of(%s)"


def placement(work: Work, sign_up_id: uuid.UUID) -> dict[str, Any] | None:
    """What our own referrals service may know of a sign-up, whichever organisation's it is."""
    return work.one(PLACEMENT, (sign_up_id,))


OWNER_OF = "SELECT org_id FROM group_organisation(%s, %s, %s)"


def owner_of(work: Work, noun: str, wanted: uuid.UUID, asking: uuid.UUID) -> uuid.UUID | None:
    """Whose a sign-up, conversation, meeting or attendance is, for an organisation that holds the group too."""
    row = work.one(OWNER_OF, (noun, wanted, asking))
    return row["org_id"] if row else None
