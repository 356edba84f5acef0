"""Rows of invitations: found by the hash of their token before an organisation is known."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from chassis.db import Work
from services.access.rules.members import Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where an invitation belongs, as the look-up tells it."""

    id: uuid.UUID
    org_id: uuid.UUID
    member_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An open invitation; hash and second factor are there once a password was chosen."""

    id: uuid.UUID
    password_hash: str | None
    totp: bytes | None
    expires_at: dt.datetime


BY_TOKEN = "SELECT id, org_id, member_id FROM invitation_of_token(%s)"  # noqa: S105 - a statement


def by_token(work: Work, token_hash: bytes) -> Found | None:
    """Where the invitation with this token belongs."""
    row = work.one(BY_TOKEN, (token_hash,))
    return Found(**row) if row else None


LOCK = "SELECT id, password_hash, totp, expires_at FROM invitation WHERE id = %s FOR UPDATE"


def lock(work: Work, found: Found) -> Invitation | None:
    """The invitation, locked; None when it was used meanwhile."""
    with work.acting_for(found.org_id):
        row = work.one(LOCK, (found.id,))
    return Invitation(**row) if row else None


PUT = """
INSERT INTO invitation (id, org_id, member_id, token_hash, expires_at)
VALUES (%(id)s, %(org_id)s, %(member_id)s, %(token_hash)s, %(expires_at)s)
ON CONFLICT (member_id) DO UPDATE SET id = excluded.id, token_hash = excluded.token_hash,
       expires_at = excluded.expires_at, password_hash = NULL, totp = NULL
"""


def put(
    work: Work,
    org_id: uuid.UUID,
    member_id: uuid.UUID,
    *,
    invitation_id: uuid.UUID,
    token_hash: bytes,
    until: dt.datetime,
) -> None:
    """Write the one invitation of a member; an earlier one is void from then on."""
    row = {"id": invitation_id, "org_id": org_id, "member_id": member_id, "token_hash": token_hash, "expires_at": until}
    with work.acting_for(org_id):
        work.run(PUT, row)


CHOOSE = "UPDATE invitation SET password_hash = %s, totp = %s WHERE id = %s"


def choose(work: Work, found: Found, *, password_hash: str, totp: bytes) -> None:
    """Keep what was chosen until a code confirms it."""
    with work.acting_for(found.org_id):
        work.run(CHOOSE, (password_hash, totp, found.id))


USE = "DELETE FROM invitation WHERE member_id = %s"


def forget(work: Work, member: Member) -> None:
    """Take a member's invitation away, used or not."""
    with work.acting_for(member.org_id):
        work.run(USE, (member.id,), expect=None)
