"""The end of a consent (T20): who reads no more, who goes on without the referral, where it is an objection only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.db import Work
from services.referrals.rules import legal
from services.referrals.rules.feedback import NONE
from services.referrals.rules.lifecycle import RECEIVER, SENDER, Edge
from services.referrals.store import legal as store
from services.referrals.store import legs
from services.referrals.store.legs import Leg
from services.referrals.store.opening import CASE_PERSONAL, RECORD_PERSONAL

if TYPE_CHECKING:
    from services.referrals.usecases.acts import Moved


def only_objects(work: Work, leg: Leg, own: dict[str, Any], edge: Edge) -> bool:
    """Whether a withdrawal is no more than an objection, because order or duty stand without consent; it is noted then.

    To be asked by whoever takes T20, before he takes it. `own` is the acting organisation's row of the locked leg.
    """
    if edge.name != "revoke_consent" or _rests_on_consent(work, leg, own):
        return False
    if leg.side == SENDER or leg.feedback_scope != NONE:
        store.note_objection(work, leg.id, leg.sender_id, side=SENDER)
    if leg.receiver_id is not None:
        store.note_objection(work, leg.id, leg.receiver_id, side=RECEIVER)
    return True


def end_reading(work: Work, moved: Moved) -> None:
    """After a withdrawal nobody reads the personal part but a service that the man is with, unless he leaves it."""
    if moved.edge.name != "revoke_consent":
        return
    leg, stays = moved.leg, moved.act.details.get("stays_with_service")
    legs.lock_personal(work, leg, leg.sender_id)
    if leg.receiver_id is None:
        return
    treating = store.is_treating(work, leg.id, leg.receiver_id)
    if treating and stays:
        store.keep_as_self_referral(work, leg.id, leg.receiver_id)
    elif not treating or stays is False:
        legs.lock_personal(work, leg, leg.receiver_id)


def _rests_on_consent(work: Work, leg: Leg, own: dict[str, Any]) -> bool:
    place = RECORD_PERSONAL if leg.side == SENDER else CASE_PERSONAL
    basis = work.keys.open(own["key_id"], place, leg.id, legs.sealed(work, leg)).get("legal_basis")
    # A referral from before bases were kept falls with the consent: that protects most.
    return basis is None or legal.rests_on_consent(basis)
