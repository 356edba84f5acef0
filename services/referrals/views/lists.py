"""Work lists: lines without anything about the person, each list by the index that its first filter has.

A child concern is in no list but its own (referrals.md section 10). Each query is made of the texts here alone.
"""

from __future__ import annotations

from typing import Any, LiteralString

from chassis.db import Work
from services.referrals.rules.lifecycle import RECEIVER
from services.referrals.views.viewer import MAY_OPEN, Viewer

RECEIVED: LiteralString = """
SELECT 'receiver' AS side, t.id, t.state, t.reason AS reason_code, t.urgency, t.version, t.sent_at, t.changed_at,
       t.unit, t.worker, t.due_at, t.due_clock, t.sender_id AS other_id, p.key AS other_key
  FROM receiver_case AS t LEFT JOIN partner AS p ON p.org_id = t.sender_id
 WHERE t.kind <> 'child_concern'
   AND (%(with)s::text IS NULL OR p.key = %(with)s OR t.sender_id::text = lower(%(with)s))
"""
SENT: LiteralString = """
SELECT 'sender' AS side, t.id, t.state, t.reason AS reason_code, t.urgency, t.version, t.sent_at, t.changed_at,
       t.unit, t.worker, t.due_at, t.due_clock, t.receiver_id AS other_id, p.key AS other_key
  FROM sender_record AS t LEFT JOIN partner AS p ON p.org_id = t.receiver_id
 WHERE t.kind <> 'child_concern' AND t.state <> 'draft'
   AND (%(with)s::text IS NULL OR p.key = %(with)s OR t.receiver_id::text = lower(%(with)s))
"""
DRAFTS: LiteralString = """
SELECT 'sender' AS side, t.id, t.state, t.reason AS reason_code, t.urgency, t.version, NULL::timestamptz AS sent_at,
       t.changed_at, t.unit, t.worker, NULL::timestamptz AS due_at, NULL AS due_clock, NULL::uuid AS other_id,
       NULL AS other_key
  FROM sender_record AS t WHERE t.kind <> 'child_concern' AND t.state = 'draft'
"""
FILTERS: LiteralString = """
   AND (%(urgency)s::text IS NULL OR t.urgency = %(urgency)s)
   AND (%(since)s::timestamptz IS NULL OR t.sent_at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR t.sent_at < %(until)s)
   AND (NOT %(overdue)s OR t.due_at < %(now)s)
"""
OF_STATES: LiteralString = " AND t.state::text = ANY (%(state)s::text[])"
OF_ONE_STATE: LiteralString = " AND t.state = %(one_state)s"
OF_WORKER: LiteralString = " AND t.worker = %(worker)s"
OF_UNIT: LiteralString = " AND t.unit = %(unit)s"
NEWEST: LiteralString = """
   AND (%(at)s::timestamptz IS NULL OR (t.sent_at, t.id) < (%(at)s, %(after)s::uuid))
 ORDER BY t.sent_at DESC, t.id DESC LIMIT %(limit)s
"""
LAST_CHANGED: LiteralString = """
   AND (%(at)s::timestamptz IS NULL OR (t.changed_at, t.id) < (%(at)s, %(after)s::uuid))
 ORDER BY t.changed_at DESC, t.id DESC LIMIT %(limit)s
"""
LATEST_DUE: LiteralString = """
   AND t.due_at < %(now)s AND (%(at)s::timestamptz IS NULL OR (t.due_at, t.id) > (%(at)s, %(after)s::uuid))
 ORDER BY t.due_at, t.id LIMIT %(limit)s
"""
LONGEST_WAITING: LiteralString = """
   AND t.state = 'waitlisted'
   AND (%(at)s::timestamptz IS NULL OR (t.changed_at, t.id) > (%(at)s, %(after)s::uuid))
 ORDER BY t.changed_at, t.id LIMIT %(limit)s
"""


def inbox(work: Work, viewer: Viewer, query: dict[str, Any]) -> list[dict[str, Any]]:
    """What came in and the viewer may open, newest first; `query` is a loaded ListQuery with the place to go on at."""
    return _lines(work, RECEIVED + FILTERS + _first(query) + MAY_OPEN + NEWEST, viewer, query, other="sender")


def sent(work: Work, viewer: Viewer, query: dict[str, Any]) -> list[dict[str, Any]]:
    """What went out and the viewer may open, newest first."""
    return _lines(work, SENT + FILTERS + _first(query) + MAY_OPEN + NEWEST, viewer, query, other="receiver")


def drafts(work: Work, viewer: Viewer, query: dict[str, Any]) -> list[dict[str, Any]]:
    """What was not sent yet, last changed first."""
    return _lines(work, DRAFTS + MAY_OPEN + LAST_CHANGED, viewer, query, other="receiver")


def overdue(work: Work, viewer: Viewer, query: dict[str, Any], *, side: str) -> list[dict[str, Any]]:
    """What somebody should have done by now, the longest overdue first."""
    base, other = (RECEIVED, "sender") if side == RECEIVER else (SENT, "receiver")
    return _lines(work, base + FILTERS + _first(query) + MAY_OPEN + LATEST_DUE, viewer, query, other=other)


def waiting(work: Work, viewer: Viewer, query: dict[str, Any]) -> list[dict[str, Any]]:
    """The waiting list: who has waited longest first."""
    return _lines(work, RECEIVED + FILTERS + _first(query) + MAY_OPEN + LONGEST_WAITING, viewer, query, other="sender")


COUNT_RECEIVED: LiteralString = """
SELECT t.state::text AS state, count(*) AS count, count(*) FILTER (WHERE t.due_at < %(now)s) AS overdue,
       count(*) FILTER (WHERE t.worker = %(subject)s) AS mine, count(*) FILTER (WHERE t.worker IS NULL) AS nobodys
  FROM receiver_case AS t
 WHERE t.kind <> 'child_concern' AND t.state IN ('sent', 'received', 'info_requested', 'assessing', 'accepted',
                                                 'waitlisted', 'in_progress', 'on_hold')
"""
COUNT_SENT: LiteralString = """
SELECT t.state::text AS state, count(*) AS count, count(*) FILTER (WHERE t.due_at < %(now)s) AS overdue,
       count(*) FILTER (WHERE t.worker = %(subject)s) AS mine, count(*) FILTER (WHERE t.worker IS NULL) AS nobodys
  FROM sender_record AS t
 WHERE t.kind <> 'child_concern' AND t.state IN ('draft', 'sent', 'received', 'info_requested', 'assessing',
                                                 'accepted', 'waitlisted', 'in_progress', 'on_hold', 'expired')
"""
BY_STATE: LiteralString = " GROUP BY t.state ORDER BY t.state"


def counts(work: Work, viewer: Viewer, *, side: str) -> list[dict[str, Any]]:
    """How many of what is open stand in each state, how many of them are overdue, the viewer's, or nobody's."""
    base = COUNT_RECEIVED if side == RECEIVER else COUNT_SENT
    rows = work.all(base + MAY_OPEN + BY_STATE, {**viewer.values, "now": work.now})
    return [{**row, "side": side} for row in rows]


# The sender's side has the author, and the lead for what was sent; the authority reads by unit, as any case.
CONCERNS = """
SELECT * FROM (
    SELECT 'sender' AS side, r.id, r.state, NULL AS reason_code, r.urgency, r.version,
           CASE WHEN r.state <> 'draft' THEN r.sent_at END AS sent_at, r.changed_at, r.receiver_id AS other_id,
           p.key AS other_key
      FROM sender_record AS r LEFT JOIN partner AS p ON p.org_id = r.receiver_id
     WHERE r.kind = 'child_concern' AND (r.worker = %(subject)s OR (%(leads)s AND r.state <> 'draft'))
    UNION ALL
    SELECT 'receiver', c.id, c.state, NULL, c.urgency, c.version, c.sent_at, c.changed_at, c.sender_id, p.key
      FROM receiver_case AS c LEFT JOIN partner AS p ON p.org_id = c.sender_id
     WHERE c.kind = 'child_concern' AND %(receives)s
       AND (NOT c.restricted OR EXISTS (SELECT FROM case_member AS m WHERE m.org_id = c.org_id AND m.referral_id = c.id
                                          AND m.subject = %(subject)s AND m.kind = 'named'))
       AND NOT EXISTS (SELECT FROM case_member AS m WHERE m.org_id = c.org_id AND m.referral_id = c.id
                          AND m.subject = %(subject)s AND m.kind = 'barred')
       AND (%(all_units)s OR c.restricted OR c.unit IS NULL OR c.unit = ANY (%(units)s) OR c.worker = %(subject)s)
    ) AS found
 WHERE (%(state)s::text[] = '{}' OR state::text = ANY (%(state)s))
   AND (%(at)s::timestamptz IS NULL OR (changed_at, id) < (%(at)s, %(after)s::uuid))
 ORDER BY changed_at DESC, id DESC LIMIT %(limit)s
"""


def concerns(work: Work, query: dict[str, Any]) -> list[dict[str, Any]]:
    """Child concerns that the reader may open, last changed first; `query` says who he is and where to go on."""
    rows = work.all(CONCERNS, query)
    return [_line(row, "receiver" if row["side"] == "sender" else "sender") for row in rows]


def _first(query: dict[str, Any]) -> LiteralString:
    """The conditions that have an index of their own; only those that are asked for, so that the index is taken."""
    found: LiteralString = ""
    if query.get("state"):
        found += OF_ONE_STATE if len(query["state"]) == 1 else OF_STATES
    if query.get("worker"):
        found += OF_WORKER
    if query.get("unit"):
        found += OF_UNIT
    return found


def _lines(
    work: Work, statement: LiteralString, viewer: Viewer, query: dict[str, Any], *, other: str
) -> list[dict[str, Any]]:
    worker = viewer.subject if query.get("worker") == "me" else query.get("worker")
    states = query.get("state") or []
    values = {**query, **viewer.values, "worker": worker, "now": work.now, "one_state": next(iter(states), None)}
    return [_line(row, other) for row in work.all(statement, values)]


def _line(row: dict[str, Any], other: str) -> dict[str, Any]:
    return {**row, other: {"id": row["other_id"], "key": row["other_key"]} if row["other_id"] else None}
