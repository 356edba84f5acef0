"""A transition as it is taken: who takes it and says what, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.referrals.rules.lifecycle import Edge
from services.referrals.store.legs import Leg


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
