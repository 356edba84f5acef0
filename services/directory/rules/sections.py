"""The sections of a directory file: their fields, what each becomes in the tables, and what one row is known by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from services.directory.rules import codes
from services.directory.rules.fields import (
    AREA,
    CODE,
    COUNTRY,
    KEY,
    LANGUAGE,
    NAMES,
    PARTIAL_DATE,
    Form,
    list_of,
    one_of,
    records,
    text,
    whole_number,
)

Row = dict[str, Any]
ORGANISATIONS, SERVICES, INITIATIVES = "organisations", "services", "initiatives"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a section.

    `name` as in the file (dotted inside an object), `column` as in the rows, `refers` to the section whose keys it
    holds. What a file does not say is `absent`; a `kept` field then keeps what the directory has.
    """

    name: str
    column: str
    form: Form
    required: bool = False
    refers: str | None = None
    absent: Any = None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One list of a file; `identity` are the columns that tell its rows apart."""

    name: str
    fields: tuple[Field, ...]
    identity: tuple[str, ...] = ("key",)
    nested: tuple[str, ...] = field(default=())


def _text(name: str, column: str | None = None, *, required: bool = False) -> Field:
    return Field(name, column or name, text(), required=required)


def _date(name: str, column: str | None = None) -> Field:
    return Field(name, column or name, PARTIAL_DATE)


def _codes(name: str, form: Form, column: str | None = None) -> Field:
    return Field(name, column or name, list_of(form), absent=[])


def _one(name: str, column: str, refers: str, *, required: bool = False) -> Field:
    return Field(name, column, KEY, required=required, refers=refers)


def _many(name: str, column: str) -> Field:
    return Field(name, column, list_of(KEY), refers=ORGANISATIONS, absent=[])


_KEY = Field("key", "key", KEY, required=True)
_NAMES = Field("names", "names", NAMES, required=True)
_ACTIVITY = {
    "kind": CODE,
    "to": list_of(COUNTRY),
    "in": list_of(COUNTRY),
    "quota_per_country": whole_number(0),
    "name": text(codes.LONGEST_NAME),
    "on": PARTIAL_DATE,
    "seat": text(codes.LONGEST_PLACE),
}

SECTIONS: tuple[Section, ...] = (
    Section(
        ORGANISATIONS,
        (
            _KEY,
            Field("type", "type", CODE, required=True),
            Field("country", "country", COUNTRY),
            Field("seat", "seat", text(codes.LONGEST_PLACE)),
            _date("founded"),
            _one("parent", "parent", ORGANISATIONS),
            _NAMES,
            Field("status", "status", one_of(codes.ORGANISATION_STATUS), absent="active", kept=True),
        ),
    ),
    Section(
        SERVICES,
        (
            _KEY,
            _one("organisation", "organisation", ORGANISATIONS, required=True),
            _many("with", "partners"),
            Field("kind", "kind", CODE, required=True),
            _codes("channels", CODE),
            _codes("languages", LANGUAGE),
            _codes("coverage", AREA),
            _NAMES,
            _text("about"),
            _date("from", "started"),
            Field("accepting", "accepting", one_of(codes.ACCEPTING), absent="unknown", kept=True),
            Field("accepting_source", "accepting_source", one_of(("page", "demo")), absent="nobody", kept=True),
            Field("urgencies", "urgencies", list_of(one_of(codes.URGENCIES)), absent=[], kept=True),
            Field("status", "status", one_of(codes.SERVICE_STATUS), absent="published", kept=True),
        ),
    ),
    Section(
        "memberships",
        (
            _one("organisation", "organisation", ORGANISATIONS, required=True),
            _one("in", "network", ORGANISATIONS, required=True),
            _date("from", "started"),
            _date("to", "ended"),
            _text("role"),
        ),
        identity=("organisation", "network", "started"),
    ),
    Section(
        INITIATIVES,
        (
            _KEY,
            Field("names", "names", NAMES, absent={}),
            _date("period.from", "started"),
            _date("period.to", "ended"),
            Field("period.year", "year", PARTIAL_DATE),
            _text("programme"),
            _one("administrator", "administrator", ORGANISATIONS),
            _one("funder", "funder", ORGANISATIONS),
            _many("initiator", "initiator"),
            _many("partners", "partner"),
            _many("organisers_of_seminars", "seminar_organiser"),
            _many("visited", "visited"),
            Field("activities", "activities", records(_ACTIVITY), absent=[]),
            _text("approved.by", "approved_by"),
            _date("approved.on", "approved_on"),
            _date("reported_on"),
            _codes("results", text()),
            _codes("outputs", text()),
            _text("next_step"),
            _text("lithuanian_partner"),
        ),
        nested=("period", "approved"),
    ),
    Section(
        "indicators",
        (
            _one("initiative", "initiative", INITIATIVES, required=True),
            _text("name", required=True),
            Field("unit", "unit", CODE, required=True),
            Field("planned", "planned", whole_number(0)),
            Field("reached", "reached", whole_number(0)),
            _text("impact"),
        ),
        identity=("initiative", "name"),
    ),
    Section(
        "licences",
        (
            _one("programme", "programme", SERVICES, required=True),
            Field("in", "municipalities", list_of(AREA), required=True),
            _one("by", "by", ORGANISATIONS),
            _text("note"),
        ),
        identity=("programme", "by"),
    ),
    Section(
        "network_facts",
        (Field("country", "country", COUNTRY), _text("fact", required=True), _date("as_of")),
        identity=("country", "fact"),
    ),
)
BY_NAME = {section.name: section for section in SECTIONS}
