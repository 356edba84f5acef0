"""Search of services: the rows that fit are found by index and ranked; what is shown of a page is read after that.

The fit is 5 for the municipality itself, 4 for a licence there, 3 for its county, 2 for the whole country, 1 for remote
help of the country, 0 where the area is unknown. Rank: fit, then words, then whether it accepts, then freshness.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, LiteralString

from chassis.db import Work
from services.directory.views import nearby
from services.directory.views.narrowing import CONDITIONS, NAMES

_PLACED: LiteralString = """
placed AS (
    SELECT service_id, max(fit) AS fit FROM (
        SELECT service_id, CASE way WHEN 'own' THEN 5 ELSE 4 END AS fit FROM service_area
         WHERE country = ANY(%(countries)s) AND place = ANY(%(places)s)
        UNION ALL SELECT service_id, 3 FROM service_area
         WHERE country = ANY(%(countries)s) AND place = ANY(%(counties)s)
        UNION ALL SELECT service_id, 2 FROM service_area
         WHERE country = ANY(%(countries)s) AND spot = '' AND way <> 'any'
        UNION ALL SELECT service_id, 2 FROM service_area
         WHERE country = ANY(%(countries)s) AND place IS NOT NULL AND %(places)s::text[] IS NULL
        UNION ALL SELECT service_id, CASE WHEN remote THEN 1 ELSE 0 END FROM service_search
         WHERE country = ANY(%(countries)s) AND listed AND (remote OR NOT somewhere)
    ) AS fitting GROUP BY service_id
), candidate AS (SELECT s.*, p.fit FROM placed AS p JOIN service_search AS s ON s.service_id = p.service_id)
"""
# The same for words that few have: where those few work is looked up, not who works there.
_FEW: LiteralString = """
matched AS MATERIALIZED (
    SELECT c.* FROM service_search AS c WHERE c.words @@ (SELECT query FROM asked) AND c.listed
), placed AS MATERIALIZED (
    SELECT c.*, greatest(
               CASE WHEN c.country = ANY(%(countries)s) AND (c.remote OR NOT c.somewhere) THEN c.remote::integer END,
               (SELECT max(CASE WHEN a.spot = ANY(%(places)s) AND a.way = 'own' THEN 5
                                WHEN a.spot = ANY(%(places)s) AND a.way = 'licence' THEN 4
                                WHEN a.spot = ANY(%(counties)s) AND a.way <> 'any' THEN 3
                                WHEN a.spot = '' AND (a.way <> 'any' OR %(places)s::text[] IS NULL) THEN 2 END)
                  FROM service_area AS a WHERE a.service_id = c.service_id AND a.country = ANY(%(countries)s))) AS fit
      FROM matched AS c
), candidate AS (SELECT * FROM placed WHERE fit IS NOT NULL)
"""
_ANYWHERE: LiteralString = "candidate AS (SELECT s.*, NULL::integer AS fit FROM service_search AS s)"
_RANKED: LiteralString = """
, scored AS {kept} (
    SELECT c.service_id, c.key, c.fit, c.standing, {score} AS score
      FROM candidate AS c JOIN service AS s ON s.id = c.service_id
     WHERE {conditions} AND {matches}
       AND (%(organisation)s::uuid IS NULL OR s.organisation_id = %(organisation)s)
       AND (%(metres)s::integer IS NULL OR EXISTS (
               SELECT FROM service_location AS p JOIN location AS l ON l.id = p.location_id
                WHERE p.service_id = c.service_id AND l.status = 'published' AND open_address(l.visibility)
                  AND metres_between(l.latitude, l.longitude, %(latitude)s, %(longitude)s) <= %(metres)s))
     {most}
), fitting AS (
    SELECT service_id, key, fit, score,
           coalesce(fit, 0) * 1000000 + coalesce(score, 0) * 100
           + CASE WHEN %(ranked)s THEN standing ELSE 0 END AS rank
      FROM scored WHERE {scoring}
)
SELECT service_id, key, fit, score, rank::integer AS rank FROM fitting
 WHERE %(after_rank)s::integer IS NULL OR rank < %(after_rank)s OR (rank = %(after_rank)s AND key > %(after_key)s)
 ORDER BY rank DESC, key LIMIT %(limit)s
"""
# Words that stand in thousands of entries tell none of them apart: of those that fit otherwise a thousand are ranked.
_MOST: LiteralString = "LIMIT 1000"
FEW = 400
_ASKED: LiteralString = "WITH asked AS MATERIALIZED (SELECT asked_words(%(words)s::text[]) AS query), "
# How words count: the score, which rows have them (by index), whether each score is worked out once, what it must be.
_MODES: dict[str, tuple[LiteralString, LiteralString, LiteralString, LiteralString, LiteralString]] = {
    "all": ("NULL::integer", "true", "NOT MATERIALIZED", "", "true"),
    "stems": (
        "least(999, (ts_rank(c.words, (SELECT query FROM asked)) * 1000)::integer)",
        "c.words @@ (SELECT query FROM asked)",
        "MATERIALIZED",
        _MOST,
        "true",
    ),
    "slips": (
        "word_score(%(plain)s::text[], c.plain)",
        "c.service_id IN (SELECT resembling(%(plain)s::text[]))",
        "MATERIALIZED",
        "",
        "score IS NOT NULL",
    ),
}


def _statement(mode: str, candidates: LiteralString) -> LiteralString:
    score, matches, kept, most, scoring = _MODES[mode]
    ranked = (
        _RANKED.replace("{conditions}", CONDITIONS)
        .replace("{score}", score)
        .replace("{matches}", matches)
        .replace("{kept}", kept)
    )
    ranked = ranked.replace("{most}", most)
    return _ASKED + candidates + ranked.replace("{scoring}", scoring)


STATEMENTS: dict[tuple[bool, str], LiteralString] = {
    (placed, mode): _statement(mode, _PLACED if placed else _ANYWHERE) for placed in (True, False) for mode in _MODES
}
WITH_FEW = _statement("stems", _FEW)
COUNT_FEW = """
SELECT count(*) AS count FROM (
    SELECT FROM service_search WHERE words @@ asked_words(%(words)s::text[]) AND listed LIMIT %(limit)s) AS those
"""
NARROWED = (
    "countries", "places", "counties", "organisation", "metres", "latitude", "longitude", "words", "plain", *NAMES,
)  # fmt: skip


def found(work: Work, mode: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Ids of the services that fit, ranked, with fit and score; `mode` is all, stems or slips."""
    if mode == "all" and asked["countries"] is not None and not (asked["organisation"] or asked["metres"]):
        return nearby.found(work, asked)
    rank, key = asked["position"]
    given = {**dict.fromkeys(NARROWED), **asked, "after_rank": rank, "after_key": key}
    given["ranked"] = bool(asked.get("countries") or asked.get("words"))
    if mode == "stems" and asked["countries"] is not None and _have_few(work, asked["words"]):
        return work.all(WITH_FEW, given)
    return work.all(STATEMENTS[asked["countries"] is not None, mode], given)


def _have_few(work: Work, words: Sequence[str]) -> bool:
    row = work.one(COUNT_FEW, {"words": list(words), "limit": FEW + 1})
    return row is not None and row["count"] <= FEW


KNOWS = "SELECT 1 AS one FROM service_search WHERE words @@ asked_words(%s::text[]) AND listed LIMIT 1"


def knows(work: Work, words: Sequence[str]) -> bool:
    """Whether any service has all of these words."""
    return work.one(KNOWS, (list(words),)) is not None


PAGE = """
SELECT s.id, s.key, s.kind, s.channels, s.languages, s.coverage, s.names, s.about, s.descriptions, s.started,
       s.accepting_source, s.accepting AS own_accepting, s.urgencies, s.status, s.version, s.changed_at, s.url, s.email,
       s.needs, s.eligibility, s.referral, s.phones, s.contacts, s.schedules, s.costs, s.documents, s.alert,
       s.visibility, s.verified_at, s.stale,
       s.response_hours, s.program, o.id AS organisation_id, o.key AS organisation_key, o.country,
       coalesce(x.accepting, s.accepting) AS accepting, o.status AS organisation_status,
       ARRAY(SELECT jsonb_build_object('id', w.id, 'key', w.key) FROM service_partner AS p
               JOIN organisation AS w ON w.id = p.organisation_id WHERE p.service_id = s.id
              ORDER BY p.place) AS partners,
       ARRAY(SELECT l.key::text FROM service_location AS p JOIN location AS l ON l.id = p.location_id
              WHERE p.service_id = s.id AND l.status = 'published' ORDER BY p.place) AS locations,
       (SELECT min(metres_between(l.latitude, l.longitude, %(latitude)s::float8, %(longitude)s::float8))
          FROM service_location AS p JOIN location AS l ON l.id = p.location_id
         WHERE p.service_id = s.id AND l.status = 'published' AND open_address(l.visibility)) AS metres,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('programme', g.programme_key, 'kind', g.kind, 'areas', g.areas,
                                                     'languages', g.languages)), '[]')
          FROM peer_group AS g WHERE g.organisation_id = s.organisation_id AND g.accepting) AS groups
  FROM service AS s JOIN organisation AS o ON o.id = s.organisation_id
  LEFT JOIN service_search AS x ON x.service_id = s.id
 WHERE s.id = ANY(%(ids)s)
"""


def page(
    work: Work, ids: Sequence[uuid.UUID], *, latitude: float | None = None, longitude: float | None = None
) -> dict[uuid.UUID, dict[str, Any]]:
    """All of the services of a page, by id; `metres` from the point, where one was asked for."""
    given = {"ids": list(ids), "latitude": latitude, "longitude": longitude}
    return {row["id"]: row for row in work.all(PAGE, given)} if ids else {}


SERVICE_NAMED = "SELECT id FROM service WHERE key = %(reference)s OR id = %(id)s"
NAMED = "SELECT id FROM organisation WHERE key = %(named)s OR id::text = lower(%(named)s)"
PLACES = """
SELECT DISTINCT place FROM service_area WHERE place IS NOT NULL
UNION SELECT DISTINCT folded(seat) FROM organisation WHERE seat IS NOT NULL
UNION SELECT DISTINCT folded(municipality) FROM location WHERE municipality IS NOT NULL AND open_address(visibility)
UNION SELECT DISTINCT regexp_replace(area, '^[a-z]{2}[-:.]', '') FROM peer_group, unnest(areas) AS area
"""
COUNTRIES_OF = """
SELECT country FROM service_area WHERE place = ANY(%(places)s)
UNION SELECT country FROM organisation WHERE folded(seat) = ANY(%(places)s) AND country IS NOT NULL
UNION SELECT o.country FROM peer_group AS g, unnest(g.areas) AS area, organisation AS o
       WHERE o.id = g.organisation_id AND o.country IS NOT NULL
         AND regexp_replace(area, '^[a-z]{2}[-:.]', '') = ANY(%(places)s) ORDER BY country
"""
# The middle of the places with this postcode: the directory has no map (rules/hsds.py says the same in the profile).
LICENCES = """
SELECT l.programme_id, l.note, CASE WHEN o.id IS NOT NULL THEN jsonb_build_object('id', o.id, 'key', o.key) END AS by
  FROM licence AS l LEFT JOIN organisation AS o ON o.id = l.by_id AND o.status = 'active'
 WHERE l.programme_id = ANY(%(ids)s) AND EXISTS (
           SELECT FROM unnest(l.municipalities) AS area
            WHERE split_part(area, ':', 1) = ANY(%(countries)s) AND folded(split_part(area, ':', 2)) = ANY(%(places)s))
 ORDER BY o.key
"""
POSTCODE = """
SELECT avg(l.latitude) AS latitude, avg(l.longitude) AS longitude
  FROM location AS l JOIN organisation AS o ON o.id = l.organisation_id
 WHERE l.postal_code = %s AND l.status = 'published' AND o.status = 'active' AND open_address(l.visibility)
"""


def service_named(work: Work, reference: str, service_id: uuid.UUID | None) -> uuid.UUID | None:
    """The id of a service, by key or id."""
    row = work.one(SERVICE_NAMED, {"reference": reference, "id": service_id})
    return row["id"] if row else None


def licences_at(work: Work, ids: Sequence[uuid.UUID], asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The licences of these programmes at the place asked for: by whom, where the source names somebody."""
    given = {"ids": list(ids), "countries": asked["countries"], "places": asked["places"]}
    return work.all(LICENCES, given) if ids and asked["places"] else []


def organisation_named(work: Work, named: str) -> uuid.UUID | None:
    """The id of an organisation, by key or id."""
    row = work.one(NAMED, {"named": named})
    return row["id"] if row else None


# Whatever a place is named in is in the feed, but for groups.
STAND = "SELECT (SELECT seq FROM change_head) AS seq, (SELECT sum(version) FROM peer_group)::bigint AS told"
_known: dict[str, tuple[tuple[int, int | None], frozenset[str]]] = {}


def places(work: Work) -> frozenset[str]:
    """The folded names of all places that the directory speaks of; read anew only when it has changed."""
    database = work.connection.info.dbname
    row = work.one(STAND)
    stand = (row["seq"], row["told"]) if row else (0, None)
    if database not in _known or _known[database][0] != stand:
        _known[database] = (stand, frozenset(row["place"] for row in work.all(PLACES)))
    return _known[database][1]


def countries_of(work: Work, names: Sequence[str]) -> list[str]:
    """The countries in which the directory knows a place of these names."""
    return [row["country"] for row in work.all(COUNTRIES_OF, {"places": list(names)})]


def point_of(work: Work, postcode: str) -> tuple[float, float] | None:
    """The middle of a postcode."""
    row = work.one(POSTCODE, (postcode,))
    return (row["latitude"], row["longitude"]) if row and row["latitude"] is not None else None
