"""Return cards: what a man holds instead of an account; found by the keyed hash of the code, opened by the PIN."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, replace
from typing import Any

from chassis.db import Work
from chassis.errors import NotFound
from services.groups.store.seats import Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where a card belongs, as the look-up before any organisation tells it."""

    sign_up_id: uuid.UUID
    org_id: uuid.UUID
    group_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A card under the group's lock; `told_state` is set when it stands for a repeated sign-up."""

    sign_up_id: uuid.UUID
    pin_mac: bytes
    failures: int
    blocked_until: dt.datetime | None
    told_state: str | None
    told_seq: int | None
    told_code_only: bool
    told_way: str | None
    told_until: dt.datetime | None
    wrong_digits: int
    erase_at: dt.datetime | None
    created_at: dt.datetime


BY_CODE = "SELECT sign_up_id, org_id, group_id FROM card_of_code(%s)"
BY_SIGN_UP = "SELECT sign_up_id, org_id, group_id FROM card_of_sign_up(%s)"


def by_code(work: Work, mac: bytes) -> Found | None:
    """The card with this code."""
    row = work.one(BY_CODE, (mac,))
    return Found(**row) if row else None


def by_sign_up(work: Work, sign_up_id: uuid.UUID) -> Found | None:
    """The card of this sign-up."""
    row = work.one(BY_SIGN_UP, (sign_up_id,))
    return Found(**row) if row else None


ADD = """
INSERT INTO return_card (sign_up_id, org_id, group_id, code_mac, pin_mac, told_state, told_seq, told_code_only,
                         told_way, told_until, created_at)
VALUES (%(id)s, %(org_id)s, %(group_id)s, %(code_mac)s, %(pin_mac)s, %(told_state)s, %(told_seq)s, %(code_only)s,
        %(contact_way)s, %(contact_until)s, %(at)s)
"""


def add(work: Work, group: Group, row: dict[str, Any], *, told_state: str, told_seq: int) -> None:
    """Write a card without a sign-up behind it, with the state and the place in the queue that it tells."""
    told = {"told_state": told_state, "told_seq": told_seq}
    work.later(ADD, {**row, **told, "org_id": group.org_id, "group_id": group.id})


LOCK = """
SELECT sign_up_id, pin_mac, failures, blocked_until, told_state, told_seq, told_code_only, told_way, told_until,
       wrong_digits, erase_at, created_at
  FROM return_card WHERE sign_up_id = %s FOR UPDATE
"""


def lock(work: Work, sign_up_id: uuid.UUID) -> Card:
    """The card for a try of the PIN; tries at one card go one after the other. Raises NotFound."""
    row = work.one(LOCK, (sign_up_id,))
    if row is None:
        raise NotFound
    return Card(**row)


TRIED = "UPDATE return_card SET failures = %s, blocked_until = %s WHERE sign_up_id = %s"


def tried(work: Work, card: Card, *, failures: int, blocked_until: dt.datetime | None) -> None:
    """Keep how often the PIN was wrong in a row, and how long the card is shut for it."""
    work.later(TRIED, (failures, blocked_until, card.sign_up_id))


ERASE = "UPDATE return_card SET erase_at = %s WHERE sign_up_id = %s"


def erase(work: Work, card: Card, at: dt.datetime | None) -> Card:
    """Set when everything of him goes; None takes it back."""
    work.later(ERASE, (at, card.sign_up_id))
    return replace(card, erase_at=at)


TO_DROP = "SELECT org_id, sign_up_id FROM cards_to_drop(%s, 100)"


def to_drop(work: Work) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Organisations and ids of cards that lead to no sign-up and whose time is over."""
    return [(row["org_id"], row["sign_up_id"]) for row in work.all(TO_DROP, (work.now,))]


WRONG = "UPDATE return_card SET wrong_digits = wrong_digits + 1 WHERE sign_up_id = %s"


def wrong(work: Work, card: Card) -> None:
    """Count digits that were not those of the mail."""
    work.later(WRONG, (card.sign_up_id,))


TELL = "UPDATE return_card SET told_state = %s WHERE sign_up_id = %s AND told_state IS NOT NULL"


def tell(work: Work, card: Card, state: str) -> Card:
    """Move what a card without a sign-up tells."""
    work.later(TELL, (state, card.sign_up_id))
    return replace(card, told_state=state)


DROP = "DELETE FROM return_card WHERE sign_up_id = %s"


def drop(work: Work, sign_up_id: uuid.UUID) -> None:
    """Let a card lead to nothing any more."""
    work.later(DROP, (sign_up_id,))
