"""Members: who may be given which roles by whom, and what may be done in which state."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
import uuid
from collections.abc import Collection
from dataclasses import dataclass

from chassis.errors import Conflict, FieldError, Invalid, NotAllowed, Stale
from services.access.rules.roles import ROLES

CLIENT_ROLES = frozenset({"sender_client", "recipient_client", "subscriber"})
"""Roles of systems; a person never has one."""

RESERVED = frozenset({"operator", "network_admin", "network_coordinator"})
"""Rights beyond one organisation: given on the machine only, and left alone over HTTP."""

PEOPLE_ROLES = frozenset(ROLES) - CLIENT_ROLES
SUBJECT = "member:"
INVITED, ACTIVE, DISABLED = "invited", "active", "disabled"

OPERATIONS: dict[str, frozenset[str]] = dict.fromkeys(
    ("member.invite", "member.list", "member.read", "member.disable", "member.set_roles"), frozenset({"org_admin"})
)

_UNIT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One membership; `password_hash` and `totp` are there once it was active."""

    id: uuid.UUID
    org_id: uuid.UUID
    key_id: uuid.UUID
    personal: bytes
    roles: list[str]
    units: list[str]
    status: str
    password_hash: str | None
    totp: bytes | None
    totp_step: int
    version: int
    created_at: dt.datetime


def subject_of(member_id: uuid.UUID) -> str:
    """How a member is called in tokens and in the audit."""
    return f"{SUBJECT}{member_id}"


def normalised_login(text: str) -> str:
    """A login as it is compared: one way to write each letter, small, without spaces around it."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def check_roles(roles: Collection[str]) -> frozenset[str]:
    """The roles that a person is to have. Raises Invalid for an unknown one, for one of systems, and for none."""
    wrong = sorted(set(roles) - PEOPLE_ROLES)
    if wrong or not roles:
        names = ", ".join(role for role in ROLES if role in PEOPLE_ROLES)
        message = f"A person can not be {', '.join(wrong) or 'without a role'}; the roles are: {names}."
        raise Invalid("role.unknown", message, fields=(FieldError("/roles", "choice", message),))
    return frozenset(roles)


def check_units(units: Collection[str]) -> frozenset[str]:
    """The keys of units. Raises Invalid for what is no key."""
    if not all(_UNIT.match(unit) for unit in units):
        message = "A unit is named by a short key of small letters, digits, - and _."
        raise Invalid("unit.malformed", message, fields=(FieldError("/units", "pattern", message),))
    return frozenset(units)


def check_giving(before: frozenset[str], after: frozenset[str], *, own: bool) -> None:
    """What an administrator may make of a member's roles over HTTP. Raises NotAllowed.

    Roles beyond the organisation are neither given nor taken; to himself (`own`) nobody gives a role.
    """
    if (before ^ after) & RESERVED:
        raise NotAllowed("role.reserved", "Roles beyond one organisation are given on the network's machine only.")
    if own and after - before:
        raise NotAllowed("role.own", "Nobody gives roles to himself; another administrator can.")


def check_inviting(status: str | None) -> None:
    """An invitation goes to somebody new, anew to one who has not come yet, or to one who was disabled.

    Raises Conflict for an active member.
    """
    if status == ACTIVE:
        raise Conflict("member.exists", "This login is a member of your organisation already.", allowed=("disable",))


def check_disabling(status: str) -> None:
    """Raises Conflict when the member is disabled already."""
    if status == DISABLED:
        raise Conflict("member.disabled", "The member is disabled already.")


def check_version(version: int, expected: int | None) -> None:
    """Raises Stale when the caller saw another version of the member."""
    if expected != version:
        raise Stale("member.stale", f"The member is at version {version} now; read it again.")
