"""What must hold before a transition besides the table: each guard refuses or lets pass, in this order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chassis.db import Work
from services.referrals.rules import deadlines, reasons, record
from services.referrals.rules.lifecycle import Edge
from services.referrals.store import case_entries
from services.referrals.store.legs import Leg


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


def codes_in_force(work: Work, attempt: Attempt) -> None:
    """Codes that were retired are not given any more. Raises Invalid with those in force."""
    reasons.check_body(attempt.edge.name, attempt.body, work.now.date())


def tried_enough(work: Work, attempt: Attempt) -> None:
    """Nobody is given up as not reached before it was tried (T18). Raises Conflict."""
    if attempt.edge.name == "end" and attempt.body["reason"] == "not_reached":
        record.check_tried(case_entries.own(work, attempt.leg.id, "attempt"))


GUARDS: tuple[Guard, ...] = (in_time, codes_in_force, tried_enough)


def guard(work: Work, attempt: Attempt) -> None:
    """Ask every guard."""
    for each in GUARDS:
        each(work, attempt)
