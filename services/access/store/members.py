"""Rows of members: found by the keyed hash of the login, locked, changed; always inside their own organisation."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.db import Work
from services.access.rules.members import Member

LOCK = """
SELECT id, org_id, key_id, personal, roles, units, status, password_hash, totp, totp_step, version, created_at
  FROM member WHERE id = %s FOR UPDATE
"""


def lock(work: Work, org_id: uuid.UUID, member_id: uuid.UUID) -> Member | None:
    """The member of this organisation, locked: codes and changes of one member go one after the other."""
    with work.acting_for(org_id):
        row = work.one(LOCK, (member_id,))
    return Member(**row) if row else None


BY_LOGIN = """
SELECT id, org_id, key_id, personal, roles, units, status, password_hash, totp, totp_step, version, created_at
  FROM member WHERE login_mac = %s
"""


def by_login(work: Work, org_id: uuid.UUID, login_mac: bytes) -> Member | None:
    """The member of this organisation with this login, not locked."""
    with work.acting_for(org_id):
        row = work.one(BY_LOGIN, (login_mac,))
    return Member(**row) if row else None


BY_ID = """
SELECT id, org_id, key_id, personal, roles, units, status, password_hash, totp, totp_step, version, created_at
  FROM member WHERE id = %s
"""


def by_id(work: Work, org_id: uuid.UUID, member_id: uuid.UUID) -> Member | None:
    """The member of this organisation as he is now, not locked."""
    with work.acting_for(org_id):
        row = work.one(BY_ID, (member_id,))
    return Member(**row) if row else None


ADD = """
INSERT INTO member (id, org_id, login_mac, key_id, personal, roles, units, status, version, created_at, changed_at)
VALUES (%(id)s, %(org_id)s, %(login_mac)s, %(key_id)s, %(personal)s, %(roles)s, %(units)s, 'invited', 1, %(at)s, %(at)s)
ON CONFLICT (org_id, login_mac) DO NOTHING
"""


def add(work: Work, org_id: uuid.UUID, row: dict[str, Any]) -> bool:
    """Write a new member as invited; False when another request has just done so."""
    with work.acting_for(org_id):
        return work.run(ADD, {**row, "org_id": org_id, "at": work.now}, expect=None) == 1


INVITE_AGAIN = """
UPDATE member SET personal = %(personal)s, roles = %(roles)s, units = %(units)s, status = 'invited',
       password_hash = NULL, totp = NULL, version = version + 1, changed_at = %(at)s WHERE id = %(id)s
"""


def invite_again(work: Work, org_id: uuid.UUID, row: dict[str, Any]) -> None:
    """Let a member begin anew: what he proved himself with before is gone."""
    with work.acting_for(org_id):
        work.run(INVITE_AGAIN, {**row, "at": work.now})


DISABLE = "UPDATE member SET status = 'disabled', version = version + 1, changed_at = %s WHERE id = %s"


def disable(work: Work, org_id: uuid.UUID, member_id: uuid.UUID) -> None:
    """Take a member's access."""
    with work.acting_for(org_id):
        work.run(DISABLE, (work.now, member_id))


SET_ROLES = """
UPDATE member SET roles = %s, units = %s, version = version + 1, changed_at = %s WHERE id = %s
"""


def set_roles(work: Work, org_id: uuid.UUID, member_id: uuid.UUID, *, roles: list[str], units: list[str]) -> None:
    """Give a member other roles and units."""
    with work.acting_for(org_id):
        work.run(SET_ROLES, (roles, units, work.now, member_id))


ACTIVATE = """
UPDATE member SET status = 'active', password_hash = %s, totp = %s, totp_step = %s, version = version + 1,
       changed_at = %s WHERE id = %s
"""


def activate(work: Work, member: Member, *, password_hash: str, totp: bytes, step: int) -> None:
    """Make a member active with what he chose."""
    with work.acting_for(member.org_id):
        work.run(ACTIVATE, (password_hash, totp, step, work.now, member.id))


ACCEPT_STEP = "UPDATE member SET totp_step = %(step)s WHERE id = %(id)s AND totp_step < %(step)s"


def accept_step(work: Work, member: Member, step: int) -> None:
    """Use up the code of a time step; a second use of it touches no row, which ends the work."""
    with work.acting_for(member.org_id):
        work.run(ACCEPT_STEP, {"step": step, "id": member.id})


SET_PASSWORD = "UPDATE member SET password_hash = %s, changed_at = %s WHERE id = %s"  # noqa: S105 - a statement


def set_password(work: Work, member: Member, password_hash: str) -> None:
    """Keep another hash."""
    with work.acting_for(member.org_id):
        work.run(SET_PASSWORD, (password_hash, work.now, member.id))


FORGET_CODES = "DELETE FROM recovery_code WHERE member_id = %s"
ADD_CODE = "INSERT INTO recovery_code (id, org_id, member_id, mac) VALUES (%s, %s, %s, %s)"


def replace_codes(work: Work, member: Member, codes: list[tuple[uuid.UUID, bytes]]) -> None:
    """Put new recovery codes in the place of the old ones."""
    with work.acting_for(member.org_id):
        work.run(FORGET_CODES, (member.id,), expect=None)
        for code_id, mac in codes:
            work.run(ADD_CODE, (code_id, member.org_id, member.id, mac))


USE_CODE = "DELETE FROM recovery_code WHERE member_id = %s AND mac = %s"


def use_code(work: Work, member: Member, mac: bytes) -> bool:
    """Use up a recovery code; False when there is none such."""
    with work.acting_for(member.org_id):
        return work.run(USE_CODE, (member.id, mac), expect=None) == 1
