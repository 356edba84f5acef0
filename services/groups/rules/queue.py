"""The queue: who is next, who is seated at once, how long an offer stands (groups.md section 4)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from chassis.errors import Conflict, FieldError, Invalid
from chassis.working_time import add_working_days, end_not_before

MANDATED, VOLUNTARY = 0, 1
OFFER = dt.timedelta(hours=72)
OFFER_CODE_ONLY = dt.timedelta(hours=144)  # a man without phone or mail must look in by code (rule 12)
OFFER_MANDATED = 5  # working days
BY_TELEPHONE = dt.timedelta(days=5)  # so shortly before the start nobody waits for a letter
OFFER_BY_TELEPHONE = BEFORE_START = dt.timedelta(hours=24)
PASS_REASONS = ("not_reachable", "own_wish", "safety", "language", "not_eligible")
"""Why a coordinator passes over the head of the queue (rule 5)."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What the end of an offer depends on besides the clock; `starts_at` is the first session, if it is still ahead."""

    code_only: bool
    track: int
    country: str | None
    tz: str | None
    starts_at: dt.datetime | None


def offer_until(now: dt.datetime, offered: Offered) -> dt.datetime:
    """When an offer made now ends (rule 6): 18:00 of a working day in the group's zone, a day before the start.

    Within the last five days before the start it stands for 24 hours and is made by telephone.
    """
    start = offered.starts_at
    if start is not None and now < start <= now + BY_TELEPHONE:
        return min(now + OFFER_BY_TELEPHONE, start)
    if offered.track == MANDATED:
        ends = add_working_days(now, OFFER_MANDATED, offered.country)
    else:
        zone = ZoneInfo(offered.tz) if offered.tz else None
        ends = end_not_before(now + (OFFER_CODE_ONLY if offered.code_only else OFFER), offered.country, zone=zone)
    return ends if start is None or start <= now else min(ends, start - BEFORE_START)


def check_call(*, is_head: bool, reason: str | None) -> None:
    """Raise Invalid when somebody is called before the head of the queue without a reason, or with one for nothing."""
    if is_head == (reason is None):
        return
    detail = "He is the first of the queue; no reason is needed." if is_head else "Others wait before him: say why."
    raise Invalid("queue.reason", detail, fields=(FieldError("/reason", "required", detail),))


def mandated_seats(*, capacity: int, share: int, mandated: str) -> int:
    """How many seats men who were sent may hold (rule 4); `share` in percent."""
    if mandated == "only":
        return capacity
    return 0 if mandated == "no" else capacity * share // 100


def admits(state: str, admission: str) -> bool:
    """Whether free seats are offered: always before the start, and after it where the group goes on admitting."""
    return state == "open" or (state == "running" and admission != "closed")


def check_in_time(*, signing_up: bool) -> None:
    """Raise Conflict after the last day on which men sign themselves up; a worker may still do it for somebody."""
    if not signing_up:
        raise Conflict("group.not_accepting", "The time for signing up is over; ask the organisation.")


def admit(*, state: str, admission: str, waiting: int, waitlist_limit: int | None, at_once: bool) -> None:
    """Raise Conflict when the group takes nobody now, not even into its queue."""
    if not admits(state, admission):
        raise Conflict("group.not_accepting", "This group takes no sign-ups now.")
    if not at_once and waitlist_limit is not None and waiting >= waitlist_limit:
        raise Conflict("group.queue_full", "All seats are taken and the waiting list is full.")
