"""What must hold before a transition besides the table: each guard refuses or lets pass, in this order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chassis.db import Work
from services.referrals.rules import deadlines, legal, reasons, record, rights
from services.referrals.rules.lifecycle import RECEIVER, Edge
from services.referrals.rules.receiving import choose
from services.referrals.store import case_entries, copies, legs
from services.referrals.store.legs import Leg
from services.referrals.store.opening import CASE_PERSONAL
from services.referrals.usecases.recall import not_recalled


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A transition that somebody wants to take: the locked leg, his organisation's row, the edge and what he said."""

    leg: Leg
    own: dict[str, Any]
    edge: Edge
    actor: str
    body: dict[str, Any]

    subject: str = ""
    """Who wants it, where somebody is at the door."""


Guard = Callable[[Work, Attempt], None]


def in_time(work: Work, attempt: Attempt) -> None:
    """Reopening and undoing have an end. Raises Conflict."""
    leg = attempt.leg
    if attempt.edge.name == "reopen":
        deadlines.check_reopening(leg.changed_at, work.now)
    if attempt.edge.name == "undo_decision":
        deadlines.check_undoing(leg.changed_at, leg.sender_acted_at, work.now)


GOES_ON = frozenset({"start_assessment", "accept", "waitlist", "start", "forward", "provide_info", "revive"})
"""Steps by which a personal part is read on or anew."""


def ground_stands(work: Work, attempt: Attempt) -> None:
    """A consent that ran out carries nobody into treatment, nor anywhere else. Raises NotAllowed."""
    own = attempt.own
    if attempt.edge.name in GOES_ON:
        shut = legal.shut_since(None, own["consent_until"], treating=own["treating"], today=work.now.date())
        rights.check_open(f"referral.{attempt.edge.name}", shut)


def codes_in_force(work: Work, attempt: Attempt) -> None:
    """Codes that were retired are not given any more. Raises Invalid with those in force."""
    reasons.check_body(attempt.edge.name, attempt.body, work.now.date())


def tried_enough(work: Work, attempt: Attempt) -> None:
    """Nobody is given up as not reached before it was tried (T18). Raises Conflict."""
    if attempt.edge.name == "end" and attempt.body["reason"] == "not_reached":
        record.check_tried(case_entries.own(work, attempt.leg.id, "attempt"))


def warned(work: Work, attempt: Attempt) -> None:
    """Whoever is about to meet the person has read the sender's warning. Raises Conflict."""
    if attempt.edge.name not in record.WARNED or attempt.leg.side != RECEIVER:
        return
    content = work.keys.open(attempt.own["key_id"], CASE_PERSONAL, attempt.leg.id, legs.sealed(work, attempt.leg))
    read = case_entries.has_read(work, attempt.leg.id, attempt.subject)
    record.check_warned(attempt.edge.name, warning=content.get("warning"), read=read)


def receiver_takes(work: Work, attempt: Attempt) -> None:
    """What expired goes only to a receiver that could take it today (T02, T22). Raises Invalid, NotAllowed."""
    leg = attempt.leg
    if attempt.edge.name != "revive" or leg.receiver_id is None:
        return
    receiver, service = str(leg.receiver_id), str(leg.service_id) if leg.service_id else None
    offers = copies.offers(work, leg.sender_id, receiver=receiver, service=service)
    choose(offers, sender=leg.sender_id, receiver=receiver, service=service, urgency=leg.urgency)


GUARDS: tuple[Guard, ...] = (in_time, receiver_takes, not_recalled, ground_stands, codes_in_force, tried_enough, warned)


def guard(work: Work, attempt: Attempt) -> None:
    """Ask every guard."""
    for each in GUARDS:
        each(work, attempt)
