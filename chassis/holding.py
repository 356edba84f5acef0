"""Legal hold: a record is kept by order, whatever would erase it, and nobody but the officer sees it meanwhile.

Source: access-and-privacy.md section 4. To an ordinary reader a held record is not there (404), as if it were foreign:
a word of its own would tell of the proceedings.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis import clock
from chassis.errors import Conflict, NotFound
from chassis.records import Records
from chassis.sealing import DataKey
from chassis.work import Work

LONGEST_DAYS = 184
"""Six months, as long as they can be."""

PLACE = "legal_hold|reference"
ADD = """
INSERT INTO legal_hold (id, org_id, object_type, object_id, key_id, reference, review_on, at)
VALUES (%(id)s, %(org_id)s, %(object_type)s, %(object_id)s, %(key_id)s, %(reference)s, %(review_on)s, %(at)s)
"""
REVIEW = "SELECT review_on FROM legal_hold WHERE object_type = %s AND object_id = %s AND released_at IS NULL"
RELEASE = """
UPDATE legal_hold SET released_at = %s WHERE object_type = %s AND object_id = %s AND released_at IS NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a hold goes by: the reference of the order, the days until it is looked at again, a key to seal it with."""

    reference: str
    review_in_days: int
    key: DataKey


def hold(work: Work, records: Records, key: UUID, order: Order, *, org: UUID) -> dt.date:
    """Hold the acting organisation's own record; returns the day of review. Raises NotFound, and Conflict when held."""
    standing = records.lock(work, key)
    if standing is None or standing.erased_at is not None:
        raise NotFound
    if standing.held_at is not None:
        raise Conflict("person.held", "This record is held already; release it to hold it by another order.")
    hold_id = clock.new_id()
    row: dict[str, Any] = {"id": hold_id, "org_id": org, "object_type": records.persons.object_type, "object_id": key}
    row |= {"key_id": order.key.id, "reference": order.key.seal(PLACE, hold_id, {"text": order.reference})}
    review_on = work.now.date() + dt.timedelta(days=order.review_in_days)
    work.run(ADD, {**row, "review_on": review_on, "at": work.now})
    records.close(work, key, erased=False)
    return review_on


def review_of(work: Work, records: Records, key: UUID) -> dt.date | None:
    """The day of review of the hold that stands, if one does."""
    row = work.one(REVIEW, (records.persons.object_type, key))
    return row["review_on"] if row else None


def release(work: Work, records: Records, key: UUID) -> None:
    """Let the record be seen and erased again. Raises NotFound, and Conflict when it is not held."""
    standing = records.lock(work, key)
    if standing is None or standing.erased_at is not None:
        raise NotFound
    if standing.held_at is None:
        raise Conflict("person.not_held", "This record is not held.")
    work.run(RELEASE, (work.now, records.persons.object_type, key))
    records.reopen(work, key)
