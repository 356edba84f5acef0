"""What is spoken at /fhir, as a CapabilityStatement: two resources, what can be done with them, how one signs in."""

from __future__ import annotations

from typing import Any

from services.referrals.rules.fhir import SERVICE_REQUEST, TASK

PUBLISHED = "2026-11-26"
VERSION = "4.0.0"
SERVICES = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_COMMON = (("_id", "token"), ("_lastUpdated", "date"), ("status", "token"), ("requester", "reference"))


def capability(base: str) -> dict[str, Any]:
    """The statement of the server at this address."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": PUBLISHED,
        "kind": "instance",
        "software": {"name": "Tukiverkko"},
        "implementation": {"description": "Referrals between institutions, in the words of FHIR R4", "url": base},
        "fhirVersion": VERSION,
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(),
                "resource": [
                    _resource(SERVICE_REQUEST, ("read", "create", "search-type"), ("performer", "reference")),
                    _resource(TASK, ("read", "create", "update", "search-type"), ("owner", "reference")),
                ],
            }
        ],
    }


def _security() -> dict[str, Any]:
    return {
        "service": [{"coding": [{"system": SERVICES, "code": "OAuth"}]}],
        "description": "A bearer token by client credentials, POST /oauth/token; systems send an Idempotency-Key.",
    }


def _resource(kind: str, interactions: tuple[str, ...], further: tuple[str, str]) -> dict[str, Any]:
    return {
        "type": kind,
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned-update",
        "readHistory": False,
        "updateCreate": False,
        "conditionalRead": "not-match",
        "referencePolicy": ["logical", "literal"],
        "searchParam": [{"name": name, "type": sort} for name, sort in (*_COMMON, further)],
    }
