"""The envelope of every event: structured CloudEvents 1.0 with fields of an allow-list (bus.md section 1).

There is no kind for free text or for anything about a person, so an event cannot hold one.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from chassis.kinds import Kind, read_value, schema_of, timestamp
from chassis.settings import SERVICES

CONTENT_TYPE = "application/cloudevents+json"
TYPE_PREFIX = "eu.tukiverkko."
NETWORK = "network"
INSIDE = ""
LARGEST_BODY = 262_144
LARGEST_SEQUENCE = 2**63
BASELINE = "baseline"
"""The verb of an event that holds an aggregate's current state and sequence instead of a step."""

_NAME = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*\Z")
_FULL_NAME = re.compile(r"eu\.tukiverkko\.([a-z][a-z_]{0,39}\.[a-z][a-z_]{0,39})\.v([1-9]\d{0,3})\Z")
_PLAIN = frozenset({"", "utf-8", "identity"})
_AUDIENCE = re.compile(r"(network|org:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|)\Z")


@dataclass(frozen=True)
class EventType:
    """One published kind of event: `name` is `noun.past_verb`, `data` names each field and its kind.

    `optional` fields may be left out. `summary` and `audience` are sentences for the generated catalogue.
    """

    name: str
    source: str
    data: Mapping[str, Kind]
    summary: str
    audience: str
    version: int = 1
    optional: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        """Refuse a name, a kind or an optional field that does not fit; raises ValueError."""
        if not _NAME.match(self.name) or not all(isinstance(kind, Kind) for kind in self.data.values()):
            message = f"{self.name!r}: expected noun.past_verb and a Kind for each field."
            raise ValueError(message)
        if not self.optional <= set(self.data):
            message = f"{self.name}: optional fields that are not in data: {sorted(self.optional - set(self.data))}"
            raise ValueError(message)

    @property
    def noun(self) -> str:
        """The aggregate's name, which consumers bind by."""
        return self.name.partition(".")[0]

    @property
    def full_name(self) -> str:
        """The CloudEvents `type`."""
        return full_name(self.name, self.version)

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of `data`."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": schema_id(self.name, self.version),
            "title": self.full_name,
            "description": self.summary,
            "type": "object",
            "properties": {name: schema_of(kind) for name, kind in self.data.items()},
            "required": [name for name in self.data if name not in self.optional],
            "additionalProperties": False,
        }


@dataclass(frozen=True)
class Event:
    """One event about to be written to the outbox; `data` is ready for JSON. Made by `event()` only."""

    type: EventType
    aggregate_type: str
    aggregate_id: uuid.UUID
    audience: str
    data: dict[str, Any]
    occurred_at: dt.datetime
    id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Received:
    """One event as a consumer sees it; `type` is the short name, `source` the publishing service."""

    id: uuid.UUID
    type: str
    version: int
    source: str
    subject: uuid.UUID
    audience: str
    sequence: int
    time: dt.datetime
    data: dict[str, Any]
    traceparent: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None

    @property
    def is_baseline(self) -> bool:
        """Whether it tells the current state instead of a step."""
        return self.type.endswith(f".{BASELINE}")


class Unreadable(Exception):
    """A message that is no event of ours; `reason` is a code, never the message's own text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def event(
    type: EventType,  # noqa: A002 - the field's own name in CloudEvents
    *,
    aggregate: tuple[str, uuid.UUID],
    audience: str,
    data: Mapping[str, Any],
    at: dt.datetime,
    id: uuid.UUID,  # noqa: A002 - the field's own name in CloudEvents
) -> Event:
    """Make an event; raises ValueError when it does not fit its type, which is the programmer's fault.

    The aggregate's type must be the event's noun: consumers bind by noun and must see the whole sequence.
    """
    if aggregate[0] != type.noun:
        message = f"{type.name}: its aggregate is {aggregate[0]!r}; expected {type.noun!r}, which consumers bind by."
        raise ValueError(message)
    if not _AUDIENCE.match(audience):
        message = f"{type.name}: audience {audience!r}; expected 'network', 'org:<uuid>' or ''."
        raise ValueError(message)
    if at.tzinfo is None:
        message = f"{type.name}: the time has no offset."
        raise ValueError(message)
    return Event(type, aggregate[0], aggregate[1], audience, _checked(type, data), at, id)


def organisation_of(audience: str) -> uuid.UUID | None:
    """The one organisation that an audience is; None for the network and for nobody."""
    return uuid.UUID(audience.removeprefix("org:")) if audience.startswith("org:") else None


def full_name(name: str, version: int) -> str:
    """`referral.accepted`, 1 → `eu.tukiverkko.referral.accepted.v1`."""
    return f"{TYPE_PREFIX}{name}.v{version}"


def short_name(full: str) -> tuple[str, int]:
    """`eu.tukiverkko.referral.accepted.v1` → (`referral.accepted`, 1); raises Unreadable."""
    found = _FULL_NAME.match(full)
    if not found:
        raise Unreadable("event.unknown_type")
    return found[1], int(found[2])


def schema_id(name: str, version: int) -> str:
    """The `dataschema` of a type: a name, not an address, so that it never changes with a host."""
    return f"urn:tukiverkko:schema:{name}:v{version}"


def compose(row: Mapping[str, Any], *, source: str, extensions: Mapping[str, Any] | None = None) -> bytes:
    """The CloudEvents body of an outbox row; `extensions` adds e.g. stream and position for outsiders."""
    document = {
        "specversion": "1.0",
        "id": str(row["id"]),
        "source": f"/services/{source}",
        "type": full_name(row["type"], row["version"]),
        "subject": str(row["aggregate_id"]),
        "time": timestamp(row["occurred_at"]),
        "dataschema": schema_id(row["type"], row["version"]),
        "datacontenttype": "application/json",
        "sequence": row["sequence"],
        **(extensions or {}),
        "data": row["data"],
    }
    return orjson.dumps(document)


def encode(row: Mapping[str, Any], *, source: str) -> tuple[bytes, dict[str, Any], dict[str, Any]]:
    """Body, AMQP headers and properties of an outbox row.

    A row with a ready-made `body` goes to outsiders: the same bytes, and none of the inner headers.
    """
    properties = {
        "message_id": str(row["id"]),
        "content_type": CONTENT_TYPE,
        "delivery_mode": 2,
        "timestamp": int(row["occurred_at"].timestamp()),
    }
    if row.get("body") is not None:
        return bytes(row["body"]), {}, properties
    inner = {
        "audience": row["audience"],
        "traceparent": row.get("traceparent"),
        "correlationid": row.get("correlation_id"),
        "causationid": row.get("causation_id"),
    }
    headers = {name: value for name, value in inner.items() if value is not None}
    return compose(row, source=source), headers, properties


def decode(
    body: bytes | str, headers: Mapping[str, Any] | None = None, properties: Mapping[str, Any] | None = None
) -> Received:
    """Read one message; raises Unreadable. Fields that are not known are ignored (bus.md section 1).

    Of `properties` content_type and content_encoding count: a compressed or pickled body is never unfolded.
    """
    raw = body.encode() if isinstance(body, str) else bytes(body)
    if properties is not None and not _plain(properties):
        raise Unreadable("event.content_type")
    if len(raw) > LARGEST_BODY:
        raise Unreadable("event.too_large")
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Unreadable("event.no_json") from None
    if not isinstance(document, dict) or document.get("specversion") != "1.0":
        raise Unreadable("event.no_cloudevent")
    return _received(document, headers or {})


def _plain(properties: Mapping[str, Any]) -> bool:
    return properties.get("content_type") == CONTENT_TYPE and (properties.get("content_encoding") or "") in _PLAIN


def _received(document: dict[str, Any], headers: Mapping[str, Any]) -> Received:
    try:
        name, version = short_name(document["type"])
        prefix, _, source = document["source"].rpartition("/")
        received = Received(
            id=uuid.UUID(document["id"]),
            type=name,
            version=version,
            source=source,
            subject=uuid.UUID(document["subject"]),
            audience=str(headers.get("audience", "")),
            sequence=document["sequence"],
            time=dt.datetime.fromisoformat(document["time"]),
            data=document["data"],
            traceparent=_text(headers, "traceparent"),
            correlation_id=_text(headers, "correlationid"),
            causation_id=_text(headers, "causationid"),
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        raise Unreadable("event.malformed") from None
    if prefix != "/services" or not _sound(received):
        raise Unreadable("event.malformed")
    return received


def _sound(received: Received) -> bool:
    whole = type(received.sequence) is int and 1 <= received.sequence < LARGEST_SEQUENCE
    return (
        whole
        and received.source in SERVICES
        and isinstance(received.data, dict)
        and received.time.tzinfo is not None
        and bool(_AUDIENCE.match(received.audience))
    )


def _text(headers: Mapping[str, Any], name: str) -> str | None:
    value = headers.get(name)
    return value if isinstance(value, str) else None


def _checked(type_: EventType, data: Mapping[str, Any]) -> dict[str, Any]:
    missing = set(type_.data) - type_.optional - set(data)
    unknown = set(data) - set(type_.data)
    if missing or unknown:
        message = f"{type_.name}: missing {sorted(missing)}, unknown {sorted(unknown)}"
        raise ValueError(message)
    return {name: read_value(f"{type_.name}.{name}", type_.data[name], value) for name, value in data.items()}
