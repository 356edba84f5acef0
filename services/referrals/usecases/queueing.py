"""What the area queue makes of transitions: cards go out with a leg and close with it; a refusal starts a new leg."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from chassis import clock
from chassis.db import Work
from chassis.errors import Invalid
from services.referrals import events
from services.referrals.rules import area as rules
from services.referrals.rules import legal, notifying
from services.referrals.store import area, copies, legs, notifications, opening
from services.referrals.store.legs import Leg
from services.referrals.store.opening import CASE_PERSONAL, RECORD_PERSONAL, Opened
from services.referrals.usecases import basis, clocks, files
from services.referrals.usecases.acts import Moved
from services.referrals.usecases.facts import facts_of

OF_RECEIVER_NOT = frozenset({"external_ref"})
"""Fields that the receiver's copy of the content does not hold."""


def of_receiver(content: dict[str, Any]) -> dict[str, Any]:
    """The receiver's copy of a content."""
    kept = {name: value for name, value in content.items() if name not in OF_RECEIVER_NOT}
    return {**kept, "legal_basis": legal.for_receiver(content.get("legal_basis"))}


def offer(work: Work, leg_id: uuid.UUID, content: dict[str, Any], candidates: list[uuid.UUID]) -> None:
    """Show every candidate the card and tell each by an event of its own."""
    said = rules.card(content, area=content["area"], today=work.now.date())
    for org in candidates:
        offer_id = area.offer(
            work, leg_id, org, urgency=content["urgency"], respond_by=content.get("respond_by"), card=said
        )
        work.tell(events.card_told("made", offer_id, org, state="open", urgency=content["urgency"], at=work.now))
        notifications.tell(work, org, offer_id, notifying.NEW, None, of="area_offer")


def candidates_of(
    work: Work, content: dict[str, Any], sender: uuid.UUID, *, without: list[uuid.UUID]
) -> list[uuid.UUID]:
    """Who may take it now. Raises Invalid where there is nobody."""
    country = content["area"].partition(":")[0]
    return rules.candidates(
        copies.offers_in(work, country),
        sender=sender,
        area=content["area"],
        kind=content.get("service_kind"),
        urgency=content["urgency"],
        without=without,
    )


def follow_queue(work: Work, moved: Moved) -> None:
    """Cards close when the leg leaves the queue and open when it is back; a refusal after taking starts a new leg."""
    leg, name = moved.leg, moved.edge.name
    if leg.area is None:
        return
    if leg.receiver_id is None and name == "revive":
        _offer_again(work, leg)
    elif leg.receiver_id is None and leg.state == "sent":
        close_cards(work, leg)
    elif name == "decline":
        _requeue(work, leg)


def close_cards(work: Work, leg: Leg, *, taken_by: uuid.UUID | None = None) -> None:
    """Close and empty every open card of a leg, and tell each candidate."""
    for org, offer_id in area.candidates(work, leg.id):
        state = "taken" if org == taken_by else "gone"
        if area.close(work, org, offer_id, state):
            work.tell(events.card_told("closed", offer_id, org, state=state, urgency=leg.urgency, at=work.now))


def open_case(work: Work, leg: Leg, receiver: uuid.UUID) -> None:
    """The receiver's case, sealed anew with a key of the receiver's own, and its first event."""
    source = area.source(work, leg.id, leg.sender_id)
    content = of_receiver(source.content)
    key = work.keys.take()
    opening.open_case(work, _leg_as_opened(leg, work, key.id, key.seal(CASE_PERSONAL, leg.id, content)))
    basis.bind_case(work, leg.id, receiver, content["legal_basis"])
    _tell_sent(work, leg, receiver)
    files.pass_on(work, leg.id, leg.id, sender=leg.sender_id, receiver=receiver)


def _tell_sent(work: Work, leg: Leg | Opened, party: uuid.UUID) -> None:
    work.tell(
        events.moved(facts_of(leg), verb="sent", state="sent", version=1, audience=party, reason=None, at=work.now)
    )


def _leg_as_opened(leg: Leg, work: Work, key_id: uuid.UUID, sealed: bytes) -> Opened:
    return Opened(
        id=leg.id,
        parent_id=leg.parent_id,
        kind=leg.kind,
        sender_id=leg.sender_id,
        receiver_id=leg.receiver_id,
        service_id=leg.service_id,
        urgency=leg.urgency,
        ordered=leg.ordered,
        state="sent",
        feedback_scope=leg.feedback_scope,
        subject="-",
        unit=None,
        worker=None,
        at=work.now,
        reference_mac=None,
        record_key=key_id,
        record_sealed=b"",
        case_key=key_id,
        case_sealed=sealed,
    )


def _offer_again(work: Work, leg: Leg) -> None:
    source = area.source(work, leg.id, leg.sender_id)
    without = area.decliners(work, leg.id)
    offer(work, leg.id, source.content, candidates_of(work, source.content, leg.sender_id, without=without))


def _requeue(work: Work, leg: Leg) -> None:
    """A new leg of the sender's to the queue, without those who said no; none where nobody is left."""
    source = area.source(work, leg.id, leg.sender_id)
    consent_until = legal.consent_until(source.content.get("legal_basis") or {})
    if consent_until is not None and consent_until < work.now.date():
        return  # no consent carries it to anybody else
    with work.acting_for(leg.sender_id):
        legs.note_sender_acted(work, leg.id)
        without = area.decliners(work, leg.id)
        try:
            candidates = candidates_of(work, source.content, leg.sender_id, without=without)
        except Invalid:
            return  # the sender sees that it was declined and decides himself
        new_id, key = clock.new_id(), work.keys.take()
        base = _leg_as_opened(leg, work, key.id, b"")
        opened = replace(
            base,
            id=new_id,
            parent_id=leg.id,
            receiver_id=None,
            unit=source.unit,
            worker=source.worker,
            reference_mac=source.reference_mac,
            record_sealed=key.seal(RECORD_PERSONAL, new_id, source.content),
            case_key=None,
            case_sealed=None,
        )
        opening.open_referral(work, opened)
        basis.bind_leg(work, new_id, source.content.get("legal_basis"))
        area.queue(work, new_id, area=source.content["area"], kind=source.content.get("service_kind"))
        offer(work, new_id, source.content, candidates)
    _tell_sent(work, opened, leg.sender_id)
    begun = replace(leg, id=new_id, parent_id=leg.id, receiver_id=None, state="draft", scope_fixed=False)
    clocks.queued(work, begun, source.content)
    files.pass_on(work, leg.id, new_id, sender=leg.sender_id, receiver=None)


def offer_in_area(work: Work, moved: Moved) -> None:
    """A submission to an area: the cards go out with it."""
    if moved.edge.name != "submit" or moved.leg.area is None:
        return
    body = moved.act.details
    area.queue(work, moved.leg.id, area=body["area"], kind=body.get("service_kind"))
    without: list[uuid.UUID] = []
    offer(work, moved.leg.id, body, candidates_of(work, body, moved.leg.sender_id, without=without))
