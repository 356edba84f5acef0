"""Grants: which organisation has which queue; the password is in nobody's keeping but the partner's."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from chassis.db import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """The copy of an organisation."""

    org_id: uuid.UUID
    key: str
    status: str


PARTNER = "SELECT org_id, key, status FROM partner WHERE key = %s"


def partner(work: Work, org_key: str) -> Partner | None:
    """The copy of the organisation with this key."""
    row = work.one(PARTNER, (org_key,))
    return Partner(**row) if row else None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRow:
    """One grant as it is kept."""

    id: uuid.UUID
    org_id: uuid.UUID
    name: str
    queue: str
    broker_user: str


ADD = """
INSERT INTO partner_grant (id, org_id, name, queue, broker_user, created_at)
VALUES (%(id)s, %(org_id)s, %(name)s, %(queue)s, %(broker_user)s, %(now)s)
ON CONFLICT (org_id, name) WHERE revoked_at IS NULL DO NOTHING
"""


def add(work: Work, row: GrantRow) -> bool:
    """Keep a new grant; False when a living one has that name. The row also locks the name until the commit."""
    values = {name: getattr(row, name) for name in GrantRow.__slots__}
    return work.run(ADD, {**values, "now": work.now}, expect=None) == 1


LIVING = """
SELECT id, org_id, name, queue, broker_user FROM partner_grant
 WHERE org_id = %s AND name = %s AND revoked_at IS NULL FOR UPDATE
"""


def living(work: Work, org_id: uuid.UUID, name: str) -> GrantRow | None:
    """The grant in force under that name, locked."""
    row = work.one(LIVING, (org_id, name))
    return GrantRow(**row) if row else None


REVOKE = "UPDATE partner_grant SET revoked_at = %s WHERE id = %s"


def revoke(work: Work, grant_id: uuid.UUID) -> None:
    """Note the end of a grant."""
    work.run(REVOKE, (work.now, grant_id))
