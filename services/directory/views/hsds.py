"""Rows for the HSDS routes: a page of services or organisations with the total, and what hangs on them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from chassis.db import Work

SERVICES = """
WITH asked AS (SELECT regexp_split_to_array(folded(%(search)s::text), '\\s+') AS words)
SELECT s.id, s.organisation_id, s.kind, s.channels, s.languages, s.coverage, s.names, s.about, s.accepting, s.status,
       s.changed_at, count(*) OVER () AS total,
       ARRAY(SELECT DISTINCT area FROM licence AS l, unnest(l.municipalities) AS area WHERE l.programme_id = s.id
              ORDER BY area) AS licensed_areas
  FROM asked AS a CROSS JOIN service AS s JOIN organisation AS o ON o.id = s.organisation_id
 WHERE o.status = 'active' AND (%(id)s::uuid IS NULL OR s.id = %(id)s)
   AND (a.words IS NULL OR word_score(a.words, s.search || ' ' || o.search) IS NOT NULL)
   AND (%(organisations)s::uuid[] IS NULL OR s.organisation_id = ANY(%(organisations)s))
   AND (%(after)s::timestamptz IS NULL OR s.changed_at >= %(after)s)
   AND (%(kinds)s::text[] IS NULL OR s.kind = ANY(%(kinds)s))
   AND (%(accepting)s::text[] IS NULL OR s.accepting = ANY(%(accepting)s))
   AND (%(channels)s::text[] IS NULL OR s.channels && %(channels)s)
 ORDER BY s.key LIMIT %(limit)s OFFSET %(offset)s
"""
ORGANISATIONS = """
WITH asked AS (SELECT regexp_split_to_array(folded(%(search)s::text), '\\s+') AS words)
SELECT o.id, o.type, o.names, o.founded, o.parent_id, o.changed_at, count(*) OVER () AS total
  FROM asked AS a CROSS JOIN organisation AS o
 WHERE o.status = 'active' AND (%(ids)s::uuid[] IS NULL OR o.id = ANY(%(ids)s))
   AND (a.words IS NULL OR word_score(a.words, o.search) IS NOT NULL)
 ORDER BY o.key LIMIT %(limit)s OFFSET %(offset)s
"""
METADATA = """
SELECT no, resource_type, resource_id, last_action_type, last_action_at, field_name, previous_value, replacement_value,
       updated_by
  FROM metadata WHERE resource_type = %s AND resource_id = ANY(%s) ORDER BY no
"""
TERMS = """
SELECT 'service-kind' AS taxonomy, kind AS code FROM service
UNION SELECT 'organisation-type', type FROM organisation
UNION SELECT 'accepting', accepting FROM service
UNION SELECT 'channel', channel FROM service, unnest(channels) AS channel ORDER BY 1, 2
"""
ANY = {"search": None, "limit": None, "offset": 0}


def services(work: Work, **asked: Any) -> list[dict[str, Any]]:
    """Services of active organisations in the order of their keys; each row has the `total`."""
    nothing = dict.fromkeys(("id", "organisations", "after", "kinds", "accepting", "channels"))
    return work.all(SERVICES, {**ANY, **nothing, **asked})


def organisations(work: Work, **asked: Any) -> list[dict[str, Any]]:
    """Active organisations in the order of their keys; each row has the `total`."""
    return work.all(ORGANISATIONS, {**ANY, "ids": None, **asked})


def metadata(work: Work, kind: str, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """Who set which field when, by thing; `kind` is organisation or service."""
    found: dict[uuid.UUID, list[dict[str, Any]]] = {each: [] for each in ids}
    for row in work.all(METADATA, (kind, list(ids))) if ids else ():
        found[row["resource_id"]].append(row)
    return found


def terms(work: Work) -> list[tuple[str, str]]:
    """Every term in use: taxonomy and code."""
    return [(row["taxonomy"], row["code"]) for row in work.all(TERMS)]
