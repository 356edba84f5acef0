"""Kinds of programmes and groups, the group's own lifecycle, and what it needs to open (groups.md sections 1, 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chassis.errors import Conflict, FieldError, Invalid, NotFound
from services.groups.rules.queue import admits
from services.groups.rules.rights import OPERATIONS, POLICY

GROUP_STATES = ("draft", "open", "running", "finished", "archived", "cancelled")
INTAKES = ("none", "optional", "required")
MANDATED = ("no", "yes", "only")
ADMISSIONS = ("closed", "open", "rolling")
MODES = ("in_person", "remote", "hybrid")
LEADER_ROLES = ("lead", "co", "substitute")
SMALLEST = 2
CAPACITY = 8
MIN_TO_START = 4
SESSIONS = 10
MINUTES = 120
ROLLING_EVERY = 5
ROLLING_MOST = 27
KEY_LENGTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a kind of programme brings along; a programme may say otherwise where the fields allow it."""

    leaders: int = 2
    largest: int = 16
    intake: str = "none"
    retention_days: int = 30
    voluntary_only: bool = False
    partner_step: bool = False
    public: bool = True
    always_open: bool = False


KINDS: dict[str, Kind] = {
    "peer": Kind(voluntary_only=True),
    "guided": Kind(intake="optional"),
    "behaviour_change": Kind(intake="required", retention_days=180, partner_step=True),
    "drop_in": Kind(leaders=1, largest=1000, always_open=True),
    "support_pair": Kind(leaders=1, largest=2, intake="required", public=False),
    "training": Kind(leaders=1, largest=1000),
    "course": Kind(leaders=1, largest=1000),
}


@dataclass(frozen=True, slots=True)
class GroupEdge:
    """One transition of a group; `event` is the verb of the event that tells of it."""

    name: str
    source: str
    target: str
    event: str


GROUP_LIFECYCLE: tuple[GroupEdge, ...] = (
    GroupEdge("open", "draft", "open", "opened"),
    GroupEdge("start", "open", "running", "started"),
    GroupEdge("finish", "running", "finished", "finished"),
    GroupEdge("archive", "finished", "archived", "archived"),
    *(GroupEdge("cancel", state, "cancelled", "cancelled") for state in ("draft", "open", "running")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What the opening of a group depends on."""

    kind: str
    leaders: int
    scheduled: bool
    placed: bool
    texts: int
    retention_days: int


def decide_group(action: str, state: str) -> GroupEdge:
    """The edge that an action takes. Raises Conflict with the possible actions."""
    edge = next((each for each in GROUP_LIFECYCLE if (each.name, each.source) == (action, state)), None)
    if edge is None:
        allowed = tuple(each.name for each in GROUP_LIFECYCLE if each.source == state)
        raise Conflict("group.not_possible", f"To {action} is not possible; the group is {state}.", allowed=allowed)
    return edge


def check_ready(ready: Readiness) -> None:
    """Raise Conflict naming everything that is still missing before the group may open."""
    needed = KINDS[ready.kind].leaders
    missing = [
        *(() if ready.leaders >= needed else (f"{needed} leaders ({ready.leaders} assigned)",)),
        *(() if ready.scheduled else ("a schedule",)),
        *(() if ready.placed else ("a public place",)),
        *(() if ready.texts else ("a name in at least one language",)),
        *(() if ready.retention_days > 0 else ("the programme's retention in days",)),
    ]
    if missing:
        raise Conflict("group.not_ready", f"Before it opens the group needs: {', '.join(missing)}.", allowed=())


def check_capacity(kind: str, capacity: int) -> None:
    """Raise Invalid when the kind does not allow so many seats."""
    largest = KINDS[kind].largest
    if not SMALLEST <= capacity <= largest:
        detail = f"A {kind} group has {SMALLEST} to {largest} seats."
        raise Invalid("group.capacity", detail, fields=(FieldError("/capacity", "range", detail),))


def check_mandate(kind: str, mandated: str) -> None:
    """Raise Invalid when a kind that is voluntary by nature is to take men who were sent (groups.md, top)."""
    if KINDS[kind].voluntary_only and mandated != "no":
        detail = f"A {kind} programme is voluntary only."
        raise Invalid("programme.voluntary_only", detail, fields=(FieldError("/mandated", "choice", detail),))


def programme_key(org_key: str, *parts: str) -> str:
    """A key made of the organisation's key and what tells its programmes apart, which is never cut off."""
    ending = "".join(f"-{part}" for part in parts).replace("_", "-")
    return org_key[: KEY_LENGTH - len(ending)].rstrip("-") + ending


ACCEPTING = ("state", "admission", "window_open", "signing_up", "capacity", "held", "waiting", "waitlist_limit")
"""What `accepting` follows from, as columns of a group."""


def accepting(group: Mapping[str, Any]) -> bool:
    """Derived, never stored: whether a sign-up gets a seat or a place in the queue now; from the columns ACCEPTING."""
    limit, waiting = group["waitlist_limit"], group["waiting"]
    room = limit is None or waiting < limit or (waiting == 0 and group["held"] < group["capacity"])
    return admits(group["state"], group["admission"]) and group["window_open"] and group["signing_up"] and room


def is_group_staff(roles: frozenset[str]) -> bool:
    """Whether a caller works with groups of the organisation, and so may see more than a group's public page."""
    return not roles.isdisjoint(OPERATIONS["group.read"])


def check(operation: str, roles: frozenset[str], relation: str) -> None:
    """Refuse what the table does not give these roles in this relation. Raises NotFound."""
    if not POLICY.allows(operation, roles, relation):
        raise NotFound
