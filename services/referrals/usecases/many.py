"""Reads many referrals out of one body, each loaded or with its own faults; it touches no database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from marshmallow import ValidationError

from chassis.errors import FieldError, Invalid, Malformed, Refused
from chassis.http.json_body import read_json
from chassis.schema import field_errors
from services.referrals import schemas
from services.referrals.rules import csv_rows

MOST = csv_rows.MOST_ROWS
NDJSON = "application/x-ndjson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One of many: its place, its row in a table, its body as it was said and loaded, or why it is refused."""

    index: int
    row: int | None
    raw: bytes
    body: dict[str, Any]
    refused: Refused | None = None


def of_json(raw: bytes, media_type: str) -> list[Item]:
    """The items of an array, or of lines of JSON. Raises Malformed, and Invalid for too many or none."""
    values = list(_lines(raw)) if media_type == NDJSON else _array(raw)
    if not 0 < len(values) <= MOST:
        raise Invalid("batch.size", f"From 1 to {MOST} referrals are taken at once.")
    return _once_each(_item(index, None, value, {}) for index, value in enumerate(values))


def of_csv(raw: bytes) -> list[Item]:
    """The items of a table. Raises Invalid."""
    rows = csv_rows.read(raw)
    return _once_each(_of_row(index, row) for index, row in enumerate(rows))


def _array(raw: bytes) -> list[Any]:
    value = read_json(raw)
    if not isinstance(value, list):
        raise Invalid("batch.not_a_list", f"Send an array of referrals, or one on each line as {NDJSON}.")
    return value


def _lines(raw: bytes) -> Iterator[Any]:
    lines = [line for line in raw.split(b"\n", MOST * 4) if line.strip()]
    if len(lines) > MOST:
        raise Invalid("batch.size", f"From 1 to {MOST} referrals are taken at once.")
    for line in lines:
        try:
            yield read_json(line)
        except (Malformed, Invalid) as refused:
            yield refused


def _of_row(index: int, row: csv_rows.Row) -> Item:
    if row.faults:
        refused = Invalid("body.invalid", "The row does not fit the header.", fields=row.faults)
        return Item(index=index, row=row.number, raw=b"", body={}, refused=refused)
    return _item(index, row.number, row.body, {})


def _item(index: int, row: int | None, value: Any, body: dict[str, Any]) -> Item:
    refused: Refused | None = value if isinstance(value, Refused) else None
    raw = b"" if refused else orjson.dumps(value)
    if refused is None:
        try:
            body = _loaded(value)
        except Invalid as fault:
            refused = _by_column(fault) if row is not None else fault
    return Item(index=index, row=row, raw=raw, body=body, refused=refused)


def _loaded(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        fault = FieldError("", "type", "A referral is a JSON object.")
        raise Invalid("body.invalid", "A referral is a JSON object.", fields=(fault,))
    schema = schemas.NewReferral()
    try:
        loaded: dict[str, Any] = schema.load(value)
    except ValidationError as error:
        raise Invalid("body.invalid", "Some fields do not fit.", fields=field_errors(error, schema)) from None
    return loaded


def _by_column(fault: Invalid) -> Invalid:
    told = tuple(FieldError(csv_rows.column_of(each.pointer), each.code, each.detail) for each in fault.fields)
    return Invalid(fault.code, "Some cells do not fit.", fields=told)


def _once_each(items: Iterable[Item]) -> list[Item]:
    """An own reference names one of them only."""
    seen: set[str] = set()
    found = []
    for item in items:
        reference = item.body.get("external_ref")
        found.append(_repeated(item) if reference in seen else item)
        if reference is not None:
            seen.add(reference)
    return found


def _repeated(item: Item) -> Item:
    fault = FieldError("/external_ref", "repeated", "An earlier one in this request has the same own reference.")
    refused = Invalid("batch.reference_repeated", fault.detail, fields=(fault,))
    return Item(index=item.index, row=item.row, raw=item.raw, body=item.body, refused=refused)
