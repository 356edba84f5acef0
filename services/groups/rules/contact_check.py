"""Whether a man's own channel is his: by which way it is asked, how long, and what he is told (groups.md 4, rule 8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from chassis.errors import Conflict
from chassis.messages.contact import Contact, contact_of
from chassis.messages.gate import decide
from chassis.messages.kinds import CARRIED, KINDS

TIME = dt.timedelta(hours=72)
AGAIN_AFTER = dt.timedelta(hours=1)
TRIES = 10
"""So often may the digits be wrong; then only a worker can confirm."""
MAILS_A_DAY = 5
"""So often one address is asked on a day, in all groups together; a stranger must not flood anybody through us."""
DIGITS = 6
MAIL, CALL = "mail", "call"
WAYS = (MAIL, CALL)
CONFIRM, NEWS, REMINDER, AGAIN = "man.confirm", "man.news", "man.reminder", "man.again"
CHECKED = frozenset({"waiting", "intake", "confirmed"})
"""States that a contact which nobody confirms ends; an offer that was made by telephone has its own end."""
WORDS = {
    MAIL: " First enter the six digits that were sent to your address; no seat is offered before.",
    CALL: " First a worker rings to make sure that the number is yours; no seat is offered before.",
}
SEATED_WORDS = {
    MAIL: " Enter the six digits that were sent to your address by the time given, or the seat goes to somebody else.",
    CALL: " A worker rings to make sure that the number is yours; who is not reached loses the seat to somebody else.",
}


def words(way: str | None, *, seated: bool) -> str:
    """What he has to do for his contact to count, after what happens next; empty where nothing is awaited."""
    if way is None:
        return ""
    return SEATED_WORDS[way] if seated else WORDS[way]


def contact(told: Mapping[str, Any] | None, *, verified_at: dt.datetime | None, language: str | None) -> Contact:
    """A man's own channel as the gate of messages reads it."""
    return contact_of({"contact": {**(told or {}), "verified_at": verified_at}, "language": language})


def way(told: Mapping[str, Any] | None, now: dt.datetime) -> str | None:
    """How it can be asked whether the channel is his: by mail or by a worker's call; None where neither is allowed."""
    if told is None:
        return None
    his = contact(told, verified_at=None, language=None)
    if decide(KINDS[CONFIRM], his, now, carried=CARRIED).allowed:
        return MAIL
    return CALL if decide(KINDS["person.call"], his, now).allowed else None


def digits(mac: bytes) -> str:
    """The digits that a mail carries, from a keyed hash of the sign-up: nothing has to be kept."""
    return f"{int.from_bytes(mac[:8]) % 10**DIGITS:0{DIGITS}}"


def check_tries(wrong: int) -> None:
    """Raise Conflict when the digits were wrong too often."""
    if wrong >= TRIES:
        message = "The digits were wrong too often; ask a worker of the organisation to confirm your contact."
        raise Conflict("contact.too_many_tries", message, allowed=())


def wrong_digits() -> Conflict:
    """What is answered to digits that are not those of the mail."""
    return Conflict("contact.wrong_digits", "These are not the digits of the last mail.", allowed=())
