"""What to do where a life may be in danger and nobody says that the receiver answers round the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.referrals.rules.clock_table import CRISIS

EMERGENCY = "112"
LINES = {
    "LT": "116 123",
    "LV": "116 123",
    "EE": "116 006",
    "FI": "09 2525 0111",
    "SE": "90101",
    "NO": "116 123",
    "DK": "70 201 201",
    "IS": "1717",
}
"""A crisis line of each country that anybody can ring; their hours are their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something the sender has to know at once: a code and a sentence."""

    code: str
    text: str


def warnings(urgency: str, covered: Sequence[str], country: str | None) -> tuple[Warned, ...]:
    """What the sender of a referral is told at submit; `covered` are the urgencies that the receiver says it takes."""
    if urgency != CRISIS or CRISIS in covered:
        return ()
    line = LINES.get(country or "")
    ring = f"In danger call {EMERGENCY}" + (f"; a crisis line answers at {line}." if line else ".")
    text = f"The receiver does not say that it takes a crisis round the clock. {ring} Ring the receiver as well."
    return (Warned(code="crisis.no_round_the_clock", text=text),)
