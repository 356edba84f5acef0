"""HSDS 3.0 as tables: which of its tables and columns we write, and how an object is laid out in them.

Source: Open Referral HSDS 3.0, tabular data package (directory.md section 5). The description of a package is our own
and names exactly the files and columns that are in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chassis.cells import harmless
from services.directory.rules.codes import LOCATION_KINDS, WEEKDAYS
from services.directory.rules.hsds_parts import NOT_SAID, Item

MIDNIGHT = "24:00"
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?\Z")
_DAY_LENGTH, _CLOCK_LENGTH = 10, 5


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its file, its columns in their order, which of them must say something, which name other rows."""

    name: str
    file: str
    columns: tuple[str, ...]
    required: tuple[str, ...] = ()
    refers: tuple[str, ...] = ()


_OWNERS = ("organization_id", "service_id", "location_id")
TABLES: tuple[Table, ...] = (
    Table(
        "organization",
        "organizations.csv",
        ("id", "name", "alternate_name", "description", "email", "website", "year_incorporated",
         "parent_organization_id"),
        ("name", "description"),
    ),
    Table(
        "program",
        "programs.csv",
        ("id", "organization_id", "name", "alternate_name", "description"),
        ("organization_id", "name", "description"),
        ("organization_id",),
    ),
    Table(
        "service",
        "services.csv",
        ("id", "organization_id", "program_id", "name", "alternate_name", "description", "url", "email", "status",
         "eligibility_description", "minimum_age", "maximum_age", "alert", "last_modified"),
        ("organization_id", "name", "status"),
        ("organization_id", "program_id"),
    ),
    Table(
        "location",
        "locations.csv",
        ("id", "location_type", "url", "organization_id", "name", "alternate_name", "description", "transportation",
         "latitude", "longitude", "external_identifier", "external_identifier_type"),
        ("location_type",),
        ("organization_id",),
    ),
    Table(
        "service_at_location",
        "service_at_location.csv",
        ("id", "service_id", "location_id"),
        ("service_id", "location_id"),
        ("service_id", "location_id"),
    ),
    Table(
        "address",
        "addresses.csv",
        ("id", "location_id", "address_1", "address_2", "city", "region", "state_province", "postal_code", "country",
         "address_type"),
        ("address_1", "city", "state_province", "postal_code", "country", "address_type"),
        ("location_id",),
    ),
    Table(
        "contact",
        "contacts.csv",
        ("id", *_OWNERS, "title", "department", "email"),
        (),
        _OWNERS,
    ),
    Table(
        "phone",
        "phones.csv",
        ("id", *_OWNERS, "contact_id", "number", "extension", "type", "description"),
        ("number",),
        (*_OWNERS, "contact_id"),
    ),
    Table(
        "schedule",
        "schedules.csv",
        ("id", "service_id", "location_id", "freq", "wkst", "byday", "opens_at", "closes_at", "valid_from", "valid_to",
         "description", "notes"),
        (),
        ("service_id", "location_id"),
    ),
    Table("funding", "funding.csv", ("id", "organization_id", "service_id", "source"), (), _OWNERS[:2]),
    Table(
        "service_area",
        "service_areas.csv",
        ("id", "service_id", "name", "description", "extent", "extent_type"),
        (),
        ("service_id",),
    ),
    Table("required_document", "required_documents.csv", ("id", "service_id", "document"), (), ("service_id",)),
    Table(
        "language",
        "languages.csv",
        ("id", "service_id", "location_id", "phone_id", "name", "code"),
        (),
        ("service_id", "location_id", "phone_id"),
    ),
    Table("accessibility", "accessibility.csv", ("id", "location_id", "description"), (), ("location_id",)),
    Table(
        "cost_option",
        "cost_options.csv",
        ("id", "service_id", "option", "currency", "amount", "amount_description"),
        ("service_id",),
        ("service_id",),
    ),
    Table(
        "organization_identifier",
        "organization_identifiers.csv",
        ("id", "organization_id", "identifier_scheme", "identifier_type", "identifier"),
        ("organization_id", "identifier_type", "identifier"),
        ("organization_id",),
    ),
    Table(
        "attribute",
        "attributes.csv",
        ("id", "link_id", "taxonomy_term_id", "link_type", "link_entity", "value"),
        ("link_id", "taxonomy_term_id", "link_entity"),
        ("taxonomy_term_id",),
    ),
    Table("taxonomy", "taxonomies.csv", ("id", "name", "description", "version"), ("name", "description")),
    Table(
        "taxonomy_term",
        "taxonomy_terms.csv",
        ("id", "code", "name", "description", "taxonomy", "language", "taxonomy_id"),
        ("name", "description"),
        ("taxonomy_id",),
    ),
    Table(
        "metadata",
        "metadata.csv",
        ("id", "resource_id", "resource_type", "last_action_date", "last_action_type", "field_name", "previous_value",
         "replacement_value", "updated_by"),
        ("resource_id", "resource_type", "last_action_date", "last_action_type", "field_name", "previous_value",
         "replacement_value", "updated_by"),
    ),
)  # fmt: skip
BY_NAME = {table.name: table for table in TABLES}
INSIDE = {
    "addresses": "address",
    "accessibility": "accessibility",
    "attributes": "attribute",
    "contacts": "contact",
    "cost_options": "cost_option",
    "funding": "funding",
    "languages": "language",
    "location": "location",
    "locations": "location",
    "metadata": "metadata",
    "organization_identifiers": "organization_identifier",
    "phones": "phone",
    "programs": "program",
    "required_documents": "required_document",
    "schedules": "schedule",
    "service_areas": "service_area",
    "service_at_locations": "service_at_location",
    "taxonomy_detail": "taxonomy",
    "taxonomy_term": "taxonomy_term",
}
"""The table of what stands inside an object, by its member; the organisation of a service has its own row anyhow."""

_NUMBERS = {"year_incorporated", "minimum_age", "maximum_age", "latitude", "longitude", "extension", "amount"}
_KINDS: dict[str, dict[str, Any]] = {
    **{name: {"type": "number"} for name in _NUMBERS},
    **{name: {"type": "date"} for name in ("valid_from", "valid_to", "last_action_date")},
    **{name: {"type": "time"} for name in ("opens_at", "closes_at")},
    **{name: {"type": "string", "format": "uri"} for name in ("url", "website")},
    "email": {"type": "string", "format": "email"},
    "last_modified": {"type": "datetime"},
}
_CHOICES = {
    "status": ["active", "inactive"],
    "location_type": list(LOCATION_KINDS),
    "address_type": list(LOCATION_KINDS),
    "wkst": list(WEEKDAYS),
    "freq": ["WEEKLY"],
}


@dataclass(slots=True)
class Tables:
    """The rows of all tables, each once, as they will stand in the files."""

    rows: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)

    def add(self, table: str, item: Item) -> None:
        """Lay an object out: itself, and all that hangs on it."""
        for name, row in _rows(table, item):
            self.rows.setdefault(name, {})[str(row["id"])] = tuple(
                cell(name, column, row.get(column)) for column in BY_NAME[name].columns
            )

    def files(self) -> Iterator[tuple[Table, list[tuple[str, ...]]]]:
        """Every table that has rows, these in the order of their ids."""
        for table in TABLES:
            found = self.rows.get(table.name)
            if found:
                yield table, [found[own] for own in sorted(found)]


def _rows(table: str, item: Item) -> Iterator[tuple[str, Item]]:
    yield table, item
    for name, value in item.items():
        inner = INSIDE.get(name)
        if inner is not None:
            for each in value if isinstance(value, list) else [value]:
                yield from _rows(inner, _told(inner, each, item))


def _told(table: str, item: Item, above: Item) -> Item:
    """In one table of all terms a code must be there once (HSDS 3.0), so that it begins with its taxonomy."""
    return {**item, "code": f"{above['link_type']}:{item['code']}"} if table == "taxonomy_term" else item


def cell(table: str, column: str, value: Any) -> str:
    """A value as a cell: dates as days, times with seconds, and no text that a spreadsheet would run.

    A plain number with its sign, such as a phone number in the international form, is no formula and stays as it is.
    """
    if value is None or value == "":
        return NOT_SAID if column in BY_NAME[table].required else ""
    kind = _KINDS.get(column, {}).get("type")
    text = str(value)
    if kind == "date":
        return text[:_DAY_LENGTH]
    if kind == "time":
        return f"{'00:00' if text == MIDNIGHT else text[:_CLOCK_LENGTH]}:00"
    return text if _NUMBER.match(text) else harmless(text)


def package(given: list[str], *, seq: int) -> str:
    """The description of a package with these tables, as the standard for tabular data packages has it."""
    made = {
        "profile": "tabular-data-package",
        "name": "tukiverkko-directory",
        "title": "A directory of services as HSDS 3.0",
        "description": f"All that everybody may know, at change {seq} of the directory's feed.",
        "hsds_version": "3.0",
        "directory_seq": seq,
        "resources": [_resource(table, given) for table in TABLES if table.name in given],
    }
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


def _resource(table: Table, given: list[str]) -> Mapping[str, Any]:
    schema: dict[str, Any] = {
        "fields": [_field(table, column) for column in table.columns],
        "primaryKey": "id",
        "foreignKeys": [
            {"fields": column, "reference": {"resource": other, "fields": "id"}}
            for column in table.refers
            if (other := column.removesuffix("_id")) in given
        ],
    }
    return {
        "profile": "tabular-data-resource",
        "name": table.name,
        "path": table.file,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {name: value for name, value in schema.items() if value},
    }


def _field(table: Table, column: str) -> Item:
    plain = {"type": "string", "format": "uuid"} if _is_id(column) else {"type": "string"}
    made = {"name": column, **_KINDS.get(column, plain)}
    limits: Item = {}
    if column == "id" or column in table.required:
        limits["required"] = True
    if column == "id":
        limits["unique"] = True
    if column in _CHOICES:
        limits["enum"] = _CHOICES[column]
    return {**made, "constraints": limits} if limits else made


def _is_id(column: str) -> bool:
    return column == "id" or column.endswith("_id")
