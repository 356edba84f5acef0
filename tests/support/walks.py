"""What acknowledged steps of a referral must have left at either party: states and events, in their order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from services.referrals.rules.feedback import FIXING, RECEIVED_ONLY, scope_in_force, told_to_sender
from services.referrals.rules.lifecycle import ACTORS, LIFECYCLE, RECEIVER, SENDER, Edge, path_of

VERB_OF = {"create": "sent", **{edge.name: edge.event for edge in LIFECYCLE}}
_PAUSES = {"on_hold", "info_requested"}


@dataclass
class Walk:
    """One referral as the acknowledged steps make it; `told` are (state, event's verb) for each side."""

    scope: str
    state: str = "sent"
    held_from: str | None = None
    fixed: bool = False
    seen: str = "sent"
    before_pause: str | None = None
    impossible: list[str] = field(default_factory=list)
    told: dict[str, list[tuple[str, str]]] = field(
        default_factory=lambda: {SENDER: [("sent", "sent")], RECEIVER: [("sent", "sent")]}
    )

    def step(self, action: str, side: str) -> None:
        """Take a step that was acknowledged; what cannot follow is kept as impossible."""
        edge = self._edge(action)
        if edge is None:
            self.impossible.append(f"{action} from {self.state}")
            return
        if action == "undo_decision":
            self.fixed = self.fixed and edge.source != "accepted"
        self.fixed = self.fixed or edge.target in FIXING
        for target in path_of(edge):
            self._tell(edge, target, side)
        self.held_from = self.state if edge.target in _PAUSES else None
        self.state = edge.target

    def _edge(self, action: str) -> Edge | None:
        found = (
            edge
            for edge in LIFECYCLE
            if edge.name == action and edge.source == self.state and (not edge.back or edge.target == self.held_from)
        )
        return next(found, None)

    def _tell(self, edge: Edge, target: str, side: str) -> None:
        self.told[RECEIVER].append((target, edge.event if target == edge.target else target))
        in_force = scope_in_force(self.scope, fixed=self.fixed)
        told = told_to_sender(edge, target, scope=in_force, seen=self.seen, before_pause=self.before_pause, actor=side)
        if told is None:
            return
        self.told[SENDER].append((told.state, told.event))
        if told.state not in _PAUSES:
            self.before_pause = None
        elif self.seen not in _PAUSES:
            self.before_pause = self.seen
        self.seen = told.state


def walks(history: Iterable[dict[str, Any]]) -> dict[str, Walk]:
    """By referral, from the lines of a history whose steps are in their order."""
    found: dict[str, Walk] = {}
    lines: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in history:
        if line["action"] in VERB_OF:
            lines[line["referral"]].append(line)
    for referral, steps in lines.items():
        walk = found[referral] = Walk(scope=steps[0].get("scope") or RECEIVED_ONLY)
        for line in steps[1:]:
            walk.step(line["action"], line.get("side") or _only_side(line["action"]))
    return found


def _only_side(action: str) -> str:
    return next(side for side in (SENDER, RECEIVER) if side in ACTORS[action])
