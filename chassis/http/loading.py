"""Turns the body and the query string of a request into loaded values, with a pointer to every fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from marshmallow import Schema, ValidationError, fields

from chassis.errors import FieldError, Invalid, Malformed
from chassis.http.json_body import read_json
from chassis.http.messages import Request
from chassis.problems import BadQuery, WrongMediaType
from chassis.schema import field_errors

if TYPE_CHECKING:
    from chassis.http.route import Plan

JSON = "application/json"
MOST_PARAMETERS = 50


def load_body(
    plan: Plan, request: Request, writable: frozenset[str] | None = None
) -> tuple[str, bytes, dict[str, Any]]:
    """Read and load the body: its media type, its bytes, its fields, of which only `writable` (None: all) may come.

    Raises TooLarge, WrongMediaType, Malformed or Invalid.
    """
    raw, kind = request.body(plan.limit), JSON
    if raw or plan.body is not None:
        kind = request.head.headers.get("content-type", JSON if not raw else "").partition(";")[0].strip().lower()
        if kind not in plan.reads:
            raise WrongMediaType(plan.reads)
    unread = plan.unread or kind != JSON
    return kind, raw, {} if unread else _load_json(plan, raw, writable)


def load_query(plan: Plan, query: str) -> dict[str, Any]:
    """Load the query string by the route's schema. Raises BadQuery: unknown parameters are faults too."""
    schema = plan.query
    if not query:
        return {} if schema is None else _load_query(schema, {})
    values, faults = _collect(_pairs(query), schema.load_fields if schema is not None else {})
    if faults or schema is None:
        raise BadQuery(tuple(faults))
    return _load_query(schema, values)


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError as error:
        raise Malformed("query.malformed", "The query string is not percent-encoded UTF-8, or too long.") from error
    if any("\x00" in name or "\x00" in value for name, value in pairs):
        raise Malformed("query.malformed", "The query string has null characters.")
    return pairs


def _collect(
    pairs: list[tuple[str, str]], known: Mapping[str, fields.Field[Any]]
) -> tuple[dict[str, Any], list[FieldError]]:
    values: dict[str, Any] = {}
    faults = []
    for name, value in pairs:
        if isinstance(known.get(name), fields.List):
            values.setdefault(name, []).append(value)
        elif name in values:
            faults.append(FieldError(f"/{name[:100]}", "repeated", "This parameter may come only once."))
        elif name not in known:
            faults.append(FieldError(f"/{name[:100]}", "unknown", "This parameter is not known here."))
        else:
            values[name] = value
    return values, faults


def _load_query(schema: Schema, values: dict[str, Any]) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load(values)
    except ValidationError as error:
        raise BadQuery(field_errors(error, schema)) from None
    return loaded


def _load_json(plan: Plan, raw: bytes, writable: frozenset[str] | None) -> dict[str, Any]:
    schema = plan.body
    value = read_json(raw) if raw else {}
    if not isinstance(value, dict):
        fault = FieldError("", "type", "The body must be a JSON object.")
        raise Invalid("body.invalid", "The body must be a JSON object.", fields=(fault,))
    if schema is None:
        if value:
            faults = tuple(FieldError(f"/{name[:100]}", "unknown", "This field is not known here.") for name in value)
            raise Invalid("body.invalid", "No body is expected here.", fields=faults)
        return {}
    check_writable(value, _allowed(plan, schema, writable))
    try:
        loaded: dict[str, Any] = schema.load(value)
    except ValidationError as error:
        raise Invalid("body.invalid", "Some fields do not fit.", fields=field_errors(error, schema)) from None
    return loaded


def check_writable(sent: Iterable[str], allowed: Mapping[str, bool]) -> None:
    """Refuse fields that are known and not this caller's to write; what is unknown is left to the schema.

    Raises Invalid with the code `field.not_writable` and the pointer of each.
    """
    faults = tuple(
        FieldError(f"/{name}", "field.not_writable", "You may read this field at most, not write it.")
        for name in sent
        if not allowed.get(name, True)
    )
    if faults:
        raise Invalid("body.invalid", "Some fields are not yours to write.", fields=faults)


def _allowed(plan: Plan, schema: Schema, writable: frozenset[str] | None) -> dict[str, bool]:
    """Every field that is known here, in the body or in the answer, and whether it may be sent."""
    shown = plan.answers.dump_fields if plan.answers is not None and plan.changes else {}
    taken = {field.data_key or name: writable is None or name in writable for name, field in schema.load_fields.items()}
    return {**dict.fromkeys(shown, False), **taken}
