"""Lets a client wait for events: a long poll, or a stream without an end. Waiting holds no worker and no connection."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chassis.bell import Bell
from chassis.db import Database
from chassis.errors import Refused
from services.subscriptions import rules, views

AT_ONCE = 200
AGENT = "subscriptions.feed"


@dataclass(slots=True, kw_only=True)
class Follower:
    """One client behind a position of a stream; it reads on under row security, as its organisation."""

    db: Database
    bell: Bell
    stream: str
    org: uuid.UUID
    position: int
    types: Sequence[str] = ()

    def comes(self, seconds: float) -> bool:
        """Wait until there is something behind the position; False when nothing came in that time."""
        return self.bell.wait(self.stream, beyond=self.position, seconds=seconds)

    def read(self) -> list[views.Stored]:
        """Go on by one page and return what is wanted of it. All who stand at the same position share one question.

        Raises JournalCut when events were swept away before this one came to them, and Unavailable.
        """
        before = self.position
        rows = self.take(self.bell.once.ask((self.stream, before), self._page))
        if self.position == before:
            self.bell.pause()
        return rows

    def take(self, page: views.Page) -> list[views.Stored]:
        """Go on to the end of a page and return what is wanted of it. Raises JournalCut."""
        rules.check_reach(self.position, page.oldest)
        self.position = page.rows[-1].position if page.rows else max(self.position, page.last)
        return [row for row in page.rows if not self.types or row.type in self.types]

    def _page(self) -> views.Page:
        with self.db.background(AGENT, org=self.org) as work:
            return views.page(work, self.stream, after=self.position, limit=AT_ONCE)


def first_of(follower: Follower, seconds: float) -> list[views.Stored]:
    """What comes first within that time; nothing when nothing came.

    Something may come again and again of which nothing is wanted, or nothing can be read: the time ends it too.
    """
    end = time.monotonic() + seconds
    while (left := _left(end)) > 0 and follower.comes(left):
        rows = follower.read()
        if rows:
            return rows
    return []


@dataclass(frozen=True, slots=True)
class Step:
    """What a stream says next: events, and how far it has come when that is further than they are."""

    rows: Sequence[views.Stored]
    reached: int | None


def steps(follower: Follower, rows: list[views.Stored], *, after: int, end: float) -> Iterator[Step]:
    """All that comes until `end`, beginning with `rows`; at least one step, empty when nothing came, in each beat.

    Types that are not wanted are passed over, and the client is told how far, with each sign of life and after a
    long way: else a reconnect would read all of it again. What cannot be read ends it; the client then comes back.
    `end` is a moment of time.monotonic().
    """
    told = after
    while True:
        yield Step(rows, _beyond(follower.position, rows[-1].position if rows else told))
        told, beat = follower.position, time.monotonic() + follower.bell.beat
        rows = []
        while not rows and _left(beat) > 0 and follower.position - told < AT_ONCE:
            if _left(end) <= 0:
                return
            if follower.comes(min(_left(beat), _left(end))):
                try:
                    rows = follower.read()
                except Refused:
                    return


def lasts(db: Database, names: Sequence[str]) -> dict[str, int]:
    """The last position of each of these streams, for the bell."""
    with db.view() as work:
        return views.lasts(work, names)


def _beyond(reached: int, known: int) -> int | None:
    return reached if reached > known else None


def _left(end: float) -> float:
    return end - time.monotonic()
