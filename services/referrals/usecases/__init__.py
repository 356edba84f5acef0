"""What can be done with a referral: each function loads, decides, saves, tells and audits in one transaction."""

from __future__ import annotations

import uuid
from typing import Any

from chassis import clock, envelope, paging, republish
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.errors import Conflict, NotFound, Stale, Unauthenticated
from chassis.identity import Caller
from chassis.records import Records
from chassis.republish import Baseline
from chassis.requests import Call, Outcome
from services.referrals import events, schemas, store, views
from services.referrals.rules import feedback, lifecycle
from services.referrals.rules.lifecycle import RECEIVER, SENDER, Edge
from services.referrals.rules.persons import PERSONS
from services.referrals.rules.receiving import Chosen, Offer, choose
from services.referrals.rules.rights import (
    ASSIGNED,
    OTHER_UNIT,
    WHOLE_SIDE,
    check,
    open_actions,
    relation,
    sees_all_units,
)
from services.referrals.usecases.entering import Entered, enter, found, relation_to, shown

OBJECT = "referral"


def create(db: Database, call: Call) -> Outcome:
    """Create and submit a referral (T01, T02).

    Raises Invalid for a receiver that cannot take it and Conflict while one with the same own reference is open.
    """
    with db.work(call) as work:
        done = work.claimed()
        if done is not None:
            return _repeated(work, done, "referral.create")
        sender, body = _caller(call), call.body
        offers = store.offers(work, sender.org_id, receiver=body["receiver"], service=body["service"])
        chosen = choose(
            offers, sender=sender.org_id, receiver=body["receiver"], service=body["service"], urgency=body["urgency"]
        )
        mac = _reference(work, sender, body)
        personal = {**body, "feedback_scope": _scope(offers, sender, body), "kind": lifecycle.ORDINARY}
        opened = _opened(work, sender, chosen, personal, mac)
        store.open_referral(work, opened)
        _tell_opened(work, opened)
        work.record(Entry(operation="referral.create", object_type=OBJECT, object_id=opened.id))
        at = relation(SENDER, ASSIGNED if opened.worker else WHOLE_SIDE)
        actions = open_actions(sender.roles, at, state=opened.state, kind=opened.kind)
        value = views.shown(_new_row(opened, sender, chosen), personal, None, actions)
        return Outcome(value=value, version=1, location=f"/referrals/{opened.id}", relation=at)


def read(db: Database, call: Call) -> Outcome:
    """One referral as the caller's side may see it. Raises NotFound for everybody else."""
    with db.work(call) as work:
        entered = enter(work, call.path["referral_id"], "referral.read", reason=call.query.get("reason"))
        work.record(_entry("referral.read", entered))
        return shown(work, entered)


def inbox(db: Database, call: Call) -> Outcome:
    """The referrals that the caller's organisation received, newest first."""
    return _list(db, call, RECEIVER)


def sent(db: Database, call: Call) -> Outcome:
    """The referrals that the caller's organisation sent, newest first."""
    return _list(db, call, SENDER)


def history(db: Database, call: Call) -> Outcome:
    """Who moved the referral, when and why, as far as the caller's side may know. Raises NotFound."""
    with db.work(call) as work:
        entered = enter(work, call.path["referral_id"], "referral.history", reason=call.query.get("reason"))
        work.record(_entry("referral.history", entered))
        items = views.history(work, entered.row["id"])
        return Outcome(value={"items": items, "next": None}, relation=entered.relation)


def duplicates(db: Database, call: Call) -> Outcome:
    """Ids of the organisation's other open referrals of the same person, on the same side. Raises NotFound."""
    with db.work(call) as work:
        entered = enter(work, call.path["referral_id"], "referral.duplicates")
        work.record(_entry("referral.duplicates", entered))
        viewer, _ = _viewer(call, "referral.duplicates", entered.row["side"])
        value = views.duplicates(work, entered.row["id"], entered.row["side"], viewer)
        return Outcome(value=value, relation=entered.relation)


def acknowledge(db: Database, call: Call) -> Outcome:
    """The receiver confirms that it has the referral (T04)."""
    return _move(db, call, "acknowledge")


def accept(db: Database, call: Call) -> Outcome:
    """The receiver takes the person (T08); from now on the feedback scope is fixed."""
    return _move(db, call, "accept")


def decline(db: Database, call: Call) -> Outcome:
    """The receiver says no (T09); the sender hears the outward form of the reason only."""
    return _move(db, call, "decline")


def withdraw(db: Database, call: Call) -> Outcome:
    """The sender takes the referral back (T19)."""
    return _move(db, call, "withdraw")


def keep_organisation(work: Work, received: Received) -> None:
    """Keep the local copy of an organisation, from organisation.* events."""
    names = ("key", "type", "country", "status", "version")
    store.keep_partner(work, {"org_id": received.subject, **{name: received.data[name] for name in names}})


def keep_service(work: Work, received: Received) -> None:
    """Keep the local copy of a service, from service.* events."""
    names = ("key", "kind", "accepting", "urgencies", "status", "version")
    copy = {name: received.data[name] for name in names}
    store.keep_service(work, {"service_id": received.subject, "org_id": received.data["organisation_id"], **copy})


def tell_again(work: Work, received: Received) -> None:
    """Answer a request for events of a referral (bus.md section 4)."""
    republish.answer(work, received, service="referrals", baselines=BASELINES)


def _standing(work: Work, referral_id: uuid.UUID, audience: str) -> dict[str, Any] | None:
    """The referral as one party may know it; the leg stays locked, so no step is between it and its sequence."""
    party = envelope.organisation_of(audience)
    if party is None:
        return None
    try:
        with work.acting_for(party), work.closed_too():
            leg = store.lock_leg(work, referral_id, party)
            own = store.own_row(work, leg)
    except NotFound:
        return None
    reason = feedback.outward_reason(own["reason"])
    return events.state_of(_facts(leg), state=own["state"], version=own["version"], reason=reason)


BASELINES: republish.Baselines = {OBJECT: Baseline(events.BASELINE, _standing)}
"""By noun; read by the operators' commands too."""

RECORDS = Records(
    service="referrals",
    persons=PERSONS,
    shapes={
        store.RECORD_PERSONAL.replace("|", "."): schemas.NewReferral(),
        store.CASE_PERSONAL.replace("|", "."): schemas.NewReferral(exclude=("external_ref",)),
        store.CASE_HANDLING.replace("|", "."): schemas.Handling(),
    },
)
"""What the data-protection officer's routes and retention work on."""


def _move(db: Database, call: Call, action: str) -> Outcome:
    with db.work(call) as work:
        done = work.claimed()
        if done is not None:
            return _repeated(work, done, f"referral.{action}")
        caller = _caller(call)
        leg = store.lock_leg(work, call.path["referral_id"], caller.org_id)
        own = store.own_row(work, leg, caller.subject)
        check(f"referral.{action}", caller.roles, relation_to(caller, own, leg.side))
        edge = lifecycle.decide(action, state=leg.state, seen=own["state"], side=leg.side, kind=leg.kind)
        if call.expected_version != own["version"]:
            raise Stale("referral.stale", f"The referral is at version {own['version']} now; read it again.")
        if leg.side == RECEIVER and call.body:
            place = store.CASE_HANDLING
            key = work.keys.fetch([own["key_id"]])[own["key_id"]]
            store.keep_handling(work, leg, key.seal(place, leg.id, call.body))
        _take(work, leg, edge, caller, call.body.get("reason"))
        work.record(Entry(operation=f"referral.{action}", object_type=OBJECT, object_id=leg.id))
        return found(work, leg.id)


def _take(work: Work, leg: store.Leg, edge: Edge, caller: Caller, reason: str | None) -> None:
    """Walk the edge: the leg once, then each party's row, history and event for each step that it may know."""
    fixes = edge.name == "accept"
    store.move_leg(work, leg, state=edge.target, fix_scope=fixes)
    scope = feedback.scope_in_force(leg.feedback_scope, fixed=leg.scope_fixed or fixes)
    for target in lifecycle.path_of(edge):
        last = target == edge.target
        for party in (leg.sender_id, leg.receiver_id):
            if party == leg.sender_id and not feedback.sender_sees(target, scope):
                continue
            code = reason if last else None
            told = code if party == caller.org_id else feedback.outward_reason(code)
            taken = store.Step(
                transition=edge.name if last else "acknowledge",
                state=target,
                reason=told,
                by_org=caller.org_id,
                by_subject=caller.subject if party == caller.org_id else None,
            )
            version = store.step(work, leg, party, taken)
            outward = feedback.outward_reason(code)
            work.tell(
                events.moved(_facts(leg), state=target, version=version, audience=party, reason=outward, at=work.now)
            )


def _opened(work: Work, sender: Caller, chosen: Chosen, personal: dict[str, Any], mac: bytes | None) -> store.Opened:
    """Seal the personal part twice: no data key is shared between organisations."""
    referral_id = clock.new_id()
    record_key, case_key = work.keys.take(), work.keys.take()
    for_receiver = {name: value for name, value in personal.items() if name != "external_ref"}
    return store.Opened(
        id=referral_id,
        kind=personal["kind"],
        sender_id=sender.org_id,
        receiver_id=chosen.org_id,
        service_id=chosen.service_id,
        urgency=personal["urgency"],
        ordered=personal["ordered"],
        state="sent",
        feedback_scope=personal["feedback_scope"],
        subject=sender.subject,
        unit=min(sender.units) if len(sender.units) == 1 else None,  # of several nobody can say which is meant
        worker=None if sender.is_system else sender.subject,
        at=work.now,
        reference_mac=mac,
        record_key=record_key.id,
        record_sealed=record_key.seal(store.RECORD_PERSONAL, referral_id, personal),
        case_key=case_key.id,
        case_sealed=case_key.seal(store.CASE_PERSONAL, referral_id, for_receiver),
    )


def _tell_opened(work: Work, opened: store.Opened) -> None:
    for party in (opened.sender_id, opened.receiver_id):
        work.tell(events.moved(_facts(opened), state="sent", version=1, audience=party, reason=None, at=opened.at))


def _facts(referral: store.Leg | store.Opened) -> events.Facts:
    return events.Facts(
        referral_id=referral.id,
        kind=referral.kind,
        sender_id=referral.sender_id,
        receiver_id=referral.receiver_id,
        service_id=referral.service_id,
        urgency=referral.urgency,
    )


def _reference(work: Work, sender: Caller, body: dict[str, Any]) -> bytes | None:
    if body["external_ref"] is None:
        return None
    mac = work.digest("external_ref", f"{sender.org_id} {body['external_ref']}")
    open_one = store.open_with_reference(work, mac)
    if open_one is not None:
        message = f"Your own reference is on the open referral {open_one} already."
        raise Conflict("referral.reference_in_use", message)
    return mac


def _scope(offers: list[Offer], sender: Caller, body: dict[str, Any]) -> str:
    kind = next((offer.type for offer in offers if offer.org_id == sender.org_id), "")
    return body["feedback_scope"] or feedback.default_scope(kind, ordered=body["ordered"])


def _new_row(opened: store.Opened, sender: Caller, chosen: Chosen) -> dict[str, Any]:
    return {
        "id": opened.id,
        "side": SENDER,
        "state": opened.state,
        "reason": None,
        "urgency": opened.urgency,
        "version": 1,
        "sender_id": sender.org_id,
        "sender_key": sender.org_key,
        "receiver_id": chosen.org_id,
        "receiver_key": chosen.key,
        "service_id": chosen.service_id,
        "service_key": chosen.service_key,
        "sent_at": opened.at,
        "changed_at": opened.at,
    }


def _repeated(work: Work, referral_id: uuid.UUID, operation: str) -> Outcome:
    """The answer to a request that was done before: today's view of what it made, on record as a repeat."""
    work.record(Entry(operation=operation, object_type=OBJECT, object_id=referral_id, outcome="repeated"))
    return found(work, referral_id)


def _list(db: Database, call: Call, side: str) -> Outcome:
    query = call.query
    operation = "referral.inbox" if side == RECEIVER else "referral.sent"
    with db.work(call) as work:
        viewer, beyond = _viewer(call, operation, side)
        after = paging.position(query["cursor"])
        rows = views.listed(work, side, viewer, state=query["state"], after=after, limit=query["limit"] + 1)
        work.record(Entry(operation=operation, object_type=OBJECT, object_id=None))
        at = relation(side, OTHER_UNIT if beyond else WHOLE_SIDE)  # no field that is not his on every line
        return Outcome(value=paging.page(rows, query["limit"], by="sent_at"), relation=at)


def _viewer(call: Call, operation: str, side: str) -> tuple[views.Viewer, bool]:
    """Who reads a list, and whether it goes over the borders of his units."""
    caller = _caller(call)
    beyond = bool(caller.units) and sees_all_units(operation, caller.roles, side)
    return views.Viewer(subject=caller.subject, units=caller.units, all_units=beyond or not caller.units), beyond


def _entry(operation: str, entered: Entered) -> Entry:
    return Entry(operation=operation, object_type=OBJECT, object_id=entered.row["id"], purpose=entered.purpose)


def _caller(call: Call) -> Caller:
    if call.caller is None:
        raise Unauthenticated("token.missing", "An access token is needed.")
    return call.caller
