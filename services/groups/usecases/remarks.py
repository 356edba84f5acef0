"""A leader notes something about a man, or writes to men one by one; nobody sees to whom else it went (groups.md 7)."""

from __future__ import annotations

from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import FieldError, Invalid
from chassis.requests import Call, Outcome
from services.groups.rules import remarks as rules
from services.groups.rules.lifecycle import LIVE
from services.groups.store import remarks, season
from services.groups.store.seats import SignUp
from services.groups.usecases import notifying
from services.groups.usecases.entering import Entered, enter, enter_group
from services.groups.usecases.records import record_of
from services.groups.usecases.signing_up import OBJECT


def note(db: Database, call: Call) -> Outcome:
    """Note something about a man for his staff. Raises NotFound."""
    with db.work(call) as work:
        done = work.claimed()
        entered = enter(work, call, done=done)
        if done is None:
            _write(work, entered, entered.sign_up, rules.NOTE, call.body["text"])
        object_id = None if done else entered.sign_up.id
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=object_id))
        shown = record_of(work, entered)
        return Outcome(value=shown, version=shown["version"], relation=entered.relation)


def write(db: Database, call: Call) -> Outcome:
    """Write to some men, or to all who have a seat; each reads it with his code. Raises NotFound, Invalid."""
    with db.work(call) as work:
        done = work.claimed()
        entered = enter_group(work, call, call.path["group_id"])
        men = _men(work, call, entered)
        for sign_up in () if done else men:
            _write(work, entered, sign_up, rules.MESSAGE, call.body["text"])
            notifying.tell(work, sign_up)
        object_id = None if done else entered.group.id
        work.record(Entry(operation=call.operation, object_type="group", object_id=object_id))
        mailed = sum(sign_up.contact_way == "mail" and sign_up.contact_until is None for sign_up in men)
        return Outcome(value={"men": len(men), "mailed": mailed}, relation=entered.relation)


def _men(work: Work, call: Call, entered: Entered) -> list[SignUp]:
    wanted = call.body["signup_ids"]
    live = season.men_in(work, entered.group.id, tuple(sorted(LIVE)))
    if wanted is None:
        return [each for each in live if each.state in rules.READERS]
    unknown = set(wanted) - {each.id for each in live}
    if unknown:
        detail = "One of these is not live in this group."
        raise Invalid("signup.unknown", detail, fields=(FieldError("/signup_ids", "unknown", detail),))
    return [each for each in live if each.id in wanted]


def _write(work: Work, entered: Entered, sign_up: SignUp, kind: str, text: str) -> None:
    until = work.now + rules.KEPT
    remarks.add(work, sign_up.id, kind=kind, text=text, subject=entered.caller.subject, until=until)
