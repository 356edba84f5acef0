"""How long services of the acting organisation take to answer, measured from its own cases, and what was told of it."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from chassis.db import Work

ORGANISATIONS = "SELECT DISTINCT org_id FROM partner_service ORDER BY org_id"
# An answer is a decision, not the receipt; half hours count as an hour.
MEASURED = """
WITH answered AS (
    SELECT c.service_id, extract(epoch FROM min(h.at) - c.sent_at) / 3600 AS hours
      FROM receiver_case AS c JOIN history AS h ON h.org_id = c.org_id AND h.referral_id = c.id
       AND h.to_state IN ('accepted', 'declined', 'waitlisted', 'forwarded')
     WHERE c.kind = 'ordinary' AND c.service_id IS NOT NULL AND c.sent_at >= %(since)s
     GROUP BY c.id, c.service_id, c.sent_at
)
SELECT service_id, count(*) AS total,
       greatest(1, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY hours)))::integer AS median_hours
  FROM answered GROUP BY service_id
"""
TOLD = "SELECT service_id, org_id, median_hours FROM service_response"
KEEP = """
INSERT INTO service_response (service_id, org_id, median_hours, told_at)
VALUES (%(service_id)s, %(org_id)s, %(median_hours)s, %(at)s)
ON CONFLICT (service_id) DO UPDATE SET median_hours = excluded.median_hours, told_at = excluded.told_at
"""
STANDING = "SELECT service_id, org_id, median_hours FROM service_response WHERE service_id = %s FOR SHARE"
OWNER = "SELECT org_id FROM partner_service WHERE service_id = %s"


def organisations(work: Work) -> list[uuid.UUID]:
    """Organisations that offer a service."""
    return [row["org_id"] for row in work.all(ORGANISATIONS)]


def measured(work: Work, since: dt.datetime) -> list[dict[str, Any]]:
    """Median hours to the first decision, by service, of what came since then; `total` says of how many."""
    return work.all(MEASURED, {"since": since})


def told(work: Work) -> dict[uuid.UUID, int | None]:
    """What the network was last told, by service."""
    return {row["service_id"]: row["median_hours"] for row in work.all(TOLD)}


def keep(work: Work, row: dict[str, Any]) -> None:
    """It is being told now."""
    work.run(KEEP, {**row, "at": work.now})


def standing(work: Work, service_id: uuid.UUID) -> dict[str, Any] | None:
    """What was told of a service, locked against a new figure."""
    owner = work.one(OWNER, (service_id,))
    if owner is None:
        return None
    with work.acting_for(owner["org_id"]):
        return work.one(STANDING, (service_id,))
