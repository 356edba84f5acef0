"""Finds services: who serves this man, here, in his language, with places, under which conditions - and says why."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

from chassis import clock, paging
from chassis.db import Database, Work
from chassis.errors import FieldError, NotFound
from chassis.problems import BadQuery
from chassis.requests import Call, Outcome
from services.directory.rules import explaining, index, question, truth, visibility, words
from services.directory.rules import places as known_places
from services.directory.rules.codes import fallback_name
from services.directory.rules.opening import NOT_SAID, hours, is_open
from services.directory.rules.sections import SERVICES
from services.directory.store.accepting import uuid_of
from services.directory.views import search

KEEPERS = frozenset({"network_admin"})
SCAN = 100
"""How many that fit are looked at at once where the hours decide, which the database does not know."""
LICENCE = "licence"
NEVER_FITS = uuid.UUID(int=0)


def services(db: Database, call: Call) -> Outcome:
    """List services, the best fit first when anything is asked for. Raises BadQuery."""
    viewer = viewer_of(call)
    with db.view() as work:
        asked = _asked(work, call.query)
        shown = _shown(work, asked, viewer, limit=call.query["limit"])
    page = paging.ranked_page(shown, call.query["limit"])
    return Outcome(value={**page, "understood": asked["understood"]})


def service(db: Database, call: Call) -> Outcome:
    """One service by key or id. Raises NotFound."""
    with db.view() as work:
        row = one(work, call.path["service"], viewer_of(call))
        return Outcome(value=row, version=row["version"])


def one(work: Work, reference: str, viewer: visibility.Viewer) -> dict[str, Any]:
    """A service as somebody may see it. Raises NotFound."""
    service_id = search.service_named(work, reference, uuid_of(reference))
    row = search.page(work, [service_id]).get(service_id) if service_id else None
    if row is None or row["organisation_status"] != "active" or row["status"] == "removed":
        raise NotFound
    return _dressed(row, {"fit": None, "score": None, "rank": 0}, {"in_language": "en"}, viewer, clock.now())


def viewer_of(call: Call) -> visibility.Viewer:
    """Who looks."""
    if call.caller is None:
        return visibility.NOBODY
    return visibility.Viewer(call.caller.org_key, keeper=bool(KEEPERS & call.caller.roles))


def _shown(work: Work, asked: dict[str, Any], viewer: visibility.Viewer, *, limit: int) -> list[dict[str, Any]]:
    """One more than the limit, so that the list knows whether it goes on."""
    made: list[dict[str, Any]] = []
    for hits in _hits(work, asked, limit=limit + 1):
        ids = [hit["service_id"] for hit in hits]
        rows = search.page(work, ids, latitude=asked["latitude"], longitude=asked["longitude"])
        _deliverers(work, hits, asked)
        for hit in hits:
            row = rows[hit["service_id"]]
            if asked["open_now"] and not is_open(_visible(row, viewer)["schedules"], row["country"], asked["now"]):
                continue
            made.append(_dressed(row, hit, asked, viewer, asked["now"]))
            if len(made) > limit:
                return made
    return made


def _hits(work: Work, asked: dict[str, Any], *, limit: int) -> Iterator[list[dict[str, Any]]]:
    size = SCAN if asked["open_now"] else limit
    mode = "stems" if asked["words"] else "all"
    hits = search.found(work, mode, {**asked, "limit": size})
    if asked["words"] and not hits and not search.knows(work, asked["words"]):  # nobody has these words: slips?
        mode = "slips"
        hits = search.found(work, mode, {**asked, "limit": size})
    while hits:
        yield hits
        if len(hits) < size:
            return
        position = (hits[-1]["rank"], hits[-1]["key"])
        hits = search.found(work, mode, {**asked, "limit": size, "position": position})


def _deliverers(work: Work, hits: list[dict[str, Any]], asked: dict[str, Any]) -> None:
    """Add to what is run under licence who runs it there, where the source names anybody, and what it says."""
    licensed = {hit["service_id"]: hit for hit in hits if hit["fit"] == explaining.FITS.index(LICENCE)}
    for row in search.licences_at(work, list(licensed), asked):
        hit = licensed[row["programme_id"]]
        hit.setdefault("licensees", []).extend([row["by"]] if row["by"] is not None else [])
        hit.setdefault("licence_note", row["note"])


def _dressed(
    row: dict[str, Any], hit: dict[str, Any], asked: dict[str, Any], viewer: visibility.Viewer, now: dt.datetime
) -> dict[str, Any]:
    """A service as this viewer may see it, with its hours, its groups and why it is here."""
    seen = _visible(row, viewer)
    groups = [group for group in row["groups"] if index.is_of(row["key"], row["kind"], group)]
    open_ = hours(seen["schedules"], row["country"], now) if seen["schedules"] else NOT_SAID
    made = {**seen, **hit, "groups": groups, "grade": truth.grade(row["verified_at"], now)}
    language = asked["in_language"]
    return {
        **made,
        "name": fallback_name(row["names"], asked.get("shown_in")),
        "kind_name": words.label("kind", row["kind"], language),
        "organisation": {"id": row["organisation_id"], "key": row["organisation_key"]},
        "fit": None if hit["fit"] is None else explaining.FITS[hit["fit"]],
        "accepting_source": "groups" if row["accepting"] != row["own_accepting"] else row["accepting_source"],
        "open": open_._asdict(),
        "groups_accepting": len(groups),
        "metres": None if row["metres"] is None else round(row["metres"]),
        "here": _here(row, hit),
        "why": explaining.reasons(made, asked, open_) if "place_shown" in asked else [],
    }


def _visible(row: dict[str, Any], viewer: visibility.Viewer) -> dict[str, Any]:
    owned = {**row, "organisation": row["organisation_key"]}
    gone = visibility.hidden(SERVICES, owned, viewer)
    empty: dict[str, Any] = {"phones": [], "contacts": [], "schedules": [], "referral": {}}
    return {name: empty.get(name) if name in gone else value for name, value in row.items()}


def _here(row: dict[str, Any], hit: dict[str, Any]) -> dict[str, Any] | None:
    """Who delivers it at the place asked for, and whom to turn to; a licensor is a contact there and no receiver."""
    if hit["fit"] is None:
        return None
    licensed = explaining.FITS[hit["fit"]] == LICENCE
    contact = {"id": row["organisation_id"], "key": row["organisation_key"]}
    return {
        "way": LICENCE if licensed else "own",
        "by": hit.get("licensees", []) if licensed else [contact],
        "contact": contact,
        "is_receiver": not licensed,
        "note": hit.get("licence_note"),
    }


def _asked(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """The filters with the question, the place and the point taken apart."""
    asked = {**query, "in_language": query["in_language"] or "en", "shown_in": query["in_language"]}
    if query["question"]:
        asked |= _understood(work, query)
    given = _words(asked["search"])
    plain = [known_places.folded(word) for word in given]
    asked |= {"words": given or None, "plain": plain or None}
    asked |= placed(work, asked) | _point(work, query)
    named = query["organisation"]
    asked["organisation"] = None if named is None else search.organisation_named(work, named) or NEVER_FITS
    asked["position"] = paging.ranked_position(query["cursor"])
    asked["now"] = query["open_at"] or clock.now()
    asked["open_now"] = asked["open_now"] or query["open_at"] is not None
    asked["understood"] = _told(asked) if query["question"] else None
    return asked


def _understood(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """What the question says, where no parameter says it already."""
    read = question.understood(query["question"], search.places(work))
    said = {
        "kind": read.kind,
        "municipality": read.municipality,
        "country": read.country,
        "language": read.language,
        "accepting": "open" if read.accepting else None,
    }
    found = {name: query[name] if query[name] is not None else value for name, value in said.items()}
    found["place_known"] = read.place_known or query["municipality"] is not None
    return {
        **found,
        "open_now": query["open_now"] or read.now,
        "search": query["search"] or " ".join(read.left) or None,
    }


def _told(asked: dict[str, Any]) -> dict[str, Any]:
    names = ("kind", "municipality", "country", "language", "accepting", "open_now", "search")
    return {**{name: asked[name] for name in names}, "place_known": asked["place_known"]}


def _words(said: str | None) -> list[str]:
    given = (said or "").split()
    kept = [word for word in given if known_places.folded(word) not in words.SMALL_WORDS]
    return kept or given


def placed(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """The names under which a place may stand: "LT:Kaunas", "LT-15", "Kaunas" where it is known. Raises BadQuery."""
    country, place = query["country"], " ".join((query["municipality"] or "").split()) or None
    if place is None:
        countries = [country] if country else None
        return {"countries": countries, "places": None, "counties": None, "place_shown": country or ""}
    if ":" in place:
        inside, _, place = place.partition(":")
        if country not in {None, inside}:
            raise _unclear("The municipality lies in another country than the one asked for.")
        country = inside
    found = known_places.asked(country, place)
    shown = found.shown if found.shown != place or query["question"] is None else place.capitalize()
    return {
        "countries": [country] if country else _countries(work, found, query),
        "places": sorted(found.names),
        "counties": sorted(found.counties),
        "place_shown": shown,
    }


def _countries(work: Work, found: known_places.Asked, query: dict[str, Any]) -> list[str]:
    """Where a place lies whose country was not said. Raises BadQuery."""
    if not query.get("place_known", True):  # named in a question and on no list: by its name alone
        likely = question.NATIONAL.get(query.get("language") or "")
        return [likely] if likely else list(known_places.COUNTRIES)
    countries = search.countries_of(work, sorted(found.names))
    if not countries and found.country is None:
        raise _unclear("The directory knows no such municipality; name its country too, such as LT:Raseiniai.")
    return countries or [str(found.country)]


def _point(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """The point to measure from. Raises BadQuery for a distance from nowhere."""
    point, metres = query["near"], query["within"]
    if point is None and query["postcode"] is not None:
        point = search.point_of(work, query["postcode"])
        if point is None:
            detail = "No place of the directory has this postcode; ask with near=latitude,longitude instead."
            raise BadQuery((FieldError("/postcode", "postcode.unknown", detail),))
    if metres is not None and point is None:
        detail = "Say from where: near=latitude,longitude or postcode."
        raise BadQuery((FieldError("/within", "within.alone", detail),))
    latitude, longitude = point or (None, None)
    return {"latitude": latitude, "longitude": longitude, "metres": metres}


def _unclear(detail: str) -> BadQuery:
    return BadQuery((FieldError("/municipality", "municipality.unclear", detail),))
