"""Men as staff see them: the roster, one sign-up with its record, and who still waits for a conversation."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any, LiteralString

from chassis.db import Work
from chassis.sealing import DataKey

PERSONAL = "participant|personal"
"""Where alias and contact are sealed."""

LINES: LiteralString = """
SELECT s.id AS signup_id, s.language, s.state, NOT s.code_only AS reachable,
       CASE WHEN s.contact_until IS NOT NULL AND EXISTS (
                     SELECT 1 FROM message AS m
                      WHERE m.object_id = s.id AND m.kind = 'man.confirm' AND m.state = 'dead')
                 THEN 'undeliverable'
            WHEN s.contact_until IS NOT NULL THEN 'awaited' WHEN s.contact_verified_at IS NOT NULL THEN 'confirmed'
            ELSE 'none' END AS contact_check,
       CASE WHEN r.partner_step THEN CASE WHEN s.partner_step_at IS NULL THEN 'open' ELSE 'done' END END
            AS partner_step,
       coalesce(s.offer_until, s.intake_until) AS deadline, s.queue_seq, s.version, s.participant_id, p.key_id,
       p.personal, CASE WHEN s.state = 'waiting' THEN (SELECT count(*) + 1 FROM sign_up AS b
           WHERE b.group_id = s.group_id AND b.state = 'waiting'
             AND (b.track, b.waiting_since, b.queue_seq) < (s.track, s.waiting_since, s.queue_seq)) END AS place
  FROM sign_up AS s JOIN participant AS p ON p.id = s.participant_id
  JOIN peer_group AS q ON q.id = s.group_id JOIN programme AS r ON r.id = q.programme_id
"""
ONE = LINES + " WHERE s.id = %s"


def sign_up(work: Work, sign_up_id: uuid.UUID) -> dict[str, Any] | None:
    """One line of the roster, still sealed."""
    return work.one(ONE, (sign_up_id,))


ROSTER = (
    LINES
    + """
 WHERE s.group_id = %(group_id)s AND CASE WHEN %(state)s::text IS NULL
       THEN s.state IN ('waiting', 'offered', 'intake', 'confirmed', 'active') ELSE s.state = %(state)s END
 ORDER BY s.state = 'waiting', s.track, s.waiting_since, s.queue_seq
"""
)


def roster(work: Work, group_id: uuid.UUID, state: str | None) -> list[dict[str, Any]]:
    """The men of a group, still sealed: those with a seat first, then the queue in its order."""
    return work.all(ROSTER, {"group_id": group_id, "state": state})


ENTRIES = """
SELECT id, kind, day, content FROM intake_entry WHERE sign_up_id = %s ORDER BY at, id
"""
HISTORY = """
SELECT transition, to_state, actor, reason, at FROM history WHERE sign_up_id = %s ORDER BY no
"""
REMOVAL = "SELECT reason FROM removal_proposal WHERE sign_up_id = %s ORDER BY at LIMIT 1"


def record(work: Work, sign_up_id: uuid.UUID) -> dict[str, Any]:
    """The conversation's entries, outcomes still sealed, the steps, and a proposal to remove him."""
    entries = work.all(ENTRIES, (sign_up_id,))
    proposed = work.one(REMOVAL, (sign_up_id,))
    counts = {name: sum(entry["kind"] == kind for entry in entries) for name, kind in COUNTED.items()}
    history = work.all(HISTORY, (sign_up_id,))
    return {**counts, "entries": entries, "history": history, "removal": proposed["reason"] if proposed else None}


COUNTED = {"meetings": "individual_meeting", "attempts": "attempt"}

AWAITING = """
SELECT s.id AS signup_id, s.group_id, g.names AS group_names, s.language, NOT s.code_only AS reachable,
       s.intake_until AS deadline, s.intake_until <= %(now)s AS overdue, s.version, s.participant_id, p.key_id,
       p.personal, (SELECT max(e.day) FROM intake_entry AS e WHERE e.sign_up_id = s.id AND e.kind = 'booked')
           AS booked_on,
       (SELECT count(*) FROM intake_entry AS e WHERE e.sign_up_id = s.id AND e.kind = 'attempt') AS attempts
  FROM sign_up AS s JOIN participant AS p ON p.id = s.participant_id JOIN peer_group AS g ON g.id = s.group_id
 WHERE s.state = 'intake' ORDER BY s.intake_until NULLS LAST, s.id LIMIT 500
"""


def awaiting_intake(work: Work, *, now: dt.datetime) -> list[dict[str, Any]]:
    """Sign-ups of the acting organisation whose conversation is still to come, still sealed; 500 at most."""
    return work.all(AWAITING, {"now": now})


def alias_of(keys: Mapping[uuid.UUID, DataKey], row: dict[str, Any]) -> str:
    """The alias in a row, opened with its key."""
    alias: str = keys[row["key_id"]].unseal(PERSONAL, row["participant_id"], row["personal"])["alias"]
    return alias


MEETINGS = """
SELECT no, local_start, tz, starts_at, minutes, state FROM session WHERE group_id = %s ORDER BY starts_at, no
"""


def meetings(work: Work, group_id: uuid.UUID) -> list[dict[str, Any]]:
    """When a group meets, for its men."""
    return work.all(MEETINGS, (group_id,))


MEETS_BEFORE = """
SELECT 1 AS one FROM session WHERE group_id = %(group)s AND state IN ('planned', 'moved') AND starts_at <= %(until)s
   AND starts_at + minutes * interval '1 minute' > %(now)s LIMIT 1
"""


def meets_before(work: Work, group_id: uuid.UUID, until: dt.datetime) -> bool:
    """Whether a group meets before a moment, or is meeting now."""
    return work.one(MEETS_BEFORE, {"group": group_id, "until": until, "now": work.now}) is not None


PLACE = "SELECT coalesce(place_full, place_public) AS place FROM peer_group WHERE id = %s"


def place_of(work: Work, group_id: uuid.UUID) -> str | None:
    """Where a group meets."""
    row = work.one(PLACE, (group_id,))
    return row["place"] if row else None


WAITED = """
WITH waited AS (
    SELECT extract(epoch FROM min(h.at) - s.waiting_since) / 604800 AS weeks
      FROM sign_up AS s JOIN peer_group AS g ON g.id = s.group_id
      JOIN history AS h ON h.sign_up_id = s.id AND h.transition = 'offer'
     WHERE g.programme_id = %s GROUP BY s.id, s.waiting_since
)
SELECT count(*) AS men, percentile_cont(0.25) WITHIN GROUP (ORDER BY weeks) AS low,
       percentile_cont(0.75) WITHIN GROUP (ORDER BY weeks) AS high FROM waited
"""


def waited(work: Work, programme_id: uuid.UUID) -> dict[str, Any]:
    """How many men of a programme waited for an offer, and between how many weeks half of them did."""
    return work.one(WAITED, (programme_id,)) or {"men": 0}


ENDED = """
SELECT s.changed_at, s.language, s.contact_verified_at, g.successor_id
  FROM sign_up AS s JOIN peer_group AS g ON g.id = s.group_id
 WHERE s.id = %s
"""


def ended(work: Work, sign_up_id: uuid.UUID) -> dict[str, Any]:
    """When a sign-up took its last step, and what comes after its group."""
    return work.one(ENDED, (sign_up_id,)) or {}


ON_A_CARD = """
SELECT o.names AS organisation, g.names, g.place_public, g.start_on, g.local_start
  FROM peer_group AS g LEFT JOIN partner AS o ON o.org_id = g.org_id WHERE g.id = %s
"""


def on_a_card(work: Work, group_id: uuid.UUID) -> dict[str, Any]:
    """What a man may want on his card; all of it stands on the group's page."""
    return work.one(ON_A_CARD, (group_id,)) or {}
