"""The closed list of what a field of an event may be: ids, codes, times, numbers and public names (bus.md section 1).

There is no kind for free text or for anything about a person, so an event cannot hold one.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
import uuid
from collections.abc import Callable
from typing import Any

CODE = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,63}\Z")
"""Small letters only: a name would begin with a capital."""

_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?\Z")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)\Z")
_ID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\Z", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_LONGEST_NAME = 300
_LONGEST_LIST = 1000


ANNOTATION = "x-kind"
"""The word of a JSON Schema that says which kind a field is of; validators pass over words that they do not know."""


class Kind(enum.Enum):
    """What a field of an event may be; the list is closed on purpose."""

    ID = "id"
    CODE = "code"
    TIME = "time"
    DATE = "date"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CODES = "codes"
    IDS = "ids"
    COUNTRY = "country"  # ISO 3166 alpha-2
    ZONE = "zone"  # a name of the IANA time zone database
    AREAS = "areas"  # where a service works: a country, or country:municipality
    PUBLIC_NAMES = "public_names"  # language → public name of an organisation or a service, never of a person


_ZONE = "^[A-Z][A-Za-z_]{1,30}(/[A-Z][A-Za-z_-]{1,30}){1,2}$"
_AREA = "^[A-Z]{2}(:.{1,120})?$"
_CODE_SCHEMA = {"type": "string", "pattern": "^[a-z0-9][a-z0-9_.:-]*$", "maxLength": 64}
_ID_SCHEMA = {"type": "string", "format": "uuid"}
SCHEMAS: dict[Kind, dict[str, Any]] = {
    Kind.ID: _ID_SCHEMA,
    Kind.CODE: _CODE_SCHEMA,
    Kind.TIME: {"type": "string", "format": "date-time"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.INTEGER: {"type": "integer"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.CODES: {"type": "array", "items": _CODE_SCHEMA, "maxItems": _LONGEST_LIST},
    Kind.IDS: {"type": "array", "items": _ID_SCHEMA, "maxItems": _LONGEST_LIST},
    Kind.COUNTRY: {"type": "string", "pattern": "^[A-Z]{2}$"},
    Kind.ZONE: {"type": "string", "pattern": _ZONE},
    Kind.AREAS: {"type": "array", "items": {"type": "string", "pattern": _AREA}, "maxItems": _LONGEST_LIST},
    Kind.PUBLIC_NAMES: {
        "type": "object",
        "propertyNames": {"pattern": "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$"},
        "additionalProperties": {"type": "string", "minLength": 1, "maxLength": _LONGEST_NAME},
    },
}


def schema_of(kind: Kind) -> dict[str, Any]:
    """The JSON Schema of a field of `kind`, with the kind's own name in it."""
    return {**SCHEMAS[kind], ANNOTATION: kind.value}


def timestamp(moment: dt.datetime) -> str:
    """RFC 3339 in UTC with six digits, so that the same moment is always the same text."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_value(where: str, kind: Kind, value: Any) -> Any:
    """`value` as JSON holds it; raises ValueError when it is not of `kind`."""
    try:
        return _READERS[kind](value)
    except (ValueError, TypeError, AttributeError):
        # the value itself stays out of the message: it may be the very thing that must not be told
        message = f"{where}: the value is no {kind.value}."
        raise ValueError(message) from None


def _id(value: Any) -> str:
    if not isinstance(value, uuid.UUID) and not _ID.match(value):
        raise ValueError
    return str(value).lower()


def _matching(form: re.Pattern[str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not form.match(value):
            raise ValueError
        return str(value)

    return read


_code, _country = _matching(CODE), _matching(_COUNTRY)
_zone = _matching(re.compile(_ZONE.removesuffix("$") + r"\Z"))


def _time(value: Any) -> str:
    if isinstance(value, str):
        if not _TIME.match(value):
            raise ValueError
        value = dt.datetime.fromisoformat(value)
    if value.tzinfo is None:
        raise ValueError
    return timestamp(value)


def _date(value: Any) -> str:
    if isinstance(value, dt.datetime):
        raise TypeError
    if isinstance(value, dt.date):
        return value.isoformat()
    if not _DATE.match(value):  # from Python 3.11 on fromisoformat takes other forms too
        raise ValueError
    return dt.date.fromisoformat(value).isoformat()


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple | set | frozenset) or len(value) > _LONGEST_LIST:
        raise TypeError
    return sorted(value) if isinstance(value, set | frozenset) else list(value)  # a set has no order to keep


def _area(value: Any) -> str:
    if not re.fullmatch(_AREA, value) or not value.isprintable():
        raise ValueError
    return str(value)


def _names(value: Any) -> dict[str, str]:
    for language, name in value.items():
        if not _LANGUAGE.match(language) or not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
            raise ValueError
    return dict(value)


_READERS = {
    Kind.ID: _id,
    Kind.CODE: _code,
    Kind.TIME: _time,
    Kind.DATE: _date,
    Kind.INTEGER: _integer,
    Kind.BOOLEAN: _boolean,
    Kind.CODES: lambda value: [_code(item) for item in _listed(value)],
    Kind.IDS: lambda value: [_id(item) for item in _listed(value)],
    Kind.COUNTRY: _country,
    Kind.ZONE: _zone,
    Kind.AREAS: lambda value: [_area(item) for item in _listed(value)],
    Kind.PUBLIC_NAMES: _names,
}
