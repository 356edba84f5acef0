"""The directory as HSDS 3.0, for everybody: pages and single objects, the same bytes for the same rows."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import orjson

from chassis.db import Database, Work
from chassis.errors import FieldError, NotFound
from chassis.problems import BadQuery
from chassis.requests import Call, Outcome
from services.directory.rules import hsds
from services.directory.rules.hsds import Item
from services.directory.rules.visibility import NOBODY, hidden
from services.directory.views import hsds as rows

SHARED = {"Cache-Control": "public, max-age=60", "Access-Control-Allow-Origin": "*"}
"""The public feed needs no key, and any page may read it (directory.md section 3)."""
PROFILE, OPENAPI = "/hsds/profile", "/openapi.json"
FILTERS = {
    hsds.KIND: "kinds",
    hsds.ACCEPTING: "accepting",
    hsds.CHANNEL: "channels",
    hsds.NEED: "needs",
    hsds.URGENCY: "urgencies",
    hsds.GENDER: "genders",
    hsds.ORDER: "orders",
    hsds.MAY_REFER: "may_refer",
    hsds.LEGAL_BASIS: "legal_bases",
}
"""Which taxonomy narrows services by which of their columns."""


def about(db: Database) -> Outcome:
    """Which version of HSDS this is, and where its profile and the specification are."""
    at = db.public_url.rstrip("/")
    return _told({"version": hsds.VERSION, "profile": f"{at}{PROFILE}", "openapi_url": f"{at}{OPENAPI}"})


def profile(db: Database) -> Outcome:
    """What we do where HSDS leaves a choice, and the taxonomies that carry what it has no object for."""
    with db.view() as work:
        terms = [hsds.term(*each) for each in rows.terms(work)]
    return _told({**hsds.PROFILE, "taxonomies": hsds.taxonomies(), "taxonomy_terms": terms})


def services(db: Database, call: Call) -> Outcome:
    """A page of services; all filters must hold."""
    query = call.query
    with db.view() as work:
        narrowed = _narrowed(work, query)
        if narrowed is None:
            return _page(query, [], total=0)
        found, total = _counted(query, partial(rows.services, work, **_asked(query), **narrowed))
        items = (
            [hsds.minimal_service(row) for row in found]
            if query["minimal"]
            else shown_services(work, found, query["full"])
        )
        return _page(query, items, total=total)


def service(db: Database, call: Call) -> Outcome:
    """One service with all that hangs on it. Raises NotFound."""
    with db.view() as work:
        found = rows.services(work, ids=[call.path["id"]])
        if not found:
            raise NotFound
        return _told(shown_services(work, found, full=True)[0])


def organizations(db: Database, call: Call) -> Outcome:
    """A page of organisations."""
    query = call.query
    with db.view() as work:
        found, total = _counted(query, partial(rows.organisations, work, search=query["search"]))
        whole = query["full"] or query["full_service"]
        items = (
            whole_organizations(work, found, query["full_service"])
            if whole
            else [hsds.organization(row) for row in found]
        )
        return _page(query, items, total=total)


def organization(db: Database, call: Call) -> Outcome:
    """One organisation with all that hangs on it. Raises NotFound."""
    with db.view() as work:
        found = rows.organisations(work, ids=[call.path["id"]])
        if not found:
            raise NotFound
        return _told(whole_organizations(work, found, call.query["full_service"])[0])


def service_at_locations(db: Database, call: Call) -> Outcome:
    """A page of services at places. Raises BadQuery for a proximity without a postcode."""
    query = call.query
    if query["proximity"] is not None and query["postcode"] is None:
        detail = "Say around which postcode: proximity is in metres from its centroid."
        raise BadQuery((FieldError("/proximity", "proximity.alone", detail),))
    with db.view() as work:
        narrowed = _narrowed(work, query)
        fitting = [] if narrowed is None else rows.services(work, **_asked(query), **narrowed)
        around = {"postcode": query["postcode"], "metres": query["proximity"]}
        services = {row["id"]: row for row in fitting}
        ask = partial(rows.service_at_locations, work, services=list(services), **around)
        found, total = _counted(query, ask)
        places = {row["id"]: row for row in rows.locations(work, ids=[each["location_id"] for each in found])}
        offered = _offered(work, [services[each["service_id"]] for each in found], full=query["full"])
        items = [_at(each, offered, places, full=query["full"]) for each in found]
        return _page(query, items, total=total)


def service_at_location(db: Database, call: Call) -> Outcome:
    """One service at a place with all that hangs on it. Raises NotFound."""
    with db.view() as work:
        pair = rows.pair(work, call.path["id"])
        found = rows.services(work, ids=[pair["service_id"]]) if pair else []
        places = rows.locations(work, ids=[pair["location_id"]]) if pair else []
        if pair is None or not found or not places:
            raise NotFound
        offered = _offered(work, found, full=True)
        return _told(_at(pair, offered, {places[0]["id"]: places[0]}, full=True))


def _offered(work: Work, found: Sequence[dict[str, Any]], *, full: bool) -> dict[uuid.UUID, Item]:
    return {item["id"]: item for item in shown_services(work, list({row["id"]: row for row in found}.values()), full)}


def _at(
    pair: dict[str, Any], offered: dict[uuid.UUID, Item], places: dict[uuid.UUID, dict[str, Any]], *, full: bool
) -> Item:
    item, place = offered[pair["service_id"]], hsds.location(places[pair["location_id"]])
    if not full:
        short = {name: value for name, value in place.items() if not isinstance(value, list)}
        return hsds.service_at_location(pair, short, item)
    inside = {name: value for name, value in item.items() if name != "service_at_locations"}
    return hsds.full_service_at_location(pair, place, inside)


def taxonomies(call: Call) -> Outcome:
    """A page of our taxonomies."""
    return _cut(call.query, _having(hsds.taxonomies(), call.query["search"]))


def taxonomy(call: Call) -> Outcome:
    """One taxonomy. Raises NotFound."""
    return _told(_one(hsds.taxonomies(), call.path["id"]))


def taxonomy_terms(db: Database, call: Call) -> Outcome:
    """A page of terms; ours have no parents."""
    query = call.query
    with db.view() as work:
        items = _having([hsds.term(*each) for each in rows.terms(work)], query["search"])
    of = query["taxonomy_id"]
    kept = [each for each in items if of is None or each["taxonomy_id"] == of]
    return _cut(query, [] if query["parent_id"] is not None else kept)


def taxonomy_term(db: Database, call: Call) -> Outcome:
    """One term. Raises NotFound."""
    with db.view() as work:
        return _told(_one([hsds.term(*each) for each in rows.terms(work)], call.path["id"]))


def _narrowed(work: Work, query: dict[str, Any]) -> dict[str, list[str]] | None:
    """The columns that the filters by taxonomy and term leave; None where nothing can be left."""
    wanted, of = query["taxonomy_term_id"], query["taxonomy_id"]
    if wanted is None and of is None:
        return {}
    left: dict[str, list[str]] = {}
    for name, code in rows.terms(work):
        fits = wanted in {None, hsds.term_id(name, code)} and of in {None, hsds.taxonomy_id(name)}
        if fits and name in FILTERS:
            left.setdefault(FILTERS[name], []).append(code)
    return left or None


def _asked(query: dict[str, Any]) -> dict[str, Any]:
    wanted = query["organization_id"]
    asked = {"search": query["search"], "after": query["modified_after"]}
    return {**asked, "organisations": None if wanted is None else [wanted]}


def _counted(query: dict[str, Any], ask: Callable[..., list[dict[str, Any]]]) -> tuple[list[dict[str, Any]], int]:
    """The rows of a page and how many there are in all; a page beyond the last one is empty, and the total stands."""
    found = ask(limit=query["per_page"], offset=(query["page"] - 1) * query["per_page"])
    first = found or (ask(limit=1, offset=0) if query["page"] > 1 else [])
    return found, first[0]["total"] if first else 0


def shown_services(work: Work, found: Sequence[dict[str, Any]], full: bool) -> list[Item]:  # noqa: FBT001 - as asked
    """Services in the order of their rows, with their organisation; `full` with all that hangs on them."""
    owners = {row["id"]: row for row in rows.organisations(work, ids=[each["organisation_id"] for each in found])}
    if not full:
        return [hsds.service(row, owners[row["organisation_id"]]) for row in found]
    ids = [row["id"] for row in found]
    noted, pairs = rows.metadata(work, "service", ids), rows.places_of(work, ids)
    places = {row["id"]: row for row in rows.locations(work, ids=[pair["location_id"] for pair in pairs])}
    at: dict[uuid.UUID, list[Item]] = {each: [] for each in ids}
    for pair in pairs:
        if pair["location_id"] in places:
            place = hsds.location(places[pair["location_id"]])
            at[pair["service_id"]].append(hsds.service_at_location(pair, place, None))
    return [
        hsds.full_service(
            row, owners[row["organisation_id"]], _history("services", row, noted[row["id"]]), at[row["id"]]
        )
        for row in found
    ]


def whole_organizations(work: Work, found: Sequence[dict[str, Any]], full_service: bool) -> list[Item]:  # noqa: FBT001
    """Organisations with all that hangs on them; their services in full or by name and status."""
    ids = [row["id"] for row in found]
    noted, offered = rows.metadata(work, "organisation", ids), rows.services(work, organisations=ids)
    items = (
        shown_services(work, offered, full=True) if full_service else [hsds.minimal_service(each) for each in offered]
    )
    of: dict[uuid.UUID, list[Item]] = {each: [] for each in ids}
    for row, item in zip(offered, items, strict=True):
        of[row["organisation_id"]].append(item)
    standing = rows.locations(work, organisations=ids)
    told = rows.metadata(work, "location", [each["id"] for each in standing])
    at: dict[uuid.UUID, list[Item]] = {each: [] for each in ids}
    for place in standing:
        history = _history("locations", place, told[place["id"]])
        at[place["organisation_id"]].append(hsds.location(place, history))
    return [
        hsds.full_organization(row, _history("organisations", row, noted[row["id"]]), of[row["id"]], at[row["id"]])
        for row in found
    ]


def _history(section: str, row: dict[str, Any], noted: Sequence[dict[str, Any]]) -> list[Item]:
    """Who set which field when, of what everybody may see; who sees what is nobody's business."""
    gone = hidden(section, row, NOBODY) | {"visibility"}
    return [hsds.metadatum(each) for each in noted if each["field_name"] not in gone]


def _having(items: list[Item], search: str | None) -> list[Item]:
    words = (search or "").casefold().split()
    return [each for each in items if all(word in str(each["name"]).casefold() for word in words)]


def _one(items: list[Item], wanted: uuid.UUID) -> Item:
    found = next((each for each in items if each["id"] == wanted), None)
    if found is None:
        raise NotFound
    return found


def _cut(query: dict[str, Any], items: list[Item]) -> Outcome:
    start = (query["page"] - 1) * query["per_page"]
    return _page(query, items[start : start + query["per_page"]], total=len(items))


def _page(query: dict[str, Any], items: Sequence[Item], *, total: int) -> Outcome:
    return _told(hsds.page(items, total=total, number=query["page"], per_page=query["per_page"]))


def _told(value: Item) -> Outcome:
    body = orjson.dumps(value)
    version = int.from_bytes(hashlib.sha256(body).digest()[:6])
    return Outcome(value=body, version=version, headers=dict(SHARED))
