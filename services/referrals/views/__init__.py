"""Rows that are only shown: one referral as its side may see it, its history, who may open it, its duplicates."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.db import Work
from chassis.errors import NotFound
from services.referrals.rules import legal
from services.referrals.rules.lifecycle import CLOSED, FINAL, RECEIVER
from services.referrals.views.viewer import Viewer

HISTORY_DETAILS = "history|details"

# Row security leaves at most one of the two halves: a party sees its own row and nothing of the other's.
SHOWN = """
SELECT 'sender' AS side, r.id, r.state, r.kind, r.reason, r.urgency, r.version, r.key_id, r.personal,
       NULL::bytea AS handling, CASE WHEN r.state <> 'draft' THEN r.sent_at END AS sent_at, r.changed_at,
       r.org_id AS sender_id, r.receiver_id, r.service_id, s.key AS sender_key, t.key AS receiver_key,
       v.key AS service_key, coalesce(v.stale, false) AS service_stale,
       r.unit, r.worker, r.restricted, r.held_from, r.held_by, r.last_transition, r.locked_at,
       r.episode_id, r.parent_id, r.area, r.consent_until, r.objected_at, false AS treating,
       false AS kept_as_self_referral,
       (SELECT coalesce(array_agg(m.kind), '{}') FROM member_standing AS m
         WHERE m.org_id = r.org_id AND m.referral_id = r.id AND m.subject = %(subject)s) AS member
  FROM sender_record AS r
  LEFT JOIN partner AS s ON s.org_id = r.org_id LEFT JOIN partner AS t ON t.org_id = r.receiver_id
  LEFT JOIN partner_service AS v ON v.service_id = r.service_id WHERE r.id = %(id)s
UNION ALL
SELECT 'receiver', c.id, c.state, c.kind, c.reason, c.urgency, c.version, c.key_id, c.personal, c.handling, c.sent_at,
       c.changed_at, c.sender_id, c.org_id, c.service_id, s.key, t.key, v.key, coalesce(v.stale, false),
       c.unit, c.worker, c.restricted,
       c.held_from, c.held_by, c.last_transition, c.locked_at, NULL, NULL, NULL, c.consent_until, c.objected_at,
       c.treating, c.kept_as_self_referral,
       (SELECT coalesce(array_agg(m.kind), '{}') FROM member_standing AS m
         WHERE m.org_id = c.org_id AND m.referral_id = c.id AND m.subject = %(subject)s)
  FROM receiver_case AS c
  LEFT JOIN partner AS s ON s.org_id = c.sender_id LEFT JOIN partner AS t ON t.org_id = c.org_id
  LEFT JOIN partner_service AS v ON v.service_id = c.service_id WHERE c.id = %(id)s
"""


def row_of(work: Work, referral_id: uuid.UUID, subject: str) -> dict[str, Any]:
    """The acting organisation's row of a referral, still sealed; how the subject is named in it. Raises NotFound.

    `locked_at` also says since when an ended consent shuts the personal part.
    """
    row = work.one(SHOWN, {"id": referral_id, "subject": subject})
    if row is None:
        raise NotFound
    today = work.now.date()
    shut = legal.shut_since(row["locked_at"], row["consent_until"], treating=row["treating"], today=today)
    return {**row, "locked_at": shut}


CLEAR = (
    "id", "side", "state", "kind", "urgency", "version", "sent_at", "changed_at", "episode_id", "parent_id", "area",
    "objected_at", "kept_as_self_referral", "service_stale",
)  # fmt: skip


def shown(row: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    """The value that ReferralView dumps: clear columns, and the content as far as it was opened."""
    clear = {name: row[name] for name in CLEAR}
    parties = {
        side: {"id": row[f"{side}_id"], "key": row[f"{side}_key"]} if row[f"{side}_id"] else None
        for side in ("sender", "receiver")
    }
    service = {"id": row["service_id"], "key": row["service_key"]} if row["service_id"] else None
    opened = {name: content[name] for name in PERSONAL if name in content}  # a draft has what was written so far
    closed = row["locked_at"] is not None
    return {**opened, **clear, **parties, "service": service, "reason_code": row["reason"], "personal_closed": closed}


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
    "language",
    "interpreter",
    "respond_by",
    "not_before",
    "desired_outcomes",
    "risk",
    "warning",
    "handling",
    "legal_basis",
)


HISTORY = """
SELECT h.id, h.no, h.at, h.transition, h.event, h.from_state, h.to_state, h.reason AS reason_code, h.details,
       h.by_subject, h.by_org, p.key AS by_key
  FROM history AS h LEFT JOIN partner AS p ON p.org_id = h.by_org WHERE h.referral_id = %s ORDER BY h.no
"""


def history(work: Work, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Who moved it, when and why, and what was said, as far as the acting side may know; `row` is its own row."""
    return [_step(work, row, each) for each in work.all(HISTORY, (row["id"],))]


LAST = """
SELECT id, details FROM history WHERE referral_id = %s AND transition = %s AND details IS NOT NULL
 ORDER BY no DESC LIMIT 1
"""


def last_details(work: Work, row: dict[str, Any], transition: str) -> dict[str, Any] | None:
    """What was said with the last step of this name; None where nothing was, or nobody may read it any more."""
    found = work.one(LAST, (row["id"], transition))
    return _details(work, row, found) if found else None


def _step(work: Work, row: dict[str, Any], step: dict[str, Any]) -> dict[str, Any]:
    by = {"id": step["by_org"], "key": step["by_key"]} if step["by_org"] else None
    return {**step, "by": by, "details": _details(work, row, step)}


def _details(work: Work, row: dict[str, Any], step: dict[str, Any]) -> dict[str, Any] | None:
    if step["details"] is None or row["locked_at"] is not None:
        return None
    return work.keys.open(row["key_id"], HISTORY_DETAILS, step["id"], step["details"])


ACCESS = """
SELECT r.id, %(side)s AS side, r.unit, r.worker, r.restricted,
       (SELECT coalesce(array_agg(subject ORDER BY subject), '{}') FROM case_member
         WHERE referral_id = r.id AND kind = 'named') AS named,
       (SELECT coalesce(array_agg(subject ORDER BY subject), '{}') FROM case_member
         WHERE referral_id = r.id AND kind = 'barred') AS barred
  FROM (SELECT id, unit, worker, restricted FROM sender_record WHERE id = %(id)s
        UNION ALL SELECT id, unit, worker, restricted FROM receiver_case WHERE id = %(id)s) AS r
"""


def access(work: Work, referral_id: uuid.UUID, side: str) -> dict[str, Any]:
    """Who of the acting organisation may open the case. Raises NotFound."""
    row = work.one(ACCESS, {"id": referral_id, "side": side})
    if row is None:
        raise NotFound
    return row


# Only cases that the reader of this list may open himself.
OUTSIDE = """
SELECT o.id, o.referral_id, o.side, coalesce(r.unit, c.unit) AS unit, o.subject, o.reason, o.at
  FROM outside_read AS o
  LEFT JOIN sender_record AS r ON o.side = 'sender' AND r.id = o.referral_id
  LEFT JOIN receiver_case AS c ON o.side = 'receiver' AND c.id = o.referral_id
 WHERE o.side = ANY (%(sides)s) AND o.at >= %(since)s
   AND (%(at)s::timestamptz IS NULL OR (o.at, o.id) < (%(at)s, %(after)s::uuid))
   AND NOT EXISTS (SELECT FROM case_member AS m WHERE m.org_id = o.org_id AND m.referral_id = o.referral_id
                      AND m.subject = %(subject)s AND m.kind = 'barred')
   AND (NOT coalesce(r.restricted, c.restricted)
        OR EXISTS (SELECT FROM case_member AS m WHERE m.org_id = o.org_id AND m.referral_id = o.referral_id
                      AND m.subject = %(subject)s AND m.kind = 'named'))
 ORDER BY o.at DESC, o.id DESC LIMIT %(limit)s
"""


def outside_reads(work: Work, wanted: dict[str, Any], *, after: tuple[Any, Any]) -> list[dict[str, Any]]:
    """Looks from outside the unit, newest first; `wanted` says sides, since, subject and limit."""
    return work.all(OUTSIDE, {**wanted, "at": after[0], "after": after[1]})


SAME_SENT = """
SELECT DISTINCT o.record_id AS id FROM person_index AS m JOIN person_index AS o USING (org_id, kind, value)
  JOIN sender_record AS r ON r.id = o.record_id
 WHERE m.record_id = %(id)s AND o.record_id <> m.record_id AND r.state <> ALL (%(ended)s)
   AND (NOT r.restricted OR EXISTS (SELECT FROM case_member AS m WHERE m.org_id = r.org_id AND m.referral_id = r.id
                                      AND m.subject = %(subject)s AND m.kind = 'named'))
   AND NOT EXISTS (SELECT FROM case_member AS m WHERE m.org_id = r.org_id AND m.referral_id = r.id
                      AND m.subject = %(subject)s AND m.kind = 'barred')
   AND (%(all_units)s OR r.restricted OR r.unit IS NULL OR r.unit = ANY (%(units)s) OR r.worker = %(subject)s)
 ORDER BY id LIMIT 50
"""
SAME_RECEIVED = """
SELECT DISTINCT o.record_id AS id FROM person_index AS m JOIN person_index AS o USING (org_id, kind, value)
  JOIN receiver_case AS r ON r.id = o.record_id
 WHERE m.record_id = %(id)s AND o.record_id <> m.record_id AND r.state <> ALL (%(ended)s)
   AND (NOT r.restricted OR EXISTS (SELECT FROM case_member AS m WHERE m.org_id = r.org_id AND m.referral_id = r.id
                                      AND m.subject = %(subject)s AND m.kind = 'named'))
   AND NOT EXISTS (SELECT FROM case_member AS m WHERE m.org_id = r.org_id AND m.referral_id = r.id
                      AND m.subject = %(subject)s AND m.kind = 'barred')
   AND (%(all_units)s OR r.restricted OR r.unit IS NULL OR r.unit = ANY (%(units)s) OR r.worker = %(subject)s)
 ORDER BY id LIMIT 50
"""
INDEXED = "SELECT 1 FROM person_index WHERE record_id = %s LIMIT 1"


def duplicates(work: Work, referral_id: uuid.UUID, side: str, viewer: Viewer) -> dict[str, Any]:
    """Ids of the other open referrals with an equal hash that the viewer may open, and whether hashes were made yet."""
    ready = work.one(INDEXED, (referral_id,)) is not None
    query = SAME_RECEIVED if side == RECEIVER else SAME_SENT
    rows = work.all(query, {**viewer.values, "id": referral_id, "ended": [*FINAL, CLOSED]})
    return {"ready": ready, "ids": [row["id"] for row in rows]}
