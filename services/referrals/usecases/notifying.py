"""Messages that follow from what happened to a referral: rows of its transaction, sent later by the process `sender`.

Anybody inside the service tells an organisation by `tell` and a person by `tell_person`; nobody writes a mail himself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import Work
from chassis.errors import Conflict
from chassis.messages import outbox
from chassis.messages.contact import Contact, contact_of
from chassis.messages.gate import Decision, decide
from chassis.messages.kinds import CARRIED, KINDS
from services.referrals.rules import notifying
from services.referrals.rules.lifecycle import CHILD_CONCERN, SENDER
from services.referrals.rules.message_rights import RUNNING
from services.referrals.store import notifications
from services.referrals.store.legs import Leg

if TYPE_CHECKING:
    from services.referrals.usecases.acts import Moved

OBJECT = "referral"


def let_hear(work: Work, moved: Moved) -> None:
    """A consequence of every transition: who has to look gets a message, and who acted has received his."""
    leg = moved.leg
    for side, kind in notifying.heard(moved.edge.name, actor=moved.act.actor, sender_told=moved.sender_told):
        party = leg.sender_id if side == SENDER else leg.receiver_id
        if party is not None:
            tell(work, leg, party, kind)
    if moved.act.org_id is not None:
        with work.acting_for(moved.act.org_id):
            outbox.acknowledge(work, leg.id)


def tell(work: Work, leg: Leg, party: UUID, kind: str) -> None:
    """Tell a party's addresses that something of this kind happened. Reminders pass the gate when they are sent."""
    notifications.tell(work, party, leg.id, kind, leg.service_id)


def tell_person(work: Work, referral_id: UUID, kind: str) -> None:
    """Let the person know that there is something, on behalf of the acting organisation.

    Raises Conflict, with the gate's reason, where no safe channel allows it.
    """
    contact = contact_for(work, referral_id)
    said = (
        Decision(refused="no_contact") if contact is None else decide(KINDS[kind], contact, work.now, carried=CARRIED)
    )
    if not said.allowed:
        message = (
            f"No message may go to this person now: {said.refused}. See the safe-contact settings of the referral."
        )
        raise Conflict("message.not_safe", message)
    outbox.queue(work, outbox.Message(kind=kind, object_type=OBJECT, object_id=referral_id, not_before=said.at))


def contact_for(work: Work, referral_id: UUID) -> Contact | None:
    """How the person may be reached as the acting organisation knows it; None where nobody may be reached at all.

    A child concern is never told to the person (referrals.md section 10), and a referral that ended tells him nothing.
    """
    row = notifications.content(work, referral_id)
    if row is None or row["kind"] == CHILD_CONCERN or row["state"] not in RUNNING:
        return None
    return contact_of(work.keys.open(row["key_id"], row["place"], referral_id, row["personal"]))


def wants_no_contact(work: Work, referral_id: UUID) -> bool:
    """Whether the person wants no contact; what nobody may read any more counts as that too."""
    row = notifications.content(work, referral_id)
    if row is None:
        return True
    return contact_of(work.keys.open(row["key_id"], row["place"], referral_id, row["personal"])).do_not_contact
