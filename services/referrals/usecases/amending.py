"""The sender puts fields of a referral right: both parties see the new values, each in its own sealed row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chassis.db import Database, Work
from chassis.errors import FieldError, Invalid
from chassis.requests import Call, Outcome
from services.referrals.rules.record import AMENDABLE
from services.referrals.store import case_entries, legs
from services.referrals.store.case_entries import NewEntry, Party
from services.referrals.store.opening import RECORD_PERSONAL
from services.referrals.usecases.recording import Case, written
from services.referrals.usecases.telling import tell


def amend(db: Database, call: Call) -> Outcome:
    """Change fields, with the reason for it; the event names the fields. Raises as `written`, and Invalid."""
    return written(db, call, "amend", _amend)


def _amend(work: Work, case: Case) -> None:
    changes = {name: case.body[name] for name in AMENDABLE if name in case.body}
    kept = work.keys.open(case.own["key_id"], RECORD_PERSONAL, case.leg.id, legs.sealed(work, case.leg))
    _check({**kept, **changes})
    parties = [party for party in (case.leg.sender_id, case.leg.receiver_id) if party is not None]
    for party in parties:
        _written(work, case, case_entries.party(work, case.leg, party), changes)
    legs.note_sender_acted(work, case.leg.id)


def _written(work: Work, case: Case, to: Party, changes: dict[str, Any]) -> None:
    if to.erased_at is not None or to.locked_at is not None:
        return
    by = NewEntry(kind="amend", by_org=case.caller.org_id, by_subject=case.caller.subject, content={})
    details = {"fields": sorted(changes), "because": case.body["because"]}
    if "warning" in changes:
        case_entries.forget_receipts(work, case.leg, to)
    version = case_entries.amend(work, case.leg, to, changes=changes, details=details, by=by)
    tell(work, case.leg, replace(to, version=version), "amended", fields=sorted(changes))


def _check(content: dict[str, Any]) -> None:
    if content.get("contact") is None and content.get("contact_via") is None:
        detail = "Leave a contact, or contact_via when he is reached through somebody."
        raise Invalid("body.invalid", detail, fields=(FieldError("/contact", "required", detail),))
    if content.get("ordered") and content.get("order_reference") is None:
        detail = "An ordered referral carries the reference of the order."
        raise Invalid("body.invalid", detail, fields=(FieldError("/order_reference", "required", detail),))
