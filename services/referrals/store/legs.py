"""The leg under its lock and the two parties' rows of it: what a transition decides on and writes."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from chassis import clock
from chassis.db import Work
from chassis.errors import NotFound
from services.referrals.rules.lifecycle import CLOSED, RECEIVER, SENDER, Standing

CASE_HANDLING = "receiver_case|handling"
HISTORY_DETAILS = "history|details"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """The leg as it stands under the lock, and on which side of it the acting organisation is."""

    id: uuid.UUID
    episode_id: uuid.UUID
    parent_id: uuid.UUID | None
    kind: str
    sender_id: uuid.UUID
    receiver_id: uuid.UUID | None
    service_id: uuid.UUID | None
    urgency: str
    ordered: bool
    state: str
    held_from: str | None
    held_by: str | None
    last_transition: str | None
    feedback_scope: str
    scope_fixed: bool
    sender_acted_at: dt.datetime | None
    error_proposed_by: uuid.UUID | None
    changed_at: dt.datetime
    side: str
    area: str | None = None
    valid_until: dt.date | None = None

    @property
    def standing(self) -> Standing:
        """How it truly stands, for the rules."""
        return Standing(
            state=self.state,
            kind=self.kind,
            held_from=self.held_from,
            held_by=self.held_by,
            last_transition=self.last_transition,
        )


LOCK = """
SELECT id, episode_id, parent_id, kind, sender_id, receiver_id, service_id, urgency, ordered, state, held_from, held_by,
       last_transition, feedback_scope, scope_fixed, sender_acted_at, error_proposed_by, changed_at,
       area, valid_until FROM leg_locked(%s)
"""


def lock_leg(work: Work, referral_id: uuid.UUID, org: uuid.UUID) -> Leg:
    """Lock the leg for a decision. Raises NotFound when it does not exist or the organisation is no party to it."""
    row = work.one(LOCK, (referral_id,))
    if row is None:
        raise NotFound
    return Leg(**row, side=SENDER if row["sender_id"] == org else RECEIVER)


STEPPED = "SELECT leg_stepped(%(id)s, %(state)s, %(held_from)s, %(held_by)s, %(fixed)s, %(transition)s, %(at)s)"


def move_leg(
    work: Work, leg: Leg, *, state: str, transition: str, held_from: str | None, held_by: str | None, fixed: bool
) -> None:
    """Set the leg's true state, where a pause came from and by whom, and whether the feedback scope is fixed."""
    values = {"id": leg.id, "state": state, "held_from": held_from, "held_by": held_by, "fixed": fixed}
    work.later(STEPPED, {**values, "transition": transition, "at": work.now})


SENDER_ACTED = "SELECT leg_sender_acted(%s, %s)"
ERROR_PROPOSED = "SELECT leg_error_proposed(%s)"


def note_sender_acted(work: Work, leg_id: uuid.UUID) -> None:
    """Note that the sender did something: from now on the receiver's last decision is not undone."""
    work.later(SENDER_ACTED, (leg_id, work.now))


def propose_error(work: Work, leg: Leg) -> None:
    """Note that the acting organisation's officer proposes to mark the referral as entered in error."""
    work.later(ERROR_PROPOSED, (leg.id,))


OWN_RECORD = """
SELECT version, state, kind, reason, key_id, unit, worker, restricted, held_from, held_by, last_transition, changed_at,
       NULL::bytea AS handling, consent_until, false AS treating,
       (SELECT coalesce(array_agg(m.kind), '{}') FROM member_standing AS m
         WHERE m.org_id = r.org_id AND m.referral_id = r.id AND m.subject = %(subject)s) AS member
  FROM sender_record AS r WHERE id = %(id)s FOR UPDATE
"""
OWN_CASE = """
SELECT version, state, kind, reason, key_id, unit, worker, restricted, held_from, held_by, last_transition, changed_at,
       handling, consent_until, treating,
       (SELECT coalesce(array_agg(m.kind), '{}') FROM member_standing AS m
         WHERE m.org_id = c.org_id AND m.referral_id = c.id AND m.subject = %(subject)s) AS member
  FROM receiver_case AS c WHERE id = %(id)s FOR UPDATE
"""


def own_row(work: Work, leg: Leg, subject: str | None = None) -> dict[str, Any]:
    """The row of the acting side, and who may open it: what the side sees of state and reason, and the row's key.

    Raises NotFound.
    """
    row = work.one(OWN_RECORD if leg.side == SENDER else OWN_CASE, {"id": leg.id, "subject": subject})
    if row is None:
        raise NotFound
    return row


SEALED_RECORD = "SELECT personal FROM sender_record WHERE id = %s AND locked_at IS NULL"
SEALED_CASE = "SELECT personal FROM receiver_case WHERE id = %s AND locked_at IS NULL"


def sealed(work: Work, leg: Leg) -> bytes:
    """The acting side's sealed content. Raises NotFound where it is locked or gone."""
    row = work.one(SEALED_RECORD if leg.side == SENDER else SEALED_CASE, (leg.id,))
    if row is None:
        raise NotFound
    content: bytes = row["personal"]
    return content


SENDER_ROW = "SELECT state, held_from, key_id, erased_at FROM sender_record WHERE id = %s FOR UPDATE"
RECEIVER_ROW = "SELECT state, held_from, key_id, erased_at FROM receiver_case WHERE id = %s FOR UPDATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyRow:
    """One party's row as a step finds it: what it shows, and showed before a pause, and the key of its details."""

    state: str
    held_from: str | None
    key_id: uuid.UUID
    erased_at: dt.datetime | None


def party_row(work: Work, leg: Leg, party: uuid.UUID) -> PartyRow:
    """One party's row under its lock, held or erased ones too. Raises NotFound."""
    with work.acting_for(party), work.closed_too():
        row = work.one(SENDER_ROW if party == leg.sender_id else RECEIVER_ROW, (leg.id,))
    if row is None:
        raise NotFound
    return PartyRow(**row)


# An erased row moves on with the leg, and takes nothing in again but the state. `closed` has no date: it keeps the one
# of what was told before.
STEP_RECORD = """
WITH stepped AS (
    UPDATE sender_record AS r SET state = %(state)s, version = r.version + 1,
           changed_at = CASE WHEN %(closed)s THEN r.changed_at ELSE %(at)s END,
           held_from = %(held_from)s, held_by = %(held_by)s, last_transition = %(transition)s,
           reason = CASE WHEN r.erased_at IS NULL THEN %(reason)s::text END
      FROM (SELECT id, state FROM sender_record WHERE id = %(id)s FOR UPDATE) AS b
     WHERE r.id = b.id RETURNING r.id, r.org_id, r.version, b.state AS before, r.erased_at, r.changed_at
)
INSERT INTO history (id, org_id, referral_id, no, transition, event, from_state, to_state, by_org, by_subject, reason,
                     key_id, details, at)
SELECT %(history_id)s, org_id, id, version, %(transition)s, %(event)s, before, %(state)s, %(by_org)s, %(by_subject)s,
       CASE WHEN erased_at IS NULL THEN %(reason)s::text END,
       CASE WHEN erased_at IS NULL THEN %(key_id)s::uuid END,
       CASE WHEN erased_at IS NULL THEN %(details)s::bytea END, changed_at FROM stepped RETURNING no AS version
"""
STEP_CASE = """
WITH stepped AS (
    UPDATE receiver_case AS r SET state = %(state)s, version = r.version + 1,
           changed_at = CASE WHEN %(closed)s THEN r.changed_at ELSE %(at)s END,
           held_from = %(held_from)s, held_by = %(held_by)s, last_transition = %(transition)s,
           reason = CASE WHEN r.erased_at IS NULL THEN %(reason)s::text END
      FROM (SELECT id, state FROM receiver_case WHERE id = %(id)s FOR UPDATE) AS b
     WHERE r.id = b.id RETURNING r.id, r.org_id, r.version, b.state AS before, r.erased_at, r.changed_at
)
INSERT INTO history (id, org_id, referral_id, no, transition, event, from_state, to_state, by_org, by_subject, reason,
                     key_id, details, at)
SELECT %(history_id)s, org_id, id, version, %(transition)s, %(event)s, before, %(state)s, %(by_org)s, %(by_subject)s,
       CASE WHEN erased_at IS NULL THEN %(reason)s::text END,
       CASE WHEN erased_at IS NULL THEN %(key_id)s::uuid END,
       CASE WHEN erased_at IS NULL THEN %(details)s::bytea END, changed_at FROM stepped RETURNING no AS version
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step as one party may know it; the other side's staff is never named."""

    transition: str
    event: str
    state: str
    held_from: str | None
    held_by: str | None
    reason: str | None
    by_org: uuid.UUID | None
    by_subject: str | None
    details: dict[str, Any]


def step(work: Work, leg: Leg, party: uuid.UUID, row: PartyRow, taken: Step) -> int:
    """Move one party's row, note it in that party's history with its details sealed, and return its new version."""
    history_id = clock.new_id()
    sealed: bytes | None = None
    if taken.details and row.erased_at is None:
        key = work.keys.fetch([row.key_id])[row.key_id]
        sealed = key.seal(HISTORY_DETAILS, history_id, taken.details)
    values = {name: getattr(taken, name) for name in Step.__slots__}
    values |= {"id": leg.id, "at": work.now, "history_id": history_id, "details": sealed}
    values |= {"key_id": row.key_id if sealed else None, "closed": taken.state == CLOSED}
    with work.acting_for(party), work.closed_too():  # the other party's row moves on, held or erased
        written = work.one(STEP_RECORD if party == leg.sender_id else STEP_CASE, values)
    if written is None:
        raise NotFound
    version: int = written["version"]
    return version


KEEP_HANDLING = "UPDATE receiver_case SET handling = %s WHERE id = %s"


def keep_handling(work: Work, leg: Leg, sealed: bytes) -> None:
    """Keep what the receiver noted with its decisions, sealed."""
    work.later(KEEP_HANDLING, (sealed, leg.id))


LOCK_RECORD = "UPDATE sender_record SET locked_at = coalesce(locked_at, %s) WHERE id = %s"
LOCK_CASE = "UPDATE receiver_case SET locked_at = coalesce(locked_at, %s) WHERE id = %s"


def lock_personal(work: Work, leg: Leg, party: uuid.UUID) -> None:
    """Shut one party's personal part for every read; the row itself stays."""
    with work.acting_for(party), work.closed_too():
        work.later(LOCK_RECORD if party == leg.sender_id else LOCK_CASE, (work.now, leg.id))
