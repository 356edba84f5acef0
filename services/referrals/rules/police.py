"""What a police message becomes: a referral for the centre, and what of it only the partner's side may read."""

from __future__ import annotations

import datetime as dt
from typing import Any

from services.referrals.rules.lifecycle import ORDINARY

VICTIM = "experienced_violence"
NOT_HERE = "police_message.victim"
VICTIM_ELSEWHERE = (
    "A message about somebody who suffered violence belongs to a victim service (specialised help centre for victims); "
    "this one is for those who used it."
)
RISKS = ("low", "medium", "high")
LASTS = dt.timedelta(days=15)
WITHOUT_ORDER, WITH_ORDER = "police-message", "protection-order"
"""Names of the legal-basis templates that it rests on; the organisation's officer approves them."""

_NEEDS = {"used_violence": ["violence_own_use"], "both": ["violence_own_use", "violence_experienced"]}


def referral_of(message: dict[str, Any]) -> dict[str, Any]:
    """The body of a referral: urgent, by way of the officer, every channel of unknown safety."""
    return {
        "receiver": None,
        "service": message["service"],
        "person": {"name": message["person"]["name"]},
        "role": message["role"],
        "contact": _contact(message["person"]),
        "contact_via": "referrer",
        "needs": _NEEDS.get(message["role"], ["other"]),
        "reason": "\n".join((message["description"], *_facts(message))),
        "urgency": "urgent",
        "ordered": False,
        "order_reference": None,
        "person_informed": "no",
        "external_ref": None,
        "feedback_scope": None,
        "kind": ORDINARY,
        "legal_basis": _basis(message),
    }


def restricted_of(message: dict[str, Any]) -> dict[str, Any]:
    """What of it speaks of the place and of who is protected; it stands nowhere else."""
    order = message["protection_order"]
    return {
        "incident_address": message["incident"]["address"],
        "incident_at": message["incident"]["date"].isoformat(),
        "partner_note": order["obligations"] if order else None,
    }


def _contact(person: dict[str, Any]) -> dict[str, Any] | None:
    given = (("phone", person["phone"]), ("email", person["email"]))
    channels = [{"channel": kind, "value": value, "safe": "unknown"} for kind, value in given if value is not None]
    if not channels:
        return None
    first, *further = channels
    return {**first, "further": further} if further else first


def _facts(message: dict[str, Any]) -> list[str]:
    order = message["protection_order"]
    told = [f"Police message of an incident on {message['incident']['date'].isoformat()}."]
    if order is not None:
        until = _until(order).isoformat()
        told.append(f"Protection order granted {order['granted'].isoformat()}, until {until}.")
    if order is not None and order["risk"] is not None:
        told.append(f"Risk assessed by the police: {order['risk']}.")
    return told


def _basis(message: dict[str, Any]) -> dict[str, Any]:
    order, number = message["protection_order"], message["registry_number"]
    if order is None:
        return {"template": WITHOUT_ORDER, "reference": number}
    granted = order["granted"]
    reference = number or f"protection order of {granted.isoformat()}"
    return {"template": WITH_ORDER, "reference": reference, "issued_on": granted, "valid_until": _until(order)}


def _until(order: dict[str, Any]) -> dt.date:
    until: dt.date = order["until"] or order["granted"] + LASTS
    return until
