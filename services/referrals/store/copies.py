"""The local copies of the directory: which organisations there are and what they offer."""

from __future__ import annotations

import uuid
from typing import Any

from psycopg.types.json import Jsonb

from chassis.db import Work
from services.referrals.rules.receiving import Offer

# The sender's own copy and every service of the receiver, whichever way the receiver was named.
OFFERS = """
WITH wanted AS (
    SELECT %(sender)s::uuid AS org_id
    UNION SELECT org_id FROM partner WHERE key = %(receiver)s
    UNION SELECT %(receiver_id)s::uuid
    UNION SELECT org_id FROM partner_service WHERE key = %(service)s
    UNION SELECT org_id FROM partner_service WHERE service_id = %(service_id)s
)
SELECT p.org_id, p.key, p.type, p.country, p.status, s.service_id, s.key AS service_key, s.kind,
       s.status AS service_status, s.accepting, s.urgencies, s.coverage
  FROM wanted JOIN partner AS p USING (org_id) LEFT JOIN partner_service AS s USING (org_id) ORDER BY s.key
"""


def offers(work: Work, sender: uuid.UUID, *, receiver: str | None = None, service: str | None = None) -> list[Offer]:
    """The local copies that decide where a referral goes; references are keys or UUIDs as the caller wrote them."""
    values = {
        "sender": sender,
        "receiver": receiver,
        "receiver_id": _uuid(receiver),
        "service": service,
        "service_id": _uuid(service),
    }
    return [_offer(row) for row in work.all(OFFERS, values)]


# Services that say nothing of where they work do so in their organisation's country.
OFFERS_IN = """
SELECT p.org_id, p.key, p.type, p.country, p.status, s.service_id, s.key AS service_key, s.kind,
       s.status AS service_status, s.accepting, s.urgencies, s.coverage
  FROM partner_service AS s JOIN partner AS p USING (org_id)
 WHERE p.country = %(country)s OR EXISTS (SELECT FROM unnest(s.coverage) AS area
                                           WHERE split_part(area, ':', 1) = %(country)s)
 ORDER BY p.org_id, s.key
"""


def offers_in(work: Work, country: str) -> list[Offer]:
    """The local copies of whoever works in a country."""
    return [_offer(row) for row in work.all(OFFERS_IN, {"country": country})]


def _offer(row: dict[str, Any]) -> Offer:
    lists = {name: tuple(row[name] or ()) for name in ("urgencies", "coverage")}
    return Offer(**{**row, **lists})


def _uuid(reference: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(reference) if reference else None
    except ValueError:
        return None


# A copy never goes back: an older event that comes late changes nothing.
KEEP_PARTNER = """
INSERT INTO partner AS p (org_id, key, type, country, status, names, version)
VALUES (%(org_id)s, %(key)s, %(type)s, %(country)s, %(status)s, %(names)s, %(version)s)
ON CONFLICT (org_id) DO UPDATE SET key = excluded.key, type = excluded.type, country = excluded.country,
       status = excluded.status, names = excluded.names, version = excluded.version
 WHERE p.version < excluded.version
"""
KEEP_SERVICE = """
INSERT INTO partner_service AS s (service_id, org_id, key, kind, accepting, urgencies, coverage, status, stale,
                                  version)
VALUES (%(service_id)s, %(org_id)s, %(key)s, %(kind)s, %(accepting)s, %(urgencies)s, %(coverage)s, %(status)s,
        %(stale)s, %(version)s)
ON CONFLICT (service_id) DO UPDATE SET org_id = excluded.org_id, key = excluded.key, kind = excluded.kind,
       accepting = excluded.accepting, urgencies = excluded.urgencies, coverage = excluded.coverage,
       status = excluded.status, stale = excluded.stale, version = excluded.version WHERE s.version < excluded.version
"""


def keep_partner(work: Work, copy: dict[str, Any]) -> None:
    """Keep the local copy of an organisation."""
    work.later(KEEP_PARTNER, {**copy, "names": Jsonb(copy.get("names") or {})}, expect=None)


def keep_service(work: Work, copy: dict[str, Any]) -> None:
    """Keep the local copy of a service."""
    work.later(KEEP_SERVICE, {"coverage": [], "stale": False, **copy}, expect=None)


NAMES = "SELECT org_id, names FROM partner WHERE org_id = ANY(%s)"


def names(work: Work, orgs: list[uuid.UUID | None]) -> dict[uuid.UUID, dict[str, str]]:
    """The public names of organisations by language, as far as the directory told them."""
    rows = work.all(NAMES, ([org for org in orgs if org is not None],))
    return {row["org_id"]: row["names"] or {} for row in rows}
