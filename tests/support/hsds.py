"""The official schemas of HSDS 3.0 (tests/data/hsds-3.0, unmodified), made strict: a field too many is a fault."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

FILES = Path(__file__).parents[1] / "data" / "hsds-3.0"
OPENAPI: dict[str, Any] = json.loads((FILES / "openapi.json").read_bytes())
PAGE_KEYS = frozenset(OPENAPI["components"]["schemas"]["Page"]["properties"]) | {"contents"}
FORMATS = FormatChecker(["uuid", "date", "email"])
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z")
FORMATS.checks("date-time")(lambda value: not isinstance(value, str) or bool(_MOMENT.match(value)))
FORMATS.checks("uri")(lambda value: not isinstance(value, str) or bool(urlsplit(value).scheme))


def faults(name: str, value: Any) -> list[str]:
    """What is wrong with an object, by the place of each fault; `name` as service, organization, service_list."""
    found = sorted(judge(name).iter_errors(value), key=lambda error: [str(each) for each in error.path])
    return [f"{'/'.join(str(each) for each in error.path)}: {error.message[:200]}" for error in found]


@cache
def judge(name: str) -> Draft202012Validator:
    """The judge of one kind of object."""
    schema = _read(f"compiled/{name}.json" if name.endswith("_list") else f"{name}.json")
    if name == "service_at_location":  # as in the compiled file: at the top with its service, inside a service without
        schema["properties"]["service"] = _without("service.json", "service_at_locations")
    schema = _strict(schema)
    return Draft202012Validator(schema, registry=_registry(), format_checker=FORMATS)


@cache
def _registry() -> Registry[Any]:
    names = [path.name for path in FILES.glob("*.json") if path.name != "openapi.json"]
    made = ((name, Resource(contents=_strict(_read(name)), specification=DRAFT202012)) for name in names)
    return Registry().with_resources(made)


def _read(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((FILES / name).read_bytes())
    if name == "organization.json":  # the compiled file, which is too large to keep here, has its services as well
        schema["properties"]["services"] = {"type": "array", "items": {"$ref": "service.json"}}
    schema.pop("$id", None)
    return schema


def _without(name: str, member: str) -> dict[str, Any]:
    schema = _read(name)
    del schema["properties"][member]
    return schema


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    made = copy.deepcopy(schema)
    for each in _objects(made):
        each["additionalProperties"] = False
    return made


def _objects(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        if isinstance(part.get("properties"), dict):
            yield part
        for value in part.values():
            yield from _objects(value)
    elif isinstance(part, list):
        for value in part:
            yield from _objects(value)
