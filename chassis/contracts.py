"""What each published event type must hold, read from the JSON Schema files committed beside the publishers.

A consumer checks by this before it works (bus.md sections 1 and 4): a field that it does not know is ignored, because
within a version fields are only added; a field that is missing or of another kind means that publisher and consumer do
not understand each other, and no trying again would help.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import orjson

from chassis.kinds import ANNOTATION, Kind, read_value
from chassis.settings import SERVICES

UNKNOWN_TYPE = "event.unknown_type"
WRONG_DATA = "event.wrong_data"
FOLDER = "events"


@dataclass(frozen=True, slots=True)
class Contract:
    """One version of one event type: the kind of each field, and the fields that are always there."""

    kinds: Mapping[str, Kind]
    required: frozenset[str]


def fault_of(name: str, version: int, data: Mapping[str, Any]) -> str | None:
    """What is wrong with `data` of the event `name`: None, "event.unknown_type" or "event.wrong_data"."""
    contract = contracts().get((name, version))
    if contract is None:
        return UNKNOWN_TYPE
    if not contract.required <= data.keys():
        return WRONG_DATA
    try:
        for field, kind in contract.kinds.items():
            if field in data:
                read_value(field, kind, data[field])
    except ValueError:
        return WRONG_DATA
    return None


def known_part(name: str, version: int, data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `data` that its contract names; whatever else is there is not for outsiders."""
    contract = contracts()[name, version]
    return {field: value for field, value in data.items() if field in contract.kinds}


@functools.cache
def contracts() -> Mapping[tuple[str, int], Contract]:
    """Every contract by name and version, read once. No module of a service is loaded for it."""
    return {_named(file.name): contract_of(orjson.loads(file.read_bytes())) for file in schema_files()}


def schema_files() -> Iterator[Traversable]:
    """The committed JSON Schema files: those of the services, and those of the chassis itself."""
    folders = [files("chassis") / FOLDER, *(files("services") / service / FOLDER for service in SERVICES)]
    for folder in folders:
        if folder.is_dir():
            yield from (file for file in folder.iterdir() if file.name.endswith(".json"))


def file_name(name: str, version: int) -> str:
    """`referral.accepted`, 1 → `referral.accepted.v1.json`."""
    return f"{name}.v{version}.json"


def contract_of(schema: Mapping[str, Any]) -> Contract:
    """The contract that a JSON Schema of `data` states; raises ValueError for a field without one of the kinds."""
    kinds = {field: Kind(rule.get(ANNOTATION)) for field, rule in schema["properties"].items()}
    return Contract(kinds, frozenset(schema["required"]))


def _named(file: str) -> tuple[str, int]:
    name, _, version = file.removesuffix(".json").rpartition(".v")
    return name, int(version)
