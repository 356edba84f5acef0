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

TERMINAL = frozenset(STATES) - LIVE

MAN = "man"
WORKER = "worker"  # a member of staff, on the man's word or as intake worker
LEADER = "leader"
COORDINATOR = "coordinator"
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
_W = frozenset({WORKER})
_S = frozenset({SYSTEM})
_MW = _M | _W

LIFECYCLE: tuple[Edge, ...] = (
    Edge("sign_up", NEW, "waiting", "received", _MW),
    Edge("seat", "waiting", "intake", "seated", _S),
    Edge("seat", "waiting", "confirmed", "seated", _S),
    Edge("offer", "waiting", "offered", "offered", _S | {COORDINATOR}),
    Edge("accept", "offered", "intake", "offer_accepted", _MW),
    Edge("accept", "offered", "confirmed", "offer_accepted", _MW),
    Edge("decline", "offered", "declined", "offer_declined", _MW),
    Edge("lapse", "offered", "lapsed", "offer_lapsed", _S),
    Edge("confirm", "intake", "confirmed", "confirmed", _W),
    Edge("redirect", "intake", "redirected", "redirected", _W),
    *(Edge("lapse_contact", state, "lapsed", "lapsed", _S) for state in ("waiting", "intake", "confirmed")),
    Edge("lapse_intake", "intake", "lapsed", "intake_lapsed", _S),
    Edge("activate", "confirmed", "active", "activated", _S),
    Edge("complete", "active", "completed", "completed", frozenset({LEADER, COORDINATOR})),
    *(Edge("withdraw", state, "withdrawn", "withdrawn", _MW) for state in STATES if state in LIVE),
    *(Edge("remove", state, "removed", "removed", frozenset({COORDINATOR})) for state in ("confirmed", "active")),
    Edge("transfer", "waiting", "waiting", "transferred", frozenset({COORDINATOR})),
    *(Edge("close", state, "closed", "closed", _S) for state in ("waiting", "offered", "intake", "confirmed")),
    *(Edge("erase", state, "erased", "erased", _S | _M) for state in STATES if state in TERMINAL - {"erased"}),
)
"""Removing needs a leader's proposal before (groups.md section 3); leaving by code acts at once, a worker acts on the
man's word; a transfer leads into another group of the same programme."""

SIGN_UP = LIFECYCLE[0]

_STEPS = frozenset((edge.source, edge.target) for edge in LIFECYCLE)
_BY_NAME = {(edge.name, edge.source, edge.target): edge for edge in LIFECYCLE}
_TARGETS = {(edge.name, edge.source): edge.target for edge in LIFECYCLE}


def allowed_actions(state: str, actor: str = MAN) -> tuple[str, ...]:
    """What the man himself, or another actor, may do from a state, in the table's order, each named once.

    Erasing has a route and a delay of its own and is offered beside these.
    """
    return tuple(dict.fromkeys(_actions(state, actor)))


def check_step(source: str, target: str) -> None:
    """Raise Conflict for every pair of states that no edge joins."""
    if (source, target) not in _STEPS:
        message = f"A sign-up cannot go from {source} to {target}."
        raise Conflict("signup.not_possible", message, allowed=allowed_actions(source))


def decide(action: str, *, state: str, intake: str, actor: str | None = None) -> Edge:
    """The edge that an action takes from a state. Raises Conflict with what is possible instead.

    An answer to an offer that is over gets the code `offer.passed`: he may queue again. `actor` None asks nobody.
    """
    target = _TARGETS.get((action, state))
    if target is not None:
        taken = seat_state(intake) if action in {"accept", "seat"} else target
        edge = _BY_NAME[action, state, taken]
        if actor is None or actor in edge.actors:
            return edge
    if state == "lapsed" and action in {"accept", "decline"}:
        raise Conflict("offer.passed", "The time for an answer has passed; you may queue again.")
    message = f"To {action} is not possible; the sign-up is {state}."
    raise Conflict("signup.not_possible", message, allowed=allowed_actions(state, actor or MAN))


def seat_state(intake: str) -> str:
    """Where a taken seat leads: straight to `confirmed` where the programme has no intake conversation."""
    return "confirmed" if intake == "none" else "intake"


def effect(edge: Edge) -> tuple[int, int]:
    """What an edge does to the counts of held seats and of waiting men."""
    seats = (edge.target in SEATED) - (edge.source in SEATED)
    waiting = (edge.target == "waiting") - (edge.source == "waiting")
    return seats, waiting


def _actions(state: str, actor: str) -> Iterator[str]:
    return (edge.name for edge in LIFECYCLE if edge.source == state and actor in edge.actors and edge.name != "erase")
