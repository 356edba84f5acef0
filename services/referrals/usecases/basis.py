"""The legal basis of a referral: settled at submit, shown to each side, and what follows from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis.db import Work
from services.referrals.rules import legal, templates
from services.referrals.rules.legal import Setting
from services.referrals.rules.lifecycle import ORDINARY
from services.referrals.rules.templates import Submitted
from services.referrals.store import legal as store

if TYPE_CHECKING:
    from services.referrals.usecases.acts import Moved
    from services.referrals.usecases.opening import Submission

TREATED = frozenset({"accepted", "waitlisted", "in_progress"})


def settled(work: Work, submission: Submission, *, carried: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The whole basis of what is about to be sent; `carried` is the one of a referral that is passed on.

    Raises Invalid where it does not carry the data to this receiver.
    """
    if carried is not None:
        legal.check_forward(carried, today=work.now.date(), target=_receiver(submission))
        return dict(carried)
    submitted = _submitted(work, submission)
    given = submission.body.get("legal_basis")
    basis = templates.completed(templates.choose(store.in_force(work), given, submitted), given, submitted)
    legal.check(basis, _setting(work, submission, submitted))
    return basis


def asked_again(basis: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What a sender would write to rest a new leg on the same ground: his template, or all of it by hand.

    A consent under a template is asked for again, because it named the first receiver.
    """
    if basis is None:
        return None
    if basis.get("template") is None:
        return dict(basis)
    kept = {name: basis[name] for name in ("reference", "issued_by", "issued_on", "valid_until")}
    return {**kept, "template": basis["template"]}


def bind(work: Work, moved: Moved) -> None:
    """After a submit: until when the leg has its ground, and both parties may read."""
    if moved.edge.name != "submit":
        return
    basis = moved.act.details.get("legal_basis")
    bind_leg(work, moved.leg.id, basis)
    if moved.leg.receiver_id is not None:
        bind_case(work, moved.leg.id, moved.leg.receiver_id, basis)


def bind_leg(work: Work, leg_id: UUID, basis: Mapping[str, Any] | None) -> None:
    """Note on the acting sender's leg and record until when they have their ground."""
    if basis is None:
        return
    consent, until = legal.consent_until(basis), valid_until(basis)
    if until is not None:
        store.bound_leg(work, leg_id, until)
    if consent is not None:
        store.bound_record(work, leg_id, consent)


def valid_until(basis: Mapping[str, Any] | None) -> dt.date | None:
    """The last day of an order or a consent, whichever ends first; None without an end."""
    if basis is None:
        return None
    days = (legal.day(basis["valid_until"]), legal.consent_until(basis))
    return min((day for day in days if day is not None), default=None)


def bind_case(work: Work, leg_id: UUID, receiver: UUID, basis: Mapping[str, Any] | None) -> None:
    """Note on the receiver's case until when the consent carries further reads."""
    consent = legal.consent_until(basis) if basis else None
    if consent is not None:
        store.bound_case(work, leg_id, receiver, consent)


def mark_treating(work: Work, moved: Moved) -> None:
    """Who takes the man goes on reading when a consent runs out; who takes the acceptance back does not."""
    receiver = moved.leg.receiver_id
    if receiver is None:
        return
    if moved.edge.target in TREATED:
        store.treat(work, moved.leg.id, receiver, treating=True)
    elif moved.edge.name == "undo_decision":
        store.treat(work, moved.leg.id, receiver, treating=False)


def _submitted(work: Work, submission: Submission) -> Submitted:
    body = submission.body
    return Submitted(
        at=work.now,
        by=submission.sender.subject,
        receiver=submission.chosen.key if submission.chosen else _queue(body),
        kind=body.get("kind", ORDINARY),
        ordered=body["ordered"],
        order_reference=body["order_reference"],
        person_informed=body["person_informed"],
    )


def _setting(work: Work, submission: Submission, submitted: Submitted) -> Setting:
    offers, sender = submission.offers, submission.sender.org_id
    return Setting(
        today=work.now.date(),
        sender_type=next((each.type for each in offers if each.org_id == sender), ""),
        receiver=_receiver(submission),
        kind=submitted.kind,
        ordered=submitted.ordered,
    )


def _receiver(submission: Submission) -> frozenset[str]:
    if submission.chosen is None:
        return frozenset({_queue(submission.body)})
    return frozenset({submission.chosen.key, str(submission.chosen.org_id)})


def _queue(body: Mapping[str, Any]) -> str:
    """How a consent names the services of an area, of which nobody knows yet which one takes the man."""
    return f"area:{body['area']}".lower()
