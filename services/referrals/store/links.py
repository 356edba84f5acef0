"""Rows of one-time links, found by the hash of their token before an organisation is known."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import uuid
from dataclasses import dataclass
from typing import Any

from chassis.db import Work
from chassis.errors import NotFound
from services.referrals.rules.links import Link

PURPOSE = "institution_link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where a token leads."""

    id: uuid.UUID
    org_id: uuid.UUID
    referral_id: uuid.UUID


def hashed(token: str) -> bytes:
    """What a token is found by; it has 256 bits, so that nobody guesses it from this."""
    return hashlib.sha256(token.encode()).digest()


def bound(work: Work, token: str, referral_id: uuid.UUID, version: int) -> bytes:
    """The signature of a link: it opens this case at this version and no other."""
    return work.digest(PURPOSE, f"{token} {referral_id} {version}")


BY_TOKEN = "SELECT id, org_id, referral_id FROM link_of_token(%s)"  # noqa: S105 - a statement


def by_token(work: Work, token: str) -> Found | None:
    """Where the link with this token leads."""
    row = work.one(BY_TOKEN, (hashed(token),))
    return Found(**row) if row else None


PUT = """
INSERT INTO institution_link (id, org_id, referral_id, token_hash, bound, version, made_by, made_at, expires_at)
VALUES (%(id)s, %(org_id)s, %(referral_id)s, %(token_hash)s, %(bound)s, %(version)s, %(made_by)s, %(at)s, %(until)s)
"""


def put(work: Work, found: Found, token: str, *, version: int, made_by: str, until: dt.datetime) -> None:
    """Write a link of the acting organisation's case."""
    row: dict[str, Any] = {"id": found.id, "org_id": found.org_id, "referral_id": found.referral_id}
    row |= {"token_hash": hashed(token), "bound": bound(work, token, found.referral_id, version)}
    work.later(PUT, {**row, "version": version, "made_by": made_by, "at": work.now, "until": until})


LOCK = "SELECT version, bound, expires_at, used_at FROM institution_link WHERE id = %s FOR UPDATE"


def lock(work: Work, found: Found, token: str) -> Link | None:
    """The link under its lock; None when it is gone or its signature does not fit."""
    row = work.one(LOCK, (found.id,))
    if row is None or not hmac.compare_digest(row["bound"], bound(work, token, found.referral_id, row["version"])):
        return None
    return Link(version=row["version"], expires_at=row["expires_at"], used_at=row["used_at"])


USE = "UPDATE institution_link SET used_at = %s WHERE id = %s"


def use(work: Work, link_id: uuid.UUID) -> None:
    """Note that the link was used."""
    work.later(USE, (work.now, link_id))


OLD = "SELECT org_id FROM organisations_with_old_links(%s)"
FORGET = "DELETE FROM institution_link WHERE expires_at <= %s"


def with_old(work: Work, at: dt.datetime) -> list[uuid.UUID]:
    """Organisations that have links whose time is over."""
    return [row["org_id"] for row in work.all(OLD, (at,))]


def forget_old(work: Work, at: dt.datetime) -> int:
    """Delete the acting organisation's links whose time is over."""
    return work.run(FORGET, (at,), expect=None)


PARTNER = "SELECT key, status FROM partner WHERE org_id = %s"


def active_key(work: Work, org_id: uuid.UUID) -> str | None:
    """The key of an organisation that is active now."""
    row = work.one(PARTNER, (org_id,))
    return str(row["key"]) if row and row["status"] == "active" else None


ACTING = "SELECT acting_org() AS org"


def acting(work: Work) -> uuid.UUID:
    """The acting organisation. Raises NotFound without one."""
    row = work.one(ACTING)
    if row is None or row["org"] is None:
        raise NotFound
    org: uuid.UUID = row["org"]
    return org
