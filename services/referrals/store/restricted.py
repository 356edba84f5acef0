"""The restricted part of a case, on victim or partner: rows of their own, sealed with keys of their own."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.db import Work
from chassis.errors import Stale

CONTENT = "restricted_part|content"

OF_REFERRAL = """
SELECT id AS part_id, referral_id AS id, key_id, content, partner_step, version, changed_at FROM restricted_part
 WHERE referral_id = %s
"""


def of_referral(work: Work, referral_id: uuid.UUID) -> dict[str, Any] | None:
    """The acting organisation's restricted part, still sealed; None when nothing was written."""
    return work.one(OF_REFERRAL, (referral_id,))


WRITE = """
INSERT INTO restricted_part AS p (id, org_id, referral_id, key_id, content, partner_step, version, by_subject,
                                  changed_at)
VALUES (%(part_id)s, acting_org(), %(id)s, %(key_id)s, %(content)s, %(partner_step)s, 1, %(by)s, %(at)s)
ON CONFLICT (org_id, referral_id) DO UPDATE SET content = excluded.content, partner_step = excluded.partner_step,
       version = p.version + 1, by_subject = excluded.by_subject, changed_at = excluded.changed_at
 WHERE p.version = %(version)s AND p.id = excluded.id
"""


def write(work: Work, referral_id: uuid.UUID, written: dict[str, Any]) -> None:
    """Write the part or its next version; `version` is the one that was read, 0 for none. Raises Stale."""
    if work.run(WRITE, {**written, "id": referral_id, "at": work.now}, expect=None) != 1:
        raise Stale("restricted.stale", "The restricted part was changed meanwhile; read it again.")


def write_for(work: Work, referral_id: uuid.UUID, org: uuid.UUID, written: dict[str, Any]) -> None:
    """Write the first restricted part of another party, as a message that came in brought it."""
    with work.acting_for(org):
        write(work, referral_id, written)


# All legs of the episode that this organisation sent, and those that it received and passed on or sent again. Who acted
# on one of them, is assigned or named there or looked from outside is on the man's side.
ON_MANS_SIDE = """
WITH legs AS (
    SELECT %(id)s::uuid AS id
    UNION SELECT o.id FROM sender_record AS r JOIN sender_record AS o USING (episode_id)
           WHERE r.id = %(id)s OR r.parent_id = %(id)s
    UNION SELECT r.parent_id FROM sender_record AS r WHERE r.id = %(id)s AND r.parent_id IS NOT NULL
)
SELECT 1 FROM legs WHERE EXISTS (SELECT FROM history AS h WHERE h.referral_id = legs.id AND h.by_subject = %(subject)s)
    OR EXISTS (SELECT FROM outside_read AS o WHERE o.referral_id = legs.id AND o.subject = %(subject)s)
    OR EXISTS (SELECT FROM case_member AS m WHERE m.referral_id = legs.id AND m.subject = %(subject)s
                  AND m.kind = 'named')
    OR EXISTS (SELECT FROM sender_record AS r WHERE r.id = legs.id AND r.worker = %(subject)s)
    OR EXISTS (SELECT FROM receiver_case AS c WHERE c.id = legs.id AND c.worker = %(subject)s)
 LIMIT 1
"""


def is_on_mans_side(work: Work, referral_id: uuid.UUID, subject: str) -> bool:
    """Whether this member has worked on the man's side of the episode."""
    return work.one(ON_MANS_SIDE, {"id": referral_id, "subject": subject}) is not None


TAKE_SIDE = """
INSERT INTO partner_side (org_id, referral_id, subject, at)
SELECT acting_org(), legs.id, %(subject)s, %(at)s FROM (
    SELECT %(id)s::uuid AS id
    UNION SELECT o.id FROM sender_record AS r JOIN sender_record AS o USING (episode_id)
           WHERE r.id = %(id)s OR r.parent_id = %(id)s
    UNION SELECT r.parent_id FROM sender_record AS r WHERE r.id = %(id)s AND r.parent_id IS NOT NULL) AS legs
ON CONFLICT DO NOTHING
"""


def take_partners_side(work: Work, referral_id: uuid.UUID, subject: str) -> None:
    """From now on this member opens nothing on the man's side of the episode."""
    work.later(TAKE_SIDE, {"id": referral_id, "subject": subject, "at": work.now}, expect=None)
