"""The queue: who is next, who is seated at once, how long an offer stands (groups.md section 4)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from chassis.errors import Conflict

MANDATED, VOLUNTARY = 0, 1
OFFER = dt.timedelta(hours=72)
OFFER_CODE_ONLY = dt.timedelta(hours=144)  # a man without phone or mail must look in by code (rule 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in the queue; time and number are taken under the group lock, so commit order is queue order."""

    track: int
    waiting_since: dt.datetime
    queue_seq: int

    @property
    def key(self) -> tuple[int, dt.datetime, int]:
        """What the queue is ordered by, and by nothing else (rule 3)."""
        return (self.track, self.waiting_since, self.queue_seq)


def next_place(*, last_seq: int, last_at: dt.datetime, now: dt.datetime, track: int = VOLUNTARY) -> Place:
    """The place of a newcomer; a clock that goes back never puts him before somebody."""
    return Place(track=track, waiting_since=max(now, last_at), queue_seq=last_seq + 1)


def seated_at_once(*, capacity: int, held: int, waiting: int) -> bool:
    """Whether a newcomer gets a seat now: only when one is free and nobody waits before him (rule 2)."""
    return waiting == 0 and held < capacity


def to_offer(*, capacity: int, held: int, waiting: int) -> int:
    """How many of the waiting are to be offered a seat now."""
    return max(0, min(capacity - held, waiting))


def offer_until(now: dt.datetime, *, code_only: bool) -> dt.datetime:
    """When an offer made now ends."""
    return now + (OFFER_CODE_ONLY if code_only else OFFER)


def admit(*, state: str, waiting: int, waitlist_limit: int | None, at_once: bool) -> None:
    """Raise Conflict when the group takes nobody now, not even into its queue."""
    if state != "open":
        raise Conflict("group.not_accepting", "This group takes no sign-ups now.")
    if not at_once and waitlist_limit is not None and waiting >= waitlist_limit:
        raise Conflict("group.queue_full", "All seats are taken and the waiting list is full.")
