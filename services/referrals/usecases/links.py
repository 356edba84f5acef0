"""One-time links by which a receiver acknowledges, accepts or declines without an account (referrals.md section 12)."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, replace
from typing import Any

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import NotAllowed, NotFound
from chassis.identity import Caller
from chassis.requests import Call, Outcome
from services.referrals.rules import lifecycle
from services.referrals.rules import links as rules
from services.referrals.rules.lifecycle import RECEIVER
from services.referrals.rules.links import Link
from services.referrals.rules.rights import check
from services.referrals.store import legs
from services.referrals.store import links as store
from services.referrals.store.legs import Leg
from services.referrals.store.links import Found
from services.referrals.store.opening import CASE_PERSONAL
from services.referrals.usecases.consequences import Act
from services.referrals.usecases.entering import OBJECT, caller_of, relation_to
from services.referrals.usecases.guards import Attempt, guard
from services.referrals.usecases.moving import seen_of, walk

ACTOR = "referrals.links"
DETAILS = {"accept": ("responsible", "next_step_on"), "decline": ("text",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a link leads to, under the lock of the leg."""

    link: Link
    leg: Leg
    own: dict[str, Any]


def make(db: Database, call: Call) -> Outcome:
    """Make a link for the caller's own organisation; its path is answered this once.

    Raises NotFound, NotAllowed for the sender, Conflict where a link could do nothing.
    """
    with db.work(call) as work:
        done = work.claimed()
        caller = caller_of(work)
        leg = legs.lock_leg(work, call.path["referral_id"], caller.org_id)
        own = legs.own_row(work, leg, caller.subject)
        at = relation_to(caller, own, leg.side)
        check(call.operation, caller.roles, at)
        if leg.side != RECEIVER:
            raise NotAllowed("referral.wrong_side", "Only the receiver of a referral makes a link to answer it.")
        value: dict[str, Any] = {"path": None, "expires_at": None}
        if done is None:
            token = put_link(work, leg, own, by=caller.subject)
            value = {"path": f"/l/{token}", "expires_at": work.now + rules.LIFE}
        outcome = "done" if done is None else "repeated"
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=leg.id, outcome=outcome))
        return Outcome(value=value, relation=at)


def put_link(work: Work, leg: Leg, own: dict[str, Any], *, by: str) -> str:
    """Make a link to the acting receiver's locked case and return its token, which is nowhere else."""
    rules.check_making(leg.standing, restricted=own["restricted"])
    token = secrets.token_urlsafe(32)
    found = Found(id=clock.new_id(), org_id=_receiver(leg), referral_id=leg.id)
    store.put(work, found, token, version=own["version"], made_by=by, until=work.now + rules.LIFE)
    return token


def mailed_path(work: Work, referral_id: uuid.UUID) -> str:
    """Make a link for the mail that is about to go to the acting receiver, and return its path.

    Raises NotFound, Conflict where a link could do nothing.
    """
    org = store.acting(work)
    leg = legs.lock_leg(work, referral_id, org)
    if leg.side != RECEIVER:
        raise NotFound
    return f"/l/{put_link(work, leg, legs.own_row(work, leg), by=ACTOR)}"


def resolve(db: Database, call: Call) -> Outcome:
    """What a link shows; nothing is changed by looking. Raises NotFound, Conflict when it was answered."""
    found, named = _found(db, call)
    with db.work(named) as work:
        opened = _open(work, found, call.body["token"])
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=found.referral_id))
        return Outcome(value=_shown(work, opened))


def answer(db: Database, call: Call) -> Outcome:
    """Take the transition that the link was made for, once. Raises NotFound, and Conflict for whoever comes second."""
    found, named = _found(db, call)
    action = call.body["action"]
    with db.work(named) as work:
        opened = _open(work, found, call.body["token"])
        leg, own = opened.leg, opened.own
        seen = seen_of(own, leg.kind)
        edge = lifecycle.decide(action, true=leg.standing, seen=seen, actor=RECEIVER)
        guard(work, Attempt(leg=leg, own=own, edge=edge, actor=RECEIVER, body=_details(call.body)))
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=leg.id))
        store.use(work, found.id)
        walk(work, leg, own, edge, _act(found, call.body))
        return Outcome(value={"action": action})


def forget_old(db: Database) -> int:
    """Delete links whose time is over; a sweeper calls this. Returns how many went."""
    at = clock.now()
    with db.background(ACTOR) as work:
        orgs = store.with_old(work, at)
    gone = 0
    for org in orgs:
        with db.background(ACTOR, org=org) as work:
            gone += store.forget_old(work, at)
    return gone


def _receiver(leg: Leg) -> uuid.UUID:
    if leg.receiver_id is None:
        raise NotFound
    return leg.receiver_id


def _found(db: Database, call: Call) -> tuple[Found, Call]:
    """Where the token leads, and the call in the name of the link: of its organisation and without any role."""
    with db.view() as work:
        found = store.by_token(work, call.body["token"])
        key = store.active_key(work, found.org_id) if found else None
    if found is None or key is None:
        raise NotFound
    return found, replace(call, caller=Caller(f"link:{found.id}", found.org_id, key, frozenset(), "-"))


def _open(work: Work, found: Found, token: str) -> Opened:
    """The link and its case; the leg is locked first, so that of two who press at once one waits."""
    leg = legs.lock_leg(work, found.referral_id, found.org_id)
    own = legs.own_row(work, leg)
    link = store.lock(work, found, token)
    restricted = own["restricted"] or leg.side != RECEIVER
    rules.check_using(link, version=own["version"], restricted=restricted, now=work.now)
    if link is None:
        raise NotFound
    return Opened(link=link, leg=leg, own=own)


def _shown(work: Work, opened: Opened) -> dict[str, Any]:
    leg, own = opened.leg, opened.own
    content = work.keys.open(own["key_id"], CASE_PERSONAL, leg.id, legs.sealed(work, leg))
    return {
        "reference": str(leg.id)[:8].upper(),
        "urgency": leg.urgency,
        "respond_by": content.get("respond_by"),
        "actions": list(rules.open_to(seen_of(own, leg.kind))),
        "reasons": list(rules.REASONS),
        "next_step_on": (work.now + rules.NEXT_STEP).date(),
        "expires_at": opened.link.expires_at,
    }


def _details(body: dict[str, Any]) -> dict[str, Any]:
    names = DETAILS.get(body["action"], ())
    return {name: body[name] for name in names if body[name] is not None}


def _act(found: Found, body: dict[str, Any]) -> Act:
    reason = body["reason"] if body["action"] == "decline" else None
    subject = f"link:{found.id}"
    return Act(actor=RECEIVER, org_id=found.org_id, subject=subject, reason=reason, details=_details(body))
