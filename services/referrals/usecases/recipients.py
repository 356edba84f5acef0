"""Who gets a message of this service, asked at the moment of sending: the address as it is now, and the gate again."""

from __future__ import annotations

from chassis.db import Work
from chassis.errors import Conflict, NotFound
from chassis.messages import kinds
from chassis.messages.contact import NOBODY, Contact
from chassis.messages.gate import decide
from chassis.messages.kinds import KINDS
from chassis.messages.recipients import Drop, Hold, Row, Send
from services.referrals.rules import notifying
from services.referrals.store import notifications
from services.referrals.usecases.links import mailed_path
from services.referrals.usecases.notifying import contact_for, wants_no_contact


def recipient(work: Work, row: Row) -> Send | Hold | Drop:
    """Read what is needed, in the context of the organisation whose message it is."""
    if KINDS[row.kind].audience == kinds.PERSON:
        return _person(work, row)
    return _organisation(work, row)


def _person(work: Work, row: Row) -> Send | Hold | Drop:
    contact = contact_for(work, row.object_id)
    if contact is None:
        return Drop("no_contact")
    said = decide(KINDS[row.kind], contact, work.now, carried=kinds.CARRIED)
    if said.channel is None or said.at is None:
        return Drop(said.refused)
    if said.at > work.now:
        return Hold(said.at)
    language = notifying.language_for(contact.language, notifications.country(work))
    return Send(address=said.channel.value, language=language, alias=said.alias)


def _organisation(work: Work, row: Row) -> Send | Drop:
    found = notifications.address(work, row.recipient_id)
    if found is None:
        return Drop("address_gone")
    proving = row.kind == notifying.CONFIRM
    if proving == (found["confirmed_at"] is not None):
        return Drop("address_confirmed" if proving else "address_unconfirmed")
    said = decide(KINDS[row.kind], _concerned(work, row), work.now)
    if not said.allowed:
        return Drop(said.refused)
    opened = work.keys.open(found["key_id"], notifications.SEALED, found["id"], found["sealed"])
    parameters = {"code": opened["code"]} if proving else {}
    if row.kind == notifying.LINK:
        try:
            parameters = {"path": mailed_path(work, row.object_id)}
        except (Conflict, NotFound) as refused:
            return Drop(refused.code)  # answered meanwhile, or nothing that a link is made for
    return Send(address=opened["address"], language=found["language"], parameters=parameters)


def _concerned(work: Work, row: Row) -> Contact:
    """Only what asks for contact with the person needs to know whether he wants any."""
    if KINDS[row.kind].reminds and wants_no_contact(work, row.object_id):
        return Contact(do_not_contact=True)
    return NOBODY
