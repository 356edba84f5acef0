"""Rows for the HSDS routes: a page of services or organisations with the total, and what hangs on them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from chassis.db import Work

SERVICES = """
WITH asked AS (SELECT regexp_split_to_array(folded(%(search)s::text), '\\s+') AS words)
SELECT s.id, s.organisation_id, s.kind, s.channels, s.languages, s.coverage, s.names, s.about, s.accepting, s.status,
       s.descriptions, s.program, s.url, s.email, s.needs, s.eligibility, s.referral, s.phones, s.contacts, s.schedules,
       s.costs, s.documents, s.funding, s.alert, s.visibility, s.urgencies, s.changed_at, count(*) OVER () AS total,
       ARRAY(SELECT DISTINCT area FROM licence AS l, unnest(l.municipalities) AS area WHERE l.programme_id = s.id
              ORDER BY area) AS licensed_areas
  FROM asked AS a CROSS JOIN service AS s JOIN organisation AS o ON o.id = s.organisation_id
 WHERE o.status = 'active' AND s.status <> 'removed' AND (%(ids)s::uuid[] IS NULL OR s.id = ANY(%(ids)s))
   AND (a.words IS NULL OR word_score(a.words, s.search || ' ' || o.search) IS NOT NULL)
   AND (%(organisations)s::uuid[] IS NULL OR s.organisation_id = ANY(%(organisations)s))
   AND (%(after)s::timestamptz IS NULL OR s.changed_at >= %(after)s)
   AND (%(kinds)s::text[] IS NULL OR s.kind = ANY(%(kinds)s))
   AND (%(accepting)s::text[] IS NULL OR s.accepting = ANY(%(accepting)s))
   AND (%(channels)s::text[] IS NULL OR s.channels && %(channels)s)
   AND (%(needs)s::text[] IS NULL OR s.needs && %(needs)s)
   AND (%(urgencies)s::text[] IS NULL OR s.urgencies && %(urgencies)s)
   AND (%(genders)s::text[] IS NULL OR s.eligibility->>'gender' = ANY(%(genders)s))
   AND (%(orders)s::text[] IS NULL
        OR CASE s.eligibility->>'order_accepted' WHEN 'true' THEN 'yes' WHEN 'false' THEN 'no' END = ANY(%(orders)s))
   AND (%(may_refer)s::text[] IS NULL OR (s.referral->'who_may_refer' ?| %(may_refer)s
        AND coalesce(s.visibility->'referral', '"public"') = '"public"'))
   AND (%(legal_bases)s::text[] IS NULL OR (s.referral->'legal_bases' ?| %(legal_bases)s
        AND coalesce(s.visibility->'referral', '"public"') = '"public"'))
 ORDER BY s.key LIMIT %(limit)s OFFSET %(offset)s
"""
ORGANISATIONS = """
WITH asked AS (SELECT regexp_split_to_array(folded(%(search)s::text), '\\s+') AS words)
SELECT o.id, o.type, o.names, o.founded, o.parent_id, o.descriptions, o.website, o.email, o.phones, o.contacts,
       o.identifiers, o.funding, o.programs, o.visibility, o.changed_at, count(*) OVER () AS total
  FROM asked AS a CROSS JOIN organisation AS o
 WHERE o.status = 'active' AND (%(ids)s::uuid[] IS NULL OR o.id = ANY(%(ids)s))
   AND (a.words IS NULL OR word_score(a.words, o.search) IS NOT NULL)
 ORDER BY o.key LIMIT %(limit)s OFFSET %(offset)s
"""
LOCATIONS = """
SELECT l.id, l.key, l.organisation_id, l.kind, l.country, l.county, l.municipality, l.city, l.address_1, l.address_2,
       l.postal_code, l.latitude, l.longitude, l.withheld, l.url, l.names, l.descriptions, l.transport, l.accessibility,
       l.languages, l.phones, l.schedules, l.visibility
  FROM location AS l JOIN organisation AS o ON o.id = l.organisation_id
 WHERE o.status = 'active' AND l.status = 'published' AND (l.id = ANY(%(ids)s) OR l.organisation_id = ANY(%(of)s))
 ORDER BY l.key
"""
PLACES_OF = """
SELECT p.service_id, p.location_id FROM service_location AS p JOIN location AS l ON l.id = p.location_id
 WHERE p.service_id = ANY(%s) AND l.status = 'published' ORDER BY p.service_id, p.place
"""
PAIR = "SELECT service_id, location_id FROM service_location WHERE id = %s"
# The middle of the places with this postcode stands for the postcode: the directory has no map. Whose address is not
# for everybody has no say in it, and is not found by it.
AT_LOCATIONS = """
WITH centre AS (
    SELECT avg(l.latitude) AS latitude, avg(l.longitude) AS longitude
      FROM location AS l JOIN organisation AS o ON o.id = l.organisation_id
     WHERE l.postal_code = %(postcode)s AND l.status = 'published' AND o.status = 'active'
       AND open_address(l.visibility)
)
SELECT p.service_id, p.location_id, count(*) OVER () AS total
  FROM service_location AS p JOIN location AS l ON l.id = p.location_id JOIN service AS s ON s.id = p.service_id
  JOIN organisation AS o ON o.id = s.organisation_id JOIN organisation AS w ON w.id = l.organisation_id
  CROSS JOIN centre AS c
 WHERE p.service_id = ANY(%(services)s) AND l.status = 'published' AND w.status = 'active'
   AND (%(postcode)s::text IS NULL OR (open_address(l.visibility) AND CASE WHEN %(metres)s::integer IS NULL
        THEN l.postal_code = %(postcode)s
        ELSE metres_between(l.latitude, l.longitude, c.latitude, c.longitude) <= %(metres)s END))
 ORDER BY s.key, l.key LIMIT %(limit)s OFFSET %(offset)s
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
UNION SELECT 'channel', channel FROM service, unnest(channels) AS channel
UNION SELECT 'need', need FROM service, unnest(needs) AS need
UNION SELECT 'urgency', urgency FROM service, unnest(urgencies) AS urgency
UNION SELECT 'gender', eligibility->>'gender' FROM service WHERE eligibility ? 'gender'
UNION SELECT 'order-accepted', CASE WHEN eligibility->>'order_accepted' = 'true' THEN 'yes' ELSE 'no' END
  FROM service WHERE eligibility ? 'order_accepted'
UNION SELECT 'may-refer', jsonb_array_elements_text(referral->'who_may_refer') FROM service
 WHERE referral ? 'who_may_refer' AND coalesce(visibility->'referral', '"public"') = '"public"'
UNION SELECT 'legal-basis', jsonb_array_elements_text(referral->'legal_bases') FROM service
 WHERE referral ? 'legal_bases' AND coalesce(visibility->'referral', '"public"') = '"public"'
UNION SELECT 'address-withheld', withheld FROM location WHERE withheld IS NOT NULL ORDER BY 1, 2
"""
NARROWED = (
    "ids", "organisations", "after", "kinds", "accepting", "channels", "needs", "urgencies", "genders", "orders",
    "may_refer", "legal_bases",
)  # fmt: skip
ANY = {"search": None, "limit": None, "offset": 0}


def services(work: Work, **asked: Any) -> list[dict[str, Any]]:
    """Services of active organisations in the order of their keys; each row has the `total`."""
    return work.all(SERVICES, {**ANY, **dict.fromkeys(NARROWED), **asked})


def organisations(work: Work, **asked: Any) -> list[dict[str, Any]]:
    """Active organisations in the order of their keys; each row has the `total`."""
    return work.all(ORGANISATIONS, {**ANY, "ids": None, **asked})


def locations(
    work: Work, *, ids: Sequence[uuid.UUID] = (), organisations: Sequence[uuid.UUID] = ()
) -> list[dict[str, Any]]:
    """Published places with these ids, and those of these organisations."""
    return work.all(LOCATIONS, {"ids": list(ids), "of": list(organisations)}) if ids or organisations else []


def places_of(work: Work, services: Sequence[uuid.UUID]) -> list[dict[str, Any]]:
    """Which service is given at which place."""
    return work.all(PLACES_OF, (list(services),)) if services else []


def pair(work: Work, pair_id: uuid.UUID) -> dict[str, Any] | None:
    """The service and the place of a service_at_location."""
    return work.one(PAIR, (pair_id,))


def service_at_locations(work: Work, **asked: Any) -> list[dict[str, Any]]:
    """Services at places: `services` are those that fit, `metres` those around `postcode`; each row has the `total`."""
    return work.all(AT_LOCATIONS, {"postcode": None, "metres": None, **asked})


def metadata(work: Work, kind: str, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """Who set which field when, by thing; `kind` is organisation or service."""
    found: dict[uuid.UUID, list[dict[str, Any]]] = {each: [] for each in ids}
    for row in work.all(METADATA, (kind, list(ids))) if ids else ():
        found[row["resource_id"]].append(row)
    return found


def terms(work: Work) -> list[tuple[str, str]]:
    """Every term in use: taxonomy and code."""
    return [(row["taxonomy"], row["code"]) for row in work.all(TERMS)]
