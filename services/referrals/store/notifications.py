"""The addresses at which an organisation hears that there is news, and the rows of messages to them."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from chassis.db import Work

SEALED = "notification_address|sealed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAddress:
    """An address that still has to prove that somebody reads it."""

    id: uuid.UUID
    service_kind: str | None
    language: str
    kinds: list[str]
    address_mac: bytes
    key_id: uuid.UUID
    sealed: bytes
    code_mac: bytes
    code_until: dt.datetime


# Two people who change the settings at once do so one after the other; advisory locks are counted per database.
HOLD = "SELECT pg_advisory_xact_lock(hashtextextended('notification ' || acting_org()::text, 0))"
ADDRESSES = """
SELECT id, service_kind, language, kinds, address_mac, key_id, sealed, code_until, confirmed_at
  FROM notification_address ORDER BY created_at, id
"""


def hold(work: Work) -> None:
    """Let nobody else change the acting organisation's settings until the end."""
    work.run(HOLD)


def addresses(work: Work) -> list[dict[str, Any]]:
    """The acting organisation's addresses, sealed, the oldest first."""
    return work.all(ADDRESSES)


ADD = """
INSERT INTO notification_address (id, org_id, service_kind, language, kinds, address_mac, key_id, sealed, code_mac,
                                  code_until, created_at)
VALUES (%(id)s, acting_org(), %(service_kind)s, %(language)s, %(kinds)s, %(address_mac)s, %(key_id)s, %(sealed)s,
        %(code_mac)s, %(code_until)s, %(at)s)
"""


def add(work: Work, address: NewAddress) -> None:
    """Keep a new address; it counts once its code came back."""
    values = {name: getattr(address, name) for name in NewAddress.__slots__}
    work.later(ADD, {**values, "at": work.now})


CHANGE = "UPDATE notification_address SET language = %(language)s, kinds = %(kinds)s WHERE id = %(id)s"
REMOVE = "DELETE FROM notification_address WHERE id = ANY (%s)"


def change(work: Work, address_id: uuid.UUID, *, language: str, kinds: list[str]) -> None:
    """Change what an address hears, and in which language."""
    work.later(CHANGE, {"id": address_id, "language": language, "kinds": kinds})


def remove(work: Work, address_ids: list[uuid.UUID]) -> None:
    """Let addresses go; what is still to be sent there is dropped by the sender."""
    work.later(REMOVE, (address_ids,), expect=len(address_ids))


WAITING = """
SELECT id, key_id, sealed FROM notification_address
 WHERE code_mac = %s AND confirmed_at IS NULL AND code_until > %s FOR UPDATE
"""
CONFIRM = """
UPDATE notification_address SET confirmed_at = %(at)s, code_mac = NULL, code_until = NULL, sealed = %(sealed)s
 WHERE id = %(id)s
"""


def waiting(work: Work, code_mac: bytes) -> dict[str, Any] | None:
    """The acting organisation's address that this code was sent to."""
    return work.one(WAITING, (code_mac, work.now))


def confirm(work: Work, address_id: uuid.UUID, sealed: bytes) -> None:
    """It counts from now on; the code is gone."""
    work.later(CONFIRM, {"id": address_id, "sealed": sealed, "at": work.now})


CODES_SENT = "SELECT count(*) AS count FROM message WHERE object_type = 'notification_address' AND created_at > %s"


def codes_sent(work: Work, since: dt.datetime) -> int:
    """How many codes the acting organisation had sent since then; to addresses of others, perhaps."""
    row = work.one(CODES_SENT, (since,))
    return int(row["count"]) if row else 0


ADDRESS = "SELECT id, language, key_id, sealed, confirmed_at FROM notification_address WHERE id = %s"


def address(work: Work, address_id: uuid.UUID | None) -> dict[str, Any] | None:
    """One address of the acting organisation, as it is now."""
    return work.one(ADDRESS, (address_id,))


# A service that is not known to this copy, or not named at all, is everybody's business.
TELL = """
INSERT INTO message (id, org_id, object_type, object_id, kind, recipient_id, not_before, created_at, changed_at)
SELECT gen_random_uuid(), a.org_id, %(of)s, %(id)s, %(kind)s, a.id, %(at)s, %(at)s, %(at)s
  FROM notification_address AS a
  LEFT JOIN partner_service AS s ON s.service_id = %(service_id)s
 WHERE a.confirmed_at IS NOT NULL AND %(kind)s = ANY (a.kinds)
   AND (a.service_kind IS NULL OR s.kind IS NULL OR a.service_kind = s.kind)
"""


def tell(
    work: Work,
    party: uuid.UUID,
    object_id: uuid.UUID,
    kind: str,
    service_id: uuid.UUID | None,
    *,
    of: str = "referral",
) -> None:
    """Queue a message to every address of a party that wants to hear of this kind; `of` says what the object is."""
    values = {"id": object_id, "of": of, "kind": kind, "service_id": service_id, "at": work.now}
    with work.acting_for(party):
        work.later(TELL, values, expect=None)


# What nobody may read any more, held, erased or locked, is no way to reach anybody.
CONTENT = """
SELECT 'receiver_case|personal' AS place, key_id, personal, kind, state::text FROM receiver_case
 WHERE id = %(id)s AND locked_at IS NULL
UNION ALL
SELECT 'sender_record|personal', key_id, personal, kind, state::text FROM sender_record
 WHERE id = %(id)s AND locked_at IS NULL
"""
COUNTRY = "SELECT country FROM partner WHERE org_id = acting_org()"


def content(work: Work, referral_id: uuid.UUID) -> dict[str, Any] | None:
    """The acting organisation's sealed content of a referral; None where there is none to read."""
    return work.one(CONTENT, {"id": referral_id})


def country(work: Work) -> str | None:
    """Where the acting organisation is."""
    row = work.one(COUNTRY)
    return row["country"] if row else None
