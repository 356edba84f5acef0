"""Concerns for a child: a kind of their own, in a list of their own, raised without a trace where they came from."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from chassis import paging
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.requests import Call, Outcome
from services.referrals.rules import legal_rights, rights
from services.referrals.rules.lifecycle import CHILD_CONCERN, SENDER
from services.referrals.usecases.entering import OBJECT, caller_of, content_of, enter, found
from services.referrals.usecases.opening import send
from services.referrals.views import lists


def listed(db: Database, call: Call) -> Outcome:
    """Concerns that the caller wrote, leads on, or received for an authority, last changed first."""
    query = call.query
    with db.work(call) as work:
        caller = caller_of(work)
        at, after = paging.position(query["cursor"])
        wanted = {
            "subject": caller.subject,
            "leads": bool(caller.roles & legal_rights.CONCERN_LEAD),
            "receives": bool(caller.roles & legal_rights.RECEIVING),
            "all_units": not caller.units or "receiver_lead" in caller.roles,
            "units": sorted(caller.units),
        }
        rows = lists.concerns(work, {**query, **wanted, "at": at, "after": after, "limit": query["limit"] + 1})
        work.record(Entry(operation="referral.concerns", object_type=OBJECT, object_id=None))
        return Outcome(value=paging.page(rows, query["limit"], by="changed_at"))


def raise_safeguarding(db: Database, call: Call) -> Outcome:
    """Send a separate concern out of a case. Raises NotFound, NotAllowed, Invalid for a receiver that is no authority.

    Nothing that is kept joins the two: not the history, no event, no row of the audit, and no remembered request.
    """
    referral_id = call.path.pop("referral_id")
    call.raw = referral_id.bytes + call.raw  # so that a key used again for another case is still refused
    with db.work(call) as work:
        done = work.claimed()
        if done is not None:
            work.record(Entry(operation="referral.create", object_type=OBJECT, object_id=done, outcome="repeated"))
            return _shown(work, done)
        entered = enter(work, referral_id, "referral.raise_safeguarding")
        opened = send(work, caller_of(work), _concern(call, content_of(work, entered)))
        work.record(Entry(operation="referral.create", object_type=OBJECT, object_id=opened.id))
        return _shown(work, opened.id)


def _shown(work: Work, concern_id: UUID) -> Outcome:
    """The concern as its author reads it; the door shows what the row of raising it says."""
    outcome = found(work, concern_id)
    outcome.relation = rights.relation(SENDER, rights.ASSIGNED)
    return outcome


def _concern(call: Call, content: dict[str, Any]) -> dict[str, Any]:
    said = call.body
    return {
        "kind": CHILD_CONCERN,
        "receiver": said["receiver"],
        "service": None,
        "person": said["person"] or content["person"],
        "role": "other",
        "contact": said["contact"] or content["contact"],
        "contact_via": content["contact_via"],
        "needs": ["family_member"],
        "reason": said["reason"],
        "urgency": said["urgency"],
        "ordered": False,
        "order_reference": None,
        "person_informed": said["person_informed"],
        "external_ref": None,
        "feedback_scope": None,
        "legal_basis": said["legal_basis"],
    }
