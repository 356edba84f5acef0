"""The police message: a referral and the restricted part of the centre, in one transaction."""

from __future__ import annotations

from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import FieldError, Invalid
from chassis.requests import Call, Outcome
from services.referrals.rules import police
from services.referrals.usecases import opening, restricted
from services.referrals.usecases.entering import OBJECT, caller_of, found


def receive(db: Database, call: Call) -> Outcome:
    """Make a referral of a police message. Raises Invalid as creating one does, and where nobody could keep the place.

    The other side's restricted part names no officer, only that the message brought it.
    """
    with db.work(call) as work:
        done = work.claimed()
        if done is not None:
            work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=done, outcome="repeated"))
            return found(work, done)
        opened = opening.send(work, caller_of(work), police.referral_of(call.body))
        if opened.receiver_id is None:
            told = "A police message goes to one service, which keeps the place of the incident."
            raise Invalid("police_message.no_receiver", told, fields=(FieldError("/service", "required", told),))
        content = police.restricted_of(call.body)
        restricted.bring(work, opened.id, opened.receiver_id, content, by="message:police")
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=opened.id))
        return found(work, opened.id)
