"""Whether the partner step of a man is done: one word, set by partner safety alone (groups.md, top)."""

from __future__ import annotations

from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import Conflict
from chassis.requests import Call, Outcome
from services.groups.store import intake, seats
from services.groups.usecases.entering import enter
from services.groups.usecases.signing_up import OBJECT


def set_step(db: Database, call: Call) -> Outcome:
    """Write that the step is done, or open again. Raises NotFound, and Conflict where the programme has none."""
    with db.work(call) as work:
        done = work.claimed()
        entered = enter(work, call, done=done)
        if not intake.has_partner_step(work, entered.group.programme_id):
            raise Conflict("signup.no_partner_step", "This programme has no partner step.", allowed=())
        if done is None:
            seats.set_partner_step(work, entered.sign_up.id, at=work.now if call.body["done"] else None)
        object_id = None if done else entered.sign_up.id
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=object_id))
        word = "done" if call.body["done"] else "open"
        return Outcome(value={"signup_id": entered.sign_up.id, "partner_step": word}, relation=entered.relation)
