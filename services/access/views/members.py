"""Rows that are only shown: the members of an organisation, the sessions of one member."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from chassis.db import Work
from services.access.rules.members import Member
from services.access.rules.sessions import Session

MEMBERS = """
SELECT id, org_id, key_id, personal, roles, units, status, password_hash, totp, totp_step, version, created_at
  FROM member
 WHERE org_id = %(org_id)s
   AND (%(at)s::timestamptz IS NULL OR (created_at, id) < (%(at)s::timestamptz, %(id)s::uuid))
 ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""


def members(
    work: Work, org_id: uuid.UUID, *, after: tuple[dt.datetime | None, uuid.UUID | None], limit: int
) -> list[Member]:
    """The members of an organisation, newest first."""
    with work.acting_for(org_id):
        rows = work.all(MEMBERS, {"org_id": org_id, "at": after[0], "id": after[1], "limit": limit})
    return [Member(**row) for row in rows]


SESSIONS = """
SELECT id, started_at, seen_at, ends_at, device_id IS NOT NULL AS on_device FROM member_session
 WHERE member_id = %s AND idle_until > %s AND ends_at > %s ORDER BY started_at DESC, id DESC LIMIT 200
"""


def sessions(work: Work, member_id: uuid.UUID, *, current: uuid.UUID) -> list[dict[str, Any]]:
    """The open sessions of a member of the acting organisation, newest first."""
    rows = work.all(SESSIONS, (member_id, work.now, work.now))
    return [{**row, "current": row["id"] == current} for row in rows]


def member_shown(member: Member, *, org_key: str, personal: dict[str, Any]) -> dict[str, Any]:
    """A member as a plain value; whoever asks is himself or an administrator of his organisation."""
    return {
        "id": member.id,
        "organisation": {"id": member.org_id, "key": org_key},
        "login": personal["login"],
        "name": personal["name"],
        "roles": sorted(member.roles),
        "units": sorted(member.units),
        "status": member.status,
        "version": member.version,
        "created_at": member.created_at,
    }


def session_shown(session: Session, *, csrf: str, member: dict[str, Any]) -> dict[str, Any]:
    """A session as its owner sees it."""
    return {
        "id": session.id,
        "csrf_token": csrf,
        "member": member,
        "started_at": session.started_at,
        "proved_at": session.proved_at,
        "idle_until": session.idle_until,
        "ends_at": session.ends_at,
        "on_device": session.device_id is not None,
    }
