"""Rows of programmes: made, changed, licensed, told."""

from __future__ import annotations

import uuid
from typing import Any

import orjson

from chassis.db import Work

DOCUMENTS = ("names", "consents", "completion", "absences")
ADD = """
INSERT INTO programme (id, org_id, key, kind, names, mandated, intake, partner_step, retention_days, consents,
                       individual_meetings, mandated_share, funder, completion, absences, min_age, max_age,
                       several_seats, licensed_orgs, licence_of, version, created_at)
VALUES (%(id)s, %(org_id)s, %(key)s, %(kind)s, %(names)s::json, %(mandated)s, %(intake)s, %(partner_step)s,
        %(retention_days)s, %(consents)s::json, %(individual_meetings)s, %(mandated_share)s, %(funder)s,
        %(completion)s::json, %(absences)s::json, %(min_age)s, %(max_age)s, %(several_seats)s, %(licensed_orgs)s,
        %(licence_of)s, 1, %(at)s)
ON CONFLICT (org_id, key) DO NOTHING
"""


def add(work: Work, row: dict[str, Any]) -> bool:
    """Write a programme; False when the organisation has one with this key."""
    documents = {name: _json(row[name]) for name in DOCUMENTS}
    return work.run(ADD, {**row, **documents, "at": work.now}, expect=None) == 1


BY_KEY = "SELECT id, key, kind, intake, mandated, names, licence_of FROM programme WHERE org_id = %s AND key = %s"


def by_key(work: Work, org_id: uuid.UUID, key: str) -> dict[str, Any] | None:
    """The organisation's own programme with this key, if any."""
    return work.one(BY_KEY, (org_id, key))


LOCK = """
SELECT id, org_id, key AS programme_key, kind, mandated, intake, partner_step, licence_of, min_age, max_age,
       several_seats, version
  FROM programme WHERE id = %s FOR UPDATE
"""


def lock(work: Work, programme_id: uuid.UUID) -> dict[str, Any] | None:
    """The acting organisation's programme under its lock, with all that is told of it."""
    return work.one(LOCK, (programme_id,))


CHANGE = """
UPDATE programme SET names = coalesce(%(names)s::json, names), consents = coalesce(%(consents)s::json, consents),
                     completion = coalesce(%(completion)s::json, completion),
                     absences = coalesce(%(absences)s::json, absences),
                     individual_meetings = coalesce(%(individual_meetings)s, individual_meetings),
                     mandated_share = coalesce(%(mandated_share)s, mandated_share),
                     retention_days = coalesce(%(retention_days)s, retention_days),
                     several_seats = coalesce(%(several_seats)s, several_seats),
                     licensed_orgs = coalesce(%(licensed_orgs)s, licensed_orgs),
                     funder = CASE WHEN 'funder' = ANY (%(named)s) THEN %(funder)s ELSE funder END,
                     min_age = CASE WHEN 'min_age' = ANY (%(named)s) THEN %(min_age)s ELSE min_age END,
                     max_age = CASE WHEN 'max_age' = ANY (%(named)s) THEN %(max_age)s ELSE max_age END,
                     version = version + 1
 WHERE id = %(id)s
"""
FIELDS = (
    "individual_meetings", "mandated_share", "retention_days", "several_seats", "licensed_orgs", "funder", "min_age",
    "max_age",
)  # fmt: skip


def change(work: Work, programme_id: uuid.UUID, changes: dict[str, Any]) -> None:
    """Write what a programme is to be from now on; what is not named stays."""
    documents = {name: _json(changes[name]) if name in changes else None for name in DOCUMENTS}
    values = {name: changes.get(name) for name in FIELDS}
    work.later(CHANGE, {**values, **documents, "named": list(changes), "id": programme_id})


LICENSED = "SELECT * FROM licensed_programme(%s, %s)"


def licensed(work: Work, programme_id: uuid.UUID, org_id: uuid.UUID) -> dict[str, Any] | None:
    """The settings of somebody else's programme that this organisation may run; None where it may not."""
    return work.one(LICENSED, (programme_id, org_id))


OWNER = "SELECT org_id FROM programme_owner(%s)"


def owner(work: Work, programme_id: uuid.UUID) -> uuid.UUID | None:
    """Whose a programme is that the public may know of."""
    row = work.one(OWNER, (programme_id,))
    return row["org_id"] if row else None


ORGANISATIONS = "SELECT org_id, key FROM partner WHERE key = ANY(%s) AND status = 'active'"


def organisations(work: Work, keys: list[str]) -> dict[str, uuid.UUID]:
    """The ids of active organisations by their keys, as far as the local copy of the directory knows them."""
    return {row["key"]: row["org_id"] for row in work.all(ORGANISATIONS, (keys,))}


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
