"""A service's own figures for its clocks: which may be set, and between which limits."""

from __future__ import annotations

import datetime as dt

from chassis.errors import FieldError, Invalid
from services.referrals.rules.clock_table import CRISIS, TABLE, URGENT, Span

LONGEST = 2
"""A service may take so many times the house's figure, where it may take longer at all."""
FARTHEST_AHEAD = dt.timedelta(days=366)

_FIXED = frozenset({("C1", URGENT)})
"""At the latest on the next working day: that figure has a source in law, so nobody makes it longer."""


def settable() -> dict[tuple[str, str], Span]:
    """The figures that a service may set, by clock and urgency."""
    return {
        (row.code, urgency): span
        for row in TABLE
        if row.turn != "sender"
        for urgency, span in row.spans.items()
        if span is not None and span.amount > 0
    }


def limits(code: str, urgency: str) -> tuple[int, int]:
    """The least and the most of a figure: a crisis and what a law names only shorter, the rest up to twice as long."""
    amount = settable()[code, urgency].amount
    return 1, amount if urgency == CRISIS or (code, urgency) in _FIXED else amount * LONGEST


def check(code: str, urgency: str, amount: int, *, effective_on: dt.date, today: dt.date) -> None:
    """Raises Invalid for a figure that can not be set, lies beyond its limits, or is to count from a day gone by."""
    if (code, urgency) not in settable():
        raise _wrong("/clock", "clock.not_settable", f"{code} has no figure of its own for {urgency}.")
    least, most = limits(code, urgency)
    if not least <= amount <= most:
        unit = settable()[code, urgency].unit
        raise _wrong(
            "/amount", "clock.beyond_limits", f"From {least} to {most} {unit.replace('_', ' ')}, not {amount}."
        )
    if not today <= effective_on <= today + FARTHEST_AHEAD:
        message = "It counts from today or from a day within a year; clocks that run already keep their figure."
        raise _wrong("/effective_on", "clock.wrong_day", message)


def _wrong(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(code, detail, fields=(FieldError(pointer, code, detail),))
