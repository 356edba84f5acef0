"""The directory in the words of HSDS 3.0: objects with the fields that its schemas declare and no others.

Source: Open Referral HSDS 3.0 (schemas and OpenAPI), directory.md sections 1 and 3. What HSDS has no object for stands
in `attributes` as terms of our taxonomies; what a source does not say is absent, and a text that the schema requires is
a neutral sentence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from chassis.keyed_ids import id_of_key
from services.directory.rules import hsds_parts as parts
from services.directory.rules.codes import fallback_name
from services.directory.rules.hsds_parts import ENGLISH, LANGUAGE, Item, names, said
from services.directory.rules.visibility import NOBODY, hidden

__all__ = ["Item"]

VERSION = "3.0"
STATUS = {"published": "active", "withdrawn": "inactive"}
BY_LICENCE = "By an organisation that runs the programme under licence."
NO_DESCRIPTION = "Nothing more is said of this organisation here."
TERM_DESCRIPTION = "A term of this directory."
KIND, TYPE, ACCEPTING, CHANNEL = "service-kind", "organisation-type", "accepting", "channel"
NEED, GENDER, ORDER, URGENCY, MAY_REFER, WITHHELD, LEGAL_BASIS = (
    "need",
    "gender",
    "order-accepted",
    "urgency",
    "may-refer",
    "address-withheld",
    "legal-basis",
)
TAXONOMIES = {
    KIND: ("Kinds of services", "What a service is about."),
    TYPE: ("Types of organisations", "What an organisation is."),
    ACCEPTING: ("Accepting referrals", "Whether a service takes referrals now, as far as it is known."),
    CHANNEL: ("Channels", "How a service is given."),
    NEED: ("Needs", "What a service helps with."),
    GENDER: ("Whom a service is for", "Men, women or everybody."),
    ORDER: ("Orders", "Whether a service takes those who come by an order of a court or an office."),
    URGENCY: ("Urgencies", "Which urgent referrals a service covers."),
    MAY_REFER: ("Who may refer", "The types of organisations that may refer to a service."),
    LEGAL_BASIS: ("Legal bases", "The legal bases on which a service accepts referrals."),
    WITHHELD: ("Address withheld", "Why the address of a place is not told."),
}


PROFILE: Item = {
    "hsds": VERSION,
    "language": LANGUAGE,
    "choices": [
        "Names are English where there is one, else in the first language of our order; alternate_name is another one.",
        "minimal gives id, name, status and last_modified: what the schema of a service requires, and the change.",
        "Everything a source does not say is absent; an organisation without a description gets a neutral sentence.",
        "What a service is about, whether it takes referrals and how it is given are attributes with our taxonomies.",
        "Where a programme is run under licence is a service_area that says so.",
        "metadata.updated_by says import or organisation, never an account.",
        "A contact is a function, never a person by name.",
        "A place whose address is withheld has no address, point, phone or text; address-withheld says why.",
        "The centroid of a postcode is the middle of the places that the directory has there.",
        "state_province is the county; what an address must say and nobody said is 'Not stated'.",
    ],
}
"""What our profile says besides the terms in use."""


def taxonomy_id(name: str) -> UUID:
    """The id of one of our taxonomies."""
    return id_of_key("taxonomy", name)


def term_id(taxonomy: str, code: str) -> UUID:
    """The id of a term, from its taxonomy and code."""
    return id_of_key("taxonomy_term", f"{taxonomy}|{code}")


def taxonomies() -> list[Item]:
    """All our taxonomies, by name."""
    return sorted((_taxonomy(key) for key in TAXONOMIES), key=lambda item: str(item["name"]))


def _taxonomy(key: str) -> Item:
    name, about = TAXONOMIES[key]
    return {"id": taxonomy_id(key), "name": name, "description": about, "version": "1"}


def term(taxonomy: str, code: str) -> Item:
    """One term with its taxonomy."""
    detail = _taxonomy(taxonomy)
    return {
        "id": term_id(taxonomy, code),
        "code": code,
        "name": label(code),
        "description": TERM_DESCRIPTION,
        "taxonomy": detail["name"],
        "taxonomy_detail": detail,
        "language": LANGUAGE,
        "taxonomy_id": detail["id"],
    }


def label(code: str) -> str:
    """A code as words."""
    return code.replace("_", " ").capitalize()


def organization(row: Mapping[str, Any]) -> Item:
    """An organisation with its one-to-one fields."""
    name, other = names(row["names"])
    gone = hidden("organisations", dict(row), NOBODY)
    return said(
        {
            "id": row["id"],
            "name": name,
            "alternate_name": other,
            "description": fallback_name(row["descriptions"]) or NO_DESCRIPTION,
            "email": None if "email" in gone else row["email"],
            "website": row["website"],
            "year_incorporated": int(row["founded"][:4]) if row["founded"] else None,
            "parent_organization_id": row["parent_id"],
        }
    )


def full_organization(
    row: Mapping[str, Any], metadata: Sequence[Item], services: Sequence[Item], locations: Sequence[Item]
) -> Item:
    """An organisation with all that hangs on it; `services` as far as they were asked for."""
    of, seen = row["id"], public("organisations", row)
    return {
        **organization(row),
        "funding": parts.funding(of, "organization_id", row["funding"]),
        "contacts": parts.contacts(of, "organization_id", seen["contacts"]),
        "phones": parts.phones(of, "organization_id", seen["phones"]),
        "locations": list(locations),
        "programs": parts.programs(of, row["programs"]),
        "organization_identifiers": parts.identifiers(of, row["identifiers"]),
        "attributes": [attribute(of, "organization", TYPE, row["type"])],
        "metadata": list(metadata),
        "services": list(services),
    }


def location(row: Mapping[str, Any], metadata: Sequence[Item] | None = None) -> Item:
    """A place as everybody may know it."""
    withheld = row["withheld"]
    told = [] if withheld is None else [attribute(row["id"], "location", WITHHELD, withheld)]
    return parts.location(public("locations", row), told, metadata)


def service_at_location(of: Mapping[str, Any], place: Item, offered: Item | None) -> Item:
    """A service at a place, with either side as far as it is asked for."""
    made = {
        "id": id_of_key("service_at_location", f"{of['service_id']}|{of['location_id']}"),
        "service_id": of["service_id"],
        "location_id": of["location_id"],
        "location": place,
        "service": offered,
    }
    return said(made)


def full_service_at_location(of: Mapping[str, Any], place: Item, offered: Item) -> Item:
    """A service at a place with all that hangs on it; hours and phones stand with the service and the place."""
    lists: Item = {name: [] for name in ("contacts", "phones", "schedules", "attributes", "metadata")}
    return {**service_at_location(of, place, offered), **lists}


EMPTY: dict[str, Any] = {"phones": [], "contacts": [], "schedules": [], "referral": {}, "transport": {}}


def public(section: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as everybody may know it: with every column, empty where it is for fewer."""
    gone = hidden(section, dict(row), NOBODY)
    return {name: EMPTY.get(name) if name in gone else value for name, value in row.items()}


def service(row: Mapping[str, Any], organisation: Mapping[str, Any] | None = None) -> Item:
    """A service with its one-to-one fields, and its organisation where that is at hand."""
    name, other = names(row["names"])
    ages, seen = row["eligibility"], public("services", row)
    programs = {each["key"]: each for each in (organisation or {}).get("programs", ())}
    run = parts.program(row["organisation_id"], programs[row["program"]]) if row["program"] in programs else None
    made = {
        "id": row["id"],
        "organization_id": row["organisation_id"],
        "program_id": None if run is None else run["id"],
        "program": run,
        "name": name,
        "alternate_name": other,
        "description": fallback_name(row["descriptions"]) or row["about"],
        "url": row["url"],
        "email": seen["email"],
        "status": STATUS[row["status"]],
        "eligibility_description": ages.get("about"),
        "minimum_age": ages.get("min_age"),
        "maximum_age": ages.get("max_age"),
        "alert": row["alert"],
        "last_modified": moment(row["changed_at"]),
        "organization": None if organisation is None else organization(organisation),
    }
    return said(made)


def minimal_service(row: Mapping[str, Any]) -> Item:
    """A service with what its schema requires, and when it was changed."""
    whole = service(row)
    return {name: whole[name] for name in ("id", "name", "status", "last_modified")}


def full_service(
    row: Mapping[str, Any], organisation: Mapping[str, Any], metadata: Sequence[Item], places: Sequence[Item]
) -> Item:
    """A service with all that hangs on it; `places` are its service_at_locations."""
    of, seen = row["id"], public("services", row)
    return {
        **service(row, organisation),
        "phones": parts.phones(of, "service_id", seen["phones"]),
        "schedules": parts.schedules(of, "service_id", seen["schedules"]),
        "service_at_locations": list(places),
        "funding": parts.funding(of, "service_id", row["funding"]),
        "cost_options": parts.costs(of, row["costs"]),
        "required_documents": parts.documents(of, [*row["documents"], *seen["referral"].get("documents", ())]),
        "contacts": parts.contacts(of, "service_id", seen["contacts"]),
        "service_areas": [_area(of, area, note) for area, note in _areas(row)],
        "languages": [parts.language(of, "service_id", code) for code in row["languages"]],
        "attributes": [attribute(of, "service", taxonomy, code) for taxonomy, code in _terms(row, seen["referral"])],
        "metadata": list(metadata),
    }


def _terms(row: Mapping[str, Any], referral: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield KIND, row["kind"]
    yield ACCEPTING, row["accepting"]
    whom = row["eligibility"]
    if "gender" in whom:
        yield GENDER, whom["gender"]
    if "order_accepted" in whom:
        yield ORDER, "yes" if whom["order_accepted"] else "no"
    for taxonomy, codes in (
        (CHANNEL, row["channels"]),
        (NEED, row["needs"]),
        (URGENCY, row["urgencies"]),
        (MAY_REFER, referral.get("who_may_refer", ())),
        (LEGAL_BASIS, referral.get("legal_bases", ())),
    ):
        yield from ((taxonomy, code) for code in codes)


def attribute(of: UUID, entity: str, taxonomy: str, code: str) -> Item:
    """A term that is true of a thing."""
    found = term(taxonomy, code)
    return {
        "id": id_of_key("attribute", f"{of}|{taxonomy}|{code}"),
        "link_id": of,
        "taxonomy_term_id": found["id"],
        "link_type": taxonomy,
        "link_entity": entity,
        "value": code,
        "taxonomy_term": found,
    }


def metadatum(row: Mapping[str, Any]) -> Item:
    """Who set which field when. Who: an import or the organisation; accounts are nobody's business."""
    kind = {"organisation": "organization"}.get(row["resource_type"], row["resource_type"])
    return {
        "id": id_of_key("metadata", str(row["no"])),
        "resource_id": row["resource_id"],
        "resource_type": kind,
        "last_action_date": moment(row["last_action_at"]),
        "last_action_type": row["last_action_type"],
        "field_name": row["field_name"],
        "previous_value": _text(row["previous_value"]),
        "replacement_value": _text(row["replacement_value"]),
        "updated_by": "import" if row["updated_by"].startswith("import:") else "organisation",
    }


def page(contents: Sequence[Item], *, total: int, number: int, per_page: int) -> Item:
    """A page with all the keys of HSDS; a page beyond the last one is empty."""
    pages = -(-total // per_page)
    return {
        "total_items": total,
        "total_pages": pages,
        "page_number": number,
        "size": len(contents),
        "first_page": number == 1,
        "last_page": number >= pages,
        "empty": not contents,
        "contents": list(contents),
    }


def moment(at: dt.datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return at.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _areas(row: Mapping[str, Any]) -> Iterable[tuple[str, str | None]]:
    yield from ((area, None) for area in row["coverage"])
    yield from ((area, BY_LICENCE) for area in row["licensed_areas"])


def _area(of: UUID, area: str, note: str | None) -> Item:
    country, _, place = area.partition(":")
    land = ENGLISH.territories.get(country, country)
    return said(
        {
            "id": id_of_key("service_area", f"{of}|{area}|{note or ''}"),
            "service_id": of,
            "name": f"{place}, {land}" if place else land,
            "description": note,
            "extent": area,
            "extent_type": "municipality" if place else "country",
        }
    )


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    if isinstance(value, dict):
        return "; ".join(f"{name}: {each}" for name, each in sorted(value.items()))
    return str(value)
