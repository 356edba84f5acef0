"""What was written down about a case, one row per organisation that has it, sealed with that organisation's key."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from chassis import clock
from chassis.db import Work
from chassis.errors import NotFound
from services.referrals.rules.lifecycle import SENDER
from services.referrals.store.legs import HISTORY_DETAILS, Leg
from services.referrals.store.opening import CASE_PERSONAL, RECORD_PERSONAL

CONTENT = "case_entry|content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One party's row of a leg as an entry finds it: what it shows, its version, its key, whether it is erased."""

    org_id: uuid.UUID
    version: int
    state: str
    key_id: uuid.UUID
    locked_at: dt.datetime | None
    erased_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What somebody wrote down."""

    kind: str
    by_org: uuid.UUID
    by_subject: str | None
    content: dict[str, Any]
    visibility: str = "own_org"
    named: list[str] | None = None
    number: int | None = None
    signed_at: dt.datetime | None = None


PARTY_RECORD = """
SELECT org_id, version, state, key_id, locked_at, erased_at FROM sender_record WHERE id = %s FOR UPDATE
"""
PARTY_CASE = "SELECT org_id, version, state, key_id, locked_at, erased_at FROM receiver_case WHERE id = %s FOR UPDATE"


def party(work: Work, leg: Leg, org: uuid.UUID) -> Party:
    """One party's row under its lock, held or erased ones too. Raises NotFound."""
    with work.acting_for(org), work.closed_too():
        row = work.one(PARTY_RECORD if org == leg.sender_id else PARTY_CASE, (leg.id,))
    if row is None:
        raise NotFound
    return Party(**row)


ADD = """
INSERT INTO case_entry (id, org_id, referral_id, kind, visibility, by_org, by_subject, named, number, signed_at, key_id,
                        content, at)
VALUES (%(id)s, %(org_id)s, %(referral_id)s, %(kind)s, %(visibility)s, %(by_org)s, %(by_subject)s, %(named)s,
        %(number)s, %(signed_at)s, %(key_id)s, %(content)s, %(at)s)
"""


def add(work: Work, leg: Leg, to: Party, entry: NewEntry) -> bool:
    """Write an entry for one party, sealed with its key; an erased record takes nothing in again (False)."""
    if to.erased_at is not None:
        return False
    entry_id = clock.new_id()
    sealed = work.keys.fetch([to.key_id])[to.key_id].seal(CONTENT, entry_id, entry.content)
    values = {name: getattr(entry, name) for name in NewEntry.__slots__}
    values |= {"id": entry_id, "referral_id": leg.id, "org_id": to.org_id, "key_id": to.key_id}
    with work.acting_for(to.org_id):
        work.later(ADD, {**values, "content": sealed, "at": work.now})
    return True


OWN = """
SELECT id, key_id, content, number, signed_at FROM case_entry WHERE referral_id = %s AND kind = %s
 ORDER BY number, at, id
"""


def own(work: Work, referral_id: uuid.UUID, kind: str) -> list[dict[str, Any]]:
    """The acting organisation's entries of one kind, opened: the content with number and time of signing."""
    rows = work.all(OWN, (referral_id, kind))
    keys = work.keys.fetch(sorted({row["key_id"] for row in rows}))
    return [
        {**keys[row["key_id"]].unseal(CONTENT, row["id"], row["content"]), "id": row["id"], "number": row["number"],
         "signed_at": row["signed_at"]}
        for row in rows if row["key_id"] in keys
    ]  # fmt: skip


REMOVE = "DELETE FROM case_entry WHERE id = %s"


def remove(work: Work, entry_id: uuid.UUID) -> None:
    """Take an entry of the acting organisation away, to be written anew."""
    work.later(REMOVE, (entry_id,))


SIGN = "UPDATE case_entry SET signed_at = %s WHERE referral_id = %s AND kind = 'session' AND signed_at IS NULL"


def sign(work: Work, referral_id: uuid.UUID) -> int:
    """Sign every session of the acting organisation that is not yet; returns how many."""
    return work.run(SIGN, (work.now, referral_id), expect=None)


UNREAD = "DELETE FROM case_entry WHERE referral_id = %s AND kind = 'receipt'"


def forget_receipts(work: Work, leg: Leg, to: Party) -> None:
    """Let nobody of a party have read the warning: it is another one now."""
    with work.acting_for(to.org_id):
        work.later(UNREAD, (leg.id,), expect=None)


READ = "SELECT 1 FROM case_entry WHERE referral_id = %s AND kind = 'receipt' AND by_subject = %s LIMIT 1"


def has_read(work: Work, referral_id: uuid.UUID, subject: str) -> bool:
    """Whether this member or system of the acting organisation confirmed that it read the warning."""
    return work.one(READ, (referral_id, subject)) is not None


FORGET = "DELETE FROM case_entry WHERE referral_id = %s AND kind = 'attendance'"


def keep_attendance(work: Work, leg: Leg, to: Party, entry: NewEntry) -> bool:
    """Write the counts that the sender may know, in place of those before."""
    with work.acting_for(to.org_id):
        work.later(FORGET, (leg.id,), expect=None)
    return add(work, leg, to, entry)


LISTED = """
SELECT e.id, e.kind, e.visibility, e.by_org, e.by_subject, e.named, e.number, e.signed_at, e.key_id, e.content, e.at,
       p.key AS by_key
  FROM case_entry AS e LEFT JOIN partner AS p ON p.org_id = e.by_org
 WHERE e.referral_id = %(id)s AND (%(kind)s::text IS NULL OR e.kind = %(kind)s)
   AND (e.named IS NULL OR %(subject)s = ANY (e.named) OR e.by_subject = %(subject)s)
   AND (%(at)s::timestamptz IS NULL OR (e.at, e.id) < (%(at)s, %(after)s::uuid))
 ORDER BY e.at DESC, e.id DESC LIMIT %(limit)s
"""


def listed(work: Work, query: dict[str, Any]) -> list[dict[str, Any]]:
    """The acting organisation's entries that the subject may read, newest first, opened; `query` as in the lists."""
    rows = work.all(LISTED, query)
    keys = work.keys.fetch(sorted({row["key_id"] for row in rows}))
    return [_opened(row, keys) for row in rows if row["key_id"] in keys]


def _opened(row: dict[str, Any], keys: dict[uuid.UUID, Any]) -> dict[str, Any]:
    content = keys[row["key_id"]].unseal(CONTENT, row["id"], row["content"])
    return {**row, "content": content, "by": {"id": row["by_org"], "key": row["by_key"]}}


AMEND_RECORD = """
UPDATE sender_record SET personal = %(personal)s, version = version + 1, changed_at = %(at)s WHERE id = %(id)s
"""
AMEND_CASE = """
UPDATE receiver_case SET personal = %(personal)s, version = version + 1, changed_at = %(at)s WHERE id = %(id)s
"""
AMENDED = """
INSERT INTO history (id, org_id, referral_id, no, transition, event, from_state, to_state, by_org, by_subject, key_id,
                     details, at)
VALUES (%(history_id)s, %(org_id)s, %(id)s, %(no)s, 'amend', 'amended', %(state)s, %(state)s, %(by_org)s,
        %(by_subject)s, %(key_id)s, %(details)s, %(at)s)
"""
CONTENT_RECORD = "SELECT personal FROM sender_record WHERE id = %s"
CONTENT_CASE = "SELECT personal FROM receiver_case WHERE id = %s"
DROP_INDEX = "DELETE FROM person_index WHERE record_id = %s"
INDEX_AGAIN = "SELECT person_index_again(%s)"


def amend(work: Work, leg: Leg, to: Party, *, changes: dict[str, Any], details: dict[str, Any], by: NewEntry) -> int:
    """Put changed fields into one party's sealed content; its history keeps those before. Returns its new version."""
    side = SENDER if to.org_id == leg.sender_id else "receiver"
    place = RECORD_PERSONAL if side == SENDER else CASE_PERSONAL
    key = work.keys.fetch([to.key_id])[to.key_id]
    history_id = clock.new_id()
    with work.acting_for(to.org_id), work.closed_too():
        row = work.one(CONTENT_RECORD if side == SENDER else CONTENT_CASE, (leg.id,))
        if row is None:
            raise NotFound
        kept = key.unseal(place, leg.id, row["personal"])
        values = {"id": leg.id, "at": work.now, "personal": key.seal(place, leg.id, {**kept, **changes})}
        work.later(AMEND_RECORD if side == SENDER else AMEND_CASE, values)
        noted = {"history_id": history_id, "org_id": to.org_id, "no": to.version + 1, "state": to.state}
        before = {name: kept.get(name) for name in changes}
        sealed = key.seal(HISTORY_DETAILS, history_id, {**details, "before": before})
        who = {"by_org": by.by_org, "by_subject": by.by_subject if by.by_org == to.org_id else None}
        work.later(AMENDED, {**values, **noted, **who, "key_id": to.key_id, "details": sealed})
        work.later(DROP_INDEX, (leg.id,), expect=None)
        work.later(INDEX_AGAIN, (leg.id,))
    return to.version + 1
