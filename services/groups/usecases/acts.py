"""A transition as it is taken: who takes it and says what, and what came of it."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field
from typing import Any

from services.groups.rules.grouping import GroupEdge
from services.groups.rules.lifecycle import MAN, SYSTEM, Edge
from services.groups.store.seats import Group, SignUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who takes a transition, and what was said with it.

    `actor` is an actor of the lifecycle table; `reason` a code; `details` the loaded body without it, which no history
    keeps.
    """

    actor: str
    subject: str | None = None
    reason: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


BY_MAN = Act(actor=MAN)
BY_SYSTEM = Act(actor=SYSTEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A sign-up's transition that was taken: the group and the sign-up as they stand after it, still under the lock."""

    group: Group
    sign_up: SignUp
    edge: Edge
    act: Act
    at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMoved:
    """A group's transition that was taken, still under the lock."""

    group_id: uuid.UUID
    org_id: uuid.UUID
    edge: GroupEdge
    act: Act
    at: dt.datetime
