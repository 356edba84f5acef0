"""Refusals in the words of FHIR R4: an OperationOutcome for everything that is asked under /fhir/.

Whatever else may happen on the way there, in the gateway too, is put into the same shape; the codes and sentences are
those of the problems that other routes answer with.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from chassis.errors import Conflict, FieldError, Refused
from chassis.problems import BadQuery, Problem, headers_of

PREFIX = "/fhir/"
MEDIA_TYPE = "application/fhir+json"
READS = (MEDIA_TYPE, "application/json")
CODES = "urn:tukiverkko:problem"
TRANSITIONS = "urn:tukiverkko:transition"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch

# The code list issue-type of R4; what is not named here is `invalid`.
_BY_STATUS = {
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    408: "timeout",
    409: "conflict",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "business-rule",
    428: "required",
    429: "throttled",
    431: "too-long",
    500: "exception",
    503: "transient",
    504: "timeout",
}
_BY_FAULT = {
    "required": "required",
    "null": "required",
    "unknown": "structure",
    "repeated": "structure",
    "type": "structure",
    "field.not_writable": "structure",
    "choice": "code-invalid",
    "length": "value",
    "range": "value",
    "pattern": "value",
    "not_supported": "not-supported",
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A refusal under /fhir/, as FHIR R4 has it: one issue for each fault",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {"type": "string", "const": "OperationOutcome"},
        "issue": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["severity", "code", "details", "diagnostics"],
                "properties": {
                    "severity": {"type": "string"},
                    "code": {"type": "string", "description": "of the code list issue-type"},
                    "details": {"type": "object", "description": "our own code of the fault, stable for machines"},
                    "diagnostics": {"type": "string"},
                    "expression": {"type": "array", "items": {"type": "string"}},
                    "location": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
    },
}
"""JSON Schema of what goes out."""


def spoken_at(path: str) -> bool:
    """Whether FHIR is spoken at this path or template."""
    return path.startswith(PREFIX)


def outcome_of(error: Refused, path: str) -> Problem:
    """A refusal of any kind as an OperationOutcome: one issue for each fault, or one for all of it."""
    faults: tuple[FieldError, ...] = getattr(error, "fields", ())
    kind = _BY_STATUS.get(error.status, "invalid")
    issues = [_fault(fault, error, path) for fault in faults]
    issues = issues or [_issue("error", kind, [_coding(CODES, error.code)], error.detail)]
    if isinstance(error, Conflict) and error.allowed:
        codings = [_coding(TRANSITIONS, name) for name in error.allowed]
        issues.append(_issue("information", "informational", codings, "Possible now, for this caller."))
    return Problem(error.status, headers_of(error, MEDIA_TYPE), _said(issues))


def outcome_of_fault() -> Problem:
    """A fault of ours; the request id is in the header X-Request-Id."""
    issue = _issue("fatal", "exception", [_coding(CODES, "fault")], "Something went wrong on our side.")
    return Problem(500, (("Content-Type", MEDIA_TYPE),), _said([issue]))


def expression_of(pointer: str, root: str) -> str:
    """A JSON pointer as FHIRPath from the resource: "/name/0/text" of a Patient is "Patient.name[0].text"."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    return root + "".join(f"[{part}]" if part.isascii() and part.isdigit() else f".{_named(part)}" for part in parts)


def _fault(fault: FieldError, error: Refused, path: str) -> dict[str, Any]:
    kind = _BY_FAULT.get(fault.code) or ("business-rule" if fault.code == error.code else "invalid")
    issue = _issue("error", kind, [_coding(CODES, fault.code)], fault.detail)
    if isinstance(error, BadQuery):
        return {**issue, "location": [f"http.{fault.pointer[1:]}"]}
    return {**issue, "expression": [expression_of(fault.pointer, _resource_at(path))]}


def _resource_at(path: str) -> str:
    return path.removeprefix(PREFIX).partition("/")[0] or "Resource"


def _named(part: str) -> str:
    if _PLAIN(part):
        return part
    plain = "".join(sign if sign.isprintable() else "?" for sign in part)
    return "`" + plain.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _issue(severity: str, kind: str, codings: list[dict[str, str]], text: str) -> dict[str, Any]:
    return {"severity": severity, "code": kind, "details": {"coding": codings}, "diagnostics": text}


def _coding(system: str, code: str) -> dict[str, str]:
    return {"system": system, "code": code}


def _said(issues: list[dict[str, Any]]) -> bytes:
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": issues})
