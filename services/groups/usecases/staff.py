"""What staff do with one sign-up, for the man or about him, each step under the lock of his group (groups.md 3, 8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict
from chassis.requests import Call, Outcome
from services.groups import events, views
from services.groups.rules import intake, queue
from services.groups.rules.intake import Asked
from services.groups.rules.lifecycle import COORDINATOR, LIVE, WORKER, decide
from services.groups.rules.staff_rights import deciding_actor
from services.groups.store import attendance, contacts, delegations, queueing, seats
from services.groups.store import intake as entries
from services.groups.store.seats import Noted
from services.groups.usecases import seating
from services.groups.usecases.acts import Act
from services.groups.usecases.apologies import apologise as excuse
from services.groups.usecases.attendance import tallies
from services.groups.usecases.entering import EnteredSignUp, enter
from services.groups.usecases.records import record_of, sealed_of
from services.groups.usecases.signing_up import OBJECT

Step = Callable[[Work, Call, EnteredSignUp], None]

CONTACT = ("channel", "value", "safe", "may_call", "may_text", "may_leave_voicemail", "may_say_who_we_are")


def read(db: Database, call: Call) -> Outcome:
    """One sign-up as its staff may see it. Raises NotFound."""
    return _do(db, call, None)


def accept(db: Database, call: Call) -> Outcome:
    """Take the offered seat on his word, as on the telephone. Raises Conflict."""
    return _do(db, call, _taking("accept", WORKER))


def decline(db: Database, call: Call) -> Outcome:
    """Say no to the offered seat on his word. Raises Conflict."""
    return _do(db, call, _taking("decline", WORKER))


def withdraw(db: Database, call: Call) -> Outcome:
    """Leave on his word. Raises Conflict."""
    return _do(db, call, _taking("withdraw", WORKER))


def call_now(db: Database, call: Call) -> Outcome:
    """Offer a free seat now; before the head of the queue only with a reason. Raises Invalid and Conflict."""
    return _do(db, call, _call_now)


def record_intake(db: Database, call: Call) -> Outcome:
    """Write down a step of the conversation. Raises Conflict where no conversation is due."""
    return _do(db, call, _record_intake)


def give_consents(db: Database, call: Call) -> Outcome:
    """Write down consents that he gave; the programme's own ones count."""
    return _do(db, call, _give_consents)


def confirm(db: Database, call: Call) -> Outcome:
    """The group suits him: the seat is his. Raises Conflict naming all that is missing."""
    return _do(db, call, _confirm)


def redirect(db: Database, call: Call) -> Outcome:
    """Not this group now; the next step is compulsory. Raises Invalid and Conflict."""
    return _do(db, call, _redirect)


def propose_removal(db: Database, call: Call) -> Outcome:
    """Propose that he cannot stay. Raises Conflict where nothing could be removed."""
    return _do(db, call, _propose_removal)


def remove(db: Database, call: Call) -> Outcome:
    """Decide a proposal that somebody else made. Raises Conflict."""
    return _do(db, call, _remove)


def complete(db: Database, call: Call) -> Outcome:
    """Decide that he has finished; the rule's result is on record beside the decision. Raises Conflict."""
    return _do(db, call, _complete)


def apologise(db: Database, call: Call) -> Outcome:
    """Write that he said beforehand that he will not come. Raises NotFound and Conflict."""
    return _do(db, call, _apologise)


def confirm_contact(db: Database, call: Call) -> Outcome:
    """Write that a worker reached him by his contact, so that it is his. Raises Conflict where none can be used."""
    return _do(db, call, _confirm_contact)


def contact(db: Database, call: Call) -> Outcome:
    """How he can be reached; every look is on record. Raises NotFound."""
    with db.work(call) as work:
        entered = enter(work, call)
        found = sealed_of(work, entered.sign_up.id)
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=entered.sign_up.id))
        value = {"signup_id": entered.sign_up.id, **dict.fromkeys(CONTACT), **(found["contact"] or {})}
        return Outcome(value=value, relation=entered.relation)


def awaiting_intake(db: Database, call: Call) -> Outcome:
    """The men of the caller's organisation whose conversation is still to come, the most urgent first."""
    with db.work(call) as work:
        rows = views.awaiting_intake(work, now=work.now)
        keys = work.keys.fetch([row["key_id"] for row in rows]) if rows else {}
        items = [{**row, "alias": views.alias_of(keys, row)} for row in rows if row["key_id"] in keys]
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=None))
        return Outcome(value={"items": items, "next": None})


def _do(db: Database, call: Call, step: Step | None) -> Outcome:
    with db.work(call) as work:
        done = work.claimed()
        entered = enter(work, call, done=done)
        if step is not None and done is None:
            group = seating.settle(work, entered.group, now=clock.now())
            now_stands = seats.one(work, entered.sign_up.id) or entered.sign_up
            step(work, call, replace(entered, group=group, sign_up=now_stands))
        object_id = None if done else entered.sign_up.id
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=object_id))
        shown = record_of(work, entered)
        return Outcome(value=shown, version=shown["version"], relation=entered.relation)


def _taking(action: str, actor: str) -> Step:
    def step(work: Work, _: Call, entered: EnteredSignUp) -> None:
        take(work, entered, action, Act(actor=actor, subject=entered.caller.subject))

    return step


def take(work: Work, entered: EnteredSignUp, action: str, act: Act) -> None:
    """Walk an edge and offer what became free, in the same transaction."""
    now = clock.now()
    group, _ = seating.take(work, entered.group, entered.sign_up, action, now=now, act=act)
    seating.fill(work, group, now=now)


def _call_now(work: Work, call: Call, entered: EnteredSignUp) -> None:
    group, sign_up, reason = entered.group, entered.sign_up, call.body["reason"]
    decide("offer", state=sign_up.state, intake=group.intake, actor=COORDINATOR)
    if group.held >= group.capacity:
        raise Conflict("group.full", "No seat is free.", allowed=())
    if delegations.is_full(work, group.id, sign_up.delegation):
        raise Conflict("group.quota_full", "His delegation holds all of its seats.", allowed=())
    head = queueing.head(work, group)
    queue.check_call(is_head=head is not None and head.id == sign_up.id, reason=reason)
    if head is not None and head.id != sign_up.id:
        queueing.pass_over(
            work,
            head,
            at=clock.now(),
            noted=Noted(actor=COORDINATOR, subject=entered.caller.subject, reason=reason),
        )
    take(work, entered, "offer", Act(actor=COORDINATOR, subject=entered.caller.subject, reason=reason))


def _record_intake(work: Work, call: Call, entered: EnteredSignUp) -> None:
    if (
        call.body["kind"] != "attempt" or entered.sign_up.contact_until is None
    ):  # he is rung to confirm his contact, too
        decide("confirm", state=entered.sign_up.state, intake=entered.group.intake)
    kind, day = call.body["kind"], call.body["day"]
    entry_id = entries.add(work, entered.sign_up.id, kind=kind, day=day, subject=entered.caller.subject)
    if kind in events.INTAKE:
        for org_id in (entered.group.org_id, *entered.group.co_orgs):
            work.tell(events.intake_told(kind, entry_id, entered.sign_up.id, org_id=org_id, day=day, at=work.now))


def _give_consents(work: Work, call: Call, entered: EnteredSignUp) -> None:
    asked, _ = entries.asked(work, entered.sign_up.id)
    for each in call.body["consents"]:
        given = Asked(**each)
        if given not in asked:
            message = f"The programme does not ask for {given.code} ({given.version})."
            raise Conflict("signup.consent_unknown", message, allowed=())
        entries.consent(work, entered.sign_up.id, given, subject=entered.caller.subject)


def _confirm(work: Work, _: Call, entered: EnteredSignUp) -> None:
    sign_up = entered.sign_up
    decide("confirm", state=sign_up.state, intake=entered.group.intake, actor=WORKER)
    asked, needed = entries.asked(work, sign_up.id)
    meetings = entries.count(work, sign_up.id, "individual_meeting")
    intake.check_suitable(asked=asked, given=entries.given(work, sign_up.id), meetings=meetings, needed=needed)
    subject = entered.caller.subject
    key = entries.key_of(work, sign_up.id)
    entries.add_outcome(work, sign_up.id, {"outcome": "suitable"}, key=key, subject=subject)
    take(work, entered, "confirm", Act(actor=WORKER, subject=subject))


def _redirect(work: Work, call: Call, entered: EnteredSignUp) -> None:
    body, subject = call.body, entered.caller.subject
    decide("redirect", state=entered.sign_up.state, intake=entered.group.intake, actor=WORKER)
    intake.check_next_step(body["next_step"], body)
    outcome: dict[str, Any] = {"outcome": body["outcome"], "next_step": body["next_step"]}
    outcome["next_id"] = body["group_id"] or body["referral_id"]
    key = entries.key_of(work, entered.sign_up.id)
    entries.add_outcome(work, entered.sign_up.id, outcome, key=key, subject=subject)
    take(work, entered, "redirect", Act(actor=WORKER, subject=subject))


def _propose_removal(work: Work, call: Call, entered: EnteredSignUp) -> None:
    decide("remove", state=entered.sign_up.state, intake=entered.group.intake)
    reason = call.body["reason"]
    entries.propose_removal(work, entered.sign_up.id, reason=reason, subject=entered.caller.subject)


def _remove(work: Work, call: Call, entered: EnteredSignUp) -> None:
    subject, reason = entered.caller.subject, call.body["reason"]
    decide("remove", state=entered.sign_up.state, intake=entered.group.intake, actor=COORDINATOR)
    proposals = entries.proposals(work, entered.sign_up.id)
    alone = intake.check_removal(proposals, by=subject, now=work.now)
    take(
        work,
        entered,
        "remove",
        Act(actor=COORDINATOR, subject=subject, reason=f"{reason}.decided_alone" if alone else reason),
    )


def _complete(work: Work, call: Call, entered: EnteredSignUp) -> None:
    sign_up, caller = entered.sign_up, entered.caller
    act = Act(actor=deciding_actor(caller.roles), subject=caller.subject)
    decide("complete", state=sign_up.state, intake=entered.group.intake, actor=act.actor)
    counted = tallies(work, entered.group.id, sign_up.id).get(sign_up.id)
    if counted is None:
        raise Conflict("signup.no_attendance", "No attendance of his is on record; enter it first.", allowed=())
    day = call.body["decided_on"] or work.now.date()
    attendance.complete(work, sign_up.id, counted, day=day, subject=caller.subject)
    take(work, entered, "complete", act)


def _apologise(work: Work, call: Call, entered: EnteredSignUp) -> None:
    excuse(work, entered.sign_up, call.body["session_no"], subject=entered.caller.subject)


def _confirm_contact(work: Work, _: Call, entered: EnteredSignUp) -> None:
    if entered.sign_up.contact_way is None or entered.sign_up.state not in LIVE:
        message = "There is no contact of his that anybody may use; he looks in with his code."
        raise Conflict("signup.no_contact", message, allowed=())
    contacts.confirm(work, entered.sign_up)
    seating.fill(work, entered.group, now=clock.now())
