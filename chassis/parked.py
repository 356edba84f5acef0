"""What operators do with parked events: look (redacted), replay, drop; each act is audited (bus.md section 4).

One operator at a time: who looks holds the messages for that moment, and a second one would see an empty queue. What is
held goes back to its place when the connection ends, also by kill -9. That a replay was asked for is committed before
the event is sent, and nothing leaves the queue before its act is stored: an interrupted replay stands in the audit and
is at worst done twice, which the inbox absorbs.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from chassis import inbox
from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import NotFound
from chassis.link import DEADLINE
from chassis.reasons import Explanation, explained
from chassis.settings import Settings
from chassis.shelf import Held, Parked, Shelf, opened

if TYPE_CHECKING:
    from chassis.db import Work

OPERATOR = "operator"
REPLAY = "operator.replay"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an operator sits: a service, and the transactions in which an act of this operator is stored.

    `begin` is that of the whole request, `ask` one of its own for what has to be stored before the request is over.
    """

    settings: Settings
    service: str
    begin: Callable[[], AbstractContextManager[Work]]
    ask: Callable[[], AbstractContextManager[Work]]
    deadline: float = DEADLINE


@dataclass(frozen=True, slots=True)
class Detail:
    """One parked event with what an operator needs to decide; `waiting` counts what waits behind it."""

    parked: Parked
    waiting: int
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many went to the service again, and how many were left: time was over, or there are more than are read."""

    done: int
    left: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """How many messages were taken away, and whether their stream goes on; None when no event could be read.

    A stream does not go on when it waits for another one: an earlier event of the object is parked or missing too.
    """

    done: int
    goes_on: bool | None


def look(desk: Desk) -> list[Parked]:
    """All parked events of a service, oldest first; they stay where they are. Raises LinkLost and Unavailable."""
    with desk.begin() as work:
        with opened(desk.settings, desk.service, desk.deadline) as shelf:
            found = [held.shown for held in shelf.messages()]
        work.record(Entry(operation="parked.list", object_type="queue", object_id=None, purpose="operation"))
    return found


def look_at(desk: Desk, event_id: UUID) -> Detail:
    """One parked event and what waits behind it. Raises NotFound, LinkLost and Unavailable."""
    with desk.begin() as work:
        with opened(desk.settings, desk.service, desk.deadline) as shelf:
            held = shelf.named(event_id)[0]
        work.record(Entry(operation="parked.show", object_type="event", object_id=event_id, purpose="operation"))
        return Detail(held.shown, _waiting(work, held), explained(held.shown.reason))


def replay_one(desk: Desk, event_id: UUID) -> int:
    """Send one parked event to the service again with a fresh ladder. Raises NotFound, LinkLost and Unavailable."""

    def again(_work: Work, shelf: Shelf, held: Held) -> None:
        _ask(desk, event_id)
        shelf.replay(held)

    return _one(desk, event_id, ("parked.replay", REPLAY), again)


def drop_one(desk: Desk, event_id: UUID, *, reason: str) -> Dropped:
    """Take a parked event away for good and let what waits behind it go on; `reason` is a code for the audit.

    Raises NotFound, LinkLost and Unavailable.
    """
    moved: list[bool] = []

    def skip(work: Work, _shelf: Shelf, held: Held) -> None:
        if held.event is not None:
            moved.append(inbox.skip(work, held.event))

    done = _one(desk, event_id, ("parked.drop", reason), skip)
    return Dropped(done, any(moved) if moved else None)


def replay_many(
    desk: Desk,
    *,
    since: dt.datetime | None = None,
    until: float | None = None,
    told: Callable[[int, int], None] = lambda _done, _of: None,
) -> Replayed:
    """Send what is parked now, or was parked since a moment, to the service again, oldest first.

    What is parked again meanwhile stays. No new one is begun after `until` (time.monotonic()), none is read beyond
    the most that a shelf reads; `told` hears of the progress. Raises LinkLost and Unavailable; what was done stays.
    """
    done = left = 0
    with opened(desk.settings, desk.service, desk.deadline) as shelf:
        for held in shelf.messages():
            if since is not None and (held.shown.parked_at is None or held.shown.parked_at < since):
                continue
            if until is not None and time.monotonic() >= until:
                left += 1
                continue
            _ask(desk, held.shown.id)
            shelf.replay(held)
            shelf.settle(held)
            done += 1
            told(done, shelf.count)
        return Replayed(done, left + shelf.beyond)


def listed(settings: Settings, service: str) -> list[Parked]:
    """All parked events of a service, for a command. Raises LinkLost and Unavailable."""
    with at(settings, service) as desk:
        return look(desk)


def shown(settings: Settings, service: str, event_id: str) -> Detail:
    """One parked event, for a command. Raises NotFound, LinkLost and Unavailable."""
    with at(settings, service) as desk:
        return look_at(desk, _id(event_id))


def replay(
    settings: Settings,
    service: str,
    event_id: str | None = None,
    *,
    since: dt.datetime | None = None,
    told: Callable[[int, int], None] = lambda _done, _of: None,
) -> Replayed:
    """Replay one event, or all parked now, or those parked since a moment, for a command.

    Raises NotFound when the named one is not parked, LinkLost and Unavailable.
    """
    with at(settings, service) as desk:
        if event_id is not None:
            return Replayed(replay_one(desk, _id(event_id)), 0)
        return replay_many(desk, since=since, told=told)


def drop(settings: Settings, service: str, event_id: str, *, reason: str) -> Dropped:
    """Drop one event, for a command. Raises NotFound, LinkLost and Unavailable."""
    with at(settings, service) as desk:
        return drop_one(desk, _id(event_id), reason=reason)


def at(settings: Settings, service: str) -> _Command:
    """The desk of whoever sits at the machine: acts are stored under `operator`."""
    return _Command(settings, service)


class _Command(AbstractContextManager[Desk]):
    """A desk with a database of its own for the time of one command."""

    def __init__(self, settings: Settings, service: str) -> None:
        self._database = Database(settings, service)
        begin = partial(self._database.background, OPERATOR)
        self._desk = Desk(settings, service, begin, begin)

    def __enter__(self) -> Desk:
        return self._desk

    def __exit__(self, *_: object) -> None:
        self._database.close()


def _one(desk: Desk, event_id: UUID, act: tuple[str, str], step: Callable[[Work, Shelf, Held], object]) -> int:
    with ExitStack() as stack:
        kept: list[Callable[[], None]] = []
        with desk.begin() as work:
            before = work.claimed()
            if before is None:
                shelf = stack.enter_context(opened(desk.settings, desk.service, desk.deadline))
                for held in shelf.named(event_id):
                    step(work, shelf, held)
                    kept.append(lambda shelf=shelf, held=held: shelf.settle(held))  # type: ignore[misc]
            work.record(_entry(act[0], event_id, act[1], outcome="repeated" if before else "done"))
        for settle in kept:  # only now, when the act is stored
            settle()
        return len(kept)


def _ask(desk: Desk, event_id: UUID) -> None:
    with desk.ask() as work:
        work.record(_entry("parked.replay", event_id, REPLAY, outcome="asked"))


_BEHIND = """
SELECT count(*) AS waiting FROM inbox_waiting WHERE source = %s AND subject = %s AND audience = %s
"""


def _waiting(work: Work, held: Held) -> int:
    event = held.event
    row = work.one(_BEHIND, (event.source, event.subject, event.audience)) if event else None
    return int(row["waiting"]) if row else 0


def _entry(operation: str, event_id: UUID, basis: str, *, outcome: str = "done") -> Entry:
    return Entry(
        operation=operation,
        object_type="event",
        object_id=event_id,
        purpose="operation",
        basis=basis,
        outcome=outcome,
    )


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("event.not_parked", "No parked event has this id.") from None
