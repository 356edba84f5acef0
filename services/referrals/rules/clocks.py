"""How the clocks of a referral run: what each step starts, pauses and stops, when something is due, what is overdue.

A clock is no state. It runs while a party's row stands in certain states, pauses in others, and is gone in the rest;
what is overdue is computed from its `due_at` and the moment of asking, so nothing has to happen for it to be true. Each
party has clocks of its own, moved by the steps that it is told of and by nothing else: what a sender may not know can
not show in a clock that stops.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from chassis import working_time
from services.referrals.rules.clock_table import (
    BY_CODE,
    CRISIS,
    DAYS,
    HOURS,
    LEGAL,
    RECALL,
    RECALL_STEPS,
    RECALLED,
    STANDARD,
    TABLE,
    TELEPHONE_STEPS,
    Row,
    Span,
)
from services.referrals.rules.feedback import VISIBLE
from services.referrals.rules.lifecycle import CHILD_CONCERN, RECEIVER, SENDER

_UPDATED = frozenset({"attendance", "attendance_and_completion", "full_report"})
"""Scopes under which the sender is told how it goes on between acceptance and end; only there an update can be due."""

HALF, FOUR_FIFTHS, PASSED = "half", "four_fifths", "passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One running clock of one party's row.

    `steps` are the moments at which the house does something, in order, and `level` is how many of them it has done;
    of the two parties' rows one `acts`. `stopped_at` keeps what was done from starting again.
    """

    code: str
    turn: str
    started_at: dt.datetime
    due_at: dt.datetime
    paused_at: dt.datetime | None = None
    stopped_at: dt.datetime | None = None
    extended: bool = False
    steps: tuple[dt.datetime, ...] = ()
    level: int = 0
    acts: bool = False

    @property
    def act_at(self) -> dt.datetime | None:
        """When the house has to do something next; None when it is others' turn alone."""
        return self.steps[self.level] if self.acts and self.level < len(self.steps) else None

    @property
    def ticks(self) -> bool:
        """Whether time counts at the moment."""
        return self.paused_at is None and self.stopped_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the clocks of a referral depend on besides its steps.

    `scope` is in force, `proposed` is what acceptance will fix; `countries` by side; `amounts` are a service's own
    figures by clock and urgency; `valid_until` is the last day on which the legal basis counts.
    """

    kind: str
    urgency: str
    ordered: bool
    scope: str
    proposed: str
    countries: Mapping[str, str | None]
    has_receiver: bool = True
    not_before: dt.date | None = None
    amounts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    valid_until: dt.date | None = None

    @property
    def expires(self) -> bool:
        """Whether the house may take it back by itself; what is ordered, a crisis or a child's never."""
        return not (self.ordered or self.urgency == CRISIS or self.kind == CHILD_CONCERN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step as one party is told of it: the state that its row shows now, by which transition, on which side of it."""

    transition: str
    state: str
    at: dt.datetime
    view: str
    actor: str
    sender_told: bool = True
    planned_on: dt.date | None = None
    review_on: dt.date | None = None


def after(running: Mapping[str, Clock], step: Step, facts: Facts) -> dict[str, Clock]:
    """The clocks of a party's row after a step, from those before it."""
    step = _in_utc(step)
    found = {row.code: _moved(row, running.get(row.code), step, facts) for row in TABLE if _known(row, step, facts)}
    return {code: clock for code, clock in found.items() if clock is not None}


def stopped(running: Mapping[str, Clock], code: str, at: dt.datetime) -> dict[str, Clock]:
    """The clocks after what one of them waits for was done, such as an attempt to reach him."""
    return {**running, code: replace(running[code], stopped_at=at)} if code in running else dict(running)


def restarted(running: Mapping[str, Clock], code: str, step: Step, facts: Facts) -> dict[str, Clock]:
    """The clocks after one of them began anew, such as by a signed attendance or a confirmed interest."""
    begun = _started(BY_CODE[code], _in_utc(step), facts) if code in running else None
    return dict(running) if begun is None else {**running, code: begun}


def due_after(code: str, start: dt.datetime, facts: Facts, *, turn: str, factor: int = 1) -> dt.datetime | None:
    """When a clock that starts now is due; None where the table has no figure for this urgency."""
    span = _span(code, facts)
    if span is None:
        return None
    country = facts.countries.get(turn)
    span = span.times(factor)
    if span.unit == HOURS:
        return start + dt.timedelta(hours=span.amount)
    if span.from_not_before and facts.not_before is not None:
        start = max(start, working_time.end_of(facts.not_before, country))
    count = working_time.add_days if span.unit == DAYS else working_time.add_working_days
    return count(start, span.amount, country)


def warning(clock: Clock, now: dt.datetime) -> str | None:
    """How far a clock has run: half, four fifths, passed, or nothing yet; a paused one stands where it was paused."""
    now = clock.paused_at or now
    if now > clock.due_at:
        return PASSED
    share = (now - clock.started_at) / max(clock.due_at - clock.started_at, dt.timedelta(seconds=1))
    if share >= 0.8:  # noqa: PLR2004 - referrals.md section 5
        return FOUR_FIFTHS
    return HALF if share >= 0.5 else None  # noqa: PLR2004 - as above


def is_overdue(clock: Clock, now: dt.datetime) -> bool:
    """Whether what the clock waits for should have been done by now."""
    return clock.stopped_at is None and warning(clock, now) == PASSED


def earliest(clocks: Mapping[str, Clock]) -> Clock | None:
    """The clock that a list sorts and filters by: the first that is due, without the recall, which only multiplies."""
    ticking = [clock for code, clock in clocks.items() if code != RECALL and clock.ticks]
    return min(ticking, key=lambda clock: (clock.due_at, clock.code), default=None)


def expires_at(clock: Clock | None) -> dt.datetime | None:
    """From when on the referral counts as taken back; None while it never will."""
    return clock.steps[-1] if clock is not None and len(clock.steps) == RECALL_STEPS else None


def _in_utc(step: Step) -> Step:
    """Moments of one zone are subtracted by what the clock on the wall shows; only in UTC an hour is an hour."""
    return replace(step, at=step.at.astimezone(dt.UTC))


def _known(row: Row, step: Step, facts: Facts) -> bool:
    """Whether this party has this clock: the receiver all; the sender those whose end he will be told of."""
    if row.code == "C6" and facts.scope not in _UPDATED:
        return False
    if step.view == RECEIVER:
        return True
    if row.code == "C8":
        return step.state == "on_hold" and step.actor == SENDER
    if row.code == RECALL and not facts.has_receiver:
        return True  # nobody else is there yet who could see to it
    return row.ends is not None and row.ends <= VISIBLE[facts.proposed]


def _moved(row: Row, clock: Clock | None, step: Step, facts: Facts) -> Clock | None:
    if step.state in row.runs:
        return _running(row, clock, step, facts)
    if step.state in row.pauses and clock is not None:
        return clock if clock.paused_at else replace(clock, paused_at=step.at)
    return None


def _running(row: Row, clock: Clock | None, step: Step, facts: Facts) -> Clock | None:
    if clock is not None and row.code == LEGAL:
        return _legal_again(clock, step, facts)
    if clock is None or _anew(row, step):
        clock = _started(row, step, facts)
    elif clock.paused_at is not None:
        clock = _resumed(clock, step.at, facts.countries.get(clock.turn))
    if clock is None or row.code != "C2" or step.planned_on is None or clock.extended:
        return clock
    planned = working_time.end_of(step.planned_on, facts.countries.get(clock.turn))
    return replace(clock, due_at=max(clock.due_at, planned), extended=True)


def _anew(row: Row, step: Step) -> bool:
    """A status update is due from the last thing that the sender was told; the others begin with each step."""
    return row.fresh and (row.code != "C6" or step.sender_told)


def _started(row: Row, step: Step, facts: Facts) -> Clock | None:
    if row.code == RECALL:
        return _recall(step, facts)
    if row.code == LEGAL:
        return _legal(step, facts)
    turn = step.actor if row.code == "C8" and step.state == "on_hold" and step.actor == SENDER else row.turn
    due = due_after(row.code, step.at, facts, turn=turn)
    if row.code == "C8":
        due = _review(step, due, facts.countries.get(turn))
    if due is None:
        return None
    begun = Clock(code=row.code, turn=turn, started_at=step.at, due_at=due)
    return replace(begun, steps=(due,), acts=step.view == turn) if row.code == "C8" else begun


def _review(step: Step, due: dt.datetime | None, country: str | None) -> dt.datetime | None:
    """A pause is looked at on its own day; interest in a place is asked for at the latest after the table's time."""
    if step.review_on is None:
        return due
    wanted = working_time.end_of(step.review_on, country)
    return wanted if due is None or step.state == "on_hold" else min(due, wanted)


def _recall(step: Step, facts: Facts) -> Clock | None:
    turn = RECEIVER if step.state == "sent" else SENDER
    count = RECALL_STEPS if facts.expires else TELEPHONE_STEPS
    code = RECALLED[step.state]
    times = [due_after(code, step.at, facts, turn=turn, factor=n) for n in range(1, count + 1)]
    steps = tuple(at for at in times if at is not None)
    acts = step.view == RECEIVER or not facts.has_receiver
    return Clock(code=RECALL, turn=turn, started_at=step.at, due_at=steps[-1], steps=steps, acts=acts)


def _legal(step: Step, facts: Facts) -> Clock | None:
    """Half of the time, four fifths, and the end of the last day on which the legal basis counts."""
    if facts.valid_until is None:
        return None
    start, zone = step.at, working_time.zone_of(facts.countries.get(step.view))
    end = dt.datetime.combine(facts.valid_until + dt.timedelta(days=1), dt.time(), tzinfo=zone).astimezone(dt.UTC)
    span = max(end - start, dt.timedelta(0))
    steps = (start + span / 2, start + span * 0.8, end)
    return Clock(code=LEGAL, turn=step.view, started_at=start, due_at=end, steps=steps, acts=True)


def _legal_again(clock: Clock, step: Step, facts: Facts) -> Clock | None:
    """The same clock while the basis counts as long as before, another one where that was changed."""
    again = _legal(step, facts)
    return clock if again is not None and again.due_at == clock.due_at else again


def _resumed(clock: Clock, at: dt.datetime, country: str | None) -> Clock:
    """Go on: due later by as long as it paused, and on the end of a working day again where it was on one."""
    assert clock.paused_at is not None
    due = clock.due_at + (at - clock.paused_at)
    on_the_hour = working_time.end_not_before(clock.due_at, country) == clock.due_at
    if on_the_hour and clock.due_at > clock.paused_at:
        due = working_time.end_not_before(due, country)
    return replace(clock, due_at=due, paused_at=None)


def _span(code: str, facts: Facts) -> Span | None:
    spans = BY_CODE[code].spans
    span = spans[facts.urgency]
    if span is not None and span.from_not_before and facts.not_before is None:
        return spans[STANDARD]  # planned, but nobody said from when: as any other
    amount = facts.amounts.get((code, facts.urgency))
    return span if span is None or amount is None else replace(span, amount=amount)
