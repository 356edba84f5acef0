"""Rows of a FHIR search: both sides of the organisation's referrals in one list, with nothing about the person."""

from __future__ import annotations

from typing import Any

from chassis.db import Work
from services.referrals.rules.lifecycle import SENDER
from services.referrals.views.viewer import Viewer

# Each side has its own end to the order by which it is indexed; what both gave is put together afterwards. Drafts are
# their author's alone, and a child concern is in no list.
FOUND = """
SELECT d.*, s.key AS sender_key, t.key AS receiver_key
  FROM ((SELECT 'sender' AS side, r.id, r.state, r.reason AS reason_code, r.urgency, r.version, r.sent_at, r.changed_at,
                r.org_id AS sender_id, r.receiver_id
           FROM sender_record AS r
          WHERE %(as_sender)s AND r.state <> 'draft' AND r.kind <> 'child_concern'
            AND (%(id)s::uuid IS NULL OR r.id = %(id)s)
            AND (%(states)s::text[] IS NULL OR r.state = ANY (%(states)s))
            AND (%(since)s::timestamptz IS NULL OR r.changed_at >= %(since)s)
            AND (%(until)s::timestamptz IS NULL OR r.changed_at < %(until)s)
            AND (%(requester)s::text IS NULL OR r.org_id = ANY (ARRAY(
                     SELECT org_id FROM partner WHERE key = %(requester)s OR org_id::text = lower(%(requester)s))))
            AND (%(owner)s::text IS NULL OR r.receiver_id = ANY (ARRAY(
                     SELECT org_id FROM partner WHERE key = %(owner)s OR org_id::text = lower(%(owner)s))))
            AND (%(at)s::timestamptz IS NULL OR (r.sent_at, r.id) < (%(at)s, %(after)s::uuid))
            AND (NOT r.restricted OR EXISTS (SELECT FROM case_member AS m WHERE m.org_id = r.org_id
                                               AND m.referral_id = r.id AND m.subject = %(subject)s
                                               AND m.kind = 'named'))
            AND NOT EXISTS (SELECT FROM case_member AS m WHERE m.org_id = r.org_id AND m.referral_id = r.id
                               AND m.subject = %(subject)s AND m.kind = 'barred')
            AND (%(all_sent)s OR r.restricted OR r.unit IS NULL OR r.unit = ANY (%(units)s) OR r.worker = %(subject)s)
          ORDER BY r.sent_at DESC, r.id DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT 'receiver', c.id, c.state, c.reason, c.urgency, c.version, c.sent_at, c.changed_at, c.sender_id,
                c.org_id
           FROM receiver_case AS c
          WHERE %(as_receiver)s AND c.kind <> 'child_concern'
            AND (%(id)s::uuid IS NULL OR c.id = %(id)s)
            AND (%(states)s::text[] IS NULL OR c.state = ANY (%(states)s))
            AND (%(since)s::timestamptz IS NULL OR c.changed_at >= %(since)s)
            AND (%(until)s::timestamptz IS NULL OR c.changed_at < %(until)s)
            AND (%(requester)s::text IS NULL OR c.sender_id = ANY (ARRAY(
                     SELECT org_id FROM partner WHERE key = %(requester)s OR org_id::text = lower(%(requester)s))))
            AND (%(owner)s::text IS NULL OR c.org_id = ANY (ARRAY(
                     SELECT org_id FROM partner WHERE key = %(owner)s OR org_id::text = lower(%(owner)s))))
            AND (%(at)s::timestamptz IS NULL OR (c.sent_at, c.id) < (%(at)s, %(after)s::uuid))
            AND (NOT c.restricted OR EXISTS (SELECT FROM case_member AS m WHERE m.org_id = c.org_id
                                               AND m.referral_id = c.id AND m.subject = %(subject)s
                                               AND m.kind = 'named'))
            AND NOT EXISTS (SELECT FROM case_member AS m WHERE m.org_id = c.org_id AND m.referral_id = c.id
                               AND m.subject = %(subject)s AND m.kind = 'barred')
            AND (%(all_received)s OR c.restricted OR c.unit IS NULL OR c.unit = ANY (%(units)s)
                 OR c.worker = %(subject)s)
          ORDER BY c.sent_at DESC, c.id DESC LIMIT %(limit)s)) AS d
  LEFT JOIN partner AS s ON s.org_id = d.sender_id LEFT JOIN partner AS t ON t.org_id = d.receiver_id
 ORDER BY d.sent_at DESC, d.id DESC LIMIT %(limit)s
"""


def found(work: Work, viewers: dict[str, Viewer], wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of the sides that somebody looks at, newest first.

    `wanted` holds the subject and his units, id, states, since, until, requester, owner, limit, and (at, after) of the
    last seen.
    """
    who: dict[str, Any] = {}
    for side, name in ((SENDER, "sent"), ("receiver", "received")):
        who |= {f"as_{side}": side in viewers, f"all_{name}": side in viewers and viewers[side].all_units}
    rows = work.all(FOUND, {**wanted, **who})
    return [_line(row) for row in rows]


def _line(row: dict[str, Any]) -> dict[str, Any]:
    parties = {
        side: {"id": row[f"{side}_id"], "key": row[f"{side}_key"]} if row[f"{side}_id"] else None
        for side in ("sender", "receiver")
    }
    return {**row, **parties}
