"""Builds the OpenAPI 3.1 document from the routes and schemas of service classes: what runs is what is documented."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from chassis import fhir
from chassis.errors import Refused
from chassis.http import Plan, plans_of
from chassis.oauth import ERRORS
from chassis.policy import Policy, policy_of
from chassis.problems import MEDIA_TYPE
from chassis.schema import ecma_pattern

TITLE = "Tukiverkko"
VERSION = "1"
ABOUT = (
    "Peer groups, referrals and a partner directory for men's crisis centres and the institutions around them. "
    "Errors are problem+json (RFC 9457); changes take an Idempotency-Key; lists page by cursor."
)
OWN_PAGES = {
    "/health/live": "Whether the process lives",
    "/health/ready": "Whether the process takes work",
    "/metrics": "Counters for Prometheus",
    "/openapi.json": "This document",
    "/asyncapi.json": "The events that partners receive, as AsyncAPI 3",
    "/docs": "A viewer for this document",
}
_PLACE = re.compile(r"<(?:(uuid|int|string):)?([a-z][a-z0-9_]*)>")
_KINDS: dict[str, dict[str, Any]] = {
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0},
    "string": {"type": "string", "minLength": 1, "maxLength": 200},
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "noun.reason, stable for machines"},
        "instance": {"type": "string", "description": "the request id"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {name: {"type": "string"} for name in ("pointer", "code", "detail")},
            },
        },
        "allowed_actions": {"type": "array", "items": {"type": "string"}},
    },
}
OAUTH_ERROR: dict[str, Any] = {
    "type": "object",
    "description": "The token endpoint's refusals, as RFC 6749 section 5.2 has them",
    "required": ["error", "error_description"],
    "properties": {"error": {"type": "string", "enum": list(ERRORS)}, "error_description": {"type": "string"}},
}
_HEADERS: dict[str, dict[str, Any]] = {
    "ETag": {"description": "The version", "schema": {"type": "string"}},
    "Location": {"description": "Path of the new object", "schema": {"type": "string"}},
    "Link": {"description": 'The next page, rel="next"', "schema": {"type": "string"}},
}
_PARAMETERS: dict[str, dict[str, Any]] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "description": "Makes the change repeatable; systems must send it",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:~+/=-]{1,255}$"},
    },
    "IfMatch": {
        "name": "If-Match",
        "required": True,
        "description": "The ETag that was read",
        "schema": {"type": "string", "pattern": '^"[0-9]{1,15}"$'},
    },
    "IfMatchFHIR": {
        "name": "If-Match",
        "required": True,
        "description": "The ETag that was read",
        "schema": {"type": "string", "pattern": '^(W/)?"[0-9]{1,15}"$'},
    },
    "IfNoneMatch": {"name": "If-None-Match", "schema": {"type": "string"}},
    "ContentDisposition": {
        "name": "Content-Disposition",
        "required": True,
        "description": "The name of the file",
        "schema": {"type": "string"},
        "example": 'attachment; filename="letter.pdf"',
    },
    "LastEventID": {
        "name": "Last-Event-ID",
        "description": "The id that was seen last; the stream goes on behind it",
        "schema": {"type": "string", "pattern": "^[0-9]{0,18}$"},
    },
}
_PROBLEMS = (400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 428, 429, 431, 500, 503, 504)


def merged(services: Iterable[type]) -> dict[str, Any]:
    """The whole document for these service classes and the gateway's own pages."""
    names = _Names()
    spec = APISpec(
        title=TITLE,
        version=VERSION,
        openapi_version="3.1.0",
        plugins=[MarshmallowPlugin(schema_name_resolver=names.name_of)],
        info={"description": ABOUT, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        servers=[{"url": "/"}],
    )
    services = tuple(services)
    _shared(spec, {kind.status: kind for service in services for _, plan in plans_of(service) for kind in plan.refuses})
    for path, summary in OWN_PAGES.items():
        spec.path(path, operations={"get": _own_page(path, summary)})
    owners = dict.fromkeys(OWN_PAGES, "gateway")
    for service in services:
        policy = policy_of(service)
        names.service = getattr(service, "name", service.__name__)
        for method, plan in _outward(service):
            path = _PLACE.sub(r"{\2}", plan.path)
            if owners.setdefault(path, names.service) != names.service:
                message = f"{path} belongs to {owners[path]} and {names.service}"
                raise ValueError(message)
            spec.path(path, operations={plan.method.lower(): _operation(names.service, method, plan, policy)})
    document: dict[str, Any] = spec.to_dict()
    for path, owner in owners.items():
        document["paths"][path]["x-tukiverkko-service"] = owner
    _speak_ecma(document)
    return document


def _outward(service: type) -> list[tuple[str, Plan]]:
    """What outsiders may ask for."""
    return [(method, plan) for method, plan in plans_of(service) if not plan.internal]


def _speak_ecma(node: Any) -> None:
    """OpenAPI's patterns are ECMAScript's: put Python's anchors and dot-all flag into its words, in place."""
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            node["pattern"] = ecma_pattern(node["pattern"])
        for inner in node.values():
            _speak_ecma(inner)
    elif isinstance(node, list):
        for inner in node:
            _speak_ecma(inner)


class _Names:
    """Names of schemas: the class's own; where two services use one name, the second bears its service's name too."""

    def __init__(self) -> None:
        self.service = ""
        self._taken: dict[str, type[Schema]] = {}

    def name_of(self, schema: Any) -> str:
        kind: type[Schema] = schema if isinstance(schema, type) else type(schema)
        for name in (kind.__name__, f"{self.service.capitalize()}{kind.__name__}"):
            if self._taken.setdefault(name, kind) is kind:
                return name
        message = f"two schemas of {self.service} are called {kind.__name__}"
        raise ValueError(message)


def _shared(spec: APISpec, special: Mapping[int, type[Refused]]) -> None:
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    spec.components.schema("Problem", PROBLEM)
    spec.components.schema("OAuthError", OAUTH_ERROR)
    spec.components.schema("OperationOutcome", fhir.SCHEMA)
    for name, header in _HEADERS.items():
        spec.components.header(name, header)
    for name, parameter in _PARAMETERS.items():
        spec.components.parameter(name, "header", parameter)
    for status in sorted({*_PROBLEMS, *special}):
        content = {MEDIA_TYPE: {"schema": _problem(special.get(status, Refused))}}
        spec.components.response(f"Problem{status}", {"description": HTTPStatus(status).phrase, "content": content})


def _problem(kind: type[Refused]) -> dict[str, Any]:
    plain = {"$ref": "#/components/schemas/Problem"}
    if not kind.adds:
        return plain
    return {"allOf": [plain, {"type": "object", "required": list(kind.adds), "properties": dict(kind.adds)}]}


def _own_page(path: str, summary: str) -> dict[str, Any]:
    return {
        "operationId": "gateway." + path.strip("/").replace("/", "_").replace(".", "_"),
        "summary": summary,
        "tags": ["gateway"],
        "security": [],
        "responses": {"200": {"description": "OK"}, **_refs({500, 503})},
        "x-tukiverkko-limit": 0,
        "x-tukiverkko-deadline": "normal",
    }


def _operation(service: str, method: str, plan: Plan, policy: Policy) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{service}.{method}",
        "summary": plan.summary,
        "tags": [plan.tag or service],
        "security": [] if plan.public else [{"bearer": []}],
        "parameters": _parameters(plan),
        "responses": {str(plan.status): _success(plan), **_refusals(plan)},
        "x-tukiverkko-operation": plan.operation,
        **_rights(plan, policy),
        "x-tukiverkko-limit": plan.limit,
        "x-tukiverkko-deadline": plan.deadline,
    }
    if plan.oauth:
        operation["x-tukiverkko-errors"] = "oauth"
    if plan.description:
        operation["description"] = plan.description
    if "IfNoneMatch" in operation["parameters"]:
        operation["responses"]["304"] = {"description": HTTPStatus.NOT_MODIFIED.phrase}
    body = _request_body(plan)
    if body is not None:
        operation["requestBody"] = body
    return operation


def _rights(plan: Plan, policy: Policy) -> dict[str, list[str]]:
    """Who may ask for it, and in which relation to the thing; a public route says neither."""
    rows = () if plan.public else policy.of(plan.operation)
    relations = {name for row in rows for name in row.relations or ()}
    found = {
        "x-tukiverkko-roles": sorted({name for row in rows for name in row.roles}),
        "x-tukiverkko-relations": sorted(relations),
    }
    return {name: told for name, told in found.items() if told}


def _parameters(plan: Plan) -> list[Any]:
    parameters: list[Any] = [
        {"name": name, "in": "path", "required": True, "schema": dict(_KINDS[kind or "string"])}
        for kind, name in _PLACE.findall(plan.path)
    ]
    if plan.query is not None:
        parameters.append({"in": "query", "schema": plan.query})
    if plan.changes:
        parameters.append("IdempotencyKey")
    if plan.needs_version:
        parameters.append("IfMatchFHIR" if plan.fhir else "IfMatch")
    if plan.method == "GET" and _is_versioned(plan):
        parameters.append("IfNoneMatch")
    return [*parameters, *_headers_of(plan)]


def _headers_of(plan: Plan) -> list[str]:
    """Headers that a few kinds of routes read."""
    found = {
        "LastEventID": plan.streams,
        "ContentDisposition": plan.unread and "application/octet-stream" in plan.reads,
    }
    return [name for name, reads in found.items() if reads]


def _request_body(plan: Plan) -> dict[str, Any] | None:
    if plan.body is not None:
        required = any(field.required for field in plan.body.load_fields.values())
        content: dict[str, Any] = {"schema": plan.body}
        if plan.example is not None:
            content["example"] = plan.example
        return {"required": required, "content": {plan.reads[0]: content}}
    kinds = [kind for kind in plan.reads if kind != "application/json" or plan.unread]
    if kinds:
        return {"required": True, "content": {kind: {"schema": {}} for kind in kinds}}
    return None


def _success(plan: Plan) -> dict[str, Any]:
    response: dict[str, Any] = {"description": HTTPStatus(plan.status).phrase}
    if plan.status != HTTPStatus.NO_CONTENT:
        response["content"] = {plan.gives: {"schema": _answer_schema(plan)}}
    headers = ["Link"] if plan.many else ["ETag"] if _is_versioned(plan) else []
    if plan.status == HTTPStatus.CREATED:
        headers.append("Location")
    if headers:
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    return response


def _is_versioned(plan: Plan) -> bool:
    """Whether it shows one object, whose version is its ETag; what goes out raw has none."""
    return plan.answers is not None and not plan.many and not plan.raw


def _answer_schema(plan: Plan) -> Any:
    if plan.answers is None:
        return {"type": "string"} if plan.streams else {}
    if not plan.many:
        return plan.answers
    items = {"type": "array", "items": plan.answers}
    following = {"type": ["string", "null"]}
    members = {"items": items, "next": following, **plan.beside}
    return {"type": "object", "required": ["items", "next"], "properties": members}


def _statuses(plan: Plan) -> set[int]:
    statuses = {400, 401, 404, 408, 413, 429, 431, 500, 503, 504}
    if not plan.public:
        statuses.add(403)
    if plan.body is not None or plan.reads != ("application/json",) or plan.method != "GET":
        statuses |= {415, 422}
    if plan.changes:
        statuses |= {409, 422}
    if plan.needs_version:
        statuses |= {409, 412, 428}
    return statuses | {kind.status for kind in plan.refuses}


def _refusals(plan: Plan) -> dict[str, Any]:
    statuses = _statuses(plan)
    if not plan.oauth and not plan.fhir:
        return _refs(statuses)
    kind, name = (fhir.MEDIA_TYPE, "OperationOutcome") if plan.fhir else ("application/json", "OAuthError")
    content = {kind: {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    return {str(status): {"description": HTTPStatus(status).phrase, "content": content} for status in sorted(statuses)}


def _refs(statuses: set[int]) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted(statuses)}
