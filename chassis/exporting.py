"""Puts together what an organisation has about one record of a person, field by field, each with its class.

Complete for the caller's own organisation and silent about others', which are named only. What may speak of somebody
else is held back until the officer says that he will have read it before it is handed out; he says so on record.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from marshmallow import Schema, fields

from chassis.classes import Classed, classes_of, is_hash
from chassis.errors import NotFound
from chassis.persons import Table
from chassis.records import Records
from chassis.work import Work

ABOUT_PEOPLE = frozenset({"personal", "sealed", "offence"})
HASHED = "A keyed hash: it can be compared, and read by nobody."
ABOUT = "SELECT at, subject, operation, purpose, basis, outcome, request_id FROM audit_about(%s)"
PARTNER = "SELECT key FROM partner WHERE org_id = %s"


@dataclass(frozen=True, slots=True)
class Field:
    """One fact: its place in the row, its class, its value as it is stored."""

    name: str
    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Review:
    """What is held back until an officer has read it: single places, or with `whole` all that is about people."""

    records: Records
    done: bool
    whole: str | None

    def of(self, table: str, each: Field) -> str | None:
        """Why this fact is held back; None when it is handed out."""
        if self.done:
            return None
        if self.whole is not None and each.kind in ABOUT_PEOPLE:
            return self.whole
        return self.records.reason_to_review(f"{table}.{each.name}")


def export(work: Work, records: Records, key: UUID, *, reviewed: bool) -> dict[str, Any]:
    """All that the acting organisation has of this record. Raises NotFound, also for an erased one: nothing is left."""
    standing = records.lock(work, key)
    if standing is None or standing.erased_at is not None:
        raise NotFound
    found = list(records.rows(work, key))
    review = Review(records, done=reviewed, whole=records.reason_to_review_all(found))
    parts = [_part(review, table.name, _fields(work, records, table, row)) for table, row in found]
    audit = [_part(review, "audit", _audited(records, row)) for row in work.all(ABOUT, (key,))]
    return {
        "object_type": records.persons.object_type,
        "id": key,
        "made_at": work.now,
        "reviewed": reviewed,
        "held_since": standing.held_at,
        "other_controllers": list(_others(work, records, found)),
        "parts": [*parts, *audit],
    }


def _part(review: Review, table: str, found: Iterator[Field]) -> dict[str, Any]:
    return {"table": table, "fields": [_shown(review, table, each) for each in found]}


def _shown(review: Review, table: str, each: Field) -> dict[str, Any]:
    held_back = None if each.value is None else review.of(table, each)
    if isinstance(each.value, bytes | memoryview):
        held_back = HASHED
    value = None if held_back else _plain(each.value)
    return {"name": each.name, "kind": each.kind, "value": value, "held_back": held_back}


def _fields(work: Work, records: Records, table: Table, row: dict[str, Any]) -> Iterator[Field]:
    for column, classed in records.columns(table).items():
        value = row[column]
        if classed.kind == "sealed" and value is not None and not is_hash(column):
            content = work.keys.open(row["key_id"], f"{table.name}|{column}", row["id"], value)
            yield from _members(column, content, records.shapes.get(f"{table.name}.{column}"))
        else:
            yield Field(column, classed.kind, value)


def _members(prefix: str, content: Mapping[str, Any], shape: Schema | None) -> Iterator[Field]:
    for name, value in content.items():
        of = shape.fields.get(name) if shape else None
        if isinstance(value, Mapping):
            inner = of.schema if isinstance(of, fields.Nested) else None
            yield from _members(f"{prefix}.{name}", value, inner)
        else:
            yield Field(f"{prefix}.{name}", str(of.metadata["class"]) if of else "sealed", value)


def _audited(records: Records, row: dict[str, Any]) -> Iterator[Field]:
    classes: dict[str, Classed] = classes_of(records.service)["audit"]
    return (Field(name, classes[name].kind, value) for name, value in row.items())


def _others(work: Work, records: Records, found: list[tuple[Table, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    for controller in records.persons.controllers:
        for table, row in found:
            if table.name == controller.table:
                partner = work.one(PARTNER, (row[controller.column],))
                yield {"id": row[controller.column], "key": partner and partner["key"], "role": controller.role}


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value
