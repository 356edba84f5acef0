"""Erases a record of a person: the ledger first, then its keys, then its rows, and again until it is done.

The first commit hides the record from everybody and writes what is to be done, so whatever is interrupted afterwards
leaves nothing readable behind; a sweeper goes on with it. The ledger is kept beside the keys as well, so that a case
database restored from before an erasure is told of it. Source: access-and-privacy.md section 4.
"""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import Conflict, NotFound
from chassis.records import Records
from chassis.settings import Settings
from chassis.work import Work

FINISHED_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One row of the ledger: whose record of which object, by which keys, why and when; nothing about the person."""

    id: UUID
    org_id: UUID
    object_type: str
    object_id: UUID
    key_ids: list[UUID]
    reason: str
    basis: str
    at: dt.datetime
    done_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """When the newest erasure was that each database knows as carried out; None where there is none."""

    cases: dt.datetime | None
    keys: dt.datetime | None

    @property
    def keys_are_older(self) -> bool:
        """Whether the keys are from before an erasure that the case database has seen through: a wrong pair."""
        return self.cases is not None and (self.keys is None or self.keys < self.cases)


OF_RECORD = """
SELECT id, org_id, object_type, object_id, key_ids, reason, basis, at, done_at FROM erasure_ledger
 WHERE object_type = %s AND object_id = %s
"""
ONE = """
SELECT id, org_id, object_type, object_id, key_ids, reason, basis, at, done_at FROM erasure_ledger WHERE id = %s
"""
WRITE = """
INSERT INTO erasure_ledger (id, org_id, object_type, object_id, key_ids, reason, basis, at)
VALUES (%(id)s, %(org_id)s, %(object_type)s, %(object_id)s, %(key_ids)s, %(reason)s, %(basis)s, %(at)s)
"""
DONE = "UPDATE erasure_ledger SET done_at = %s WHERE id = %s AND done_at IS NULL"
UNFINISHED = "SELECT org_id, id FROM erasures_unfinished(%s)"
NEWEST = "SELECT erasure_newest() AS at"


def begin(work: Work, records: Records, key: UUID, *, org: UUID, reason: str, basis: str) -> Erasure:
    """Hide the acting organisation's record and write down that it is to be erased; a second time tells the first.

    Raises NotFound where the organisation has no such record and Conflict while it is held by order.
    """
    standing = records.lock(work, key)
    if standing is None:
        raise NotFound
    if standing.erased_at is not None:
        return _of_record(work, records, key)
    if standing.held_at is not None:
        raise Conflict("person.held", "This record is held by order; release it before it is erased.")
    records.before(work, key)
    records.close(work, key, erased=True)
    erasure = Erasure(
        id=clock.new_id(),
        org_id=org,
        object_type=records.persons.object_type,
        object_id=key,
        key_ids=standing.key_ids,
        reason=reason,
        basis=basis,
        at=work.now,
    )
    work.run(WRITE, _row(erasure))
    return erasure


def finish(db: Database, records: Records, erasure: Erasure) -> Erasure:
    """Destroy the keys, clear the rows and say so in the ledger; each step may be repeated.

    Raises Unavailable when a database is gone; the sweeper goes on later.
    """
    if erasure.done_at is not None:
        return erasure
    destroy_keys(db, erasure)
    return clear_rows(db, records, erasure)


def destroy_keys(db: Database, erasure: Erasure) -> None:
    """Delete the keys and keep the ledger's row beside them, in one statement: from here on nobody can read it."""
    db.keys.erase(_row(erasure))


def clear_rows(db: Database, records: Records, erasure: Erasure) -> Erasure:
    """Take out of the rows what is about people, and note that it is done."""
    with db.background(f"{records.service}.erasure", org=erasure.org_id) as work:
        records.clear(work, erasure.object_id)
        work.run(DONE, (work.now, erasure.id), expect=None)
        work.record(_entry(erasure, "erasure.finish"))
    return Erasure(**{**asdict(erasure), "done_at": work.now})


def finish_all(db: Database, records: Records) -> int:
    """Go on with erasures that something interrupted; returns how many there were."""
    with db.background(f"{records.service}.erasure") as work:
        found = work.all(UNFINISHED, (FINISHED_AT_ONCE,))
    for row in found:
        with db.background(f"{records.service}.erasure", org=row["org_id"]) as work:
            one = work.one(ONE, (row["id"],))
        if one is not None:
            finish(db, records, Erasure(**one))
    return len(found)


def reapply(settings: Settings, service: str, ledger: Iterable[Erasure] = ()) -> int:
    """After a restore, before anything opens: erase again what the restored case database does not know as erased.

    What was erased is told by the ledger beside the keys and by `ledger`, rows that were kept elsewhere. Returns how
    many erasures were carried out now; a second run does nothing. Raises Unavailable when a database is gone.
    """
    records = records_of(service)
    if records is None:
        return 0
    with closing(Database(settings, service)) as db:
        known = {each.id: each for each in (*_beside_keys(db), *ledger)}
        return sum(_again(db, records, each) for each in known.values()) + finish_all(db, records)


def ledger_of(settings: Settings, service: str) -> list[Erasure]:
    """The ledger beside the keys of a service, oldest first: what a backup keeps apart, and `reapply` takes."""
    if records_of(service) is None:
        return []
    with closing(Database(settings, service)) as db:
        return _beside_keys(db)


def newest(settings: Settings, service: str) -> Newest:
    """Times of the newest erasure in both databases of a service; `keys_are_older` refuses a restore."""
    if records_of(service) is None:
        return Newest(cases=None, keys=None)
    with closing(Database(settings, service)) as db:
        with db.background(f"{service}.erasure") as work:
            row = work.one(NEWEST)
        return Newest(cases=row["at"] if row else None, keys=max((e.at for e in _beside_keys(db)), default=None))


def records_of(service: str) -> Records | None:
    """What a service says of its records of persons; None for one that keeps none."""
    found: Records | None = getattr(importlib.import_module(f"services.{service}.usecases"), "RECORDS", None)
    return found


def _again(db: Database, records: Records, erasure: Erasure) -> bool:
    db.keys.erase(_row(erasure))
    with db.background(f"{records.service}.erasure", org=erasure.org_id) as work:
        if work.one(ONE, (erasure.id,)) is not None:
            return False  # known already, or finish_all goes on with it
        standing = records.lock(work, erasure.object_id)
        if standing is not None and standing.erased_at is None:
            records.before(work, erasure.object_id)
            records.close(work, erasure.object_id, erased=True)
        work.run(WRITE, _row(erasure))
        work.record(_entry(erasure, "erasure.reapply"))
    clear_rows(db, records, erasure)
    return True


def _beside_keys(db: Database) -> list[Erasure]:
    names = ("id", "org_id", "object_type", "object_id", "key_ids", "reason", "basis", "at")
    return [Erasure(**dict(zip(names, row, strict=True))) for row in db.keys.erasures()]


def _of_record(work: Work, records: Records, key: UUID) -> Erasure:
    row = work.one(OF_RECORD, (records.persons.object_type, key))
    if row is None:
        raise NotFound
    return Erasure(**row)


def _row(erasure: Erasure) -> dict[str, Any]:
    return {name: value for name, value in asdict(erasure).items() if name != "done_at"}


def _entry(erasure: Erasure, operation: str) -> Entry:
    return Entry(
        operation=operation,
        object_type=erasure.object_type,
        object_id=erasure.object_id,
        purpose="erasure",
        basis=erasure.basis,
    )
