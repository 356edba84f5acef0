"""What both sides write down about a case without moving it: notes, attempts, sessions, risk, drop-outs."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict, NotFound, Stale
from chassis.identity import Caller
from chassis.requests import Call, Outcome
from services.referrals.rules import feedback, legal, reasons, record
from services.referrals.rules.lifecycle import SENDER
from services.referrals.rules.rights import check, check_open
from services.referrals.store import case_entries, legs
from services.referrals.store.case_entries import NewEntry, Party
from services.referrals.store.legs import Leg
from services.referrals.store.opening import CASE_PERSONAL
from services.referrals.usecases import clocks
from services.referrals.usecases.entering import OBJECT, caller_of, found, relation_to
from services.referrals.usecases.moving import seen_of
from services.referrals.usecases.telling import tell, tell_attendance


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The locked leg, the caller's own row of it as it is seen and as it is written, who he is and what he said."""

    leg: Leg
    own: dict[str, Any]
    mine: Party
    caller: Caller
    body: dict[str, Any]

    @property
    def other_id(self) -> uuid.UUID | None:
        """The other party; None while there is none."""
        return self.leg.receiver_id if self.leg.side == SENDER else self.leg.sender_id

    @property
    def scope(self) -> str:
        """The feedback scope in force."""
        return feedback.scope_in_force(self.leg.feedback_scope, fixed=self.leg.scope_fixed)


Write = Callable[[Work, Case], None]


def written(db: Database, call: Call, action: str, write: Write) -> Outcome:
    """Do one thing with a case that is no transition, and show the referral.

    Raises NotFound, NotAllowed, Stale where a version came with it, Conflict where it makes no sense in this state.
    """
    operation = f"referral.{action}"
    with db.work(call) as work:
        done = work.claimed()
        if done is None:
            write(work, _case(work, call, action))
        outcome = "done" if done is None else "repeated"
        referral_id = call.path["referral_id"]
        work.record(Entry(operation=operation, object_type=OBJECT, object_id=referral_id, outcome=outcome))
        return found(work, referral_id, operation)


def add_note(db: Database, call: Call) -> Outcome:
    """Write a note for both parties, for the own organisation or for named members of it."""
    return written(db, call, "add_note", _note)


def log_contact_attempt(db: Database, call: Call) -> Outcome:
    """Log a try to reach the person by a channel that may be used. Raises Invalid for every other."""
    return written(db, call, "log_contact_attempt", _attempt)


def record_session(db: Database, call: Call) -> Outcome:
    """Record a meeting by hand; until it is signed, the same number once more replaces it."""
    return written(db, call, "record_session", _session)


def sign_sessions(db: Database, call: Call) -> Outcome:
    """Sign what was recorded: from now on it counts, and the sender learns the counts where the scope has them."""
    return written(db, call, "sign_sessions", _sign)


def read_warning(db: Database, call: Call) -> Outcome:
    """Confirm that one has read the sender's warning; the sender gets a receipt, without the reader's name."""
    return written(db, call, "read_warning", _read)


def change_risk(db: Database, call: Call) -> Outcome:
    """Say which answers of the risk screen changed."""
    return written(db, call, "change_risk", _risk)


def drop_out(db: Database, call: Call) -> Outcome:
    """Say that the person does not come any more; the case stays as it is until somebody decides."""
    return written(db, call, "drop_out", _drop_out)


def _case(work: Work, call: Call, action: str) -> Case:
    caller = caller_of(work)
    leg = legs.lock_leg(work, call.path["referral_id"], caller.org_id)
    own = legs.own_row(work, leg, caller.subject)
    check(f"referral.{action}", caller.roles, relation_to(caller, own, leg.side))
    mine = case_entries.party(work, leg, caller.org_id)
    shut = legal.shut_since(mine.locked_at, own["consent_until"], treating=own["treating"], today=work.now.date())
    check_open(f"referral.{action}", shut)
    record.check_possible(action, seen_of(own, leg.kind), leg.side)
    if call.expected_version not in {None, own["version"]}:
        raise Stale("referral.stale", f"The referral is at version {own['version']} now; read it again.")
    return Case(leg=leg, own=own, mine=mine, caller=caller, body=call.body)


def _entry(case: Case, kind: str, content: dict[str, Any], **more: Any) -> NewEntry:
    kept = {name: value for name, value in content.items() if value is not None}
    return NewEntry(kind=kind, by_org=case.caller.org_id, by_subject=case.caller.subject, content=kept, **more)


def _note(work: Work, case: Case) -> None:
    body, leg = case.body, case.leg
    record.check_visibility(
        body, kind=leg.kind, side=leg.side, seen=_shown_to_sender(work, case), scope=leg.feedback_scope,
        fixed=leg.scope_fixed,
    )  # fmt: skip
    entry = _entry(
        case, "note", {"text": body["text"]}, visibility=body["visibility"], named=sorted(body["named"]) or None
    )
    case_entries.add(work, leg, case.mine, entry)
    if body["visibility"] == record.BOTH:
        tell(work, leg, case.mine, "note_added")
        _copy(work, case, entry, "note_added")


def _shown_to_sender(work: Work, case: Case) -> str:
    """The state that decides whether there is still anything to write about: the sender's, who knows less."""
    if case.body["visibility"] != record.BOTH or case.leg.side == SENDER:
        state: str = case.own["state"]
        return state
    return case_entries.party(work, case.leg, case.leg.sender_id).state


def _copy(work: Work, case: Case, entry: NewEntry, verb: str) -> None:
    """The same for the other party, sealed with its own key; whoever wrote it stays in his organisation."""
    if case.other_id is None:
        return
    to = case_entries.party(work, case.leg, case.other_id)
    if case_entries.add(work, case.leg, to, replace(entry, by_subject=None, visibility=record.BOTH)):
        tell(work, case.leg, to, verb)


def _attempt(work: Work, case: Case) -> None:
    body = case.body
    reasons.check("attempt", body["outcome"], work.now.date(), pointer="/outcome")
    record.check_past(body["attempted_at"], work.now, pointer="/attempted_at")
    content = _content(work, case)
    record.check_channel(body["channel"], content, by_alias=body["by_alias"])
    read = case_entries.has_read(work, case.leg.id, case.caller.subject)
    record.check_warned("log_contact_attempt", warning=content.get("warning"), read=read)
    case_entries.add(work, case.leg, case.mine, _entry(case, "attempt", body))
    tell(work, case.leg, case.mine, "contact_attempted")
    clocks.contacted(work, case.leg)


def _read(work: Work, case: Case) -> None:
    if not _content(work, case).get("warning") or case_entries.has_read(work, case.leg.id, case.caller.subject):
        return  # nothing to read, or read already
    entry = _entry(case, "receipt", {})
    case_entries.add(work, case.leg, case.mine, entry)
    tell(work, case.leg, case.mine, "warning_read")
    if case.scope != feedback.NONE:
        _copy(work, case, entry, "warning_read")


def _content(work: Work, case: Case) -> dict[str, Any]:
    return work.keys.open(case.own["key_id"], CASE_PERSONAL, case.leg.id, legs.sealed(work, case.leg))


def _session(work: Work, case: Case) -> None:
    body = case.body
    reasons.check("attendance", body["attended"], work.now.date(), pointer="/attended")
    record.check_past(body["held_on"], work.now, pointer="/held_on")
    recorded = case_entries.own(work, case.leg.id, "session")
    before = next((each for each in recorded if each["number"] == body["number"]), None)
    if before is not None and all(before[name] == _plain(value) for name, value in body.items()):
        return  # said again
    if before is not None and before["signed_at"] is not None:
        raise Conflict("session.signed", f"Session {body['number']} is signed; it stays as it is.")
    if before is not None:
        case_entries.remove(work, before["id"])
    content = {name: value for name, value in body.items() if name != "number"}
    case_entries.add(work, case.leg, case.mine, _entry(case, "session", content, number=body["number"]))
    tell(work, case.leg, case.mine, "session_recorded")


def _plain(value: Any) -> Any:
    """A value as it was sealed."""
    return value.isoformat() if isinstance(value, dt.date) else value


def _sign(work: Work, case: Case) -> None:
    if case_entries.sign(work, case.leg.id) == 0:
        return  # signed already: nothing new to tell
    counts = record.attendance_of(case_entries.own(work, case.leg.id, "session"))
    tell(work, case.leg, case.mine, "attendance_signed")
    if tell_attendance(work, case.leg, case.scope, fixed=case.leg.scope_fixed, counts=counts):
        clocks.updated(work, case.leg)


def _risk(work: Work, case: Case) -> None:
    _told(work, case, _entry(case, "risk", case.body), "risk_changed")


def _drop_out(work: Work, case: Case) -> None:
    reasons.check("drop_out", case.body["reason"], work.now.date(), pointer="/reason")
    record.check_past(case.body["since"], work.now, pointer="/since")
    _told(work, case, _entry(case, "drop_out", case.body), "dropped_out")


def _told(work: Work, case: Case, entry: NewEntry, verb: str) -> None:
    """For the own organisation, and for the other side as far as it may know: codes alone, no free text."""
    if case.mine.erased_at is not None:
        raise NotFound
    case_entries.add(work, case.leg, case.mine, entry)
    tell(work, case.leg, case.mine, verb)
    if record.told_to_other(case.scope, fixed=case.leg.scope_fixed, side=case.leg.side):
        codes = {name: value for name, value in entry.content.items() if name != "text" or case.leg.side == SENDER}
        _copy(work, case, replace(entry, content=codes), verb)
