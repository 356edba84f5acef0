"""Invented example events for the documents: one per type, the same at every run, and fit for the type's own schema."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from chassis import envelope
from chassis.envelope import Event, EventType
from chassis.kinds import Kind

AT = dt.datetime(2026, 3, 2, 9, 14, 5, 120331, tzinfo=dt.UTC)
ORGANISATION = uuid.UUID("1f0c3b1e-8a34-5a0b-9c0e-4d8b8a6f2c10")
_SPACE = uuid.UUID("6f1d0c1e-6a0f-5d0e-8f53-5f7f5c1f4a10")

_BY_KIND: dict[Kind, Any] = {
    Kind.CODE: "example",
    Kind.TIME: "2026-03-04T09:14:05.120331Z",
    Kind.DATE: "2026-04-13",
    Kind.INTEGER: 1,
    Kind.BOOLEAN: True,
    Kind.CODES: ["example"],
    Kind.AREAS: ["LT", "LT:Raseiniai"],
    Kind.COUNTRY: "LT",
    Kind.ZONE: "Europe/Vilnius",
    Kind.PUBLIC_NAMES: {"en": "Kaunas County Men's Crisis Centre", "lt": "Kauno apskrities vyrų krizių centras"},
}
_BY_FIELD: dict[str, Any] = {
    "accepting": "open",
    "area_codes": ["lt"],
    "audience": f"org:{ORGANISATION}",
    "capacity": 12,
    "key": "lt-kavkc",
    "languages": ["lt"],
    "mode": "in_person",
    "programme_key": "fathers-evening",
    "publisher": "referrals",
    "queue_seq": 4,
    "reason": "no_capacity",
    "status": "active",
    "urgencies": ["urgent", "standard", "planned"],
    "urgency": "urgent",
}
_BY_NOUN: dict[tuple[str, str], Any] = {
    ("group", "accepting"): True,
    ("group", "kind"): "peer",
    ("organisation", "type"): "crisis_centre",
    ("referral", "kind"): "ordinary",
    ("republish", "aggregate_type"): "referral",
    ("service", "key"): "lt-kavkc-behaviour-change",
    ("service", "kind"): "behaviour_change",
    ("service", "names"): {"en": "Violent behaviour change programme", "lt": "Smurtinio elgesio keitimo programa"},
}
_STATES = {
    "referral.baseline": "accepted",
    "signup.activated": "active",
    "signup.baseline": "confirmed",
    "signup.due_at_risk": "waiting",
    "signup.intake_lapsed": "lapsed",
    "signup.offer_accepted": "confirmed",
    "signup.offer_declined": "declined",
    "signup.offer_lapsed": "lapsed",
    "signup.offer_reminded": "offered",
    "signup.received": "waiting",
    "signup.seated": "confirmed",
    "signup.transferred": "waiting",
}
"""Where a state is called otherwise than the event that tells of it."""
_SILENT = {"referral": {"reason"}, "signup": {"deadline"}}
"""Fields that most types of a noun leave out, and so do their examples."""
_SPOKEN = {("referral.declined", "reason"), ("signup.offered", "deadline"), ("signup.offer_reminded", "deadline")}


def data_of(kind: EventType) -> dict[str, Any]:
    """Example data of a type."""
    wanted = (name for name in kind.data if (kind.name, name) in _SPOKEN or name not in _SILENT.get(kind.noun, ()))
    return {name: _value(kind, name) for name in wanted}


def event_of(kind: EventType) -> Event:
    """An example event of a type."""
    return envelope.event(
        kind,
        aggregate=(kind.noun, _id(f"{kind.noun}_id")),
        audience=f"org:{ORGANISATION}",
        data=data_of(kind),
        at=AT,
        id=_id(f"{kind.name}.v{kind.version}"),
    )


def row_of(kind: EventType) -> dict[str, Any]:
    """The same as a row of the outbox."""
    told = event_of(kind)
    facts = {name: getattr(told, name) for name in ("id", "aggregate_id", "audience", "data", "occurred_at")}
    return {**facts, "type": kind.name, "version": kind.version, "sequence": 3}


def outside(kind: EventType) -> bytes:
    """The body as a partner gets it."""
    place = {"stream": f"org:{ORGANISATION}", "position": 41}
    return envelope.compose(row_of(kind), source=kind.source, extensions=place)


def _value(kind: EventType, name: str) -> Any:
    of = kind.data[name]
    if name == "state":
        return _STATES.get(kind.name, kind.name.partition(".")[2])
    if of in (Kind.ID, Kind.IDS):
        made = str(ORGANISATION if name in ("organisation_id", "receiver_id") else _id(name))
        return made if of is Kind.ID else [made]
    return _BY_NOUN.get((kind.noun, name), _BY_FIELD.get(name, _BY_KIND[of]))


def _id(name: str) -> uuid.UUID:
    return uuid.uuid5(_SPACE, name)
