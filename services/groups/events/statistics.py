"""The event of a month's figures of a programme; what would speak of few men is not in it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from chassis import clock
from chassis.envelope import NETWORK, Event, EventType, event
from chassis.kinds import Kind
from services.groups.rules.indicators import OF_GROUPS, OF_MEN

FIGURES = (*OF_GROUPS, *OF_MEN)
_DATA = {
    "organisation_id": Kind.ID,
    "programme_id": Kind.ID,
    "programme_key": Kind.CODE,
    "period": Kind.CODE,
    **dict.fromkeys(FIGURES, Kind.INTEGER),
}


def _type(verb: str, summary: str) -> EventType:
    return EventType(
        name=f"statistics.{verb}",
        source="groups",
        data=_DATA,
        optional=frozenset(OF_MEN),
        summary=summary,
        audience="Everybody in the network; of support pairs their own organisation only.",
    )


STATISTICS = _type(
    "closed", "The figures of a programme in a month that is over; a figure of men below five is left out."
)
STATISTICS_BASELINE = _type("baseline", "The same figures, for whoever missed them.")


def statistics_told(row: Mapping[str, Any], *, public: bool, at: dt.datetime) -> Event:
    """The event of a closed month, from its row."""
    return event(
        STATISTICS,
        aggregate=("statistics", row["id"]),
        audience=NETWORK if public else f"org:{row['org_id']}",
        data=statistics_state(row),
        at=at,
        id=clock.new_id(),
    )


def statistics_state(row: Mapping[str, Any]) -> dict[str, Any]:
    """What every event of a closed month says; `row` with figures, month, programme_key and ids."""
    org_id: uuid.UUID = row["org_id"]
    named = {"organisation_id": org_id, "programme_id": row["programme_id"], "programme_key": row["programme_key"]}
    told = {name: row["figures"].get(name) for name in FIGURES}
    return {
        **named,
        "period": f"{row['month']:%Y-%m}",
        **{name: each for name, each in told.items() if each is not None},
    }
