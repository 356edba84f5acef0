"""Erases by the rules of retention what is due, by the same way as an officer's erasure; held records stay.

Each rule is data in the service's rules/persons.py; its function `persons_due` tells whose records are due, as ids.
What holds nothing but ids and codes is swept by others and stands here for the record of processing.
"""

from __future__ import annotations

import logging
from uuid import UUID

from chassis import clock, erasure
from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import Refused, Unavailable
from chassis.persons import Rule
from chassis.records import Records

log = logging.getLogger(__name__)

AT_ONCE = 100
COUNTED_AT_MOST = 100_000
REASON = "retention"
BASIS = "gdpr_5_1_e"
SOURCE = "http-api.md, bus.md"

SWEPT_ELSEWHERE = (
    Rule(
        code="request",
        what="Remembered requests (client's id, keyed hash of the body)",
        after="the request",
        days=7,
        source=f"{SOURCE}; chassis/relay/store.py",
    ),
    Rule(
        code="outbox",
        what="Published events (ids, codes, times)",
        after="publication",
        days=7,
        source=f"{SOURCE}; TUKIVERKKO_OUTBOX_DAYS; chassis/relay/store.py",
    ),
    Rule(
        code="inbox",
        what="Ids of events that were received",
        after="receipt",
        days=30,
        source=f"{SOURCE}; chassis/gaps.py",
    ),
    Rule(
        code="message",
        what="Messages that were sent, given up or dropped (ids, codes, times; no address)",
        after="the last change of its state; with the record when that is erased",
        days=90,
        source="docs/messages.md; chassis/messages/outbox.py",
    ),
    Rule(
        code="journal",
        what="The journal for partners (ids, codes, times)",
        after="the event",
        days=30,
        source="access-and-privacy.md section 4; TUKIVERKKO_JOURNAL_DAYS; services/subscriptions/usecases/upkeep.py",
    ),
)
DUE = "SELECT org_id, id FROM persons_due(%s, %s, %s, %s)"
TO_REVIEW = "SELECT holds_to_review(%s) AS count"


def due(db: Database, records: Records, rule: Rule, *, most: int = COUNTED_AT_MOST) -> list[tuple[UUID, UUID]]:
    """Organisation and key of each record that a rule takes now."""
    with db.background(f"{records.service}.retention") as work:
        rows = work.all(DUE, (rule.code, clock.now(), rule.days or 0, most))
    return [(row["org_id"], row["id"]) for row in rows]


def run(db: Database, records: Records) -> dict[str, int]:
    """Finish what was interrupted, then erase all that is due; how many by the code of the rule."""
    erasure.finish_all(db, records)
    return {rule.code: _by_rule(db, records, rule) for rule in records.persons.rules}


def sweep(db: Database, records: Records, *, rules: bool = True) -> None:
    """The same from a timer, or its first half alone: a database that is gone is no fault, the next round goes on."""
    try:
        run(db, records) if rules else erasure.finish_all(db, records)
    except Unavailable as gone:
        log.warning("retention waits", extra={"reason": gone.code})


def holds_to_review(db: Database, records: Records) -> int:
    """How many holds have reached their day of review."""
    with db.background(f"{records.service}.retention") as work:
        row = work.one(TO_REVIEW, (clock.now().date(),))
    return int(row["count"]) if row else 0


def _by_rule(db: Database, records: Records, rule: Rule) -> int:
    erased = 0
    while True:
        found = due(db, records, rule, most=AT_ONCE)
        taken = sum(_erase(db, records, org, key, rule) for org, key in found)
        erased += taken
        if not taken or len(found) < AT_ONCE:
            return erased


def _erase(db: Database, records: Records, org: UUID, key: UUID, rule: Rule) -> bool:
    try:
        with db.background(f"{records.service}.retention", org=org) as work:
            begun = erasure.begin(work, records, key, org=org, reason=REASON, basis=BASIS)
            work.record(
                Entry(
                    operation="person.erase",
                    object_type=records.persons.object_type,
                    object_id=key,
                    purpose=REASON,
                    basis=rule.code,
                )
            )
    except Unavailable:
        raise
    except Refused:  # held or gone since it was found
        return False
    erasure.finish(db, records, begun)
    return True
