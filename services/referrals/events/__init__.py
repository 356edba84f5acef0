"""The events of referrals: one per party and transition, with ids, codes and times only (bus.md section 1)."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from chassis import clock, envelope
from chassis.envelope import Event, EventType, event
from chassis.kinds import Kind

_DATA = {
    "state": Kind.CODE,
    "kind": Kind.CODE,
    "sender_id": Kind.ID,
    "receiver_id": Kind.ID,
    "service_id": Kind.ID,
    "urgency": Kind.CODE,
    "version": Kind.INTEGER,
    "reason": Kind.CODE,
}
_OPTIONAL = frozenset({"receiver_id", "service_id", "reason"})
_PARTIES = (
    "The sending and the receiving organisation, each by its own event; the sender as far as feedback_scope allows."
)


_RECEIVER = "The receiving organisation alone."
_FULL_REPORT = "The receiving organisation; the sender where it said so itself, or under the scope `full_report`."


def _type(verb: str, summary: str, audience: str = _PARTIES, **more: Kind) -> EventType:
    return EventType(
        name=f"referral.{verb}",
        source="referrals",
        data={**_DATA, **more},
        optional=_OPTIONAL,
        summary=summary,
        audience=audience,
    )


TYPES: dict[str, EventType] = {
    verb: _type(verb, summary)
    for verb, summary in {
        "sent": "A referral was handed to the receiving organisation.",
        "received": "The receiving organisation confirmed that it has the referral.",
        "info_requested": "The receiving organisation asks the sender something and waits for the answer.",
        "info_provided": "The sender answered.",
        "assessing": "The receiving organisation assesses whether its service suits.",
        "accepted": "The receiving organisation takes the person.",
        "declined": "The receiving organisation said no before the start; the reason is the outward code.",
        "forwarded": "The receiving organisation passed the referral on; the sender is not told where.",
        "waitlisted": "Suitable, and there is no place yet.",
        "started": "The service has started.",
        "on_hold": "It pauses, for a reason and until a day of review.",
        "resumed": "It goes on after a pause.",
        "completed": "The service was delivered.",
        "ended": "It stopped early.",
        "withdrawn": "The sending organisation took the referral back.",
        "closed": "It is over; under its feedback scope this party is told neither how nor why.",
        "expired": "Nobody answered in time; the sender has it back.",
        "revived": "The sender handed an expired referral to the same receiver again.",
        "reopened": "The receiving organisation opened an ended case again.",
        "decision_undone": "The receiving organisation took back its last decision.",
        "entered_in_error": "The referral must not have existed; its personal part is locked and will be erased.",
        "concern_closed": "The authority closed a child concern.",
        envelope.BASELINE: "The referral as that party may know it, for whoever missed steps.",
    }.items()
}
ATTACHED = EventType(
    name="referral.attached",
    source="referrals",
    data={"attachment_id": Kind.ID, "by_id": Kind.ID, "classification": Kind.CODE},
    summary="A file was attached to a referral; it is read by its own route.",
    audience="The organisation that attached it, and the other party where it was attached for both.",
)
TYPES["attached"] = ATTACHED
BESIDES: dict[str, EventType] = {
    kind.name.partition(".")[2]: kind
    for kind in (
        _type("amended", "The sender put fields right; they are named, their values are not.", fields=Kind.CODES),
        _type("note_added", "A note for both parties was written.", "Both parties, each by its own event."),
        _type("contact_attempted", "The receiving organisation tried to reach the person.", _RECEIVER),
        _type("session_recorded", "A meeting was recorded by hand.", _RECEIVER),
        _type(
            "attendance_signed",
            "Sessions were signed, so that they count.",
            "The receiving organisation; the sender under a scope with attendance.",
        ),
        _type("warning_read", "A worker confirmed that he read the sender's warning.", "Both, unless under `none`."),
        _type("risk_changed", "An answer of the risk screen changed.", _FULL_REPORT),
        _type("dropped_out", "The person does not come any more.", _FULL_REPORT),
    )
}
"""What is told besides steps: the state in it is the one that the party sees already."""

TYPES |= BESIDES
BASELINE = TYPES[envelope.BASELINE]

_CARD = {"state": Kind.CODE, "urgency": Kind.CODE, "respond_by": Kind.TIME}
_CARDS = {
    verb: EventType(
        name=f"area_offer.{verb}",
        source="referrals",
        data=_CARD,
        optional=frozenset({"respond_by"}),
        summary=summary,
        audience="The candidate whose card it is; nobody can tell from it who else has one.",
    )
    for verb, summary in {
        "made": "A referral waits in the queue of an area that this organisation serves.",
        "closed": "The card is gone: somebody took it, or it is not offered any more.",
        envelope.BASELINE: "The card as it stands, for whoever missed steps.",
    }.items()
}
TYPES |= {each.name: each for each in _CARDS.values()}
CARD_BASELINE = _CARDS[envelope.BASELINE]

_RESPONSE = {"organisation_id": Kind.ID, "median_hours": Kind.INTEGER}
_RESPONSES = {
    verb: EventType(
        name=f"response.{verb}",
        source="referrals",
        data=_RESPONSE,
        optional=frozenset({"median_hours"}),
        summary=summary,
        audience="The whole network; about a service, never about a referral.",
    )
    for verb, summary in {
        "measured": "Half of the referrals of a year were answered within so many hours; without a figure: too few.",
        envelope.BASELINE: "How long a service takes to answer, for whoever missed it.",
    }.items()
}
TYPES |= {each.name: each for each in _RESPONSES.values()}
RESPONSE_BASELINE = _RESPONSES[envelope.BASELINE]


def response_measured(row: dict[str, Any], *, at: dt.datetime) -> Event:
    """The event of a service whose median answer has changed."""
    kind = _RESPONSES["measured"]
    about = (kind.noun, row["service_id"])
    return event(kind, aggregate=about, audience=envelope.NETWORK, data=response_state(row), at=at, id=clock.new_id())


def response_state(row: dict[str, Any]) -> dict[str, Any]:
    """What every event about answers says."""
    known = {} if row["median_hours"] is None else {"median_hours": row["median_hours"]}
    return {"organisation_id": row["org_id"], **known}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What both parties may know of a referral in an event."""

    referral_id: uuid.UUID
    kind: str
    sender_id: uuid.UUID
    receiver_id: uuid.UUID | None
    service_id: uuid.UUID | None
    urgency: str


def moved(
    facts: Facts,
    *,
    verb: str,
    state: str,
    version: int,
    audience: uuid.UUID,
    reason: str | None,
    at: dt.datetime,
    **more: Any,
) -> Event:
    """The event of a step into `state` by its verb, for one party, with that party's own version."""
    return event(
        TYPES[verb],
        aggregate=("referral", facts.referral_id),
        audience=f"org:{audience}",
        data={**state_of(facts, state=state, version=version, reason=reason), **more},
        at=at,
        id=clock.new_id(),
    )


def attached(
    referral_id: uuid.UUID, attachment_id: uuid.UUID, *, by: uuid.UUID, kind: str, audience: uuid.UUID, at: dt.datetime
) -> Event:
    """The event of a new file, for one party; neither its name nor its content."""
    return event(
        ATTACHED,
        aggregate=("referral", referral_id),
        audience=f"org:{audience}",
        data={"attachment_id": attachment_id, "by_id": by, "classification": kind},
        at=at,
        id=clock.new_id(),
    )


def state_of(facts: Facts, *, state: str, version: int, reason: str | None) -> dict[str, Any]:
    """What every event of a referral says; `reason` is the outward code."""
    values = {
        "state": state,
        "kind": facts.kind,
        "sender_id": facts.sender_id,
        "receiver_id": facts.receiver_id,
        "service_id": facts.service_id,
        "urgency": facts.urgency,
        "version": version,
        "reason": reason,
    }
    return {name: value for name, value in values.items() if value is not None}


def card_told(
    verb: str, offer_id: uuid.UUID, candidate: uuid.UUID, *, state: str, urgency: str, at: dt.datetime
) -> Event:
    """The event of a card of the area queue, for its candidate alone."""
    return event(
        _CARDS[verb],
        aggregate=("area_offer", offer_id),
        audience=f"org:{candidate}",
        data={"state": state, "urgency": urgency},
        at=at,
        id=clock.new_id(),
    )
