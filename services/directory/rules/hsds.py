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

from babel import Locale

from chassis import clock
from services.directory.rules.codes import fallback_name

Item = dict[str, Any]
VERSION = "3.0"
LANGUAGE = "en"
ENGLISH = Locale(LANGUAGE)
STATUS = {"published": "active", "withdrawn": "inactive"}
NO_DESCRIPTION = "Nothing more is said of this organisation here."
TERM_DESCRIPTION = "A term of this directory."
KIND, TYPE, ACCEPTING, CHANNEL = "service-kind", "organisation-type", "accepting", "channel"
TAXONOMIES = {
    KIND: ("Kinds of services", "What a service is about."),
    TYPE: ("Types of organisations", "What an organisation is."),
    ACCEPTING: ("Accepting referrals", "Whether a service takes referrals now, as far as it is known."),
    CHANNEL: ("Channels", "How a service is given."),
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
        "There are no locations yet, so service_at_locations are empty, and postcode and proximity leave nothing.",
    ],
}
"""What our profile says besides the terms in use."""


def taxonomy_id(name: str) -> UUID:
    """The id of one of our taxonomies."""
    return clock.id_of_key("taxonomy", name)


def term_id(taxonomy: str, code: str) -> UUID:
    """The id of a term, from its taxonomy and code."""
    return clock.id_of_key("taxonomy_term", f"{taxonomy}|{code}")


def taxonomies() -> list[Item]:
    """All our taxonomies, by name."""
    made = [
        {"id": taxonomy_id(key), "name": name, "description": about, "version": "1"}
        for key, (name, about) in TAXONOMIES.items()
    ]
    return sorted(made, key=lambda item: str(item["name"]))


def term(taxonomy: str, code: str) -> Item:
    """One term with its taxonomy."""
    detail = next(each for each in taxonomies() if each["id"] == taxonomy_id(taxonomy))
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
    name, other = _names(row["names"])
    return _said(
        {
            "id": row["id"],
            "name": name,
            "alternate_name": other,
            "description": NO_DESCRIPTION,
            "year_incorporated": int(row["founded"][:4]) if row["founded"] else None,
            "parent_organization_id": row["parent_id"],
        }
    )


def full_organization(row: Mapping[str, Any], metadata: Sequence[Item], services: Sequence[Item]) -> Item:
    """An organisation with all that hangs on it; `services` as far as they were asked for."""
    lists = ("funding", "contacts", "phones", "locations", "programs", "organization_identifiers")
    return {
        **organization(row),
        **{name: [] for name in lists},
        "attributes": [attribute(row["id"], "organization", TYPE, row["type"])],
        "metadata": list(metadata),
        "services": list(services),
    }


def service(row: Mapping[str, Any], organisation: Mapping[str, Any] | None = None) -> Item:
    """A service with its one-to-one fields, and its organisation where that is at hand."""
    name, other = _names(row["names"])
    made = {
        "id": row["id"],
        "organization_id": row["organisation_id"],
        "name": name,
        "alternate_name": other,
        "description": row["about"],
        "status": STATUS[row["status"]],
        "last_modified": moment(row["changed_at"]),
        "organization": None if organisation is None else organization(organisation),
    }
    return _said(made)


def minimal_service(row: Mapping[str, Any]) -> Item:
    """A service with what its schema requires, and when it was changed."""
    whole = service(row)
    return {name: whole[name] for name in ("id", "name", "status", "last_modified")}


def full_service(row: Mapping[str, Any], organisation: Mapping[str, Any], metadata: Sequence[Item]) -> Item:
    """A service with all that hangs on it."""
    lists = ("phones", "schedules", "service_at_locations", "funding", "cost_options", "required_documents", "contacts")
    terms = [(KIND, row["kind"]), (ACCEPTING, row["accepting"]), *((CHANNEL, each) for each in row["channels"])]
    return {
        **service(row, organisation),
        **{name: [] for name in lists},
        "service_areas": [_area(row["id"], area, note) for area, note in _areas(row)],
        "languages": [_language(row["id"], code) for code in row["languages"]],
        "attributes": [attribute(row["id"], "service", taxonomy, code) for taxonomy, code in terms],
        "metadata": list(metadata),
    }


def attribute(of: UUID, entity: str, taxonomy: str, code: str) -> Item:
    """A term that is true of a thing."""
    found = term(taxonomy, code)
    return {
        "id": clock.id_of_key("attribute", f"{of}|{taxonomy}|{code}"),
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
        "id": clock.id_of_key("metadata", str(row["no"])),
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
    yield from ((area, "By an organisation that runs the programme under licence.") for area in row["licensed_areas"])


def _area(of: UUID, area: str, note: str | None) -> Item:
    country, _, place = area.partition(":")
    land = ENGLISH.territories.get(country, country)
    return _said(
        {
            "id": clock.id_of_key("service_area", f"{of}|{area}|{note or ''}"),
            "service_id": of,
            "name": f"{place}, {land}" if place else land,
            "description": note,
            "extent": area,
            "extent_type": "municipality" if place else "country",
        }
    )


def _language(of: UUID, code: str) -> Item:
    name = ENGLISH.languages.get(code.partition("-")[0], code)
    return {"id": clock.id_of_key("language", f"{of}|{code}"), "service_id": of, "name": name, "code": code}


def _names(names: Mapping[str, str]) -> tuple[str, str | None]:
    name = fallback_name(dict(names))
    others = [each for language, each in sorted(names.items()) if each != name]
    return name, others[0] if others else None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    if isinstance(value, dict):
        return "; ".join(f"{name}: {each}" for name, each in sorted(value.items()))
    return str(value)


def _said(item: Item) -> Item:
    """Without what nobody said: the schemas know no null."""
    return {name: value for name, value in item.items() if value is not None}
