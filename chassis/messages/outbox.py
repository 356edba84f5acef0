"""Rows of messages: written in the transaction of a change, claimed and marked by the sender, tidied after a while.

The state is the truth about delivery: queued, sent (a server took it), acknowledged (who got it has acted since),
failed (it is tried again), dead (nobody tries any more), dropped (it may not go any more).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis import clock
from chassis.messages.kinds import KINDS
from chassis.messages.recipients import Row
from chassis.work import Work

KEPT_DAYS = 90
AT_ONCE = 50
TIDIED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is to be told: the kind, of which object, to which of the service's addresses (None: to the person)."""

    kind: str
    object_type: str
    object_id: UUID
    recipient_id: UUID | None = None
    not_before: dt.datetime | None = None


QUEUE = """
INSERT INTO message (id, org_id, object_type, object_id, kind, recipient_id, not_before, created_at, changed_at)
VALUES (%(id)s, acting_org(), %(object_type)s, %(object_id)s, %(kind)s, %(recipient_id)s, %(not_before)s, %(at)s,
        %(at)s)
"""


def queue(work: Work, message: Message) -> UUID:
    """Let a message leave with this transaction, as one of the acting organisation's; returns its id."""
    KINDS[message.kind]  # a kind that nobody declared is a fault of ours, and is found here
    values: dict[str, Any] = {name: getattr(message, name) for name in Message.__slots__}
    message_id = clock.new_id()
    work.later(QUEUE, {**values, "id": message_id, "at": work.now, "not_before": message.not_before or work.now})
    return message_id


ACKNOWLEDGE = """
UPDATE message SET state = 'acknowledged', changed_at = %(at)s
 WHERE object_id = %(object_id)s AND state = 'sent' AND recipient_id IS NOT NULL
"""


def acknowledge(work: Work, object_id: UUID) -> None:
    """The acting organisation did something with this object: what was sent to it about it has arrived."""
    work.later(ACKNOWLEDGE, {"object_id": object_id, "at": work.now}, expect=None)


TAKE = """
SELECT id, object_type, object_id, kind, recipient_id, attempts FROM message
 WHERE id = %(id)s AND state IN ('queued', 'failed') AND not_before <= %(at)s FOR UPDATE
"""


def take(work: Work, message_id: UUID) -> Row | None:
    """Lock a message that is due; None when it went, or was erased, meanwhile."""
    row = work.one(TAKE, {"id": message_id, "at": work.now})
    return Row(**row) if row else None


SAME = """
SELECT id, object_type, object_id, kind, recipient_id, attempts FROM message
 WHERE recipient_id = %(recipient)s AND kind = %(kind)s AND id <> %(id)s AND state IN ('queued', 'failed')
   AND not_before <= %(at)s ORDER BY not_before, id LIMIT %(most)s FOR UPDATE
"""


def same(work: Work, row: Row) -> list[Row]:
    """What else is due for the same address in the same kind: one mail is enough, for each would say the same."""
    values = {"recipient": row.recipient_id, "kind": row.kind, "id": row.id, "at": work.now, "most": AT_ONCE}
    return [Row(**each) for each in work.all(SAME, values)]


CLAIM = """
UPDATE message SET attempts = attempts + 1, not_before = %(until)s, changed_at = %(at)s WHERE id = ANY (%(ids)s)
"""


def claim(work: Work, ids: list[UUID], until: dt.datetime) -> None:
    """Count a try, and be tried again at `until` unless somebody says how it ended."""
    work.later(CLAIM, {"ids": ids, "until": until, "at": work.now}, expect=len(ids))


HOLD = "UPDATE message SET not_before = %(until)s, changed_at = %(at)s WHERE id = %(id)s"


def hold(work: Work, row: Row, until: dt.datetime) -> None:
    """It has to wait; that is no try."""
    work.later(HOLD, {"id": row.id, "until": until, "at": work.now})


MARK = """
UPDATE message SET state = %(state)s, reason = %(reason)s, changed_at = %(at)s,
       sent_at = CASE WHEN %(state)s = 'sent' THEN %(at)s::timestamptz ELSE sent_at END
 WHERE id = ANY (%(ids)s) AND state IN ('queued', 'failed')
"""


def mark(work: Work, ids: Iterable[UUID], state: str, reason: str | None = None) -> None:
    """How it ended; one that was erased meanwhile is gone, and stays gone."""
    work.later(MARK, {"ids": list(ids), "state": state, "reason": reason, "at": work.now}, expect=None)


DUE = "SELECT org_id, id FROM messages_due(%s, %s)"


def due(work: Work) -> list[tuple[UUID, UUID]]:
    """Organisation and id of some messages whose time has come, the oldest first."""
    return [(row["org_id"], row["id"]) for row in work.all(DUE, (work.now, AT_ONCE))]


COUNTED = "SELECT state, count FROM messages_counted()"


def counted(work: Work) -> dict[str, int]:
    """How many messages wait, were not taken or were given up, over all organisations."""
    return {row["state"]: row["count"] for row in work.all(COUNTED)}


TIDY = "SELECT messages_tidied(%s, %s)"


def tidy(work: Work) -> None:
    """Forget what was delivered long ago."""
    work.later(TIDY, (work.now - dt.timedelta(days=KEPT_DAYS), TIDIED_AT_ONCE), expect=None)


OF_OBJECT = """
SELECT id, kind, recipient_id IS NULL AS to_person, state, reason, attempts, created_at, not_before, sent_at
  FROM message WHERE object_id = %s ORDER BY created_at DESC, id LIMIT 200
"""


def of_object(work: Work, object_id: UUID) -> list[dict[str, Any]]:
    """The acting organisation's messages about one object, newest first; never to which address."""
    return work.all(OF_OBJECT, (object_id,))
