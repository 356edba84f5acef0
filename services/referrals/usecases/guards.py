"""What must hold before a transition besides the table: each guard refuses or lets pass, in this order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chassis.db import Work
from services.referrals.rules import deadlines, legal, rights
from services.referrals.rules.lifecycle import Edge
from services.referrals.store.legs import Leg
from services.referrals.usecases.recall import not_recalled


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A transition that somebody wants to take: the locked leg, his organisation's row, the edge and what he said."""

    leg: Leg
    own: dict[str, Any]
    edge: Edge
    actor: str
    body: dict[str, Any]


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


GUARDS: tuple[Guard, ...] = (in_time, not_recalled, ground_stands)


def guard(work: Work, attempt: Attempt) -> None:
    """Ask every guard."""
    for each in GUARDS:
        each(work, attempt)
