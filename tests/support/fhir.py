"""What the tests of FHIR hold resources against: the JSON schema of R4, and the classes of fhir.resources."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from jsonschema import Draft6Validator

from services.referrals.rules import fhir

SCHEMA = Path("data") / "fhir-r4" / "fhir-r4-subset.schema.json"


@cache
def _schema(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(path.read_bytes())
    return found


@cache
def _validator(path: Path, kind: str) -> Draft6Validator:
    document = _schema(path)
    return Draft6Validator({"$ref": f"#/definitions/{kind}", "definitions": document["definitions"]})


def by_schema(shared: Path, resource: dict[str, Any]) -> list[str]:
    """What does not fit the schema of R4; contained resources and entries are looked at by their own kind."""
    found = []
    for each in (resource, *resource.get("contained", ()), *entries(resource)):
        outer = {name: value for name, value in each.items() if name not in {"contained", "entry"}}
        validator = _validator(shared / SCHEMA, each["resourceType"])
        found += [
            f"{each['resourceType']}/{'/'.join(map(str, e.path))}: {e.message}" for e in validator.iter_errors(outer)
        ]
    return found


def entries(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """The resources of a bundle."""
    return [entry["resource"] for entry in resource.get("entry", ())]


def by_library(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource as fhir.resources reads and writes it; it raises for what does not fit.

    Its classes are those of R4B, which for these resources has the elements and code lists of R4.
    """
    kind = resource["resourceType"]
    module = importlib.import_module(f"fhir.resources.R4B.{kind.lower()}")
    made = getattr(module, kind).model_validate(resource)
    return orjson.loads(made.model_dump_json(exclude_none=True))  # type: ignore[no-any-return]


def check(shared: Path, resource: dict[str, Any]) -> None:
    """Assert that a resource is one, by both."""
    assert by_schema(shared, resource) == []
    by_library(resource)


def business(state: str) -> dict[str, Any]:
    """A businessStatus."""
    return {"coding": [{"system": fhir.STATE, "code": state}]}


def value_of(name: str, value: Any) -> list[dict[str, Any]]:
    """A field of a transition as inputs."""
    if isinstance(value, dict):
        return [part for inner, each in value.items() for part in value_of(f"{name}.{inner}", each)]
    if isinstance(value, list):
        return [part for each in value for part in _entry_of(name, each)]
    kind = "valueInteger" if isinstance(value, int) else "valueString"
    return [] if value is None else [{**typed(name), kind: value}]


def _entry_of(name: str, entry: Any) -> list[dict[str, Any]]:
    if isinstance(entry, dict):
        coding = [{"system": fhir.GOAL_LEVEL, "code": entry["level"]}]
        return [{**typed(name), "valueCodeableConcept": {"text": entry["goal"], "coding": coding}}]
    return [{**typed(name), "valueCode": entry}]


def typed(name: str) -> dict[str, Any]:
    """The type of an input."""
    return {"type": {"coding": [{"system": fhir.FIELD, "code": name}]}}
