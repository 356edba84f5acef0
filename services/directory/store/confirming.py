"""Who is to be asked whether his entries are still right, the links for it, and what was answered."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from typing import Any

from chassis import clock
from chassis.db import Work
from chassis.errors import NotFound

DUE = """
SELECT o.id FROM organisation AS o LEFT JOIN confirmation_asked AS a ON a.org_id = o.id
 WHERE o.status = 'active' AND o.email IS NOT NULL AND (a.asked_at IS NULL OR a.asked_at < %(again)s)
   AND (coalesce(o.verified_at, o.changed_at) < %(before)s OR EXISTS (
           SELECT FROM service AS s WHERE s.organisation_id = o.id AND s.status = 'published'
              AND coalesce(s.verified_at, s.changed_at) < %(before)s))
 ORDER BY a.asked_at NULLS FIRST, o.id LIMIT 100
"""
ASKED = """
INSERT INTO confirmation_asked (org_id, asked_at) VALUES (%(org)s, %(at)s)
ON CONFLICT (org_id) DO UPDATE SET asked_at = excluded.asked_at
"""


def due(work: Work, *, before: dt.datetime, again: dt.datetime) -> list[uuid.UUID]:
    """Organisations with an entry that nobody confirmed or changed since `before`, not asked since `again`."""
    return [row["id"] for row in work.all(DUE, {"before": before, "again": again})]


def note_asked(work: Work, org_id: uuid.UUID) -> None:
    """It is being asked now."""
    work.run(ASKED, {"org": org_id, "at": work.now})


PUT = """
INSERT INTO confirmation (id, org_id, token_hash, made_at, expires_at)
VALUES (%(id)s, %(org)s, %(hash)s, %(at)s, %(until)s)
"""


def put(work: Work, org_id: uuid.UUID, token: str, until: dt.datetime) -> None:
    """Keep a link; its token is nowhere."""
    values = {"id": clock.new_id(), "org": org_id, "hash": hashed(token), "at": work.now, "until": until}
    work.run(PUT, values)


def hashed(token: str) -> bytes:
    """What a token is found by; it has 256 bits, so that nobody guesses it from this."""
    return hashlib.sha256(token.encode()).digest()


LOCK = """
SELECT c.id, c.org_id, c.made_at, c.expires_at, c.used_at, o.key AS org_key, o.names
  FROM confirmation AS c JOIN organisation AS o ON o.id = c.org_id AND o.status = 'active'
 WHERE c.token_hash = %s FOR UPDATE OF c
"""


def lock(work: Work, token: str) -> dict[str, Any] | None:
    """The link with this token, of an organisation that is active."""
    return work.one(LOCK, (hashed(token),))


ANSWER = "UPDATE confirmation SET used_at = %(at)s, answer = %(answer)s WHERE id = %(id)s"


def answer(work: Work, link_id: uuid.UUID, said: str) -> None:
    """It was answered, this once."""
    work.run(ANSWER, {"id": link_id, "answer": said, "at": work.now})


FORGET = "DELETE FROM confirmation WHERE expires_at < %s"


def forget_old(work: Work, before: dt.datetime) -> None:
    """Delete links that ended long ago."""
    work.run(FORGET, (before,), expect=None)


SERVICES_OF = "SELECT key FROM service WHERE organisation_id = %s AND status = 'published' ORDER BY key LIMIT 200"


def services_of(work: Work, org_id: uuid.UUID) -> list[str]:
    """Keys of the published services of an organisation."""
    return [row["key"] for row in work.all(SERVICES_OF, (org_id,))]


CONFIRM_ORGANISATION = """
UPDATE organisation SET verified_at = %(at)s, version = version + 1, changed_at = %(at)s WHERE id = %(org)s
RETURNING id, key, type, country, status, names, version
"""
CONFIRM_SERVICES = """
UPDATE service SET verified_at = %(at)s, stale = false, version = version + 1, changed_at = %(at)s
 WHERE organisation_id = %(org)s AND status = 'published'
RETURNING id, key, organisation_id, kind, accepting, urgencies, coverage::text[] AS coverage, status, names, stale,
          version
"""


def confirm(work: Work, org_id: uuid.UUID) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """All that an organisation offers is right as of now; returns it and its services. Raises NotFound."""
    row = work.one(CONFIRM_ORGANISATION, {"org": org_id, "at": work.now})
    if row is None:
        raise NotFound
    return row, work.all(CONFIRM_SERVICES, {"org": org_id, "at": work.now})


AGE = """
UPDATE service SET stale = true, version = version + 1
 WHERE id IN (SELECT s.id FROM service AS s JOIN organisation AS o ON o.id = s.organisation_id
               WHERE s.status = 'published' AND NOT s.stale AND o.status = 'active'
                 AND coalesce(s.verified_at, s.changed_at) < %s LIMIT 500)
RETURNING id, key, organisation_id, kind, accepting, urgencies, coverage::text[] AS coverage, status, names, stale,
          version
"""


def become_stale(work: Work, before: dt.datetime) -> list[dict[str, Any]]:
    """Mark services that nobody confirmed or changed since then; returns them."""
    return work.all(AGE, (before,))
