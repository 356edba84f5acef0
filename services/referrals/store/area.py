"""Cards of the area queue: one row per candidate and leg, in that candidate's own context."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from chassis import clock
from chassis.db import Work
from chassis.errors import Conflict, NotFound
from services.referrals.rules.area import TAKEN_IS_TOLD_FOR
from services.referrals.store.opening import RECORD_PERSONAL

CARD = "area_offer|card"

QUEUED = "SELECT leg_queued(%(id)s, %(area)s, %(kind)s)"
QUEUED_RECORD = "UPDATE sender_record SET area = %(area)s WHERE id = %(id)s"


def queue(work: Work, leg_id: uuid.UUID, *, area: str, kind: str | None) -> None:
    """Put a leg of the acting sender into the queue of an area."""
    work.later(QUEUED, {"id": leg_id, "area": area, "kind": kind})
    work.later(QUEUED_RECORD, {"id": leg_id, "area": area})


OFFER = """
INSERT INTO area_offer AS o (id, org_id, leg_id, state, urgency, respond_by, key_id, card, made_at)
VALUES (%(id)s, %(org_id)s, %(leg_id)s, 'open', %(urgency)s, %(respond_by)s, %(key_id)s, %(card)s, %(at)s)
ON CONFLICT (org_id, leg_id) DO UPDATE SET state = 'open', key_id = excluded.key_id, card = excluded.card,
       made_at = excluded.made_at, closed_at = NULL RETURNING o.id
"""
OFFERED = "SELECT id FROM area_offer WHERE leg_id = %s"


def offer(
    work: Work, leg_id: uuid.UUID, org: uuid.UUID, *, urgency: str, respond_by: dt.datetime | None, card: dict[str, Any]
) -> uuid.UUID:
    """Show a candidate the card, sealed with a key of its own; an earlier one of the same leg opens again."""
    key = work.keys.take()
    with work.acting_for(org):
        known = work.one(OFFERED, (leg_id,))
        offer_id: uuid.UUID = known["id"] if known else clock.new_id()
        values = {"id": offer_id, "org_id": org, "leg_id": leg_id, "urgency": urgency, "respond_by": respond_by}
        sealed = key.seal(CARD, offer_id, card)
        work.run(OFFER, {**values, "key_id": key.id, "card": sealed, "at": work.now})
    return offer_id


TAKE = "SELECT leg_id, sender_id, outcome, closed_at FROM area_taken(%s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A leg that the acting candidate has just taken; it is locked."""

    leg_id: uuid.UUID
    sender_id: uuid.UUID


def take(work: Work, offer_id: uuid.UUID) -> Taken:
    """Take the leg behind a card for the acting candidate.

    Raises NotFound for a card that is not its own, that it passed or that is gone for a day, Conflict while it is told
    that somebody else was first.
    """
    row = work.one(TAKE, (offer_id,))
    if row is None or row["outcome"] == "passed":
        raise NotFound
    if row["outcome"] == "taken" and row["sender_id"] is not None:
        return Taken(leg_id=row["leg_id"], sender_id=row["sender_id"])
    if row["closed_at"] is not None and work.now - row["closed_at"] > TAKEN_IS_TOLD_FOR:
        raise NotFound
    raise Conflict("referral.taken", "It is taken already, or no longer offered.")


CANDIDATES = "SELECT org_id, id FROM area_candidates(%s)"
DECLINERS = "SELECT org_id FROM area_decliners(%s)"


def candidates(work: Work, leg_id: uuid.UUID) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Organisation and card of everybody to whom the leg is open, for one of its parties."""
    return [(row["org_id"], row["id"]) for row in work.all(CANDIDATES, (leg_id,))]


def decliners(work: Work, leg_id: uuid.UUID) -> list[uuid.UUID]:
    """Who said no to this leg or one before it, for the acting sender."""
    return [row["org_id"] for row in work.all(DECLINERS, (leg_id,))]


CLOSE = """
UPDATE area_offer SET state = %(state)s, card = NULL, key_id = NULL, closed_at = %(at)s
 WHERE id = %(id)s AND state = 'open'
"""


def close(work: Work, org: uuid.UUID, offer_id: uuid.UUID, state: str) -> bool:
    """Close a candidate's card and empty it; False when it was not open any more."""
    with work.acting_for(org):
        return work.run(CLOSE, {"id": offer_id, "state": state, "at": work.now}, expect=None) == 1


CONTENT = "SELECT key_id, personal, unit, worker, external_ref_mac FROM sender_record WHERE id = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The sender's content of a leg, opened, and how his record stands in his organisation."""

    content: dict[str, Any]
    unit: str | None
    worker: str | None
    reference_mac: bytes | None


def source(work: Work, leg_id: uuid.UUID, sender: uuid.UUID) -> Source:
    """What the sender wrote, for whoever has taken the leg. Raises NotFound when it is erased."""
    with work.acting_for(sender):
        row = work.one(CONTENT, (leg_id,))
    if row is None:
        raise NotFound
    content = work.keys.open(row["key_id"], RECORD_PERSONAL, leg_id, row["personal"])
    return Source(content=content, unit=row["unit"], worker=row["worker"], reference_mac=row["external_ref_mac"])


KNOWN_RECEIVER = "UPDATE sender_record SET receiver_id = %s WHERE id = %s"


def name_receiver(work: Work, leg_id: uuid.UUID, sender: uuid.UUID, receiver: uuid.UUID) -> None:
    """Let the sender know who has it now."""
    with work.acting_for(sender):
        work.later(KNOWN_RECEIVER, (receiver, leg_id))
