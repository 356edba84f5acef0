"""How a referral begins: created and sent at once, or kept as a draft (T01, T02 of referrals.md section 3)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict
from chassis.identity import Caller
from chassis.requests import Call, Outcome
from services.referrals import events
from services.referrals.rules import feedback, lifecycle
from services.referrals.rules.concerns import choose_authority
from services.referrals.rules.lifecycle import LIFECYCLE, SENDER
from services.referrals.rules.receiving import Chosen, Offer, choose
from services.referrals.store import copies, opening
from services.referrals.store.legs import Leg
from services.referrals.store.opening import CASE_PERSONAL, RECORD_PERSONAL, Opened
from services.referrals.usecases.basis import settled
from services.referrals.usecases.consequences import Act, Moved, follow
from services.referrals.usecases.entering import OBJECT, caller_of, found
from services.referrals.usecases.facts import facts_of, tells
from services.referrals.usecases.queueing import of_receiver

SUBMIT = LIFECYCLE[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What is about to be sent: by whom, with which content, to whom, and the copies that this was decided on.

    `chosen` is None for an area queue.
    """

    sender: Caller
    body: dict[str, Any]
    chosen: Chosen | None
    offers: list[Offer]


Check = Callable[[Work, Submission], None]
CHECKS: tuple[Check, ...] = ()
"""What must hold at submit besides a receiver that can take it; one line each."""


def create(db: Database, call: Call) -> Outcome:
    """Create a referral and submit it, or keep it as a draft (T01, T02).

    Raises Invalid for a receiver that cannot take it and Conflict while one with the same own reference is open.
    """
    with db.work(call) as work:
        done = work.claimed()
        if done is not None:
            work.record(Entry(operation="referral.create", object_type=OBJECT, object_id=done, outcome="repeated"))
            return found(work, done)
        sender = caller_of(work)
        opened = keep_draft(work, sender, call.body) if call.body.get("draft") else send(work, sender, call.body)
        work.record(Entry(operation="referral.create", object_type=OBJECT, object_id=opened.id))
        return found(work, opened.id)


def keep_draft(work: Work, sender: Caller, body: dict[str, Any]) -> Opened:
    """Keep what there is so far; nobody else learns of it."""
    key = work.keys.take()
    referral_id = clock.new_id()
    opened = Opened(
        id=referral_id,
        parent_id=None,
        kind=body.get("kind", lifecycle.ORDINARY),
        receiver_id=None,
        service_id=None,
        urgency=body.get("urgency", "standard"),
        ordered=body.get("ordered", False),
        state="draft",
        feedback_scope=body.get("feedback_scope") or feedback.RECEIVED_ONLY,
        reference_mac=None,
        record_key=key.id,
        record_sealed=key.seal(RECORD_PERSONAL, referral_id, body),
        case_key=None,
        case_sealed=None,
        **_place(sender, work, body.get("kind")),
    )
    opening.open_referral(work, opened)
    return opened


def send(
    work: Work,
    sender: Caller,
    body: dict[str, Any],
    *,
    parent: uuid.UUID | None = None,
    draft: Leg | None = None,
    version: int = 1,
    carried: dict[str, Any] | None = None,
) -> Opened:
    """Hand a complete referral over to its receiver, as a new leg or from a draft.

    `version` is the sender's then, `carried` the legal basis of a leg that is passed on.
    Raises Invalid for a receiver that cannot take it and for whatever the checks refuse, Conflict for an own reference
    that is in use, NotAllowed when the sender is suspended.
    """
    submission, mac = checked(work, sender, body, carried=carried)
    opened = _sealed(work, submission, mac, parent=parent, draft=draft)
    if draft is None:
        opening.open_referral(work, opened)
    else:
        opening.send_draft(work, opened)
    _tell(work, opened, version=version)
    follow(work, _moved(opened, sender, submission.body))
    return opened


def checked(
    work: Work, sender: Caller, body: dict[str, Any], *, carried: dict[str, Any] | None = None
) -> tuple[Submission, bytes | None]:
    """What would be sent, and the hash of its own reference; nothing is stored. Raises what `send` refuses."""
    submission = _destined(work, sender, body)
    submission = replace(submission, body={**body, "legal_basis": settled(work, submission, carried=carried)})
    for check in CHECKS:
        check(work, submission)
    return submission, _reference(work, sender, body)


def _sealed(
    work: Work, submission: Submission, mac: bytes | None, *, parent: uuid.UUID | None, draft: Leg | None
) -> Opened:
    """Seal the content twice: no data key is shared between organisations."""
    sender, chosen = submission.sender, submission.chosen
    kept = {name: value for name, value in submission.body.items() if name != "draft"}
    content = {"kind": lifecycle.ORDINARY, **kept, "feedback_scope": _scope(submission)}
    referral_id = draft.id if draft else clock.new_id()
    record_key = work.keys.take()
    case_key = work.keys.take() if chosen else None
    for_receiver = of_receiver(content)
    return Opened(
        id=referral_id,
        parent_id=parent,
        kind=content["kind"],
        receiver_id=chosen.org_id if chosen else None,
        service_id=chosen.service_id if chosen else None,
        urgency=content["urgency"],
        ordered=content["ordered"],
        state="sent",
        feedback_scope=content["feedback_scope"],
        reference_mac=mac,
        record_key=record_key.id,
        record_sealed=record_key.seal(RECORD_PERSONAL, referral_id, content),
        case_key=case_key.id if case_key else None,
        case_sealed=case_key.seal(CASE_PERSONAL, referral_id, for_receiver) if case_key else None,
        **_place(sender, work, content["kind"]),
    )


def _destined(work: Work, sender: Caller, body: dict[str, Any]) -> Submission:
    meant = {"sender": sender.org_id, "receiver": body["receiver"], "service": body["service"]}
    concern = body.get("kind") == lifecycle.CHILD_CONCERN
    if body.get("area") and not concern:
        return Submission(sender=sender, body=body, chosen=None, offers=copies.offers(work, sender.org_id))
    offers = copies.offers(work, sender.org_id, receiver=body["receiver"], service=body["service"])
    chosen = choose_authority(offers, **meant) if concern else choose(offers, **meant, urgency=body["urgency"])
    return Submission(sender=sender, body=body, chosen=chosen, offers=offers)


def _place(sender: Caller, work: Work, kind: str | None) -> dict[str, Any]:
    concern = kind == lifecycle.CHILD_CONCERN  # read by its author, whoever he is, and by no unit
    return {
        "sender_id": sender.org_id,
        "subject": sender.subject,
        # of several nobody can say which is meant
        "unit": min(sender.units) if len(sender.units) == 1 and not concern else None,
        "worker": None if sender.is_system and not concern else sender.subject,
        "at": work.now,
    }


def _tell(work: Work, opened: Opened, *, version: int) -> None:
    for party, seen in ((opened.sender_id, version), (opened.receiver_id, 1)):
        if party is not None and tells(opened.kind, party, opened.sender_id):
            work.tell(
                events.moved(
                    facts_of(opened), verb="sent", state="sent", version=seen, audience=party, reason=None, at=opened.at
                )
            )


def _moved(opened: Opened, sender: Caller, body: dict[str, Any]) -> Moved:
    leg = Leg(
        id=opened.id,
        episode_id=opened.id,
        parent_id=opened.parent_id,
        kind=opened.kind,
        sender_id=opened.sender_id,
        receiver_id=opened.receiver_id,
        service_id=opened.service_id,
        urgency=opened.urgency,
        ordered=opened.ordered,
        state="draft",
        held_from=None,
        held_by=None,
        last_transition=None,
        feedback_scope=opened.feedback_scope,
        scope_fixed=False,
        sender_acted_at=None,
        error_proposed_by=None,
        changed_at=opened.at,
        side=SENDER,
        area=body.get("area"),
    )
    act = Act(actor=SENDER, org_id=sender.org_id, subject=sender.subject, details=body)
    scope = feedback.scope_in_force(opened.feedback_scope, fixed=False)
    return Moved(leg=leg, edge=SUBMIT, act=act, scope=scope, sender_told="sent")


def _reference(work: Work, sender: Caller, body: dict[str, Any]) -> bytes | None:
    if body["external_ref"] is None:
        return None
    mac = work.digest("external_ref", f"{sender.org_id} {body['external_ref']}")
    open_one = opening.open_with_reference(work, mac)
    if open_one is not None:
        message = f"Your own reference is on the open referral {open_one} already."
        raise Conflict("referral.reference_in_use", message)
    return mac


def _scope(submission: Submission) -> str:
    sender, body = submission.sender, submission.body
    kind = next((offer.type for offer in submission.offers if offer.org_id == sender.org_id), "")
    return body["feedback_scope"] or feedback.default_scope(kind, ordered=body["ordered"])
