"""Rows of sessions and registered devices: found by the hash of their cookie, ended by being deleted."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

from chassis.db import Work
from services.access.rules.sessions import Device, Session

FIND = "SELECT id, org_id, member_id FROM session_of_token(%s)"
LOCK = """
SELECT id, org_id, member_id, device_id, proved_at, started_at, seen_at, idle_until, ends_at
  FROM member_session WHERE id = %s FOR UPDATE
"""


def by_token(work: Work, token_hash: bytes) -> Session | None:
    """The session of a cookie, locked; None when there is none or it was just ended."""
    found = work.one(FIND, (token_hash,))
    if found is None:
        return None
    with work.acting_for(found["org_id"]):
        row = work.one(LOCK, (found["id"],))
    return Session(**row) if row else None


ADD = """
INSERT INTO member_session (id, org_id, member_id, device_id, token_hash, proved_at, started_at, seen_at, idle_until,
                            ends_at)
VALUES (%(id)s, %(org_id)s, %(member_id)s, %(device_id)s, %(token_hash)s, %(proved_at)s, %(started_at)s, %(seen_at)s,
        %(idle_until)s, %(ends_at)s)
"""


def add(work: Work, session: Session, token_hash: bytes) -> None:
    """Write a new session."""
    row: dict[str, Any] = {name: getattr(session, name) for name in Session.__dataclass_fields__}
    with work.acting_for(session.org_id):
        work.run(ADD, {**row, "token_hash": token_hash})


SEEN = "UPDATE member_session SET seen_at = %s, idle_until = %s WHERE id = %s"


def seen(work: Work, session: Session, idle: dt.timedelta) -> None:
    """Let the idle time begin anew."""
    with work.acting_for(session.org_id):
        work.run(SEEN, (work.now, work.now + idle, session.id))


PROVED = "UPDATE member_session SET proved_at = %s WHERE id = %s"
PROVED_DEVICE = "UPDATE member_device SET proved_at = %s WHERE id = %s"


def proved(work: Work, session: Session) -> None:
    """Note a two-factor proof in the session and on its device."""
    with work.acting_for(session.org_id):
        work.run(PROVED, (work.now, session.id))
        if session.device_id is not None:
            work.run(PROVED_DEVICE, (work.now, session.device_id))


END = "DELETE FROM member_session WHERE id = %s AND member_id = %s"


def end(work: Work, org_id: uuid.UUID, session_id: uuid.UUID, *, of: uuid.UUID) -> bool:
    """End a session of this member; False when there is none such."""
    with work.acting_for(org_id):
        return work.run(END, (session_id, of), expect=None) == 1


END_ALL = "DELETE FROM member_session WHERE member_id = %s AND id IS DISTINCT FROM %s"
FORGET_DEVICES = "DELETE FROM member_device WHERE member_id = %s AND id IS DISTINCT FROM %s"


def end_all(work: Work, org_id: uuid.UUID, member_id: uuid.UUID, *, but: Session | None = None) -> None:
    """End all sessions of a member and forget his devices, but one session and its device."""
    with work.acting_for(org_id):
        work.run(END_ALL, (member_id, but.id if but else None), expect=None)
        work.run(FORGET_DEVICES, (member_id, but.device_id if but else None), expect=None)


DEVICE = """
SELECT id, proved_at FROM member_device WHERE token_hash = %s AND member_id = %s AND ends_at > %s
"""


def device(work: Work, org_id: uuid.UUID, member_id: uuid.UUID, token_hash: bytes) -> Device | None:
    """The registered device of this member with this cookie."""
    with work.acting_for(org_id):
        row = work.one(DEVICE, (token_hash, member_id, work.now))
    return Device(**row) if row else None


ADD_DEVICE = """
INSERT INTO member_device (id, org_id, member_id, token_hash, proved_at, ends_at) VALUES (%s, %s, %s, %s, %s, %s)
"""
ON_DEVICE = "UPDATE member_session SET device_id = %s, idle_until = %s WHERE id = %s"


def register(work: Work, session: Session, device: Device, *, token_hash: bytes, until: dt.datetime) -> None:
    """Write the device that a session runs on."""
    with work.acting_for(session.org_id):
        row = (device.id, session.org_id, session.member_id, token_hash, device.proved_at, until)
        work.run(ADD_DEVICE, row)


def put_on(work: Work, session: Session, device_id: uuid.UUID, idle: dt.timedelta) -> None:
    """Let a session be one on a registered device."""
    with work.acting_for(session.org_id):
        work.run(ON_DEVICE, (device_id, work.now + idle, session.id))


ORGANISATIONS = "SELECT org_id FROM organisations_with_ended_sessions(%s)"
SWEEP_SESSIONS = "DELETE FROM member_session WHERE ends_at <= %(at)s OR idle_until <= %(at)s"
SWEEP_DEVICES = "DELETE FROM member_device WHERE ends_at <= %(at)s"
SWEEP_INVITATIONS = "DELETE FROM invitation WHERE expires_at <= %(at)s"


def organisations_to_sweep(work: Work) -> Iterator[uuid.UUID]:
    """The organisations that have a row that ended."""
    return (row["org_id"] for row in work.all(ORGANISATIONS, (work.now,)))


def sweep(work: Work, org_id: uuid.UUID) -> int:
    """Delete what ended in one organisation; returns how many rows."""
    with work.acting_for(org_id):
        return sum(
            work.run(query, {"at": work.now}, expect=None)
            for query in (SWEEP_SESSIONS, SWEEP_DEVICES, SWEEP_INVITATIONS)
        )
