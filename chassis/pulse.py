"""The pulse of a loop that must never stop: when it last went round, so that a silent stop is seen from outside."""

from __future__ import annotations

import time

STILL_SECONDS = 45.0
"""Longer than one event may take in all its tries; a loop that has not gone round for so long has stopped."""


class Pulse:
    """When a loop last went round; reading it needs no lock."""

    def __init__(self) -> None:
        """It has just gone round."""
        self._last = time.monotonic()

    def beat(self) -> None:
        """Say that the loop goes round."""
        self._last = time.monotonic()

    @property
    def still_seconds(self) -> float:
        """Seconds since the last round."""
        return time.monotonic() - self._last

    @property
    def is_still(self) -> bool:
        """Whether the loop has stopped, as far as one can see."""
        return self.still_seconds > STILL_SECONDS
