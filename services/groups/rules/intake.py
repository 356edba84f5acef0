"""The conversation before a seat is a man's: what is recorded, and what must be there before a decision.

Source: groups.md top and section 3. Everything is a code or a day; the reasons stay with the intake worker.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from chassis.errors import Conflict, FieldError, Invalid
from chassis.working_time import add_days
from services.groups.rules.queue import MANDATED

KINDS = ("booked", "held", "attempt", "individual_meeting")
"""What may be written down before the decision: a date agreed, a conversation held, a try that reached nobody."""
OUTCOMES = (
    "acute_crisis",
    "substance_first",
    "language",
    "safety_conflict",
    "in_probation_programme",
    "better_service",
)
"""Why this group is not for him now; seen by the intake worker and the coordinator alone."""
NEXT_STEPS = ("own_group", "referral", "information")
POINTS_TO = {"own_group": "group_id", "referral": "referral_id"}
"""Which id a next step must name."""
REMOVAL_REASONS = ("absence_rule", "safety", "conduct", "duplicate")
ATTEMPTS = 2
DAYS, MANDATED_DAYS = 21, 10
ALONE = dt.timedelta(hours=24)
"""After so long a proposal may be decided by who made it, where nobody else is there; it is marked as such."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A consent that a programme asks for, by its code and the version of its text."""

    code: str
    version: str


def until(now: dt.datetime, *, track: int, country: str | None) -> dt.datetime:
    """By when the conversation is to be held: 18:00 of a working day of the group's country."""
    return add_days(now, MANDATED_DAYS if track == MANDATED else DAYS, country)


def check_suitable(*, asked: Iterable[Asked], given: Iterable[Asked], meetings: int, needed: int) -> None:
    """Raise Conflict naming everything that is missing before the seat is confirmed."""
    lacking = sorted(f"the consent {each.code} ({each.version})" for each in set(asked) - set(given))
    if meetings < needed:
        lacking.append(f"{needed} individual meetings ({meetings} recorded)")
    if lacking:
        raise Conflict("signup.not_ready", f"Before he is confirmed there must be: {', '.join(lacking)}.", allowed=())


def check_next_step(next_step: str, ids: dict[str, object]) -> None:
    """Raise Invalid when a next step does not name what it leads to, or names something else."""
    wanted = POINTS_TO.get(next_step)
    for name in POINTS_TO.values():
        if (ids[name] is not None) != (name == wanted):
            detail = f"{name} is named with the next step that leads to it, and only then."
            raise Invalid("intake.next_step", detail, fields=(FieldError(f"/{name}", "required", detail),))


def check_removal(proposals: Iterable[tuple[str, dt.datetime]], *, by: str, now: dt.datetime) -> bool:
    """Raise Conflict until somebody else proposed it, or the same person a day ago. Returns whether it was alone."""
    found = list(proposals)
    if any(subject != by for subject, _ in found):
        return False
    if any(at + ALONE <= now for _, at in found):
        return True
    message = "Somebody else must propose it first; whoever works alone may decide a day after the own proposal."
    raise Conflict("signup.not_proposed", message, allowed=("propose_removal",))
