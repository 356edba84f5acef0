"""Rows of trusted issuers: whose tokens may be exchanged, and for which organisation."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from chassis.db import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """One row: tokens of `issuer` with `value` in `claim` act for the organisation with at most these roles."""

    id: uuid.UUID
    org_id: uuid.UUID
    org_key: str
    org_status: str
    issuer: str
    jwks_uri: str
    audience: str
    claim: str
    value: str
    roles: tuple[str, ...]


ROWS = "SELECT id, org_id FROM issuer_rows(%s)"
ROW = """
SELECT i.id, i.org_id, p.key AS org_key, p.status AS org_status, i.issuer, i.jwks_uri, i.audience, i.claim, i.value,
       i.roles
  FROM issuer AS i JOIN partner AS p ON p.org_id = i.org_id WHERE i.id = %s
"""


def rows_of(work: Work, issuer: str | None) -> Iterator[Issuer]:
    """The rows of an issuer, or all, whatever organisation they lead to."""
    for each in work.all(ROWS, (issuer,)):
        with work.acting_for(each["org_id"]):
            row = work.one(ROW, (each["id"],))
        if row is not None:
            yield Issuer(**{**row, "roles": tuple(row["roles"])})


ADD = """
INSERT INTO issuer (id, org_id, issuer, jwks_uri, audience, claim, value, roles, created_at, created_by)
VALUES (%(id)s, %(org_id)s, %(issuer)s, %(jwks_uri)s, %(audience)s, %(claim)s, %(value)s, %(roles)s, %(now)s, %(by)s)
ON CONFLICT DO NOTHING
"""


def add(work: Work, row: Issuer, *, by: str) -> bool:
    """Keep a row; False when the same issuer, claim and value lead somewhere already."""
    names = ("id", "org_id", "issuer", "jwks_uri", "audience", "claim", "value")
    values = {name: getattr(row, name) for name in names}
    return work.run(ADD, {**values, "roles": list(row.roles), "by": by, "now": work.now}, expect=None) == 1


REMOVE = "DELETE FROM issuer WHERE id = %s"


def remove(work: Work, issuer_id: uuid.UUID) -> bool:
    """Drop a row of the organisation that the work acts for; False when there is none."""
    return work.run(REMOVE, (issuer_id,), expect=None) == 1
