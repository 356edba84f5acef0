"""The table of clocks: what each waits for, whose turn it is, how long by urgency (referrals.md section 5).

Days end at 18:00 of a working day (chassis/working_time.py); hours run round the clock. docs/clocks.md shows the same
table, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from services.referrals.rules.lifecycle import FINAL, RECEIVER, SENDER, STATES

HOURS = "hours"
WORKING_DAYS = "working_days"
DAYS = "days"

CRISIS, URGENT, STANDARD, PLANNED = "crisis", "urgent", "standard", "planned"
RECALL = "C7"
LEGAL = "C9"


@dataclass(frozen=True, slots=True)
class Span:
    """How long: hours, working days or calendar days; some count from the day before which he can not come."""

    amount: int
    unit: str
    from_not_before: bool = False

    def times(self, factor: int) -> Span:
        """The same so many times over."""
        return replace(self, amount=self.amount * factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One clock of the table.

    `turn` is whose turn it is; `ends` are the states by which it normally stops: the sender has the clock when his
    scope shows them, and never where it is None. `fresh` starts it anew at each step that its party is told of.
    """

    code: str
    name: str
    turn: str
    runs: frozenset[str]
    spans: Mapping[str, Span | None]
    pauses: frozenset[str] = frozenset()
    ends: frozenset[str] | None = None
    fresh: bool = False


def _spans(*by_urgency: Span | None) -> Mapping[str, Span | None]:
    return MappingProxyType(dict(zip((CRISIS, URGENT, STANDARD, PLANNED), by_urgency, strict=True)))


def _hours(amount: int) -> Span:
    return Span(amount, HOURS)


def _working(amount: int, *, from_not_before: bool = False) -> Span:
    return Span(amount, WORKING_DAYS, from_not_before=from_not_before)


def _days(amount: int) -> Span:
    return Span(amount, DAYS)


_OPEN = frozenset(STATES) - FINAL - {"draft"}
_IN_CARE = frozenset({"accepted", "waitlisted", "in_progress", "on_hold", "assessing"})
TABLE: tuple[Row, ...] = (
    Row(code="C1", name="acknowledge", turn=RECEIVER, runs=frozenset({"sent"}), ends=frozenset({"received"}),
        spans=_spans(_hours(2), _working(1), _working(2), _working(5))),
    Row(code="C2", name="decide", turn=RECEIVER, runs=frozenset({"received", "assessing"}),
        pauses=frozenset({"info_requested", "on_hold"}),
        ends=frozenset({"accepted", "declined", "forwarded", "waitlisted"}),
        spans=_spans(_hours(4), _working(2), _working(5), _working(10))),
    Row(code="C3", name="first contact attempt", turn=RECEIVER, runs=frozenset({"accepted"}),
        pauses=frozenset({"on_hold", "assessing"}),
        spans=_spans(_hours(4), _working(1), _working(5), _working(0, from_not_before=True))),
    Row(code="C4", name="start", turn=RECEIVER, runs=frozenset({"accepted"}),
        pauses=frozenset({"on_hold", "assessing"}),
        ends=frozenset({"waitlisted", "in_progress"}),
        spans=_spans(_working(2), _working(10), _days(30), _working(10, from_not_before=True))),
    Row(code="C5", name="sender's answer", turn=SENDER, runs=frozenset({"info_requested"}),
        ends=frozenset({"info_requested"}),
        spans=_spans(_hours(4), _working(1), _working(5), _working(10))),
    Row(code="C6", name="status update", turn=RECEIVER, runs=_IN_CARE, ends=frozenset({"waitlisted"}), fresh=True,
        spans=_spans(_hours(24), _days(14), _days(30), _days(30))),
    Row(code=RECALL, name="auto-recall", turn=RECEIVER, runs=frozenset({"sent", "info_requested"}),
        ends=frozenset({"expired"}), fresh=True, spans=_spans(None, None, None, None)),
    Row(code="C8", name="review", turn=RECEIVER, runs=frozenset({"waitlisted", "on_hold"}), fresh=True,
        spans=_spans(None, _days(14), _days(28), _days(28))),
    Row(code=LEGAL, name="legal deadline", turn=RECEIVER, runs=_OPEN, ends=frozenset(),
        spans=_spans(None, None, None, None)),
)  # fmt: skip
BY_CODE = {row.code: row for row in TABLE}
CODES = tuple(BY_CODE)

RECALL_STEPS = 3
TELEPHONE_STEPS = 2
RECALLED = {"sent": "C1", "info_requested": "C5"}
"""Which clock's length counts once, twice, three times until the recall, by the state that waits."""
