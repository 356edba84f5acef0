"""The AsyncAPI 3 document of what partners receive, made from the event types: gateway/asyncapi.json."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from chassis.envelope import CONTENT_TYPE, EventType, full_name, schema_id
from chassis.topology import PARTNERS
from deploy import examples

VERSION = "1"
TITLE = "Tukiverkko: events for partners"
ABOUT = (
    "What the network tells an organisation, seen from that organisation's own system: it receives and never sends. "
    "Every event is CloudEvents 1.0 in structured JSON and holds ids, codes, times and public names of organisations; "
    "never a name, a contact or free text about a person. Each stream counts its events by `position`, 1, 2, 3 without "
    "a gap. The same bytes are at `GET /events` of the HTTP API (`/openapi.json`). Within a version fields are only "
    "added, so a reader ignores fields it does not know: `additionalProperties: false` binds the sender."
)
_AMQP = "0.3.0"  # the version of the binding, not of the protocol
_UUID = {"type": "string", "format": "uuid"}
_COUNT = {"type": "integer", "minimum": 1}
_STREAM = "^(network|org:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$"

ENVELOPE: dict[str, dict[str, Any]] = {
    "specversion": {"const": "1.0", "description": "The version of CloudEvents."},
    "id": {**_UUID, "description": "The same however often and whichever way the event reaches you."},
    "source": {"type": "string", "pattern": "^/services/[a-z]+$", "description": "The service that tells it."},
    "type": {
        "type": "string",
        "pattern": "^eu\\.tukiverkko\\.[a-z][a-z_]*\\.[a-z][a-z_]*\\.v[1-9][0-9]{0,3}$",
        "description": "What happened, and the version of `data`.",
    },
    "subject": {**_UUID, "description": "The object it is about: read it at the HTTP API, under your own rights."},
    "time": {"type": "string", "format": "date-time", "description": "When it happened, in UTC."},
    "dataschema": {
        "type": "string",
        "pattern": "^urn:tukiverkko:schema:[a-z][a-z_]*\\.[a-z][a-z_]*:v[1-9][0-9]{0,3}$",
        "description": "The name of the JSON Schema of `data`.",
    },
    "datacontenttype": {"const": "application/json", "description": "The media type of `data`."},
    "sequence": {**_COUNT, "description": "Counts the events of the object that you may see: 1, 2, 3 …"},
    "stream": {
        "type": "string",
        "pattern": _STREAM,
        "description": "`network`, or `org:` and your organisation's id. Only outside.",
    },
    "position": {**_COUNT, "description": "Counts the events of the stream without a gap. Only outside."},
    "data": {"type": "object", "description": "The facts; see each type."},
}
"""Every field of the envelope."""
OUTSIDE = ("stream", "position")
"""What subscriptions adds for partners; events between the services are without."""


def envelope_schema(*, outside: bool) -> dict[str, Any]:
    """JSON Schema of the envelope; it is closed."""
    fields = {name: rule for name, rule in ENVELOPE.items() if outside or name not in OUTSIDE}
    return {"type": "object", "required": list(fields), "properties": fields, "additionalProperties": False}


def document(kinds: Iterable[EventType]) -> dict[str, Any]:
    """The whole document; types of the chassis stay inside and are left out."""
    told = [kind for kind in kinds if kind.source != "chassis"]
    names = [_key(kind) for kind in told]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "description": ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {"broker": _server()},
        "channels": {"queue": _queue(names), "partners": _exchange(names)},
        "operations": {"receive": _receive(names)},
        "components": {
            "messages": {_key(kind): _message(kind) for kind in told},
            "schemas": {"envelope": envelope_schema(outside=True), **{_key(kind): _data(kind) for kind in told}},
            "securitySchemes": {
                "grant": {
                    "type": "userPassword",
                    "description": "User and password of a grant, shown once when it is made. They allow to read and "
                    "bind the grant's own queue, and nothing else.",
                }
            },
        },
    }


def _server() -> dict[str, Any]:
    return {
        "host": "{host}:{port}",
        "protocol": "amqp",
        "protocolVersion": "0-9-1",
        "pathname": "/{vhost}",
        "description": "The network's RabbitMQ. A grant prints the whole address once.",
        "variables": {
            "host": {"description": "As in the address of the grant.", "examples": ["broker.example"]},
            "port": {"description": "As in the address of the grant.", "examples": ["5672"]},
            "vhost": {"description": "The virtual host.", "default": "tukiverkko"},
        },
        "security": [_ref("components", "securitySchemes", "grant")],
    }


def _queue(names: list[str]) -> dict[str, Any]:
    return {
        "address": "partner.{organisation}.{grant}.{secret}",
        "title": "The queue of your grant",
        "description": "It exists when the grant is made. It keeps a limited number of events for a limited time and "
        "then cuts its oldest, which shows as a gap in `position`: fetch what is missing from `GET /events`. "
        "Acknowledge after your work is done; after a lost connection an event may come again.",
        "servers": [_ref("servers", "broker")],
        "parameters": {
            "organisation": {"description": "Your organisation's key.", "examples": ["lt-police"]},
            "grant": {"description": "The name of the grant.", "examples": ["main"]},
            "secret": {
                "description": "The end of the queue's name, handed over with it: who knows it can ask how full it is.",
                "examples": ["5f0c1e7a93b2d846"],
            },
        },
        "messages": _messages(names),
        "bindings": {
            "amqp": {
                "is": "queue",
                "queue": {"durable": True, "exclusive": False, "autoDelete": False},
                "bindingVersion": _AMQP,
            }
        },
    }


def _exchange(names: list[str]) -> dict[str, Any]:
    return {
        "address": "{stream}.{noun}.{verb}",
        "title": "How events reach the queue",
        "description": "Routing keys of the exchange. Your queue is bound by `network.#` and by `org.<your id>.#`; "
        "other keys are refused.",
        "servers": [_ref("servers", "broker")],
        "parameters": {
            "stream": {"description": "`network`, or `org.` and an organisation's id.", "examples": ["network"]},
            "noun": {"description": "What it is about.", "examples": ["referral"]},
            "verb": {"description": "What happened.", "examples": ["accepted"]},
        },
        "messages": _messages(names),
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": PARTNERS, "type": "topic", "durable": True, "autoDelete": False},
                "bindingVersion": _AMQP,
            }
        },
    }


def _receive(names: list[str]) -> dict[str, Any]:
    return {
        "action": "receive",
        "title": "Receive what concerns you",
        "summary": "Read your queue, one event after another; acknowledge each after your work is done.",
        "channel": _ref("channels", "queue"),
        "messages": [_ref("channels", "queue", "messages", name) for name in names],
        "bindings": {"amqp": {"ack": True, "bindingVersion": _AMQP}},
    }


def _messages(names: list[str]) -> dict[str, Any]:
    return {name: _ref("components", "messages", name) for name in names}


def _message(kind: EventType) -> dict[str, Any]:
    own = {
        "type": {"const": kind.full_name},
        "source": {"const": f"/services/{kind.source}"},
        "dataschema": {"const": schema_id(kind.name, kind.version)},
        "data": _ref("components", "schemas", _key(kind)),
    }
    return {
        "name": full_name(kind.name, kind.version),
        "title": kind.name,
        "summary": kind.summary,
        "description": f"Audience: {kind.audience}",
        "contentType": CONTENT_TYPE,
        "payload": {"allOf": [_ref("components", "schemas", "envelope"), {"type": "object", "properties": own}]},
        "bindings": {"amqp": {"messageType": kind.full_name, "bindingVersion": _AMQP}},
        "examples": [{"name": _key(kind), "payload": orjson.loads(examples.outside(kind))}],
    }


def _data(kind: EventType) -> dict[str, Any]:
    """The committed schema without its own name and dialect, which would change how references are resolved."""
    return {name: value for name, value in kind.json_schema().items() if not name.startswith("$")}


def _key(kind: EventType) -> str:
    return f"{kind.name}.v{kind.version}"


def _ref(*path: str) -> dict[str, str]:
    return {"$ref": "#/" + "/".join(path)}
