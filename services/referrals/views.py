"""Rows that are only shown: one referral as its side may see it, the lists, the history."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.db import Work
from chassis.errors import NotFound
from services.referrals.rules.lifecycle import FINAL, RECEIVER, allowed_actions

# Row security leaves at most one of the two halves: a party sees its own row and nothing of the other's.
SHOWN = """
SELECT 'sender' AS side, r.id, r.state, r.reason, r.urgency, r.version, r.key_id, r.personal, NULL::bytea AS handling,
       r.sent_at, r.changed_at, r.org_id AS sender_id, r.receiver_id, r.service_id,
       s.key AS sender_key, t.key AS receiver_key, v.key AS service_key
  FROM sender_record AS r
  LEFT JOIN partner AS s ON s.org_id = r.org_id LEFT JOIN partner AS t ON t.org_id = r.receiver_id
  LEFT JOIN partner_service AS v ON v.service_id = r.service_id WHERE r.id = %(id)s
UNION ALL
SELECT 'receiver', c.id, c.state, c.reason, c.urgency, c.version, c.key_id, c.personal, c.handling,
       c.sent_at, c.changed_at, c.sender_id, c.org_id, c.service_id, s.key, t.key, v.key
  FROM receiver_case AS c
  LEFT JOIN partner AS s ON s.org_id = c.sender_id LEFT JOIN partner AS t ON t.org_id = c.org_id
  LEFT JOIN partner_service AS v ON v.service_id = c.service_id WHERE c.id = %(id)s
"""


def row_of(work: Work, referral_id: uuid.UUID) -> dict[str, Any]:
    """The acting organisation's row of a referral, still sealed. Raises NotFound."""
    row = work.one(SHOWN, {"id": referral_id})
    if row is None:
        raise NotFound
    return row


def shown(row: dict[str, Any], personal: dict[str, Any], handling: dict[str, Any] | None) -> dict[str, Any]:
    """The value that ReferralView dumps: clear columns, the opened personal part, and what the side may do next."""
    kind = personal["kind"]
    return {
        **{name: personal.get(name) for name in PERSONAL},
        "id": row["id"],
        "kind": kind,
        "side": row["side"],
        "state": row["state"],
        "reason_code": row["reason"],
        "urgency": row["urgency"],
        "version": row["version"],
        "sender": {"id": row["sender_id"], "key": row["sender_key"]},
        "receiver": {"id": row["receiver_id"], "key": row["receiver_key"]},
        "service": {"id": row["service_id"], "key": row["service_key"]} if row["service_id"] else None,
        "handling": handling,
        "sent_at": row["sent_at"],
        "changed_at": row["changed_at"],
        "allowed_actions": allowed_actions(row["state"], row["side"], kind),
    }


PERSONAL = (
    "person",
    "role",
    "contact",
    "contact_via",
    "needs",
    "reason",
    "ordered",
    "order_reference",
    "person_informed",
    "feedback_scope",
    "external_ref",
)

INBOX = """
SELECT 'receiver' AS side, c.id, c.state, c.reason AS reason_code, c.urgency, c.version, c.sent_at, c.changed_at,
       c.sender_id AS other_id, p.key AS other_key
  FROM receiver_case AS c LEFT JOIN partner AS p ON p.org_id = c.sender_id
 WHERE (%(state)s::text IS NULL OR c.state = %(state)s)
   AND (%(at)s::timestamptz IS NULL OR (c.sent_at, c.id) < (%(at)s, %(after)s::uuid))
 ORDER BY c.sent_at DESC, c.id DESC LIMIT %(limit)s
"""
SENT = """
SELECT 'sender' AS side, r.id, r.state, r.reason AS reason_code, r.urgency, r.version, r.sent_at, r.changed_at,
       r.receiver_id AS other_id, p.key AS other_key
  FROM sender_record AS r LEFT JOIN partner AS p ON p.org_id = r.receiver_id
 WHERE (%(state)s::text IS NULL OR r.state = %(state)s)
   AND (%(at)s::timestamptz IS NULL OR (r.sent_at, r.id) < (%(at)s, %(after)s::uuid))
 ORDER BY r.sent_at DESC, r.id DESC LIMIT %(limit)s
"""


def listed(work: Work, side: str, *, state: str | None, after: tuple[Any, Any], limit: int) -> list[dict[str, Any]]:
    """Rows of a work list, newest first, with nothing about the person; `after` is (sent_at, id) of the last seen."""
    query = INBOX if side == RECEIVER else SENT
    rows = work.all(query, {"state": state, "at": after[0], "after": after[1], "limit": limit})
    other = "sender" if side == RECEIVER else "receiver"
    return [{**row, other: {"id": row["other_id"], "key": row["other_key"]}} for row in rows]


HISTORY = """
SELECT h.no, h.at, h.transition, h.from_state, h.to_state, h.reason AS reason_code, h.by_subject, h.by_org,
       p.key AS by_key
  FROM history AS h LEFT JOIN partner AS p ON p.org_id = h.by_org WHERE h.referral_id = %s ORDER BY h.no
"""


def history(work: Work, referral_id: uuid.UUID) -> list[dict[str, Any]]:
    """Who moved it, when and why, as far as the acting side may know; empty when it is not the caller's."""
    rows = work.all(HISTORY, (referral_id,))
    return [{**row, "by": {"id": row["by_org"], "key": row["by_key"]}} for row in rows]


SAME_SENT = """
SELECT DISTINCT o.record_id AS id FROM person_index AS m JOIN person_index AS o USING (org_id, kind, value)
  JOIN sender_record AS r ON r.id = o.record_id
 WHERE m.record_id = %s AND o.record_id <> m.record_id AND r.state <> ALL (%s) ORDER BY id LIMIT 50
"""
SAME_RECEIVED = """
SELECT DISTINCT o.record_id AS id FROM person_index AS m JOIN person_index AS o USING (org_id, kind, value)
  JOIN receiver_case AS r ON r.id = o.record_id
 WHERE m.record_id = %s AND o.record_id <> m.record_id AND r.state <> ALL (%s) ORDER BY id LIMIT 50
"""
INDEXED = "SELECT 1 FROM person_index WHERE record_id = %s LIMIT 1"


def duplicates(work: Work, referral_id: uuid.UUID, side: str) -> dict[str, Any]:
    """Ids of the acting organisation's other open referrals with an equal hash, and whether hashes were made yet."""
    ready = work.one(INDEXED, (referral_id,)) is not None
    rows = work.all(SAME_RECEIVED if side == RECEIVER else SAME_SENT, (referral_id, list(FINAL)))
    return {"ready": ready, "ids": [row["id"] for row in rows]}
