"""The events of programmes: what everybody may know of one, in keys."""

from __future__ import annotations

import datetime as dt
from typing import Any

from chassis import clock
from chassis.envelope import NETWORK, Event, EventType, event
from chassis.kinds import Kind

_DATA = {
    "programme_id": Kind.ID,
    "organisation_id": Kind.ID,
    "programme_key": Kind.CODE,
    "kind": Kind.CODE,
    "mandated": Kind.CODE,
    "intake": Kind.CODE,
    "partner_step": Kind.BOOLEAN,
    "licence_of": Kind.ID,
    "version": Kind.INTEGER,
}


def _type(verb: str, summary: str) -> EventType:
    return EventType(
        name=f"programme.{verb}",
        source="groups",
        data=_DATA,
        optional=frozenset({"licence_of"}),
        summary=summary,
        audience="Everybody in the network; support pairs are told to their own organisation only.",
    )


PROGRAMME = _type("published", "An organisation offers a programme, or offers it otherwise than before.")
PROGRAMME_BASELINE = _type("baseline", "A programme as it stands, for whoever missed steps.")


def programme_told(row: dict[str, Any], *, public: bool, at: dt.datetime) -> Event:
    """The event of a programme, from its row."""
    return event(
        PROGRAMME,
        aggregate=("programme", row["id"]),
        audience=NETWORK if public else f"org:{row['org_id']}",
        data=programme_state(row),
        at=at,
        id=clock.new_id(),
    )


def programme_state(row: dict[str, Any]) -> dict[str, Any]:
    """What every event of a programme says."""
    named = {"programme_id": row["id"], "organisation_id": row["org_id"]}
    data = named | {name: row[name] for name in _DATA if name not in named}
    return {name: value for name, value in data.items() if value is not None}
