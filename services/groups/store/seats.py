"""Seats and queue of one group, always under its lock. The one lock order: group, then card, then sign-up."""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, LiteralString

from chassis.db import Work
from chassis.errors import NotFound
from services.groups.rules.lifecycle import Edge, effect
from services.groups.rules.queue import Place, admits, mandated_seats


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group as it stands under the lock; the counts are kept in step with each move."""

    id: uuid.UUID
    org_id: uuid.UUID
    programme_id: uuid.UUID
    kind: str
    state: str
    admission: str
    intake: str
    mandated: str
    mandated_seats: int
    country: str | None
    tz: str | None
    starts_at: dt.datetime | None
    languages: list[str]
    min_age: int | None
    max_age: int | None
    capacity: int
    held: int
    waiting: int
    waitlist_limit: int | None
    window_open: bool
    signing_up: bool
    co_orgs: list[uuid.UUID]
    queue_last: int
    queue_at: dt.datetime

    @property
    def gives(self) -> bool:
        """Whether free seats are given now: a rolling group that has begun does so before every n-th meeting only."""
        return admits(self.state, self.admission) and self.window_open


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """A sign-up as it stands under the group's lock."""

    id: uuid.UUID
    group_id: uuid.UUID
    state: str
    place: Place
    offer_until: dt.datetime | None
    intake_until: dt.datetime | None
    delegation: str | None
    code_only: bool
    contact_way: str | None
    contact_until: dt.datetime | None
    referral_id: uuid.UUID | None
    placement_id: uuid.UUID | None
    version: int

    @property
    def deadline(self) -> dt.datetime | None:
        """Until when something is awaited: an answer, or a conversation."""
        return self.offer_until or self.intake_until


@contextlib.contextmanager
def inside(work: Work, org: uuid.UUID) -> Iterator[None]:
    """Work in the context of the organisation that owns the group, once a look-up has told which one that is."""
    with work.acting_for(org):
        yield


GROUP_OWNER = "SELECT org_id FROM group_owner(%s)"


def owner(work: Work, group_id: uuid.UUID) -> uuid.UUID | None:
    """The organisation that owns a group which the public may know of; None for every other group."""
    row = work.one(GROUP_OWNER, (group_id,))
    return row["org_id"] if row else None


# Replaced by the race test only, which shows what happens without the lock.
LOCK_GROUP: LiteralString = """
SELECT g.id, g.org_id, g.programme_id, p.kind, g.state, g.admission, p.intake, p.mandated, p.mandated_share, g.country,
       g.tz, CASE WHEN g.state = 'running' AND g.admission = 'rolling' THEN next_joining(g.id, g.rolling_every, now())
                  ELSE (g.start_on + g.local_start) AT TIME ZONE g.tz END AS starts_at,
       g.state <> 'running' OR g.admission <> 'rolling' OR joining_now(g.id, g.rolling_every, now()) AS window_open,
       g.sign_up_until IS NULL OR signing_up(g.sign_up_until, g.tz) AS signing_up,
       g.languages, p.min_age, p.max_age, g.capacity, g.held, g.waiting,
       g.waitlist_limit, g.queue_last, g.queue_at, g.co_orgs
  FROM peer_group AS g JOIN programme AS p ON p.id = g.programme_id WHERE g.id = %s FOR UPDATE OF g
"""


def lock_group(work: Work, group_id: uuid.UUID) -> Group:
    """Lock the group; everything that takes or frees a seat begins here. Raises NotFound."""
    row = work.one(LOCK_GROUP, (group_id,))
    if row is None:
        raise NotFound
    setting = {"mandated": row["mandated"], "share": row.pop("mandated_share")}
    return Group(**row, mandated_seats=mandated_seats(capacity=row["capacity"], **setting))


COLUMNS: LiteralString = """
SELECT id, group_id, state, track, waiting_since, queue_seq, delegation, offer_until, intake_until, code_only,
       contact_way, contact_until, referral_id, placement_id, version
  FROM sign_up
"""
ONE = COLUMNS + " WHERE id = %s FOR UPDATE"


def one(work: Work, sign_up_id: uuid.UUID) -> SignUp | None:
    """One sign-up; None for a card that stands for a repeated sign-up."""
    row = work.one(ONE, (sign_up_id,))
    return sign_up_of(row) if row else None


GROUP_OF = "SELECT group_id FROM sign_up WHERE id = %s"


def group_of(work: Work, sign_up_id: uuid.UUID) -> uuid.UUID | None:
    """The group of a sign-up, for its lock."""
    row = work.one(GROUP_OF, (sign_up_id,))
    return row["group_id"] if row else None


LIVE_WITH_CONTACT = """
SELECT 1 AS one FROM sign_up WHERE group_id = %s AND contact_mac = %s
   AND state IN ('waiting', 'offered', 'intake', 'confirmed', 'active')
"""


def is_live(work: Work, group: Group, contact_mac: bytes) -> bool:
    """Whether this contact is live in this group already (rule 9)."""
    return work.one(LIVE_WITH_CONTACT, (group.id, contact_mac)) is not None


ENTER = """
WITH person AS (
    INSERT INTO participant (id, org_id, key_id, personal, created_at)
    VALUES (%(participant_id)s, %(org_id)s, %(key_id)s, %(personal)s, %(at)s)
), entered AS (
    INSERT INTO sign_up (id, org_id, group_id, participant_id, state, track, waiting_since, queue_seq, code_only,
                         contact_mac, contact_way, contact_until, contact_verified_at, language, referral_id,
                         placement_id, due_on, delegation, version, changed_at)
    VALUES (%(id)s, %(org_id)s, %(group_id)s, %(participant_id)s, 'waiting', %(track)s, %(waiting_since)s,
            %(queue_seq)s, %(code_only)s, %(contact_mac)s, %(contact_way)s, %(contact_until)s, %(contact_verified_at)s,
            %(language)s, %(referral_id)s, %(placement_id)s, %(due_on)s, %(delegation)s, 1,
            %(at)s)
), card AS (
    INSERT INTO return_card (sign_up_id, org_id, group_id, code_mac, pin_mac, created_at)
    VALUES (%(id)s, %(org_id)s, %(group_id)s, %(code_mac)s, %(pin_mac)s, %(at)s)
), noted AS (
    INSERT INTO history (id, org_id, group_id, sign_up_id, no, transition, to_state, actor, by_subject, at)
    VALUES (gen_random_uuid(), %(org_id)s, %(group_id)s, %(id)s, 1, 'sign_up', 'waiting', %(actor)s, %(subject)s,
            %(at)s)
)
UPDATE peer_group SET waiting = waiting + 1, queue_last = %(queue_seq)s,
                      queue_at = greatest(queue_at, %(waiting_since)s)
 WHERE id = %(group_id)s
"""


def enter(work: Work, group: Group, place: Place, row: dict[str, Any]) -> tuple[Group, SignUp]:
    """Write a newcomer and his card at the tail of the queue; `row` has what ENTER names besides place and group."""
    places = {"track": place.track, "waiting_since": place.waiting_since, "queue_seq": place.queue_seq}
    work.later(ENTER, {**row, **places, "org_id": group.org_id, "group_id": group.id})
    kept = SignUp(
        id=row["id"],
        group_id=group.id,
        state="waiting",
        place=place,
        offer_until=None,
        intake_until=None,
        delegation=row["delegation"],
        code_only=row["code_only"],
        contact_way=row["contact_way"],
        contact_until=row["contact_until"],
        referral_id=row["referral_id"],
        placement_id=row["placement_id"],
        version=1,
    )
    return replace(
        group, waiting=group.waiting + 1, queue_last=place.queue_seq, queue_at=max(group.queue_at, place.waiting_since)
    ), kept


MOVE = """
WITH moved AS (
    UPDATE sign_up SET state = %(target)s, offer_until = %(offer_until)s, intake_until = %(intake_until)s,
                       remind_at = %(remind_at)s,
                       version = version + 1, changed_at = %(at)s
     WHERE id = %(id)s AND state = %(source)s RETURNING id, org_id, group_id, version
), noted AS (
    INSERT INTO history (id, org_id, group_id, sign_up_id, no, transition, from_state, to_state, actor, by_subject,
                         reason, deadline, at)
    SELECT gen_random_uuid(), org_id, group_id, id, version, %(name)s, %(source)s, %(target)s, %(actor)s,
           %(subject)s, %(reason)s, coalesce(%(offer_until)s, %(intake_until)s), %(at)s FROM moved
)
UPDATE peer_group AS g SET held = g.held + %(seats)s, waiting = g.waiting + %(queue)s
  FROM moved WHERE g.id = moved.group_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Who took a step, as the history keeps it: the kind of actor, a worker's id, a reason's code."""

    actor: str
    subject: str | None = None
    reason: str | None = None


def move(
    work: Work,
    group: Group,
    sign_up: SignUp,
    edge: Edge,
    *,
    at: dt.datetime,
    noted: Noted,
    until: dt.datetime | None = None,
) -> tuple[Group, SignUp]:
    """Walk one edge: the row, its history and the group's counts in one statement; the CHECK is the second wall.

    `until` is the deadline that the new state has, if it has one.
    """
    seats, queue = effect(edge)
    offer_until = until if edge.target == "offered" else None
    intake_until = until if edge.target == "intake" else None
    values = {"id": sign_up.id, "source": edge.source, "target": edge.target, "name": edge.name, "seats": seats}
    values |= {"queue": queue, "at": at, "offer_until": offer_until, "intake_until": intake_until}
    values["remind_at"] = None if offer_until is None else at + (offer_until - at) / 2
    values |= {"actor": noted.actor, "subject": noted.subject, "reason": noted.reason}
    work.later(MOVE, values)
    version = sign_up.version + 1
    moved = replace(sign_up, state=edge.target, offer_until=offer_until, intake_until=intake_until, version=version)
    return replace(group, held=group.held + seats, waiting=group.waiting + queue), moved


PARTNER_STEP = "UPDATE sign_up SET partner_step_at = %s WHERE id = %s"


def set_partner_step(work: Work, sign_up_id: uuid.UUID, *, at: dt.datetime | None) -> None:
    """Write when the step with the partner was done; None: it is open."""
    work.later(PARTNER_STEP, (at, sign_up_id))


def sign_up_of(row: dict[str, Any]) -> SignUp:
    """A row of COLUMNS as a sign-up."""
    place = Place(track=row.pop("track"), waiting_since=row.pop("waiting_since"), queue_seq=row.pop("queue_seq"))
    return SignUp(**row, place=place)
