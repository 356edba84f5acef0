"""What follows from a transition in the same transaction, besides the parties' rows and events: one line each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chassis.db import Work
from services.referrals.rules.lifecycle import Edge
from services.referrals.store import legs
from services.referrals.store.legs import Leg
from services.referrals.usecases import counting


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who takes a transition, and what he said with it.

    `actor` is sender, receiver, system, person or dpo; `details` are the loaded body without the reason code.
    """

    actor: str
    org_id: UUID | None = None
    subject: str | None = None
    reason: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A transition that was taken.

    `leg` is as it was under the lock before; after a creation it is the new leg, and the edge is T02 from draft.
    `sender_told` is the event's verb that the sender was told, None when he may not know of the step.
    """

    leg: Leg
    edge: Edge
    act: Act
    scope: str
    sender_told: str | None


Consequence = Callable[[Work, Moved], None]


def lock_errors(work: Work, moved: Moved) -> None:
    """What must not have existed is read by nobody any more; thirty days later retention erases it."""
    if moved.edge.target != "entered_in_error":
        return
    for party in (moved.leg.sender_id, moved.leg.receiver_id):
        if party is not None:
            legs.lock_personal(work, moved.leg, party)


CONSEQUENCES: tuple[Consequence, ...] = (lock_errors, counting.sign_at_completion)


def follow(work: Work, moved: Moved) -> None:
    """Let everything follow."""
    for each in CONSEQUENCES:
        each(work, moved)
