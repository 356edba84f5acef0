"""Who came: codes, the two shares, the absence rule, and what completing rests on (groups.md sections 3, 6, 7)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chassis.errors import Conflict, FieldError, Invalid
from services.groups.rules.sessions import CLOSES, EVER, OPENS

CODES = ("present", "late", "left_early", "excused", "absent", "not_recorded")
ATTENDED = frozenset({"present", "late", "left_early"})
COMMITTED = ATTENDED | {"excused"}
CORRECTION_REASONS = ("wrong_person", "wrong_code", "late_information", "own_statement")
MIN_SHARE = 75
IN_A_ROW, IN_ALL = 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is on record of one man at one meeting; `no` is the meeting's, `catches_up` the one that it makes up for."""

    no: int
    code: str
    topic_key: str | None = None
    catches_up: int | None = None
    minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A programme's rule: percent of meetings attended, topics that must not be missed, absences that are too many."""

    min_share: int = MIN_SHARE
    core: tuple[str, ...] = ()
    in_a_row: int = IN_A_ROW
    in_all: int = IN_ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """A man's figures: meetings that count for him, and of those attended, excused, absent; shares in percent."""

    held: int
    attended: int
    excused: int
    absent: int
    minutes: int
    core_missing: tuple[str, ...]
    rule_met: bool
    too_often_absent: bool

    @property
    def attended_share(self) -> int:
        """Percent of the meetings that he attended, rounded down: 7 of 10 is 70."""
        return 100 * self.attended // self.held if self.held else 0

    @property
    def commitment_share(self) -> int:
        """Percent that he attended or was excused from."""
        return 100 * (self.attended + self.excused) // self.held if self.held else 0


def tally(seen: Iterable[Seen], rule: Rule, *, core_held: Iterable[str] = ()) -> Tally:
    """A man's figures from all that is on record of him.

    A meeting without a record does not count. An attended catching-up meeting stands for the missed one and counts with
    it once; one that he missed changes nothing. `core_held` are the core topics of which a meeting was held.
    """
    merged = _with_catching_up(list(seen))
    recorded = [each for each in merged if each.code != "not_recorded"]
    attended = [each for each in recorded if each.code in ATTENDED]
    missing = tuple(sorted(set(rule.core) & set(core_held) - {each.topic_key for each in attended}))
    counts = {code: sum(each.code == code for each in recorded) for code in ("excused", "absent")}
    share = 100 * len(attended) // len(recorded) if recorded else 0
    return Tally(
        held=len(recorded),
        attended=len(attended),
        minutes=sum(each.minutes or 0 for each in attended),
        core_missing=missing,
        rule_met=bool(recorded) and share >= rule.min_share and not missing,
        too_often_absent=_too_often(recorded, rule),
        **counts,
    )


def newly_absent(before: Tally, after: Tally) -> bool:
    """Whether the absence rule was crossed just now; it is told once."""
    return after.too_often_absent and not before.too_often_absent


def check_open(*, state: str, starts_at: dt.datetime, now: dt.datetime) -> None:
    """Raise Conflict where attendance cannot be entered: cancelled, or more than half an hour before the start."""
    if state == "cancelled":
        raise Conflict("session.not_possible", "The session does not take place.", allowed=())
    if now < starts_at - OPENS:
        when = (starts_at - OPENS).isoformat(timespec="minutes")
        raise Conflict("attendance.too_early", f"Attendance can be entered from {when} on.", allowed=())


def check_correction(state: str, reason: str | None) -> None:
    """Raise Invalid when a closed meeting is changed without a reason, or an open one with one."""
    if (state == "closed") == (reason is not None):
        return
    detail = "The session is closed: say why it is corrected." if reason is None else "A reason is for closed sessions."
    raise Invalid("attendance.reason", detail, fields=(FieldError("/reason", "required", detail),))


def check_apology(*, state: str, starts_at: dt.datetime, now: dt.datetime) -> None:
    """Raise Conflict when an apology comes too late: it is given before the meeting."""
    if state not in {"planned", "moved"} or now >= starts_at:
        raise Conflict("attendance.too_late", "An apology is given before the meeting begins.", allowed=())


def due_to_close(*, state: str, ends_at: dt.datetime, now: dt.datetime) -> bool:
    """Whether a meeting closes by itself: 48 hours after its end."""
    return state not in {"cancelled", "closed"} and ends_at + CLOSES <= now


def check_over(*, state: str, ends_at: dt.datetime, now: dt.datetime) -> None:
    """Raise Conflict when a meeting is closed that is not over, or a second time."""
    if state in {"cancelled", "closed"}:
        raise Conflict("session.not_possible", f"The session is {state}.", allowed=())
    if now < ends_at and state not in EVER:
        raise Conflict("session.not_over", "A session is closed when it is over or attendance was entered.", allowed=())


def _with_catching_up(seen: list[Seen]) -> list[Seen]:
    made_up = {each.catches_up: each for each in seen if each.catches_up and each.code in ATTENDED}
    return [
        made_up.get(each.no, each) if each.code not in ATTENDED else each for each in seen if each.catches_up is None
    ]


def _too_often(recorded: Sequence[Seen], rule: Rule) -> bool:
    row = longest = 0
    for each in recorded:
        row = row + 1 if each.code == "absent" else 0
        longest = max(longest, row)
    return longest >= rule.in_a_row or sum(each.code == "absent" for each in recorded) >= rule.in_all
