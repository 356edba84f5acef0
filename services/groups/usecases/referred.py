"""Men whom a referral leads into a group: made by the receiver's worker, told to referrals, cut when it ends."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.envelope import Received, organisation_of
from chassis.errors import Conflict, FieldError, Invalid
from chassis.requests import Call, Outcome
from services.groups import events
from services.groups.rules import eligible, queue
from services.groups.rules import referred as rules
from services.groups.rules.lifecycle import LIVE
from services.groups.store import referred, seats
from services.groups.store.seats import Group
from services.groups.usecases import seating
from services.groups.usecases.acts import BY_SYSTEM
from services.groups.usecases.attendance import tallies
from services.groups.usecases.entering import Entered, EnteredSignUp, enter, enter_group
from services.groups.usecases.records import record_of
from services.groups.usecases.signing_up import OBJECT, again, code_for, join, newcomer_of

REFERRAL_TYPES = tuple(
    f"referral.{verb}"
    for verb in (
        "received", "info_requested", "info_provided", "assessing", "accepted", "declined", "forwarded", "waitlisted",
        "started", "on_hold", "resumed", "completed", "ended", "withdrawn", "closed", "expired", "revived", "reopened",
        "decision_undone", "entered_in_error", "baseline",
    )
)  # fmt: skip
"""What changes whether a sign-up may be made of a referral."""


def sign_up_for_him(db: Database, call: Call) -> Outcome:
    """Sign a man up on his word, with the referral that he comes from if there is one.

    Raises NotFound, Invalid, and Conflict where the referral does not stand so, or has a live sign-up here already.
    """
    with db.work(call) as work:
        done, body = work.claimed(), call.body
        entered = enter_group(work, call, call.path["group_id"])
        sign_up_id = done or clock.new_id()
        code = code_for(work, call, sign_up_id)
        made = done is not None
        value = again(work, entered.group, sign_up_id) if made else _make(work, entered, body, sign_up_id, code)
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=None if done else sign_up_id))
        return Outcome(value={**value, "erase_at": None, "return_code": code}, relation=entered.relation)


def sign_report(db: Database, call: Call) -> Outcome:
    """Sign how often he came: the first signature keeps the counts, a second one lets the referrer have them.

    Raises NotFound, and Conflict without attendance or while nobody else has signed.
    """
    with db.work(call) as work:
        done = work.claimed()
        entered = enter(work, call, done=done)
        if done is None:
            _sign(work, entered)
        object_id = None if done else entered.sign_up.id
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=object_id))
        shown = record_of(work, entered)
        return Outcome(value=shown, version=shown["version"], relation=entered.relation)


def keep_referral(work: Work, received: Received) -> None:
    """Keep what the receiving organisation sees of a referral; when it is over, cut what was made of it."""
    org = organisation_of(received.audience)
    if org is None or received.data.get("receiver_id") != str(org):
        return
    state = received.data["state"]
    with seats.inside(work, org):
        copy = {"referral_id": received.subject, "org_id": org, "state": state}
        referred.keep(work, {**copy, "kind": received.data["kind"], "version": received.data["version"]})
        if state in rules.CUTS:
            _cut(work, received.subject)


def _make(work: Work, entered: Entered, body: dict[str, Any], sign_up_id: uuid.UUID, code: str) -> dict[str, Any]:
    group, subject = entered.group, entered.caller.subject
    track = queue.MANDATED if body["mandated"] else queue.VOLUNTARY
    eligible.check_age(body["age"], least=group.min_age, most=group.max_age)
    rules.check_due(body["due_on"], mandated=body["mandated"])
    if body["referral_id"] is not None or body["mandated"]:
        _check_referral(work, group, body)
    came = {"track": track, "by_subject": subject, "referral_id": body["referral_id"], "due_on": body["due_on"]}
    came["verified_at"] = work.now if body["contact_confirmed"] else None
    return join(work, group, replace(newcomer_of(work, body, sign_up_id, code), **came))


def _check_referral(work: Work, group: Group, body: dict[str, Any]) -> None:
    found = None if body["referral_id"] is None else referred.copy(work, body["referral_id"])
    if found is None:
        detail = "Your organisation has no such referral."
        raise Invalid("signup.no_referral", detail, fields=(FieldError("/referral_id", "unknown", detail),))
    rules.check_made(
        kind=found["kind"], mandated=body["mandated"], group_kind=group.kind, takes_mandated=group.mandated
    )
    rules.check_state(found["state"])
    if referred.is_live(work, group.id, body["referral_id"], sorted(LIVE)):
        raise Conflict("signup.referral_live", "The referral has a live sign-up in this group already.", allowed=())


def _cut(work: Work, referral_id: uuid.UUID) -> None:
    for found in referred.sign_ups(work, referral_id):
        group = seats.lock_group(work, found.group_id)
        sign_up = seats.one(work, found.id)
        if sign_up is None:
            continue
        referred.cut(work, sign_up.id)
        sign_up = replace(sign_up, referral_id=None)
        if sign_up.state in rules.ENDS:
            act = replace(BY_SYSTEM, reason="referral_over")
            group, _ = seating.take(work, group, sign_up, "close", now=clock.now(), act=act)
            seating.fill(work, group, now=clock.now())


def _sign(work: Work, entered: EnteredSignUp) -> None:
    sign_up, subject = entered.sign_up, entered.caller.subject
    rules.check_reports(entered.group.kind)
    found = referred.report(work, sign_up.id)
    if found is None or found["second_at"] is not None:
        counted = tallies(work, entered.group.id, sign_up.id).get(sign_up.id)
        if counted is None:
            raise Conflict("signup.no_attendance", "No attendance of his is on record; enter it first.", allowed=())
        referred.sign_first(work, sign_up.id, counted, subject=subject)
        return
    alone = rules.check_signed(signed_by=found["first_subject"], first_at=found["first_at"], by=subject, now=work.now)
    referred.sign_second(work, found["id"], subject=subject, alone=alone)
    work.tell(events.report_told(sign_up.id, found["id"], org_id=entered.group.org_id, at=work.now))
    if sign_up.referral_id is not None and sign_up.placement_id is not None:
        counts = {name: found[name] for name in ("held", "attended", "excused", "absent")}
        data = events.placement_state(
            sign_up.id,
            referral_id=sign_up.referral_id,
            org_id=entered.group.org_id,
            state=sign_up.state,
            day=work.now.date(),
            counts=counts,
        )
        work.tell(events.placement_told("reported", sign_up.placement_id, data, at=work.now))
