"""The lifecycle as a table: each row is one edge, with who may take it; a new transition is new rows, not new code.

Source: referrals.md sections 2 and 3, referral_lifecycle.json; a test compares every row with that file.
"""

from __future__ import annotations

from dataclasses import dataclass

from chassis.errors import Conflict, NotAllowed

SENDER = "sender"
RECEIVER = "receiver"
SYSTEM = "system"
PERSON = "person"
DPO = "dpo"
"""The data-protection officer of either party."""

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
CLOSED = "closed"
"""What a sender sees of an end that he may not know: no state of a leg, and no step leads out of it for him."""

AWAITED = {SENDER: ("info_requested", "expired"), RECEIVER: ("sent", "received")}
"""States in which a side has the ball: somebody there has to answer or decide."""

_ANY_OPEN = tuple(state for state in STATES if state not in FINAL and state != "draft")
_ANY_SENT = tuple(state for state in STATES if state not in {"draft", "entered_in_error"})
_UNDER_WAY = ("assessing", "accepted", "waitlisted", "in_progress")

CHILD_CONCERN = "child_concern"
ORDINARY = "ordinary"
BOTH_KINDS = frozenset({ORDINARY, CHILD_CONCERN})
ORDINARY_ONLY = frozenset({ORDINARY})
CONCERN_ONLY = frozenset({CHILD_CONCERN})


@dataclass(frozen=True, slots=True)
class Edge:
    """One transition from one state; `implicit` is a state that is passed on the way and told as well.

    `event` is the noun's past verb that is told; `back`: the target is the state that the leg was held from.
    """

    id: str
    name: str
    source: str
    target: str
    actors: frozenset[str]
    kinds: frozenset[str]
    implicit: str | None = None
    event: str = ""
    back: bool = False


def _edges(
    number: int,
    name: str,
    sources: tuple[str, ...],
    target: str | tuple[str, ...],
    actors: set[str],
    *,
    event: str | None = None,
    kinds: frozenset[str] = ORDINARY_ONLY,
    through: bool = False,
) -> tuple[Edge, ...]:
    """One transition as edges; a tuple of targets is where it may have been held from, `through` passes received."""
    targets = (target,) if isinstance(target, str) else target
    return tuple(
        Edge(
            f"T{number:02}",
            name,
            source,
            each,
            frozenset(actors),
            kinds,
            implicit="received" if through and source == "sent" else None,
            event=event or each,
            back=not isinstance(target, str),
        )
        for source in sources
        for each in targets
    )


LIFECYCLE: tuple[Edge, ...] = (
    *_edges(2, "submit", ("draft",), "sent", {SENDER}, kinds=BOTH_KINDS),
    *_edges(3, "discard", ("draft",), "withdrawn", {SENDER, SYSTEM}, kinds=BOTH_KINDS),
    *_edges(4, "acknowledge", ("sent",), "received", {RECEIVER}, kinds=BOTH_KINDS),
    *_edges(5, "request_info", ("received", "assessing"), "info_requested", {RECEIVER}),
    *_edges(6, "provide_info", ("info_requested",), ("received", "assessing"), {SENDER}, event="info_provided"),
    *_edges(7, "start_assessment", ("received", "accepted"), "assessing", {RECEIVER}),
    *_edges(8, "accept", ("sent", "received", "assessing"), "accepted", {RECEIVER}, through=True),
    *_edges(
        9,
        "decline",
        ("sent", "received", "info_requested", "assessing", "waitlisted"),
        "declined",
        {RECEIVER},
        through=True,
    ),
    *_edges(10, "forward", ("sent", "received", "assessing", "waitlisted"), "forwarded", {RECEIVER}, through=True),
    *_edges(11, "waitlist", ("received", "assessing", "accepted"), "waitlisted", {RECEIVER, SYSTEM}),
    *_edges(12, "offer_place", ("waitlisted",), "accepted", {RECEIVER, SYSTEM}),
    *_edges(13, "start", ("accepted", "waitlisted"), "in_progress", {RECEIVER, SYSTEM}, event="started"),
    *_edges(14, "return_to_list", ("in_progress",), "waitlisted", {RECEIVER}),
    *_edges(15, "hold", _UNDER_WAY, "on_hold", {RECEIVER, SENDER}),
    *_edges(16, "resume", ("on_hold",), _UNDER_WAY, {RECEIVER, SENDER}, event="resumed"),
    *_edges(17, "complete", ("in_progress",), "completed", {RECEIVER}),
    *_edges(18, "end", (*_UNDER_WAY, "on_hold"), "ended", {RECEIVER}),
    *_edges(19, "withdraw", _ANY_OPEN, "withdrawn", {SENDER}),
    *_edges(20, "revoke_consent", _ANY_OPEN, "withdrawn", {SENDER, RECEIVER, PERSON}),
    *_edges(21, "expire", ("sent", "info_requested"), "expired", {SYSTEM}),
    *_edges(22, "revive", ("expired",), "sent", {SENDER}, event="revived"),
    *_edges(23, "reopen", ("completed", "ended"), "in_progress", {RECEIVER}, event="reopened"),
    *_edges(24, "undo_decision", ("declined", "accepted"), "received", {RECEIVER}, event="decision_undone"),
    *_edges(25, "mark_error", _ANY_SENT, "entered_in_error", {SENDER, DPO}),
    *_edges(26, "close_concern", ("received",), "completed", {RECEIVER}, event="concern_closed", kinds=CONCERN_ONLY),
)

ACTORS: dict[str, frozenset[str]] = {edge.name: edge.actors for edge in LIFECYCLE}
ACTIONS = tuple(ACTORS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What decides which transitions are open: as the leg truly stands, or as one party sees its own row."""

    state: str
    kind: str
    held_from: str | None = None
    held_by: str | None = None
    last_transition: str | None = None


def allowed_actions(standing: Standing, actor: str) -> tuple[str, ...]:
    """The names of the transitions that an actor may take from where it stands, in the table's order."""
    names = (
        edge.name
        for edge in LIFECYCLE
        if edge.source == standing.state
        and actor in edge.actors
        and standing.kind in edge.kinds
        and not _shut(edge, standing, actor)
    )
    return tuple(dict.fromkeys(names))


def decide(action: str, *, true: Standing, seen: Standing, actor: str) -> Edge:
    """The edge to take from the `true` standing; a refusal speaks of the state as `seen` by that side only.

    Raises NotAllowed when the action belongs to somebody else, Conflict with the possible actions when the state, the
    kind or what came before does not know it.
    """
    if actor not in ACTORS[action]:
        raise NotAllowed("referral.wrong_side", f"{_who(action)} may {_words(action)}, not the {actor}.")
    # A sender takes no step that he does not see: whether it went through would tell him what is hidden from him.
    open_to_him = actor != SENDER or action in allowed_actions(seen, actor)
    for edge in LIFECYCLE if open_to_him else ():
        if edge.name == action and edge.source == true.state and true.kind in edge.kinds and _leads(edge, true):
            if _shut(edge, true, actor):
                break
            return edge
    message = f"To {_words(action)} is not possible; the referral is {seen.state}."
    raise Conflict("referral.not_possible", message, allowed=allowed_actions(seen, actor))


def path_of(edge: Edge) -> tuple[str, ...]:
    """The states that an edge leads into, the implicit one first."""
    return (edge.target,) if edge.implicit is None else (edge.implicit, edge.target)


def _leads(edge: Edge, standing: Standing) -> bool:
    return not edge.back or edge.target == standing.held_from


def _shut(edge: Edge, standing: Standing, actor: str) -> bool:
    """What the table's guards say besides states: T16, T24 and T25 of referrals.md section 3."""
    if edge.name == "resume":
        return actor == SENDER and standing.held_by != SENDER
    if edge.name == "undo_decision":
        return standing.last_transition not in {"accept", "decline"}
    return edge.name == "mark_error" and actor == SENDER and standing.state != "sent"


def _words(action: str) -> str:
    return action.replace("_", " ")


def _who(action: str) -> str:
    return "Only the " + " or the ".join(sorted(ACTORS[action]))
