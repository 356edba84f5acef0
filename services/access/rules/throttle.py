"""How long one must wait after failures: longer each time, and never for good, so that nobody can lock another out."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

FORGET_SECONDS = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`free` failures cost nothing; then the wait doubles from one second up to `most`."""

    free: int
    most: int


PAIR = Pace(free=5, most=60)
"""One client asked for from one network address."""

ADDRESS = Pace(free=50, most=10)
"""Whatever is asked for from one address; a whole institution may stand behind it, so it is kept short."""


def wait_after(failures: int, seconds_since: float, pace: Pace) -> float:
    """Seconds that are still to be waited."""
    if failures < pace.free or seconds_since > FORGET_SECONDS:
        return 0.0
    return max(0.0, min(2.0 ** min(failures - pace.free, 30), pace.most) - seconds_since)


def longest(waits: Iterable[float]) -> int:
    """The longest wait as whole seconds, 0 for none."""
    return math.ceil(max(waits, default=0.0))
