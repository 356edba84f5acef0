"""Messages that follow from what happened to a man's sign-up: rows of the same transaction, sent later by the sender.

They say that there is something, never what; he reads it with his code. Whether one may go is asked when it is sent.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from chassis.db import Work
from chassis.messages import outbox
from services.groups.rules.contact_check import AGAIN, CONFIRM, MAIL, MAILS_A_DAY, NEWS, REMINDER
from services.groups.store import contacts
from services.groups.store.seats import SignUp
from services.groups.usecases.acts import Moved

OBJECT = "signup"
HEARD = {
    "offer": NEWS,
    "confirm": NEWS,
    "close": NEWS,
    "lapse": NEWS,
    "lapse_intake": NEWS,
    "transfer": NEWS,
}
"""Steps that somebody else took, or the clock, and that he has to look at."""


def let_hear(work: Work, moved: Moved) -> None:
    """A consequence of every transition: he is told that there is something new."""
    kind = HEARD.get(moved.edge.name)
    if kind is not None:
        _tell(work, moved.sign_up, kind)


def ask(work: Work, sign_up: SignUp, contact: Mapping[str, Any] | None) -> None:
    """Send the digits, unless the address was asked often enough today."""
    if contact is None or sign_up.contact_way != MAIL or sign_up.contact_until is None:
        return
    today = work.now.date()
    mac = work.digest("signup.contact_of_day", f"{today} {contact['value']}")
    if contacts.mailed_times(work, mac, today) <= MAILS_A_DAY:
        _tell(work, sign_up, CONFIRM)


def remind(work: Work, sign_up: SignUp) -> None:
    """Half of the time for his answer has passed."""
    _tell(work, sign_up, REMINDER)


def tell(work: Work, sign_up: SignUp) -> None:
    """There is something new for him to read."""
    _tell(work, sign_up, NEWS)


def tell_again(work: Work, sign_up_id: uuid.UUID) -> None:
    """Somebody signed up with the contact of this man; only he is told (rule 9)."""
    outbox.queue(work, outbox.Message(kind=AGAIN, object_type=OBJECT, object_id=sign_up_id))


def tell_group(work: Work, group_id: uuid.UUID) -> None:
    """Something changed for everybody who comes to the meetings."""
    for sign_up_id in contacts.who_meets(work, group_id):
        outbox.queue(work, outbox.Message(kind=NEWS, object_type=OBJECT, object_id=sign_up_id))


def _tell(work: Work, sign_up: SignUp, kind: str) -> None:
    if sign_up.contact_way == MAIL:
        outbox.queue(work, outbox.Message(kind=kind, object_type=OBJECT, object_id=sign_up.id))
