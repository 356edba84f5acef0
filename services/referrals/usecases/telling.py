"""Events of what moves nothing, for one party each, and the counts of attendance that a sender may know."""

from __future__ import annotations

from typing import Any

from chassis.db import Work
from services.referrals import events
from services.referrals.rules import record
from services.referrals.store import case_entries
from services.referrals.store.case_entries import NewEntry, Party
from services.referrals.store.legs import Leg
from services.referrals.usecases.facts import facts_of


def tell(work: Work, leg: Leg, to: Party, verb: str, **more: Any) -> None:
    """The event of something that moves nothing, for one party, with the state and version that it has."""
    event = events.moved(
        facts_of(leg), verb=verb, state=to.state, version=to.version, audience=to.org_id, reason=None, at=work.now,
        **more,
    )  # fmt: skip
    work.tell(event)


def tell_attendance(work: Work, leg: Leg, scope: str, *, fixed: bool, counts: dict[str, int]) -> bool:
    """Let the sender have the signed counts, where the scope has them; whether he got them."""
    if leg.receiver_id is None or not record.attendance_told(scope, fixed=fixed):
        return False
    to = case_entries.party(work, leg, leg.sender_id)
    entry = NewEntry(kind="attendance", by_org=leg.receiver_id, by_subject=None, content={"attendance": counts})
    if not case_entries.keep_attendance(work, leg, to, entry):
        return False
    tell(work, leg, to, "attendance_signed")
    return True
