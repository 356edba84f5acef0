"""The sections of a directory file: their fields, what each becomes in the tables, and what one row is known by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from services.directory.rules import codes, parts
from services.directory.rules.fields import (
    AREA,
    CODE,
    COUNTRY,
    DAY,
    EMAIL,
    KEY,
    LANGUAGE,
    NAMES,
    PARTIAL_DATE,
    TEXTS,
    URL,
    Form,
    list_of,
    number,
    one_of,
    records,
    text,
    texts,
    whole_number,
)

Row = dict[str, Any]
ORGANISATIONS, LOCATIONS, SERVICES, INITIATIVES = "organisations", "locations", "services", "initiatives"


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


def _many(name: str, column: str, refers: str = ORGANISATIONS) -> Field:
    return Field(name, column, list_of(KEY), refers=refers, absent=[])


def _part(name: str, form: Form) -> Field:
    return Field(name, name, form, absent=[], kept=True)


def _object(name: str, form: Form) -> Field:
    return Field(name, name, form, absent={}, kept=True)


def _kept(name: str, form: Form) -> Field:
    return Field(name, name, form, kept=True)


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
            _object("descriptions", TEXTS),
            _kept("website", URL),
            _kept("email", EMAIL),
            _part("phones", parts.PHONES),
            _part("contacts", parts.CONTACT_LIST),
            _part("identifiers", parts.IDENTIFIERS),
            _part("funding", parts.SHORT_TEXTS),
            _part("programs", parts.PROGRAMS),
            _object("visibility", parts.visibility(ORGANISATIONS)),
            Field("status", "status", one_of(codes.ORGANISATION_STATES), absent="active", kept=True),
        ),
    ),
    Section(
        LOCATIONS,
        (
            _KEY,
            _one("organisation", "organisation", ORGANISATIONS, required=True),
            Field("kind", "kind", one_of(codes.LOCATION_KINDS), absent="physical"),
            Field("country", "country", COUNTRY, required=True),
            Field("county", "county", text(codes.LONGEST_PLACE)),
            Field("municipality", "municipality", text(codes.LONGEST_PLACE)),
            Field("city", "city", text(codes.LONGEST_PLACE)),
            Field("address_1", "address_1", text(codes.LONGEST_PLACE)),
            Field("address_2", "address_2", text(codes.LONGEST_PLACE)),
            Field("postal_code", "postal_code", text(codes.LONGEST_PHONE)),
            Field("latitude", "latitude", number(-90, 90)),
            Field("longitude", "longitude", number(-180, 180)),
            Field("withheld", "withheld", one_of(codes.WITHHELD_REASONS)),
            _kept("url", URL),
            _object("names", texts(codes.LONGEST_NAME)),
            _object("descriptions", TEXTS),
            _object("transport", TEXTS),
            _part("accessibility", parts.SHORT_TEXTS),
            _codes("languages", LANGUAGE),
            _part("phones", parts.PHONES),
            _part("schedules", parts.SCHEDULES),
            _object("visibility", parts.visibility(LOCATIONS)),
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
            _object("descriptions", TEXTS),
            Field("locations", "locations", list_of(KEY), refers=LOCATIONS, absent=[], kept=True),
            _kept("program", KEY),
            _kept("url", URL),
            _kept("email", EMAIL),
            _part("needs", list_of(CODE)),
            _object("eligibility", parts.ELIGIBILITY),
            _object("referral", parts.REFERRAL_PROFILE),
            _part("phones", parts.PHONES),
            _part("contacts", parts.CONTACT_LIST),
            _part("schedules", parts.SCHEDULES),
            _part("costs", parts.COSTS),
            _part("documents", parts.SHORT_TEXTS),
            _part("funding", parts.SHORT_TEXTS),
            _kept("alert", text()),
            _object("visibility", parts.visibility(SERVICES)),
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
            _text("evidence"),
            _date("period.from", "started"),
            _date("period.to", "ended"),
            Field("source", "source", one_of(codes.INDICATOR_SOURCES)),
        ),
        identity=("initiative", "name"),
        nested=("period",),
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
        "facilitators",
        (
            Field("code", "code", KEY, required=True),
            _one("organisation", "organisation", ORGANISATIONS, required=True),
            _one("programme", "programme", SERVICES, required=True),
            _text("training"),
            Field("from", "started", DAY),
            Field("to", "ended", DAY),
        ),
        identity=("organisation", "code", "programme"),
    ),
    Section(
        "network_facts",
        (Field("country", "country", COUNTRY), _text("fact", required=True), _date("as_of")),
        identity=("country", "fact"),
    ),
)
BY_NAME = {section.name: section for section in SECTIONS}
