"""Reads objects of HSDS 3.0 into entries of our sections: organisations, places, services, licences.

Keys: a thing that came from a directory of ours keeps its key, which stands in its `metadata` (a place: in
`external_identifier`) and must give its id; what this directory knows by its id keeps the key that it has here; every
other thing gets the key `hsds-` and its id. Our id is then made of the key, as of every key (directory.md section 1).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chassis.keyed_ids import id_of_key
from services.directory.rules import hsds
from services.directory.rules import hsds_parts_read as parts
from services.directory.rules.fields import EMAIL, KEY
from services.directory.rules.hsds_cells import ID, Cells, uuid_of
from services.directory.rules.hsds_parts_read import Item, said
from services.directory.rules.judging import Entry
from services.directory.rules.sections import LOCATIONS, ORGANISATIONS, SERVICES

OTHER = "other"
OF_HSDS = "hsds-"
"""How the key begins that is made of the id of somebody else's thing."""
KINDS = {ORGANISATIONS: "organisation", LOCATIONS: "location", SERVICES: "service"}
STATUS = {"active": "published", "inactive": "withdrawn", "defunct": "withdrawn", "temporarily closed": "published"}
SHUT = "temporarily closed"
BY_NAME_ALONE = frozenset({"id", "name", "status", "last_modified"})
"""What a service in an organisation says when it is only named there."""
PLAIN = ("key", "country", "county", "seat", "founded", "started")
"""What our own history says of a thing and HSDS has no field for."""


@dataclass(slots=True)
class Known:
    """What is known before the first entry is made: keys by section and id, what the file has at its top, and where."""

    keys: dict[str, dict[uuid.UUID, str]] = field(default_factory=lambda: {name: {} for name in KINDS})
    here: dict[str, set[uuid.UUID]] = field(default_factory=lambda: {name: set() for name in KINDS})
    named: dict[str, set[uuid.UUID]] = field(default_factory=lambda: {name: set() for name in KINDS})
    """All that are named anywhere, the organisations above others too."""
    met: dict[str, set[uuid.UUID]] = field(default_factory=lambda: {name: set() for name in KINDS})
    """Things that stand anywhere themselves."""
    placed: set[uuid.UUID] = field(default_factory=set)
    """Places that stand with an organisation."""
    told: dict[str, set[uuid.UUID]] = field(default_factory=lambda: {name: set() for name in KINDS})
    """Things inside others that were read already."""
    there: set[uuid.UUID] = field(default_factory=set)
    """Organisations that the directory has."""

    def key(self, section: str, own: uuid.UUID | None) -> str | None:
        """The key of a thing with this id."""
        return None if own is None else self.keys[section].get(own, f"{OF_HSDS}{own}")


def history(section: str, item: Mapping[str, Any]) -> Item:
    """What our own history says of a thing, when the key in it gives the id of the thing."""
    own, found = uuid_of(item.get("id")), {}
    noted = item.get("metadata")
    for each in noted if isinstance(noted, list) else ():
        name = each.get("field_name") if isinstance(each, Mapping) else None
        if name in PLAIN and isinstance(each.get("replacement_value"), str):
            found[name] = each["replacement_value"]
    if section == LOCATIONS and item.get("external_identifier_type") == "key":
        found["key"] = str(item.get("external_identifier"))
    return found if KEY.fits(found.get("key")) and own == id_of_key(KINDS[section], found["key"]) else {}


def organisation(cells: Cells, known: Known, *, whole: bool = True) -> Entry:
    """An organisation, without its places and services; one that a service names may be without the one above it."""
    own, past, terms = _own(cells), history(ORGANISATIONS, cells.item), parts.terms(cells)
    cells.seen |= {"locations", "services"}
    content = {
        "key": known.key(ORGANISATIONS, own),
        "type": terms.get(hsds.TYPE, [OTHER])[0],
        "country": past.get("country") or (None if past else cells.source.country),
        "seat": past.get("seat"),
        "founded": past.get("founded") or _year(cells),
        "parent": _above(cells, known, whole=whole),
        "names": parts.names(cells),
        "descriptions": parts.texts(cells, "description"),
        "website": parts.url(cells, "website"),
        "email": cells.formed("email", EMAIL),
        "phones": parts.phones(cells),
        "contacts": parts.contacts(cells),
        "identifiers": parts.identifiers(cells),
        "funding": parts.short_texts(cells, "funding", "funding", "source"),
        "programs": _programs(cells),
    }
    cells.done()
    return Entry(ORGANISATIONS, cells.place, said(content), tuple(cells.faults))


def place(cells: Cells, known: Known, organisation_id: uuid.UUID | None) -> Entry:
    """A place of an organisation, or of the one that it names itself."""
    own, past, terms = _own(cells), history(LOCATIONS, cells.item), parts.terms(cells)
    found = parts.address(cells)
    cells.seen |= {"external_identifier", "external_identifier_type"} if past else set()
    content = {
        "key": known.key(LOCATIONS, own),
        "organisation": known.key(ORGANISATIONS, cells.id("organization_id") or organisation_id),
        "kind": cells.raw("location_type"),
        "country": past.get("country") or cells.source.country,
        "county": past.get("county"),
        **found,
        "latitude": cells.raw("latitude"),
        "longitude": cells.raw("longitude"),
        "withheld": terms.get(hsds.WITHHELD, [None])[0],
        "url": parts.url(cells, "url"),
        "names": parts.names(cells),
        "descriptions": parts.texts(cells, "description"),
        "transport": parts.texts(cells, "transportation"),
        "accessibility": parts.short_texts(cells, "accessibility", "accessibility", "description"),
        "languages": parts.languages(cells),
        "phones": parts.phones(cells),
        "schedules": parts.schedules(cells),
    }
    cells.done()
    return Entry(LOCATIONS, cells.place, said(content), tuple(cells.faults))


def service(cells: Cells, known: Known, organisation_id: uuid.UUID | None) -> Iterator[Entry]:
    """A service, and where others run it under licence."""
    own, past, terms = _own(cells), history(SERVICES, cells.item), parts.terms(cells)
    coverage, licensed = parts.areas(cells)
    program = cells.inside("program", "program")
    cells.seen |= {"organization", "program_id"}
    content = {
        "key": known.key(SERVICES, own),
        "organisation": known.key(ORGANISATIONS, cells.id("organization_id") or organisation_id),
        "kind": terms.get(hsds.KIND, [OTHER])[0],
        "from": past.get("started"),
        "channels": terms.get(hsds.CHANNEL),
        "languages": parts.languages(cells),
        "coverage": coverage,
        "names": parts.names(cells),
        "descriptions": parts.texts(cells, "description"),
        "locations": _places(cells, known),
        "program": _program_key(program.id()) if program else _program_key(cells.id("program_id")),
        "url": parts.url(cells, "url"),
        "email": cells.formed("email", EMAIL),
        "needs": terms.get(hsds.NEED),
        "eligibility": _eligibility(cells, terms),
        "referral": said({"who_may_refer": terms.get(hsds.MAY_REFER), "legal_bases": terms.get(hsds.LEGAL_BASIS)}),
        "phones": parts.phones(cells),
        "contacts": parts.contacts(cells),
        "schedules": parts.schedules(cells),
        "costs": parts.costs(cells),
        "documents": parts.short_texts(cells, "required_documents", "required_document", "document"),
        "funding": parts.short_texts(cells, "funding", "funding", "source"),
        "alert": cells.text("alert"),
        "accepting": _accepting(cells, terms),
        "urgencies": terms.get(hsds.URGENCY),
        "status": _status(cells),
    }
    cells.done()
    yield Entry(SERVICES, cells.place, said(content), tuple(cells.faults))
    if licensed:
        yield Entry("licences", cells.place, {"programme": content["key"], "in": licensed})


def _own(cells: Cells) -> uuid.UUID | None:
    own = cells.id()
    if cells.item.get("id") in (None, ""):
        cells.blame("id", ID)
    return own


def _above(cells: Cells, known: Known, *, whole: bool) -> str | None:
    own = cells.id("parent_organization_id")
    if own is None or whole or own in known.met[ORGANISATIONS] | known.there:
        return known.key(ORGANISATIONS, own)
    cells.leave("parent_organization_id of one that is nowhere")
    return None


def _year(cells: Cells) -> str | None:
    year = cells.whole("year_incorporated")
    return None if year is None else f"{year:04}" if type(year) is int else str(year)


def _programs(cells: Cells) -> list[Item]:
    found = []
    for each in cells.each("programs", "program"):
        made = {"key": _program_key(_own(each)), "names": parts.names(each)}
        found.append(said({**made, "descriptions": parts.texts(each, "description")}))
        each.done()
    return found


def _program_key(own: uuid.UUID | None) -> str | None:
    return None if own is None else f"{OF_HSDS}{own}"


def _places(cells: Cells, known: Known) -> list[str]:
    found = []
    for each in cells.each("service_at_locations", "service_at_location"):
        inner = each.inside("location", "location")
        found.append(known.key(LOCATIONS, inner.id() if inner else each.id("location_id")))
        each.done()
    return parts.unique(found)


def _eligibility(cells: Cells, terms: Mapping[str, list[str]]) -> Item:
    order = terms.get(hsds.ORDER, [None])[0]
    made = {
        "min_age": cells.whole("minimum_age"),
        "max_age": cells.whole("maximum_age"),
        "gender": terms.get(hsds.GENDER, [None])[0],
        "about": cells.text("eligibility_description"),
    }
    return {**said(made), **({} if order is None else {"order_accepted": order == "yes"})}


def _accepting(cells: Cells, terms: Mapping[str, list[str]]) -> str | None:
    told = terms.get(hsds.ACCEPTING, [None])[0]
    return told or ("closed" if cells.item.get("status") == SHUT else None)


def _status(cells: Cells) -> str | None:
    given = cells.raw("status")
    if isinstance(given, str) and given in STATUS:
        return STATUS[given]
    cells.blame("status", f"one of {', '.join(STATUS)}")
    return None
