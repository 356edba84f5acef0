"""Rows that a decision needs: the leg under its lock, the two parties' rows, the copies of the directory."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from chassis.db import Work
from chassis.errors import NotFound
from services.referrals.rules.lifecycle import SENDER
from services.referrals.rules.receiving import Offer

RECORD_PERSONAL = "sender_record|personal"
CASE_PERSONAL = "receiver_case|personal"
CASE_HANDLING = "receiver_case|handling"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """The leg as it stands under the lock, and on which side of it the acting organisation is."""

    id: uuid.UUID
    kind: str
    sender_id: uuid.UUID
    receiver_id: uuid.UUID
    service_id: uuid.UUID | None
    urgency: str
    state: str
    feedback_scope: str
    scope_fixed: bool
    side: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A new referral, ready to be written: the leg and both parties' sealed rows."""

    id: uuid.UUID
    kind: str
    sender_id: uuid.UUID
    receiver_id: uuid.UUID
    service_id: uuid.UUID | None
    urgency: str
    ordered: bool
    state: str
    feedback_scope: str
    subject: str
    unit: str | None
    worker: str | None
    at: dt.datetime
    reference_mac: bytes | None
    record_key: uuid.UUID
    record_sealed: bytes
    case_key: uuid.UUID
    case_sealed: bytes


# The sender's own copy and every service of the receiver, whichever way the receiver was named.
OFFERS = """
WITH wanted AS (
    SELECT %(sender)s::uuid AS org_id
    UNION SELECT org_id FROM partner WHERE key = %(receiver)s
    UNION SELECT %(receiver_id)s::uuid
    UNION SELECT org_id FROM partner_service WHERE key = %(service)s
    UNION SELECT org_id FROM partner_service WHERE service_id = %(service_id)s
)
SELECT p.org_id, p.key, p.type, p.status, s.service_id, s.key AS service_key, s.status AS service_status, s.accepting,
       s.urgencies
  FROM wanted JOIN partner AS p USING (org_id) LEFT JOIN partner_service AS s USING (org_id) ORDER BY s.key
"""


def offers(work: Work, sender: uuid.UUID, *, receiver: str | None, service: str | None) -> list[Offer]:
    """The local copies that decide where a referral goes; references are keys or UUIDs as the caller wrote them."""
    values = {
        "sender": sender,
        "receiver": receiver,
        "receiver_id": _uuid(receiver),
        "service": service,
        "service_id": _uuid(service),
    }
    rows = work.all(OFFERS, values)
    return [Offer(**{**row, "urgencies": tuple(row["urgencies"] or ())}) for row in rows]


def _uuid(reference: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(reference) if reference else None
    except ValueError:
        return None


OPEN = """
WITH leg AS (
    SELECT leg_open(%(id)s, %(id)s, %(kind)s, %(sender_id)s, %(receiver_id)s, %(service_id)s, %(urgency)s,
                    %(ordered)s, %(state)s, %(feedback_scope)s, %(at)s) AS id
), record AS (
    INSERT INTO sender_record (id, org_id, receiver_id, service_id, state, urgency, version, key_id, personal,
                               external_ref_mac, unit, worker, sent_at, changed_at)
    SELECT id, %(sender_id)s, %(receiver_id)s, %(service_id)s, %(state)s, %(urgency)s, 1, %(record_key)s,
           %(record_sealed)s, %(reference_mac)s, %(unit)s, %(worker)s, %(at)s, %(at)s FROM leg
     WHERE id IS NOT NULL RETURNING id
)
INSERT INTO history (id, org_id, referral_id, no, transition, to_state, by_org, by_subject, at)
SELECT gen_random_uuid(), %(sender_id)s, id, 1, 'submit', %(state)s, %(sender_id)s, %(subject)s, %(at)s FROM record
"""

OPEN_CASE = """
WITH opened AS (
    INSERT INTO receiver_case (id, org_id, sender_id, service_id, state, urgency, version, key_id, personal, sent_at,
                               changed_at)
    VALUES (%(id)s, %(receiver_id)s, %(sender_id)s, %(service_id)s, %(state)s, %(urgency)s, 1, %(case_key)s,
            %(case_sealed)s, %(at)s, %(at)s) RETURNING id
)
INSERT INTO history (id, org_id, referral_id, no, transition, to_state, by_org, at)
SELECT gen_random_uuid(), %(receiver_id)s, id, 1, 'submit', %(state)s, %(sender_id)s, %(at)s FROM opened
"""


def open_referral(work: Work, opened: Opened) -> None:
    """Write the three rows of a new referral; the receiver's one in the receiver's context."""
    values = {name: getattr(opened, name) for name in Opened.__slots__}
    work.later(OPEN, values)
    with work.acting_for(opened.receiver_id):
        work.later(OPEN_CASE, values)


# A statement of its own: the look after it must see what the one who held the lock before has committed.
HOLD_REFERENCE = "SELECT pg_advisory_xact_lock(hashtextextended(encode(%s, 'hex'), 0))"
OPEN_REFERENCE = """
SELECT id FROM sender_record WHERE external_ref_mac = %s
   AND state NOT IN ('completed', 'ended', 'declined', 'forwarded', 'withdrawn', 'expired', 'entered_in_error') LIMIT 1
"""


def open_with_reference(work: Work, mac: bytes) -> uuid.UUID | None:
    """The acting sender's open referral with this own reference, which is held until the end (referrals.md 7)."""
    work.run(HOLD_REFERENCE, (mac,))
    row = work.one(OPEN_REFERENCE, (mac,))
    return row["id"] if row else None


LOCK = """
SELECT id, kind, sender_id, receiver_id, service_id, urgency, state, feedback_scope, scope_fixed FROM leg_locked(%s)
"""


def lock_leg(work: Work, referral_id: uuid.UUID, org: uuid.UUID) -> Leg:
    """Lock the leg for a decision. Raises NotFound when it does not exist or the caller is no party to it."""
    row = work.one(LOCK, (referral_id,))
    if row is None:
        raise NotFound
    return Leg(**row, side=SENDER if row["sender_id"] == org else "receiver")


MOVE_LEG = "SELECT leg_moved(%(id)s, %(state)s, %(fix)s, %(at)s)"


def move_leg(work: Work, leg: Leg, *, state: str, fix_scope: bool) -> None:
    """Set the leg's true state."""
    work.later(MOVE_LEG, {"id": leg.id, "state": state, "fix": fix_scope, "at": work.now})


VERSION_OF_RECORD = """
SELECT version, state, reason, key_id, unit, worker, restricted,
       (SELECT coalesce(array_agg(m.kind), '{}') FROM case_member AS m
         WHERE m.org_id = r.org_id AND m.referral_id = r.id AND m.subject = %(subject)s) AS member
  FROM sender_record AS r WHERE id = %(id)s FOR UPDATE
"""
VERSION_OF_CASE = """
SELECT version, state, reason, key_id, unit, worker, restricted,
       (SELECT coalesce(array_agg(m.kind), '{}') FROM case_member AS m
         WHERE m.org_id = c.org_id AND m.referral_id = c.id AND m.subject = %(subject)s) AS member
  FROM receiver_case AS c WHERE id = %(id)s FOR UPDATE
"""


def own_row(work: Work, leg: Leg, subject: str | None = None) -> dict[str, Any]:
    """The row of the acting side, and who may open it: what the side sees of state and reason, and the row's key.

    Raises NotFound.
    """
    row = work.one(VERSION_OF_RECORD if leg.side == SENDER else VERSION_OF_CASE, {"id": leg.id, "subject": subject})
    if row is None:
        raise NotFound
    return row


# An erased row moves on with the leg, and takes nothing in again but the state.
STEP_RECORD = """
WITH stepped AS (
    UPDATE sender_record AS r SET state = %(state)s, version = r.version + 1, changed_at = %(at)s,
           reason = CASE WHEN r.erased_at IS NULL THEN coalesce(%(reason)s::text, r.reason) END
      FROM (SELECT id, state FROM sender_record WHERE id = %(id)s FOR UPDATE) AS b
     WHERE r.id = b.id RETURNING r.id, r.org_id, r.version, b.state AS before,
           CASE WHEN r.erased_at IS NULL THEN %(reason)s::text END AS reason
), noted AS (
    INSERT INTO history (id, org_id, referral_id, no, transition, from_state, to_state, by_org, by_subject, reason, at)
    SELECT gen_random_uuid(), org_id, id, version, %(transition)s, before, %(state)s, %(by_org)s, %(by_subject)s,
           reason, %(at)s FROM stepped
)
SELECT version FROM stepped
"""
STEP_CASE = """
WITH stepped AS (
    UPDATE receiver_case AS r SET state = %(state)s, version = r.version + 1, changed_at = %(at)s,
           reason = CASE WHEN r.erased_at IS NULL THEN coalesce(%(reason)s::text, r.reason) END
      FROM (SELECT id, state FROM receiver_case WHERE id = %(id)s FOR UPDATE) AS b
     WHERE r.id = b.id RETURNING r.id, r.org_id, r.version, b.state AS before,
           CASE WHEN r.erased_at IS NULL THEN %(reason)s::text END AS reason
), noted AS (
    INSERT INTO history (id, org_id, referral_id, no, transition, from_state, to_state, by_org, by_subject, reason, at)
    SELECT gen_random_uuid(), org_id, id, version, %(transition)s, before, %(state)s, %(by_org)s, %(by_subject)s,
           reason, %(at)s FROM stepped
)
SELECT version FROM stepped
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step as one party may know it; the other side's staff is never named."""

    transition: str
    state: str
    reason: str | None
    by_org: uuid.UUID
    by_subject: str | None


def step(work: Work, leg: Leg, party: uuid.UUID, taken: Step) -> int:
    """Move one party's row, note it in that party's history and return its new version."""
    query = STEP_RECORD if party == leg.sender_id else STEP_CASE
    values = {name: getattr(taken, name) for name in Step.__slots__} | {"id": leg.id, "at": work.now}
    with work.acting_for(party), work.closed_too():  # the other party's row moves on, held or erased
        row = work.one(query, values)
    if row is None:
        raise NotFound
    version: int = row["version"]
    return version


KEEP_HANDLING = "UPDATE receiver_case SET handling = %s WHERE id = %s"


def keep_handling(work: Work, leg: Leg, sealed: bytes) -> None:
    """Keep what the receiver noted with its decision, sealed."""
    work.later(KEEP_HANDLING, (sealed, leg.id))


# A copy never goes back: an older event that comes late changes nothing.
KEEP_PARTNER = """
INSERT INTO partner AS p (org_id, key, type, country, status, version)
VALUES (%(org_id)s, %(key)s, %(type)s, %(country)s, %(status)s, %(version)s)
ON CONFLICT (org_id) DO UPDATE SET key = excluded.key, type = excluded.type, country = excluded.country,
       status = excluded.status, version = excluded.version WHERE p.version < excluded.version
"""
KEEP_SERVICE = """
INSERT INTO partner_service AS s (service_id, org_id, key, kind, accepting, urgencies, status, version)
VALUES (%(service_id)s, %(org_id)s, %(key)s, %(kind)s, %(accepting)s, %(urgencies)s, %(status)s, %(version)s)
ON CONFLICT (service_id) DO UPDATE SET org_id = excluded.org_id, key = excluded.key, kind = excluded.kind,
       accepting = excluded.accepting, urgencies = excluded.urgencies, status = excluded.status,
       version = excluded.version WHERE s.version < excluded.version
"""


def keep_partner(work: Work, copy: dict[str, Any]) -> None:
    """Keep the local copy of an organisation."""
    work.later(KEEP_PARTNER, copy, expect=None)


def keep_service(work: Work, copy: dict[str, Any]) -> None:
    """Keep the local copy of a service."""
    work.later(KEEP_SERVICE, copy, expect=None)
