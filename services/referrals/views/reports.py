"""Figures about an organisation's own referrals, counted from its own rows; small ones are still in them here."""

from __future__ import annotations

from typing import Any, LiteralString

from chassis.db import Work
from services.referrals.rules.lifecycle import RECEIVER
from services.referrals.rules.reporting import CONVERSION, OVERDUE, REASONS, TIMES

# What was sent in the period, by month or by the other organisation; erased rows are counted as long as they stand.
RECEIVED: LiteralString = """
WITH chosen AS (
    SELECT t.id, t.org_id, t.state::text AS state, t.sent_at,
           CASE WHEN %(by)s = 'month' THEN to_char(t.sent_at AT TIME ZONE 'UTC', 'YYYY-MM')
                ELSE coalesce(p.key, t.sender_id::text) END AS "group"
      FROM receiver_case AS t LEFT JOIN partner AS p ON p.org_id = t.sender_id
     WHERE t.kind = 'ordinary' AND t.sent_at >= %(since)s AND t.sent_at < %(until)s
)
"""
SENT: LiteralString = """
WITH chosen AS (
    SELECT t.id, t.org_id, t.state::text AS state, t.sent_at,
           CASE WHEN %(by)s = 'month' THEN to_char(t.sent_at AT TIME ZONE 'UTC', 'YYYY-MM')
                ELSE coalesce(p.key, t.receiver_id::text, 'area') END AS "group"
      FROM sender_record AS t LEFT JOIN partner AS p ON p.org_id = t.receiver_id
     WHERE t.kind = 'ordinary' AND t.state <> 'draft' AND t.sent_at >= %(since)s AND t.sent_at < %(until)s
)
"""
_CONVERSION: LiteralString = """
, reached AS (
    SELECT DISTINCT c.id, CASE h.to_state::text WHEN 'in_progress' THEN 'started' ELSE h.to_state::text END AS state
      FROM chosen AS c JOIN history AS h ON h.org_id = c.org_id AND h.referral_id = c.id
)
SELECT c."group", count(*) AS total,
       count(*) FILTER (WHERE 'received' = ANY (r.states)) AS received,
       count(*) FILTER (WHERE 'accepted' = ANY (r.states)) AS accepted,
       count(*) FILTER (WHERE 'waitlisted' = ANY (r.states)) AS waitlisted,
       count(*) FILTER (WHERE 'started' = ANY (r.states)) AS started,
       count(*) FILTER (WHERE c.state = 'completed') AS completed, count(*) FILTER (WHERE c.state = 'ended') AS ended,
       count(*) FILTER (WHERE c.state = 'declined') AS declined,
       count(*) FILTER (WHERE c.state = 'forwarded') AS forwarded,
       count(*) FILTER (WHERE c.state = 'withdrawn') AS withdrawn,
       count(*) FILTER (WHERE c.state = 'expired') AS expired
  FROM chosen AS c
  JOIN (SELECT id, array_agg(state) AS states FROM reached GROUP BY id) AS r USING (id)
 GROUP BY c."group" ORDER BY c."group"
"""
_TIMES: LiteralString = """
, stays AS (
    SELECT c."group", h.to_state::text AS state, h.at AS entered,
           lead(h.at) OVER (PARTITION BY h.referral_id ORDER BY h.no) AS "left",
           lead(h.to_state::text) OVER (PARTITION BY h.referral_id ORDER BY h.no) AS following
      FROM chosen AS c JOIN history AS h ON h.org_id = c.org_id AND h.referral_id = c.id
)
SELECT "group", state, count(*) AS total,
       round((percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM "left" - entered) / 3600))::numeric, 1)
           ::float8 AS median_hours,
       round((percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM "left" - entered) / 3600))::numeric, 1)
           ::float8 AS slowest_tenth_hours
  FROM stays WHERE "left" IS NOT NULL AND following <> 'closed' GROUP BY "group", state ORDER BY "group", state
"""
_REASONS: LiteralString = """
SELECT c."group", h.transition, h.reason, count(*) AS total
  FROM chosen AS c JOIN history AS h ON h.org_id = c.org_id AND h.referral_id = c.id
 WHERE h.reason IS NOT NULL GROUP BY c."group", h.transition, h.reason ORDER BY c."group", h.transition, h.reason
"""
_OVERDUE: LiteralString = """
SELECT c."group", k.code AS clock, count(*) AS total,
       count(*) FILTER (WHERE coalesce(k.stopped_at, %(now)s) > k.due_at) AS late,
       count(*) FILTER (WHERE k.stopped_at IS NULL AND k.due_at < %(now)s) AS late_now
  FROM chosen AS c JOIN clock AS k ON k.org_id = c.org_id AND k.referral_id = c.id
 GROUP BY c."group", k.code ORDER BY c."group", k.code
"""
QUERIES: dict[str, LiteralString] = {
    CONVERSION: _CONVERSION,
    TIMES: _TIMES,
    REASONS: _REASONS,
    OVERDUE: _OVERDUE,
}


def counted(work: Work, report: str, *, side: str, period: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of a report; `period` has since, until and by (month or organisation)."""
    base = RECEIVED if side == RECEIVER else SENT
    return work.all(base + QUERIES[report], {**period, "now": work.now})
