"""Writes a new referral: the leg, the sender's record and, once it is sent, the receiver's case."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from chassis.db import Work
from chassis.errors import NotFound

RECORD_PERSONAL = "sender_record|personal"
CASE_PERSONAL = "receiver_case|personal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A new referral, ready to be written: the leg and both parties' sealed rows; a draft has no case yet."""

    id: uuid.UUID
    parent_id: uuid.UUID | None
    kind: str
    sender_id: uuid.UUID
    receiver_id: uuid.UUID | None
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
    case_key: uuid.UUID | None
    case_sealed: bytes | None


OPEN = """
WITH leg AS (
    SELECT leg_begun(%(id)s, %(parent_id)s, %(kind)s, %(sender_id)s, %(receiver_id)s, %(service_id)s, %(urgency)s,
                     %(ordered)s, %(state)s, %(feedback_scope)s, %(at)s) AS episode_id
), record AS (
    INSERT INTO sender_record (id, org_id, kind, parent_id, episode_id, receiver_id, service_id, state, urgency,
                               version, key_id, personal, external_ref_mac, unit, worker, sent_at, changed_at)
    SELECT %(id)s, %(sender_id)s, %(kind)s, %(parent_id)s, episode_id, %(receiver_id)s, %(service_id)s, %(state)s,
           %(urgency)s, 1, %(record_key)s, %(record_sealed)s, %(reference_mac)s, %(unit)s, %(worker)s, %(at)s,
           %(at)s FROM leg WHERE episode_id IS NOT NULL RETURNING id
)
INSERT INTO history (id, org_id, referral_id, no, transition, event, to_state, by_org, by_subject, at)
SELECT gen_random_uuid(), %(sender_id)s, id, 1, CASE %(state)s WHEN 'draft' THEN 'create' ELSE 'submit' END,
       %(state)s, %(state)s, %(sender_id)s, %(subject)s, %(at)s FROM record
"""
OPEN_CASE = """
WITH opened AS (
    INSERT INTO receiver_case (id, org_id, kind, sender_id, service_id, state, urgency, version, key_id, personal,
                               sent_at, changed_at)
    VALUES (%(id)s, %(receiver_id)s, %(kind)s, %(sender_id)s, %(service_id)s, %(state)s, %(urgency)s, 1, %(case_key)s,
            %(case_sealed)s, %(at)s, %(at)s) RETURNING id
)
INSERT INTO history (id, org_id, referral_id, no, transition, event, to_state, by_org, at)
SELECT gen_random_uuid(), %(receiver_id)s, id, 1, 'submit', %(state)s, %(state)s, %(sender_id)s, %(at)s FROM opened
"""


def open_referral(work: Work, opened: Opened) -> None:
    """Write the rows of a new referral; the receiver's one in the receiver's context."""
    values = {name: getattr(opened, name) for name in Opened.__slots__}
    work.later(OPEN, values)
    if opened.case_key is not None:
        open_case(work, opened)


ADDRESS = """
WITH leg AS (
    SELECT leg_addressed(%(id)s, %(receiver_id)s, %(service_id)s, %(urgency)s, %(ordered)s, %(feedback_scope)s,
                         %(at)s) AS id
), record AS (
    UPDATE sender_record AS r SET receiver_id = %(receiver_id)s, service_id = %(service_id)s, state = %(state)s,
           urgency = %(urgency)s, version = r.version + 1, key_id = %(record_key)s,
           personal = %(record_sealed)s,
           external_ref_mac = %(reference_mac)s, sent_at = %(at)s, changed_at = %(at)s, last_transition = 'submit'
      FROM leg WHERE r.id = leg.id RETURNING r.id, r.version
)
INSERT INTO history (id, org_id, referral_id, no, transition, event, from_state, to_state, by_org, by_subject, at)
SELECT gen_random_uuid(), %(sender_id)s, id, version, 'submit', %(state)s, 'draft', %(state)s, %(sender_id)s,
       %(subject)s, %(at)s FROM record
"""


def send_draft(work: Work, opened: Opened) -> None:
    """Hand a draft over: `opened` with the draft's own id; its key is a new one, the sweeper takes the old one."""
    values = {name: getattr(opened, name) for name in Opened.__slots__}
    work.later(ADDRESS, values)
    if opened.case_key is not None:
        open_case(work, opened)


REWRITE = """
UPDATE sender_record SET personal = %(sealed)s, urgency = %(urgency)s, version = version + 1, changed_at = %(at)s
 WHERE id = %(id)s AND state = 'draft'
"""


def rewrite_draft(work: Work, referral_id: uuid.UUID, *, sealed: bytes, urgency: str) -> None:
    """Put other content into a draft of the acting organisation."""
    work.later(REWRITE, {"id": referral_id, "sealed": sealed, "urgency": urgency, "at": work.now})


def open_case(work: Work, opened: Opened) -> None:
    """Write the receiver's case, in the receiver's context."""
    if opened.receiver_id is None:
        raise NotFound
    values = {name: getattr(opened, name) for name in Opened.__slots__}
    with work.acting_for(opened.receiver_id):
        work.later(OPEN_CASE, values)


# A statement of its own: the look after it must see what the one who held the lock before has committed.
HOLD_REFERENCE = "SELECT pg_advisory_xact_lock(hashtextextended(encode(%s, 'hex'), 0))"
OPEN_REFERENCE = """
SELECT id FROM sender_record WHERE external_ref_mac = %s AND state NOT IN ('completed', 'ended', 'declined',
       'forwarded', 'withdrawn', 'expired', 'entered_in_error', 'closed') LIMIT 1
"""


def open_with_reference(work: Work, mac: bytes) -> uuid.UUID | None:
    """The acting sender's open referral with this own reference, which is held until the end (referrals.md 7)."""
    work.run(HOLD_REFERENCE, (mac,))
    row = work.one(OPEN_REFERENCE, (mac,))
    return row["id"] if row else None


DRAFTS_DUE = "SELECT org_id, id FROM drafts_due(%s, %s)"


def drafts_due(work: Work, before: dt.datetime, most: int) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Organisation and id of drafts that nobody touched since `before`."""
    return [(row["org_id"], row["id"]) for row in work.all(DRAFTS_DUE, (before, most))]
