"""The events of the directory: what everybody in the network needs to keep a copy (directory.md section 6)."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from chassis import clock
from chassis.envelope import NETWORK, Event, EventType, event
from chassis.kinds import Kind

UNKNOWN_COUNTRY = "ZZ"
"""Set aside by ISO 3166 for users; here: no country, or not said (an international network, for example)."""

_EVERYBODY = "The whole network: public facts only."
_ORGANISATION = {
    "key": Kind.CODE,
    "type": Kind.CODE,
    "country": Kind.COUNTRY,
    "status": Kind.CODE,
    "names": Kind.PUBLIC_NAMES,
    "version": Kind.INTEGER,
}
_SERVICE = {
    "organisation_id": Kind.ID,
    "key": Kind.CODE,
    "kind": Kind.CODE,
    "accepting": Kind.CODE,
    "urgencies": Kind.CODES,
    "coverage": Kind.AREAS,
    "status": Kind.CODE,
    "names": Kind.PUBLIC_NAMES,
    "version": Kind.INTEGER,
}


_LATER = frozenset({"coverage"})
"""Fields that events of an earlier release do not have."""


def _type(name: str, data: dict[str, Kind], summary: str) -> EventType:
    return EventType(
        name=name,
        source="directory",
        data=data,
        optional=_LATER & frozenset(data),
        summary=summary,
        audience=_EVERYBODY,
    )


ORGANISATION_REGISTERED = _type("organisation.registered", _ORGANISATION, "An organisation is in the directory.")
ORGANISATION_CHANGED = _type("organisation.changed", _ORGANISATION, "Public facts of an organisation were changed.")
SERVICE_PUBLISHED = _type("service.published", _SERVICE, "A service of an organisation is in the directory.")
SERVICE_CHANGED = _type(
    "service.changed", _SERVICE, "Public facts of a service were changed; whether it accepts referrals among them."
)
ORGANISATION_BASELINE = _type(
    "organisation.baseline",
    _ORGANISATION,
    "The public facts of an organisation as they stand, for whoever missed steps.",
)
SERVICE_BASELINE = _type(
    "service.baseline", _SERVICE, "The public facts of a service as they stand, for whoever missed steps."
)

TYPES: dict[str, EventType] = {
    each.name: each
    for each in (
        ORGANISATION_REGISTERED,
        ORGANISATION_CHANGED,
        ORGANISATION_BASELINE,
        SERVICE_PUBLISHED,
        SERVICE_CHANGED,
        SERVICE_BASELINE,
    )
}


def organisation_told(row: dict[str, Any], *, new: bool, at: dt.datetime) -> Event:
    """The event of an organisation that was registered or changed."""
    return _told(ORGANISATION_REGISTERED if new else ORGANISATION_CHANGED, row["id"], organisation_state(row), at)


def service_told(row: dict[str, Any], *, new: bool, at: dt.datetime) -> Event:
    """The event of a service that was published or changed."""
    return _told(SERVICE_PUBLISHED if new else SERVICE_CHANGED, row["id"], service_state(row), at)


def organisation_state(row: dict[str, Any]) -> dict[str, Any]:
    """What every event of an organisation says, from its row."""
    return {**{name: row[name] for name in _ORGANISATION}, "country": row["country"] or UNKNOWN_COUNTRY}


def service_state(row: dict[str, Any]) -> dict[str, Any]:
    """What every event of a service says, from its row."""
    return {name: row[name] for name in _SERVICE}


def _told(kind: EventType, row_id: uuid.UUID, data: dict[str, Any], at: dt.datetime) -> Event:
    return event(kind, aggregate=(kind.noun, row_id), audience=NETWORK, data=data, at=at, id=clock.new_id())
