"""Lets an organisation read its stream and the network's: at once, with some patience, or without an end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from chassis import clock
from chassis.audit import Entry
from chassis.bell import Bell
from chassis.db import Database
from chassis.errors import Unauthenticated
from chassis.identity import LONGEST_LIFE, Caller
from chassis.requests import Call, Later
from services.subscriptions import rules, views
from services.subscriptions.usecases.following import AT_ONCE, Follower, Step, first_of, steps

MARGIN_SECONDS = 0.5
"""What an answer needs from the end of its waiting to the client."""


def feed(db: Database, bell: Bell, call: Call) -> bytes | Later:
    """The events of a stream behind a position, as they were stored; when there are none yet, what comes in a while.

    Raises JournalCut when events behind that position are gone.
    """
    caller, query = _caller(call), call.query
    after, wait, types = query["after"], query["wait"], rules.types_wanted(query["types"])
    stream = rules.stream_read(query["stream"], caller.org_id)
    page = _first_page(db, call, stream, after, limit=query["limit"], types=types)
    if page.rows or not wait:
        return _document(page.rows, after)
    position = max(after, page.last)
    follower = Follower(db=db, bell=bell, stream=stream, org=caller.org_id, position=position, types=types)
    return Later(lambda: _document(first_of(follower, _patience(call, wait))[: query["limit"]], after))


def follow(db: Database, bell: Bell, call: Call) -> Iterator[Step]:
    """The events of a stream behind a position, and all that come, until the token ends. Raises JournalCut."""
    caller, query = _caller(call), call.query
    after = query["after"] if call.last_seen is None else call.last_seen
    stream = rules.stream_read(query["stream"], caller.org_id)
    page = _first_page(db, call, stream, after, limit=AT_ONCE)
    types = rules.types_wanted(query["types"])
    follower = Follower(db=db, bell=bell, stream=stream, org=caller.org_id, position=after, types=types)
    return steps(follower, follower.take(page), after=after, end=_end_of(caller))


def _patience(call: Call, wait: int) -> float:
    """How long it may wait: as asked, and not so long that the answer would come after the deadline."""
    return wait if call.deadline is None else min(wait, call.deadline - time.monotonic() - MARGIN_SECONDS)


def _caller(call: Call) -> Caller:
    if call.caller is None:
        raise Unauthenticated("token.missing", "An access token is needed.")
    return call.caller


def _first_page(
    db: Database, call: Call, stream: str, after: int, *, limit: int, types: Sequence[str] = ()
) -> views.Page:
    with db.work(call) as work:
        page = views.page(work, stream, after=after, limit=limit, types=types)
        rules.check_reach(after, page.oldest)
        work.record(Entry(operation="event.read", object_type="stream", object_id=None, purpose="subscription"))
    return page


def _document(rows: Sequence[views.Stored], after: int) -> bytes:
    following = rules.next_after(after, [row.position for row in rows])
    return b'{"events":[%b],"next":%d}' % (b",".join(row.body for row in rows), following)


def _end_of(caller: Caller) -> float:
    left = LONGEST_LIFE if caller.expires is None else caller.expires - clock.now().timestamp()
    return time.monotonic() + left
