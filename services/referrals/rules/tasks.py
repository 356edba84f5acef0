"""What the house asks people to do: the kinds of tasks, and which follow when a clock has run so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from services.referrals.rules.clock_table import LEGAL, RECALL, RECALL_STEPS, RECALLED
from services.referrals.rules.clocks import Clock, Facts
from services.referrals.rules.lifecycle import FINAL, RECEIVER, SENDER

UNIT, LEAD, COORDINATOR = "unit", "lead", "coordinator"
ROLES = (UNIT, LEAD, COORDINATOR)
"""For whom in the organisation a task is; a lead sees all of his side."""

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "answer_late": "The other side waits for an answer that is overdue; give it.",
        "no_answer": "Nobody has answered for twice the time; see to it that somebody does.",
        "taken_back": "Nobody answered for three times the time; it is yours again: send it again, or elsewhere.",
        "telephone_now": "Ring the other side now: this one is never taken back by itself.",
        "receiver_suspended": "The receiving organisation takes no part any more; send it elsewhere, or ring the man.",
        "review_due": "Look again: is he still interested, does the pause go on?",
        "legal_half": "Half of the time is over for which the legal basis counts.",
        "legal_near": "Four fifths of the time are over for which the legal basis counts.",
        "legal_passed": "The legal basis counts no longer; what goes on needs another one.",
        "signup_ended": "The sign-up to a group ended; decide how the referral goes on.",
        "signup_completed": "The group was completed; complete the referral.",
    }
)
"""By code. A task names a referral and a kind, and nothing about the person."""

_LEGAL = ("legal_half", "legal_near", "legal_passed")
_MOOT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **dict.fromkeys(RECALLED, ("answer_late", "no_answer", "telephone_now")),
        **dict.fromkeys(("waitlisted", "on_hold"), ("review_due",)),
        "expired": ("taken_back",),
    }
)
"""What nobody has to do any more once a state is left."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A task that follows: on which side, of which kind, for whom there."""

    side: str
    kind: str
    role: str


@dataclass(frozen=True, slots=True)
class Due:
    """What the house does when a clock reaches one of its steps."""

    tasks: tuple[Wanted, ...] = ()
    expires: bool = False


_BY_TELEPHONE = Due(tuple(Wanted(side, "telephone_now", LEAD) for side in (SENDER, RECEIVER)))


def due_at_step(clock: Clock, level: int, facts: Facts, *, view: str) -> Due:
    """What follows from the step `level` (1, 2, ...) of a clock in the row of the side `view`."""
    if clock.code == RECALL:
        return _recall(clock, level) if facts.expires else _BY_TELEPHONE
    if clock.code == LEGAL:
        return Due((Wanted(view, _LEGAL[level - 1], UNIT),))
    return Due((Wanted(view, "review_due", UNIT),))


def moot(before: str, after: str) -> tuple[str, ...]:
    """The kinds of tasks that a step from one state to another makes pointless."""
    return (*_MOOT.get(before, ()), *(_LEGAL if after in FINAL else ()))


def _recall(clock: Clock, level: int) -> Due:
    if level == RECALL_STEPS:
        return Due((Wanted(SENDER, "taken_back", UNIT),), expires=True)
    if level == 1:
        return Due((Wanted(clock.turn, "answer_late", UNIT),))
    return Due((Wanted(SENDER, "no_answer", LEAD), Wanted(RECEIVER, "no_answer", COORDINATOR)))
