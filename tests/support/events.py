"""Holds every event that a test caused against the committed schemas.

It shares no code with the checks of the services: the schemas are read from their files and judged by jsonschema.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from psycopg.rows import dict_row

from chassis import envelope
from chassis.settings import SERVICES, Settings
from deploy.asyncapi import envelope_schema
from deploy.local.postgres import superuser_url

ROOT = Path(__file__).parents[2]
FILES = ("chassis/events/*.json", "services/*/events/*.json")
MOST_SHOWN = 5
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z")
_PARTNER_KEY = re.compile(r"(network|org\.[0-9a-f-]{36})\.([a-z_]+\.[a-z_]+)\Z")
_AUDIENCE = re.compile(r"(network|org:[0-9a-f-]{36}|)\Z")

FORMATS = FormatChecker(["uuid", "date"])
FORMATS.checks("date-time")(lambda value: not isinstance(value, str) or bool(_TIME.match(value)))


def committed() -> dict[str, dict[str, Any]]:
    """Every committed schema by its $id."""
    found = (json.loads(path.read_bytes()) for pattern in FILES for path in sorted(ROOT.glob(pattern)))
    return {schema["$id"]: schema for schema in found}


@functools.cache
def _validators() -> dict[str, Draft202012Validator]:
    return {name: Draft202012Validator(schema, format_checker=FORMATS) for name, schema in committed().items()}


@functools.cache
def _envelope(*, outside: bool) -> Draft202012Validator:
    return Draft202012Validator(envelope_schema(outside=outside), format_checker=FORMATS)


def faults_of(body: bytes, *, outside: bool) -> list[str]:
    """What is wrong with one event as it is sent, envelope and data."""
    document = json.loads(body)
    found = [_said("envelope", error) for error in _envelope(outside=outside).iter_errors(document)]
    schema = _validators().get(str(document.get("dataschema")))
    if schema is None:
        return [*found, f"no committed schema is called {document.get('dataschema')}"]
    if document.get("type") != schema.schema["title"]:
        found.append(f"type {document.get('type')} names the schema {document.get('dataschema')}")
    return [*found, *(_said("data", error) for error in schema.iter_errors(document.get("data")))]


def faults_of_row(row: Mapping[str, Any], *, service: str) -> list[str]:
    """What is wrong with one row of an outbox."""
    if row["exchange"] == "partners":
        return [*faults_of(bytes(row["body"]), outside=True), *_partner_faults(row)]
    try:
        body = envelope.compose(row, source=service)
    except (TypeError, ValueError, KeyError) as error:
        return [f"no event can be made of it: {type(error).__name__}"]
    found = faults_of(body, outside=False)
    if row["routing_key"] != row["type"]:
        found.append(f"routing key {row['routing_key']} of a {row['type']}")
    if not _AUDIENCE.match(row["audience"]):
        found.append(f"audience {row['audience']}")
    return found


def wrong_events(url: str, service: str) -> list[str]:
    """The faults of all rows in the outbox of a database, each with its type and number."""
    rows = list(_rows(url))
    found = [
        f"{service} outbox no {row['no']}, {row['type']}.v{row['version']}: {fault}"
        for row in rows
        for fault in faults_of_row(row, service=service)
    ]
    return [*found, *_shared_ids(rows, service)]


def _shared_ids(rows: Iterable[Mapping[str, Any]], service: str) -> list[str]:
    """Readers count by source, subject and audience: two nouns with one id would be one count with numbers twice."""
    nouns: dict[Any, set[str]] = {}
    for row in rows:
        if row["exchange"] == "events":
            nouns.setdefault(row["aggregate_id"], set()).add(row["aggregate_type"])
    return [f"{service}: {sorted(each)} have one id" for each in nouns.values() if len(each) > 1]


def check_outbox(url: str, service: str) -> None:
    """Fail, naming the events that do not fit their committed schema."""
    wrong = wrong_events(url, service)
    if wrong:  # without a traceback, which would show the address with its password
        shown = "\n".join(wrong[:MOST_SHOWN])
        pytest.fail(f"{len(wrong)} faults in events that tests caused:\n{shown}", pytrace=False)


def check_network(settings: Settings) -> None:
    """The same for all databases of a running network; one that is not there is passed over."""
    for service in SERVICES:
        url = superuser_url(settings, settings.database_url(service).rpartition("/")[2])
        check_outbox(url, service)


def _rows(url: str) -> Iterator[dict[str, Any]]:
    with psycopg.connect(url, row_factory=dict_row, connect_timeout=5) as connection:
        exists = connection.execute("SELECT to_regclass('public.outbox') IS NOT NULL AS there").fetchone()
        if exists and exists["there"]:
            yield from connection.execute("SELECT * FROM outbox ORDER BY no")


def _partner_faults(row: Mapping[str, Any]) -> Iterable[str]:
    document = json.loads(bytes(row["body"]))
    key = _PARTNER_KEY.match(row["routing_key"])
    if not key or key[1] != str(document.get("stream")).replace(":", ".") or key[2] != row["type"]:
        yield f"routing key {row['routing_key']} in the stream {document.get('stream')}"
    if document.get("id") != str(row["id"]):
        yield "the id is not the one of the row"


def _said(where: str, error: Any) -> str:
    place = "/".join(map(str, error.path))
    return f"{where} /{place}: {error.validator} {error.message[:200]}"
