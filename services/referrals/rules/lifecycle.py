"""The lifecycle as a table: each row is one edge, with who may take it; a new transition is new rows, not new code.

Source: referrals.md sections 2 and 3, referral_lifecycle.json; a test compares every row with that file.
"""

from __future__ import annotations

from dataclasses import dataclass

from chassis.errors import Conflict, NotAllowed

SENDER = "sender"
RECEIVER = "receiver"

STATES = (
    "draft",
    "sent",
    "received",
    "info_requested",
    "assessing",
    "accepted",
    "waitlisted",
    "in_progress",
    "on_hold",
    "completed",
    "ended",
    "declined",
    "forwarded",
    "withdrawn",
    "expired",
    "entered_in_error",
)
FINAL = frozenset({"completed", "ended", "declined", "forwarded", "withdrawn", "expired", "entered_in_error"})

CHILD_CONCERN = "child_concern"
ORDINARY = "ordinary"
BOTH_KINDS = frozenset({ORDINARY, CHILD_CONCERN})
ORDINARY_ONLY = frozenset({ORDINARY})


@dataclass(frozen=True, slots=True)
class Edge:
    """One transition from one state; `implicit` is a state that is passed on the way and told as well."""

    id: str
    name: str
    source: str
    target: str
    actors: frozenset[str]
    kinds: frozenset[str]
    implicit: str | None = None


_R = frozenset({RECEIVER})
_S = frozenset({SENDER})

LIFECYCLE: tuple[Edge, ...] = (
    Edge("T02", "submit", "draft", "sent", _S, BOTH_KINDS),
    Edge("T04", "acknowledge", "sent", "received", _R, BOTH_KINDS),
    Edge("T08", "accept", "sent", "accepted", _R, ORDINARY_ONLY, implicit="received"),
    Edge("T08", "accept", "received", "accepted", _R, ORDINARY_ONLY),
    Edge("T09", "decline", "sent", "declined", _R, ORDINARY_ONLY, implicit="received"),
    Edge("T09", "decline", "received", "declined", _R, ORDINARY_ONLY),
    Edge("T19", "withdraw", "sent", "withdrawn", _S, ORDINARY_ONLY),
    Edge("T19", "withdraw", "received", "withdrawn", _S, ORDINARY_ONLY),
    Edge("T19", "withdraw", "accepted", "withdrawn", _S, ORDINARY_ONLY),
)

_BY_STEP = {(edge.name, edge.source): edge for edge in LIFECYCLE}
ACTORS = {edge.name: edge.actors for edge in LIFECYCLE}


def allowed_actions(state: str, side: str, kind: str) -> tuple[str, ...]:
    """The names of the transitions that a side may take from a state, in the table's order."""
    return tuple(e.name for e in LIFECYCLE if e.source == state and side in e.actors and kind in e.kinds)


def decide(action: str, *, state: str, seen: str, side: str, kind: str) -> Edge:
    """The edge to take from the true `state`; a refusal speaks of the state as `seen` by that side only.

    Raises NotAllowed when the action belongs to the other side, Conflict with the possible actions when the state or
    the kind does not know it.
    """
    if side not in ACTORS[action]:
        raise NotAllowed("referral.wrong_side", f"Only the {_other(side)} of a referral may {action} it.")
    edge = _BY_STEP.get((action, state))
    if edge is None or kind not in edge.kinds:
        message = f"To {action} is not possible; the referral is {seen}."
        raise Conflict("referral.not_possible", message, allowed=allowed_actions(seen, side, kind))
    return edge


def path_of(edge: Edge) -> tuple[str, ...]:
    """The states that an edge leads into, the implicit one first."""
    return (edge.target,) if edge.implicit is None else (edge.implicit, edge.target)


def _other(side: str) -> str:
    return RECEIVER if side == SENDER else SENDER
