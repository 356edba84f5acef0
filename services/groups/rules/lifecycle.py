"""The lifecycle of a sign-up as a table: each row is one edge; a new transition is new rows, not new code.

Source: groups.md sections 2 and 3. Anything that is not a row is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chassis.errors import Conflict

NEW = "new"
STATES = (
    "waiting",
    "offered",
    "intake",
    "confirmed",
    "active",
    "completed",
    "withdrawn",
    "declined",
    "lapsed",
    "redirected",
    "removed",
    "closed",
    "erased",
)
SEATED = frozenset({"offered", "intake", "confirmed", "active"})
LIVE = SEATED | {"waiting"}
LEFT = frozenset({"withdrawn", "declined", "lapsed"})

MAN = "man"
SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Edge:
    """One transition; `event` is the verb of the event that tells of it, `actors` who may cause it."""

    name: str
    source: str
    target: str
    event: str
    actors: frozenset[str]


_M = frozenset({MAN})
_S = frozenset({SYSTEM})

LIFECYCLE: tuple[Edge, ...] = (
    Edge("sign_up", NEW, "waiting", "received", _M),
    Edge("seat", "waiting", "intake", "seated", _S),
    Edge("seat", "waiting", "confirmed", "seated", _S),
    Edge("offer", "waiting", "offered", "offered", _S),
    Edge("accept", "offered", "intake", "offer_accepted", _M),
    Edge("accept", "offered", "confirmed", "offer_accepted", _M),
    Edge("decline", "offered", "declined", "offer_declined", _M),
    Edge("lapse", "offered", "lapsed", "offer_lapsed", _S),
    *(Edge("withdraw", state, "withdrawn", "withdrawn", _M) for state in STATES if state in LIVE),
)

_BY_STEP = {(edge.source, edge.target): edge for edge in LIFECYCLE}
_BY_NAME = {(edge.name, edge.source): edge for edge in LIFECYCLE}


def allowed_actions(state: str) -> tuple[str, ...]:
    """What the man himself may do from a state, in the table's order, each named once."""
    return tuple(dict.fromkeys(_own_actions(state)))


def step(source: str, target: str) -> Edge:
    """The edge between two states. Raises Conflict for every pair that is not in the table."""
    edge = _BY_STEP.get((source, target))
    if edge is None:
        message = f"A sign-up cannot go from {source} to {target}."
        raise Conflict("signup.not_possible", message, allowed=allowed_actions(source))
    return edge


def decide(action: str, *, state: str, intake: str) -> Edge:
    """The edge that an action takes from a state. Raises Conflict with what is possible instead.

    An answer to an offer that is over gets the code `offer.passed`: he may queue again.
    """
    if (action, state) in _BY_NAME:
        return step(state, seat_state(intake) if action in {"accept", "seat"} else _BY_NAME[action, state].target)
    if state == "lapsed" and action in {"accept", "decline"}:
        raise Conflict("offer.passed", "The time for an answer has passed; you may queue again.")
    message = f"To {action} is not possible; the sign-up is {state}."
    raise Conflict("signup.not_possible", message, allowed=allowed_actions(state))


def seat_state(intake: str) -> str:
    """Where a taken seat leads: straight to `confirmed` where the programme has no intake conversation."""
    return "confirmed" if intake == "none" else "intake"


def effect(edge: Edge) -> tuple[int, int]:
    """What an edge does to the counts of held seats and of waiting men."""
    seats = (edge.target in SEATED) - (edge.source in SEATED)
    waiting = (edge.target == "waiting") - (edge.source == "waiting")
    return seats, waiting


def _own_actions(state: str) -> Iterator[str]:
    return (edge.name for edge in LIFECYCLE if edge.source == state and MAN in edge.actors)
