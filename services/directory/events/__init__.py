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
    "stale": Kind.BOOLEAN,
    "version": Kind.INTEGER,
}
_MEMBERSHIP = {
    "organisation_id": Kind.ID,
    "network_id": Kind.ID,
    "started": Kind.CODE,
    "ended": Kind.CODE,
}
_PARTNERSHIP = {"key": Kind.CODE, "partner_ids": Kind.IDS}
"""What an initiative is called stands in the change feed: an event holds names of organisations and services alone."""
_UNSAID = frozenset({"started", "ended"})


_LATER = frozenset({"coverage", "stale"})
"""Fields that events of an earlier release do not have."""


def _type(name: str, data: dict[str, Kind], summary: str) -> EventType:
    return EventType(
        name=name,
        source="directory",
        data=data,
        optional=(_LATER | _UNSAID) & frozenset(data),
        summary=summary,
        audience=_EVERYBODY,
    )


ORGANISATION_REGISTERED = _type("organisation.registered", _ORGANISATION, "An organisation is in the directory.")
ORGANISATION_CHANGED = _type("organisation.changed", _ORGANISATION, "Public facts of an organisation were changed.")
SERVICE_PUBLISHED = _type("service.published", _SERVICE, "A service of an organisation is in the directory.")
SERVICE_CHANGED = _type(
    "service.changed", _SERVICE, "Public facts of a service were changed; whether it accepts referrals among them."
)
ORGANISATION_SUSPENDED = _type(
    "organisation.suspended", _ORGANISATION, "An organisation is out of the network until further notice."
)
ORGANISATION_REMOVED = _type("organisation.removed", _ORGANISATION, "An organisation has left the network.")
ORGANISATION_BASELINE = _type(
    "organisation.baseline",
    _ORGANISATION,
    "The public facts of an organisation as they stand, for whoever missed steps.",
)
SERVICE_WITHDRAWN = _type("service.withdrawn", _SERVICE, "A service is not offered any more.")
SERVICE_VERIFIED = _type("service.verified", _SERVICE, "Its organisation has confirmed what is said of a service.")
SERVICE_BECAME_STALE = _type(
    "service.became_stale", _SERVICE, "Nobody has confirmed or changed for a year what is said of a service."
)
SERVICE_BASELINE = _type(
    "service.baseline", _SERVICE, "The public facts of a service as they stand, for whoever missed steps."
)
MEMBERSHIP_STARTED = _type("membership.started", _MEMBERSHIP, "An organisation is a member of a network.")
MEMBERSHIP_ENDED = _type("membership.ended", _MEMBERSHIP, "An organisation is a member of a network no longer.")
MEMBERSHIP_BASELINE = _type("membership.baseline", _MEMBERSHIP, "A membership as it stands, for whoever missed steps.")
PARTNERSHIP_RECORDED = _type(
    "partnership.recorded", _PARTNERSHIP, "An initiative of several organisations was recorded or changed."
)
PARTNERSHIP_BASELINE = _type(
    "partnership.baseline", _PARTNERSHIP, "An initiative and its partners as they stand, for whoever missed steps."
)

TYPES: dict[str, EventType] = {
    each.name: each
    for each in (
        ORGANISATION_REGISTERED,
        ORGANISATION_CHANGED,
        ORGANISATION_SUSPENDED,
        ORGANISATION_REMOVED,
        ORGANISATION_BASELINE,
        SERVICE_PUBLISHED,
        SERVICE_CHANGED,
        SERVICE_WITHDRAWN,
        SERVICE_VERIFIED,
        SERVICE_BECAME_STALE,
        SERVICE_BASELINE,
        MEMBERSHIP_STARTED,
        MEMBERSHIP_ENDED,
        MEMBERSHIP_BASELINE,
        PARTNERSHIP_RECORDED,
        PARTNERSHIP_BASELINE,
    )
}
_LEAVING = {"suspended": ORGANISATION_SUSPENDED, "removed": ORGANISATION_REMOVED}


def organisation_told(row: dict[str, Any], *, new: bool, at: dt.datetime, was: str | None = None) -> Event:
    """The event of an organisation that was registered, changed, suspended or removed; `was` is another status."""
    kind = ORGANISATION_REGISTERED if new else ORGANISATION_CHANGED
    if was is not None:
        kind = _LEAVING.get(row["status"], kind)
    return _told(kind, row["id"], organisation_state(row), at)


def service_told(row: dict[str, Any], *, new: bool, at: dt.datetime, was: str | None = None) -> Event:
    """The event of a service that was published, changed or withdrawn; `was` is another status."""
    kind = SERVICE_PUBLISHED if new else SERVICE_CHANGED
    if was is not None and row["status"] != "published":
        kind = SERVICE_WITHDRAWN
    return _told(kind, row["id"], service_state(row), at)


def service_verified(row: dict[str, Any], *, at: dt.datetime) -> Event:
    """The event of a service that its organisation has confirmed."""
    return _told(SERVICE_VERIFIED, row["id"], service_state(row), at)


def service_became_stale(row: dict[str, Any], *, at: dt.datetime) -> Event:
    """The event of a service that nobody has confirmed or changed for long."""
    return _told(SERVICE_BECAME_STALE, row["id"], service_state(row), at)


def membership_told(row: dict[str, Any], *, at: dt.datetime) -> Event:
    """The event of a membership: started, or ended when it has an end."""
    kind = MEMBERSHIP_ENDED if row["ended"] else MEMBERSHIP_STARTED
    return _told(kind, row["id"], membership_state(row), at)


def partnership_told(row: dict[str, Any], *, at: dt.datetime) -> Event:
    """The event of an initiative that was recorded or changed."""
    return _told(PARTNERSHIP_RECORDED, row["id"], partnership_state(row), at)


def membership_state(row: dict[str, Any]) -> dict[str, Any]:
    """What every event of a membership says; days are as exact as the source (YYYY, YYYY-MM or YYYY-MM-DD)."""
    return {name: row[name] for name in _MEMBERSHIP if row[name] is not None}


def partnership_state(row: dict[str, Any]) -> dict[str, Any]:
    """What every event of an initiative says."""
    return {name: row[name] for name in _PARTNERSHIP}


def organisation_state(row: dict[str, Any]) -> dict[str, Any]:
    """What every event of an organisation says, from its row."""
    return {**{name: row[name] for name in _ORGANISATION}, "country": row["country"] or UNKNOWN_COUNTRY}


def service_state(row: dict[str, Any]) -> dict[str, Any]:
    """What every event of a service says, from its row."""
    return {name: row[name] for name in _SERVICE}


def _told(kind: EventType, row_id: uuid.UUID, data: dict[str, Any], at: dt.datetime) -> Event:
    return event(kind, aggregate=(kind.noun, row_id), audience=NETWORK, data=data, at=at, id=clock.new_id())
