"""Judges a package of HSDS tables by the official description (tables, columns, types, ids, references)."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

OFFICIAL = Path("data") / "hsds-3.0"
CORE_COLUMN = "Table Name"


def read(content: bytes) -> tuple[dict[str, Any], dict[str, list[dict[str, str]]]]:
    """The description of a package and the rows of its tables, by the names of the tables."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        described: dict[str, Any] = json.loads(archive.read("datapackage.json"))
        files = {each["path"]: each["name"] for each in described["resources"]}
        assert set(archive.namelist()) == {*files, "datapackage.json"}
        tables = {name: _table(archive.read(path).decode("utf-8")) for path, name in files.items()}
    for each in described["resources"]:
        assert [field["name"] for field in each["schema"]["fields"]] == list(tables[each["name"]][0])
    return described, tables


def _table(text: str) -> list[dict[str, str]]:
    found = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert found, "a file without rows"
    assert not any(None in row or None in row.values() for row in found)
    return found


def official(shared: Path) -> dict[str, Any]:
    """The official tables by name."""
    given = json.loads((shared / OFFICIAL / "datapackage.json").read_bytes())
    return {each["name"]: each for each in given["resources"]}


def core(shared: Path) -> set[str]:
    """The tables that a package must have."""
    lines = csv.DictReader((shared / OFFICIAL / "core_tables.csv").read_text().splitlines())
    return {row[CORE_COLUMN] for row in lines}


def faults(tables: Mapping[str, list[dict[str, str]]], standard: Mapping[str, Any]) -> Iterator[str]:
    """What of a package does not fit a description of all its tables."""
    for name, rows in tables.items():
        if name not in standard:
            yield f"{name}: no such table"
            continue
        schema = standard[name]["schema"]
        fields = {field["name"]: field for field in schema["fields"]}
        yield from (f"{name}.{column}: no such column" for column in rows[0] if column not in fields)
        for column, field in fields.items():
            yield from _column(name, field, [row.get(column, "") for row in rows])
        yield from _references(name, rows, schema, tables)


def _references(
    name: str, rows: list[dict[str, str]], schema: Mapping[str, Any], tables: Mapping[str, list[dict[str, str]]]
) -> Iterator[str]:
    for key in schema.get("foreignKeys", ()):
        column, other = key["fields"], key["reference"]["resource"]
        known = {"", *(row["id"] for row in tables.get(other, ()))}
        yield from (f"{name}.{column}: no {other} {row[column]}" for row in rows if row.get(column, "") not in known)


UNIQUE_BY_MISTAKE = {"program.organization_id"}
"""The official description lets an organisation have one program; its own text says that it may have many."""


def _column(table: str, field: Mapping[str, Any], cells: list[str]) -> Iterator[str]:
    name, limits = f"{table}.{field['name']}", field.get("constraints", {})
    said = [each for each in cells if each]
    if limits.get("required") and len(said) < len(cells):
        yield f"{name}: empty"
    if limits.get("unique") and len(set(said)) < len(said) and name not in UNIQUE_BY_MISTAKE:
        yield f"{name}: twice"
    choices = field.get("enum") or limits.get("enum")
    judge = FORMS.get(field.get("format", "")) or FORMS.get(field["type"], str)
    for each in said:
        if choices and each not in choices:
            yield f"{name}: {each} is none of {choices}"
        try:
            judge(each)
        except ValueError:
            yield f"{name}: {each} is no {field['type']} {field.get('format', '')}"


def _moment(text: str) -> None:
    dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - only the form counts


def _clock(text: str) -> None:
    dt.datetime.strptime(text, "%H:%M:%S")  # noqa: DTZ007 - only the form counts


def _email(text: str) -> None:
    if text.count("@") != 1 or " " in text:
        raise ValueError(text)


def _uri(text: str) -> None:
    if not urlsplit(text).scheme:
        raise ValueError(text)


FORMS: dict[str, Callable[[str], object]] = {
    "uuid": uuid.UUID,
    "email": _email,
    "uri": _uri,
    "number": float,
    "date": dt.date.fromisoformat,
    "datetime": _moment,
    "time": _clock,
}
