"""Writes the rows of an import: one statement per section, in which keys of other rows become ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, LiteralString

import orjson

from chassis.db import Work

SAVE_ORGANISATIONS = """
INSERT INTO organisation AS o (id, key, type, country, seat, founded, parent_id, names, descriptions, website, email,
                               phones, contacts, identifiers, funding, programs, visibility, status, version,
                               changed_at)
SELECT id, key, type, country, seat, founded, parent_id, names, descriptions, website, email, phones, contacts,
       identifiers, funding, programs, visibility, status, 1, %(at)s
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (id uuid, key text, type text, country text, seat text, founded text,
           parent_id uuid, names jsonb, descriptions jsonb, website text, email text, phones jsonb, contacts jsonb,
           identifiers jsonb, funding text[], programs jsonb, visibility jsonb, status text)
ON CONFLICT (key) DO UPDATE SET type = excluded.type, country = excluded.country, seat = excluded.seat,
       founded = excluded.founded, parent_id = excluded.parent_id, names = excluded.names,
       descriptions = excluded.descriptions, website = excluded.website, email = excluded.email,
       phones = excluded.phones, contacts = excluded.contacts, identifiers = excluded.identifiers,
       funding = excluded.funding, programs = excluded.programs, visibility = excluded.visibility,
       status = excluded.status, version = o.version + 1, changed_at = excluded.changed_at
RETURNING id, key, type, country, status, names, version
"""
SAVE_LOCATIONS = """
INSERT INTO location AS l (id, key, organisation_id, kind, country, county, municipality, city, address_1, address_2,
                           postal_code, latitude, longitude, withheld, url, names, descriptions, transport,
                           accessibility, languages, phones, schedules, visibility, status, version, changed_at)
SELECT r.id, r.key, o.id, r.kind, r.country, r.county, r.municipality, r.city, r.address_1, r.address_2, r.postal_code,
       r.latitude, r.longitude, r.withheld, r.url, r.names, r.descriptions, r.transport, r.accessibility, r.languages,
       r.phones, r.schedules, r.visibility, r.status, 1, %(at)s
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (id uuid, key text, organisation text, kind text, country text,
           county text, municipality text, city text, address_1 text, address_2 text, postal_code text,
           latitude float8, longitude float8, withheld text, url text, names jsonb, descriptions jsonb,
           transport jsonb, accessibility text[], languages text[], phones jsonb, schedules jsonb, visibility jsonb,
           status text)
  JOIN organisation AS o ON o.key = r.organisation
ON CONFLICT (key) DO UPDATE SET organisation_id = excluded.organisation_id, kind = excluded.kind,
       country = excluded.country, county = excluded.county, municipality = excluded.municipality,
       city = excluded.city, address_1 = excluded.address_1, address_2 = excluded.address_2,
       postal_code = excluded.postal_code, latitude = excluded.latitude, longitude = excluded.longitude,
       withheld = excluded.withheld, url = excluded.url, names = excluded.names, descriptions = excluded.descriptions,
       transport = excluded.transport, accessibility = excluded.accessibility, languages = excluded.languages,
       phones = excluded.phones, schedules = excluded.schedules, visibility = excluded.visibility,
       status = excluded.status, version = l.version + 1, changed_at = excluded.changed_at
RETURNING id, key, version
"""
SAVE_SERVICES = """
INSERT INTO service AS s (id, key, organisation_id, kind, channels, languages, coverage, names, about, started,
                          descriptions, program, url, email, needs, eligibility, referral, phones, contacts, schedules,
                          costs, documents, funding, alert, visibility, accepting, accepting_source, urgencies, status,
                          version, changed_at)
SELECT r.id, r.key, o.id, r.kind, r.channels, r.languages, r.coverage, r.names, r.about, r.started, r.descriptions,
       r.program, r.url, r.email, r.needs, r.eligibility, r.referral, r.phones, r.contacts, r.schedules, r.costs,
       r.documents, r.funding, r.alert, r.visibility, r.accepting, r.accepting_source, r.urgencies, r.status, 1, %(at)s
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (id uuid, key text, organisation text, kind text, channels text[],
           languages text[], coverage text[], names jsonb, about text, started text, descriptions jsonb, program text,
           url text, email text, needs text[], eligibility jsonb, referral jsonb, phones jsonb, contacts jsonb,
           schedules jsonb, costs jsonb, documents text[], funding text[], alert text, visibility jsonb,
           accepting text, accepting_source text, urgencies text[], status text)
  JOIN organisation AS o ON o.key = r.organisation
ON CONFLICT (key) DO UPDATE SET organisation_id = excluded.organisation_id, kind = excluded.kind,
       channels = excluded.channels, languages = excluded.languages, coverage = excluded.coverage,
       names = excluded.names, about = excluded.about, started = excluded.started,
       descriptions = excluded.descriptions, program = excluded.program, url = excluded.url, email = excluded.email,
       needs = excluded.needs, eligibility = excluded.eligibility, referral = excluded.referral,
       phones = excluded.phones, contacts = excluded.contacts, schedules = excluded.schedules, costs = excluded.costs,
       documents = excluded.documents, funding = excluded.funding, alert = excluded.alert,
       visibility = excluded.visibility, accepting = excluded.accepting,
       accepting_source = excluded.accepting_source, urgencies = excluded.urgencies, status = excluded.status,
       stale = false, version = s.version + 1, changed_at = excluded.changed_at
RETURNING id, key, organisation_id, kind, accepting, urgencies, coverage::text[] AS coverage, status, names, stale,
          version
"""
SAVE_MEMBERSHIPS = """
INSERT INTO membership (id, organisation_id, network_id, started, ended, role)
SELECT r.id, o.id, n.id, r.started, r.ended, r.role
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (id uuid, organisation text, network text, started text, ended text,
                                                 role text)
  JOIN organisation AS o ON o.key = r.organisation JOIN organisation AS n ON n.key = r.network
ON CONFLICT (organisation_id, network_id, started) DO UPDATE SET ended = excluded.ended, role = excluded.role
RETURNING id
"""
SAVE_INITIATIVES = """
INSERT INTO initiative (id, key, names, started, ended, year, programme, approved_by, approved_on, reported_on,
                        activities, results, outputs, next_step, lithuanian_partner)
SELECT r.*
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (id uuid, key text, names jsonb, started text, ended text, year text,
           programme text, approved_by text, approved_on text, reported_on text, activities jsonb, results text[],
           outputs text[], next_step text, lithuanian_partner text)
ON CONFLICT (key) DO UPDATE SET names = excluded.names, started = excluded.started, ended = excluded.ended,
       year = excluded.year, programme = excluded.programme, approved_by = excluded.approved_by,
       approved_on = excluded.approved_on, reported_on = excluded.reported_on, activities = excluded.activities,
       results = excluded.results, outputs = excluded.outputs, next_step = excluded.next_step,
       lithuanian_partner = excluded.lithuanian_partner
RETURNING id
"""
SAVE_INDICATORS = """
INSERT INTO indicator (id, initiative_id, name, unit, planned, reached, impact, evidence, started, ended, source)
SELECT r.id, i.id, r.name, r.unit, r.planned, r.reached, r.impact, r.evidence, r.started, r.ended, r.source
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (id uuid, initiative text, name text, unit text, planned integer,
           reached integer, impact text, evidence text, started text, ended text, source text)
  JOIN initiative AS i ON i.key = r.initiative
ON CONFLICT (initiative_id, name) DO UPDATE SET unit = excluded.unit, planned = excluded.planned,
       reached = excluded.reached, impact = excluded.impact, evidence = excluded.evidence,
       started = excluded.started, ended = excluded.ended, source = excluded.source
RETURNING id
"""
SAVE_LICENCES = """
INSERT INTO licence (id, programme_id, by_id, municipalities, note)
SELECT r.id, s.id, o.id, r.municipalities, r.note
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (id uuid, programme text, by text, municipalities text[], note text)
  JOIN service AS s ON s.key = r.programme LEFT JOIN organisation AS o ON o.key = r.by
ON CONFLICT (programme_id, by_id) DO UPDATE SET municipalities = excluded.municipalities, note = excluded.note
RETURNING id
"""
SAVE_FACILITATORS = """
INSERT INTO facilitator (id, code, organisation_id, programme_id, training, started, ended)
SELECT r.id, r.code, o.id, s.id, r.training, r.started, r.ended
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (id uuid, code text, organisation text, programme text, training text,
                                                 started date, ended date)
  JOIN organisation AS o ON o.key = r.organisation JOIN service AS s ON s.key = r.programme
ON CONFLICT (organisation_id, code, programme_id) DO UPDATE SET training = excluded.training,
       started = excluded.started, ended = excluded.ended
RETURNING id
"""
SAVE_NETWORK_FACTS = """
INSERT INTO network_fact (id, country, fact, as_of)
SELECT r.* FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (id uuid, country text, fact text, as_of text)
ON CONFLICT (country, fact) DO UPDATE SET as_of = excluded.as_of
RETURNING id
"""
QUERIES: dict[str, LiteralString] = {
    "organisations": SAVE_ORGANISATIONS,
    "locations": SAVE_LOCATIONS,
    "services": SAVE_SERVICES,
    "memberships": SAVE_MEMBERSHIPS,
    "initiatives": SAVE_INITIATIVES,
    "indicators": SAVE_INDICATORS,
    "licences": SAVE_LICENCES,
    "facilitators": SAVE_FACILITATORS,
    "network_facts": SAVE_NETWORK_FACTS,
}


class RowsLost(Exception):
    """A statement wrote fewer rows than it was given: a reference that the rules had let through."""


def save(work: Work, section: str, rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Create or change the rows of a section; returns those with a key as they stand now, by key."""
    saved = work.all(QUERIES[section], {"rows": _json(rows), "at": work.now})
    if len(saved) != len(rows):
        message = f"{section}: {len(rows)} rows were to be written, {len(saved)} were"
        raise RowsLost(message)
    return {row["key"]: row for row in saved if "key" in row}


FORGET_PARTNERS = """
DELETE FROM service_partner WHERE service_id IN (SELECT id FROM service WHERE key = ANY(%s))
"""
LINK_PARTNERS = """
INSERT INTO service_partner (service_id, place, organisation_id)
SELECT s.id, r.place, o.id FROM jsonb_to_recordset(%s::jsonb) AS r (owner text, place integer, organisation text)
  JOIN service AS s ON s.key = r.owner JOIN organisation AS o ON o.key = r.organisation
"""


FORGET_PLACES = """
DELETE FROM service_location WHERE service_id IN (SELECT id FROM service WHERE key = ANY(%s))
"""
LINK_PLACES = """
INSERT INTO service_location (id, service_id, place, location_id)
SELECT r.id, r.service_id, r.place, r.location_id
  FROM jsonb_to_recordset(%s::jsonb) AS r (id uuid, service_id uuid, place integer, location_id uuid)
"""


def link_partners(work: Work, partners: dict[str, list[str]]) -> None:
    """Say which organisations carry a service together with its own one; by the service's key."""
    links = [{"owner": key, **link} for key, linked in partners.items() for link in _placed(linked)]
    work.run(FORGET_PARTNERS, (list(partners),), expect=None)
    work.run(LINK_PARTNERS, (_json(links),), expect=len(links))


def link_places(work: Work, services: list[str], links: list[dict[str, Any]]) -> None:
    """Say at which places services (by key) are given: id, service_id, place and location_id of each pair."""
    work.run(FORGET_PLACES, (services,), expect=None)
    work.run(LINK_PLACES, (_json(links),), expect=len(links))


FORGET_PARTIES = """
DELETE FROM initiative_organisation WHERE initiative_id IN (SELECT id FROM initiative WHERE key = ANY(%s))
"""
LINK_PARTIES = """
INSERT INTO initiative_organisation (initiative_id, role, place, organisation_id)
SELECT i.id, r.role, r.place, o.id
  FROM jsonb_to_recordset(%s::jsonb) AS r (owner text, role text, place integer, organisation text)
  JOIN initiative AS i ON i.key = r.owner JOIN organisation AS o ON o.key = r.organisation
"""


def link_parties(work: Work, parties: dict[str, dict[str, list[str]]]) -> None:
    """Say which organisations took part in an initiative, by its key and their role."""
    links = [
        {"owner": key, "role": role, **link}
        for key, roles in parties.items()
        for role, linked in roles.items()
        for link in _placed(linked)
    ]
    work.run(FORGET_PARTIES, (list(parties),), expect=None)
    work.run(LINK_PARTIES, (_json(links),), expect=len(links))


KEEP_SOURCE = """
INSERT INTO import_source (id, about, first_at) VALUES (gen_random_uuid(), %s, %s) ON CONFLICT (about) DO NOTHING
"""


def keep_source(work: Work, about: str) -> None:
    """Keep what an imported file says of itself, once."""
    work.run(KEEP_SOURCE, (about, work.now), expect=None)


NOTE = """
INSERT INTO metadata (resource_type, resource_id, last_action_type, last_action_at, field_name, previous_value,
                      replacement_value, updated_by)
SELECT r.resource_type, r.resource_id, r.last_action_type, %(at)s, r.field_name, r.previous_value, r.replacement_value,
       %(by)s
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (resource_type text, resource_id uuid, last_action_type text,
           field_name text, previous_value jsonb, replacement_value jsonb)
"""


def note(work: Work, by: str, entries: list[dict[str, Any]]) -> None:
    """Keep who set which field, with the old and the new value."""
    work.run(NOTE, {"rows": _json(entries), "at": work.now, "by": by}, expect=len(entries))


# Whoever withholds an address takes it back from the past too (directory.md section 4).
FORGET_VALUES = """
UPDATE metadata SET previous_value = NULL, replacement_value = NULL, last_action_type = 'withhold'
 WHERE resource_type = 'location' AND resource_id = ANY(%s)
   AND field_name NOT IN ('organisation', 'country', 'county', 'kind', 'key', 'withheld', 'visibility')
   AND (previous_value IS NOT NULL OR replacement_value IS NOT NULL)
"""


FORGET_PROPOSED = """
UPDATE proposal SET content = content - %(told)s::text[], before = before - %(told)s::text[], reason = '(withheld)',
       ended_because = CASE WHEN ended_because IS NULL THEN NULL ELSE '(withheld)' END
 WHERE section = 'locations' AND mark = ANY(%(keys)s)
"""


def forget_places(work: Work, location_ids: list[Any], keys: list[str], told: Iterable[str]) -> None:
    """Take the values of these places out of the history and of what was proposed; who changed what when stays."""
    work.run(FORGET_VALUES, (location_ids,), expect=None)
    work.run(FORGET_PROPOSED, {"keys": keys, "told": list(told)}, expect=None)


def _placed(keys: Iterable[str]) -> list[dict[str, Any]]:
    return [{"place": place, "organisation": key} for place, key in enumerate(keys)]


def _json(rows: list[dict[str, Any]]) -> str:
    return orjson.dumps(rows).decode()
