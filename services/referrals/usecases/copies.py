"""Keeps the local copies of the directory, and tells events of referrals again to who misses some."""

from __future__ import annotations

import uuid
from typing import Any

from chassis import envelope, republish
from chassis.db import Work
from chassis.envelope import Received
from chassis.errors import NotFound
from chassis.republish import Baseline
from services.referrals import events
from services.referrals.rules import feedback
from services.referrals.store import copies, legs
from services.referrals.usecases import responding
from services.referrals.usecases.entering import OBJECT
from services.referrals.usecases.facts import facts_of, tells
from services.referrals.views import area


def keep_organisation(work: Work, received: Received) -> None:
    """Keep the local copy of an organisation, from organisation.* events."""
    names = ("key", "type", "country", "status", "names", "version")
    copies.keep_partner(work, {"org_id": received.subject, **{name: received.data[name] for name in names}})


def keep_service(work: Work, received: Received) -> None:
    """Keep the local copy of a service, from service.* events."""
    names = ("key", "kind", "accepting", "urgencies", "status", "version")
    later = {"coverage": received.data.get("coverage", []), "stale": received.data.get("stale", False)}
    copy = {name: received.data[name] for name in names} | later
    copies.keep_service(work, {"service_id": received.subject, "org_id": received.data["organisation_id"], **copy})


def tell_again(work: Work, received: Received) -> None:
    """Answer a request for events of a referral (bus.md section 4)."""
    republish.answer(work, received, service="referrals", baselines=BASELINES)


def _standing(work: Work, referral_id: uuid.UUID, audience: str) -> dict[str, Any] | None:
    """The referral as one party may know it; the leg stays locked, so no step is between it and its sequence."""
    party = envelope.organisation_of(audience)
    if party is None:
        return None
    try:
        with work.acting_for(party), work.closed_too():
            leg = legs.lock_leg(work, referral_id, party)
            own = legs.own_row(work, leg)
    except NotFound:
        return None
    if not tells(leg.kind, party, leg.sender_id):
        return None
    reason = feedback.outward_reason(own["reason"])
    return events.state_of(facts_of(leg), state=own["state"], version=own["version"], reason=reason)


def _card(work: Work, offer_id: uuid.UUID, audience: str) -> dict[str, Any] | None:
    party = envelope.organisation_of(audience)
    if party is None:
        return None
    with work.acting_for(party):
        row = area.standing(work, offer_id)
    return {name: value for name, value in row.items() if value is not None} if row else None


BASELINES: republish.Baselines = {
    OBJECT: Baseline(events.BASELINE, _standing),
    "area_offer": Baseline(events.CARD_BASELINE, _card),
    "response": Baseline(events.RESPONSE_BASELINE, responding.standing),
}
"""By noun; read by the operators' commands too."""
