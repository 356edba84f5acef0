"""Places of limited number: for requests in work, and for those who wait for events and hold nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Protocol

import eventlet

from chassis.errors import Unavailable

MOST_WAITING = 200
MOST_WAITING_EACH = 40
BUSY = ("workers.busy", "Too much is running here; try again shortly.", 1)
CROWDED = ("waiting.full", "Too many clients wait here for events; come back in a moment, or ask without waiting.", 5)
GREEDY = (
    "waiting.own_full",
    "Your organisation has as many clients waiting here as one may have; let one wait for all, or ask without waiting.",
    5,
)
"""What a client is told when there is no place, and after how many seconds it may come again."""

MOST_LARGE = 8
MOST_LARGE_EACH = 2
LARGE_FULL = ("body.crowded", "Too many large bodies are being read here; try again shortly.", 2)
LARGE_GREEDY = (
    "body.own_crowded",
    "Your organisation sends as many large bodies at once as one may; send them one after the other.",
    2,
)
LARGE = 1 << 20
"""From which size on a body needs a place of its own: it is held in memory while it is worked on."""


class Slots:
    """A bounded number of places with a bounded queue before them: full is answered at once, not after a timeout."""

    def __init__(self, size: int, queue: int, *, full: tuple[str, str, int] = BUSY) -> None:
        """Let `size` run and `queue` wait."""
        self.size = size
        self._free = eventlet.semaphore.Semaphore(size)
        self._queue = queue
        self._full = full
        self._waiting = 0

    def take(self, seconds: float, *, patient: bool = False) -> bool:
        """Take a place; False when none came free in time. Raises Unavailable when the queue is full too.

        Who is `patient` is counted elsewhere, so it may queue all the same and pushes nobody out of the queue: one
        event wakes all who wait for it, and they come back at once.
        """
        if self._free.acquire(blocking=False):
            return True
        if self._waiting >= self._queue and not patient:
            code, detail, seconds = self._full
            raise Unavailable(code, detail, retry_after=seconds)
        counts = not patient
        self._waiting += counts
        try:
            return bool(seconds > 0 and self._free.acquire(timeout=seconds))
        finally:
            self._waiting -= counts

    def give(self) -> None:
        """Give a place back."""
        self._free.release()

    def taken(self) -> int:
        """How many places are in use."""
        return self.size - int(self._free.balance)


class Shares:
    """Places among several owners, of whom each may have a part only: one can not shut out all others."""

    def __init__(self, places: Slots, most_each: int, *, greedy: tuple[str, str, int] = GREEDY) -> None:
        """Give these places, and at most so many of them to one owner."""
        self._places = places
        self._most = most_each
        self._greedy = greedy
        self._held: Counter[Hashable] = Counter()

    def take(self, owner: Hashable) -> Share:
        """Take a place at once. Raises Unavailable when the owner has its part already, or when none is free."""
        if self._held[owner] >= self._most:
            code, detail, seconds = self._greedy
            raise Unavailable(code, detail, retry_after=seconds)
        self._places.take(0)
        self._held[owner] += 1
        return Share(self, owner)

    def give(self, owner: Hashable) -> None:
        """Give a place of this owner back."""
        self._places.give()
        self._held[owner] -= 1
        if not self._held[owner]:
            del self._held[owner]


class Bodies:
    """Places for large bodies, so that what they take of the memory has a bound: ten megabytes for each place."""

    def __init__(self) -> None:
        """Nobody sends one yet."""
        self._shares = Shares(Slots(MOST_LARGE, 0, full=LARGE_FULL), MOST_LARGE_EACH, greedy=LARGE_GREEDY)

    def take(self, owner: Hashable, headers: Mapping[str, str], limit: int) -> Share | None:
        """A place for the body that follows these headers; None for one that needs none.

        `limit` is what the route reads at most: a longer body is refused unread, without a place. Raises Unavailable.
        """
        length = int(headers.get("content-length", limit if "transfer-encoding" in headers else 0))
        return self.hold(owner) if LARGE < length <= limit else None

    def hold(self, owner: Hashable) -> Share:
        """A place for a large answer. Raises Unavailable."""
        return self._shares.take(owner)


class Share:
    """One place of one owner."""

    def __init__(self, shares: Shares, owner: Hashable) -> None:
        """Know whose it is."""
        self._shares = shares
        self._owner = owner

    def give(self) -> None:
        """Give it back."""
        self._shares.give(self._owner)


class Place(Protocol):
    """What can be given back."""

    def give(self) -> None: ...  # noqa: D102


class Held:
    """The body of a stream together with the place that it takes."""

    def __init__(self, body: Any, places: Place) -> None:
        """Own the place from now on."""
        self._body = body
        self._places: Place | None = places

    def __iter__(self) -> Iterator[bytes]:
        """The body's own pieces."""
        return iter(self._body)

    def close(self) -> None:
        """Give back the place, once, and whatever the body holds."""
        places, self._places = self._places, None
        if places is None:
            return
        places.give()
        if hasattr(self._body, "close"):
            self._body.close()
