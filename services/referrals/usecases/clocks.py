"""The clocks of a referral, kept in the transaction of whatever moves it, and shown with it."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import asdict, replace
from typing import Any

from chassis.db import Work
from services.referrals.rules import clocks, crisis, feedback
from services.referrals.rules.clocks import Clock, Facts, Step
from services.referrals.rules.lifecycle import LIFECYCLE, RECEIVER, SENDER
from services.referrals.rules.tasks import moot
from services.referrals.store import clocks as store
from services.referrals.store import tasks
from services.referrals.store.clocks import Party
from services.referrals.store.legs import Leg
from services.referrals.usecases import basis
from services.referrals.usecases.acts import Act, Moved
from services.referrals.views import clocks as views


def run(work: Work, moved: Moved) -> None:
    """Let the clocks of both parties follow a step; the sender's only where he is told of it."""
    leg, edge = moved.leg, moved.edge
    if edge.target == "withdrawn" and edge.source == "draft":
        return
    facts = facts_of(work, leg, moved.scope)
    if edge.source == "draft":  # the leg as it is made does not know its ground yet
        facts = replace(facts, valid_until=basis.valid_until(moved.act.details.get("legal_basis")))
    if leg.receiver_id is not None:
        _follow(work, moved, facts, RECEIVER, leg.receiver_id)
    if moved.sender_told is not None:
        _follow(work, moved, facts, SENDER, leg.sender_id)


def queued(work: Work, leg: Leg, details: dict[str, Any]) -> None:
    """A new leg that went to an area queue without a submission of anybody's: the sender's clocks begin."""
    moved = Moved(
        leg=leg,
        edge=LIFECYCLE[0],
        act=Act(actor=SENDER, details=details),
        scope=feedback.scope_in_force(leg.feedback_scope, fixed=False),
        sender_told="sent",
    )
    run(work, moved)


def contacted(work: Work, leg: Leg) -> None:
    """Somebody tried to reach him: the receiver's C3 has got what it waited for."""
    if leg.receiver_id is not None:
        party = store.party(work, leg, leg.receiver_id)
        _keep(work, leg, leg.receiver_id, clocks.stopped(party.running, "C3", work.now), party)


def updated(work: Work, leg: Leg) -> None:
    """The sender was told how it goes, such as by a closed attendance: C6 begins anew for both parties."""
    for side in (RECEIVER, SENDER):
        _again(work, leg, "C6", side)


def reviewed(work: Work, leg: Leg, side: str, review_on: dt.date | None) -> bool:
    """The interest was confirmed, or a pause looked at: C8 begins anew. Returns whether it was that side's turn."""
    org = leg.receiver_id if side == RECEIVER else leg.sender_id
    own = store.party(work, leg, org).running.get("C8") if org is not None else None
    if own is None or own.turn != side:
        return False
    for each in (RECEIVER, SENDER):
        _again(work, leg, "C8", each, review_on)
    return True


def facts_of(work: Work, leg: Leg, scope: str | None = None, not_before: dt.date | None = None) -> Facts:
    """What the clocks of a leg depend on; the scope is the one in force unless a step has just changed it."""
    context = store.context(work, leg)
    return Facts(
        kind=leg.kind,
        urgency=leg.urgency,
        ordered=leg.ordered,
        scope=scope or feedback.scope_in_force(leg.feedback_scope, fixed=leg.scope_fixed),
        proposed=leg.feedback_scope,
        countries=context.countries,
        has_receiver=leg.receiver_id is not None,
        not_before=not_before,
        amounts=context.amounts,
        valid_until=leg.valid_until,
    )


def shown(work: Work, row: dict[str, Any]) -> dict[str, Any]:
    """The clocks that the caller's organisation has, with what is overdue at this moment."""
    return {"clocks": [_flag(clock, work.now) for clock in of_row(work, row).values() if clock.stopped_at is None]}


def warned(work: Work, row: dict[str, Any]) -> dict[str, Any]:
    """What the sender has to know at once, such as that nobody promises to answer a crisis at night."""
    if row["side"] != SENDER or row["urgency"] != "crisis" or row["state"] not in {"draft", "sent"}:
        return {"warnings": []}
    cover = store.cover(work, row["sender_id"], row["receiver_id"], row["service_id"])
    return {"warnings": [asdict(each) for each in crisis.warnings(row["urgency"], cover.urgencies, cover.country)]}


def of_row(work: Work, row: dict[str, Any]) -> dict[str, Clock]:
    """The clocks of the acting organisation's row, asked for once in a transaction."""
    place = ("clocks", row["id"], row["version"])
    if place not in work.notes:
        work.notes[place] = views.running(work, row["id"])
    found: dict[str, Clock] = work.notes[place]
    return found


def _follow(work: Work, moved: Moved, facts: Facts, side: str, org: uuid.UUID) -> None:
    leg, details = moved.leg, moved.act.details
    party = _before(work, moved, org)
    if party.state is None:
        return
    step = Step(
        transition=moved.edge.name,
        state=party.state,
        at=work.now,
        view=side,
        actor=moved.act.actor,
        sender_told=moved.sender_told is not None,
        planned_on=_day(details.get("planned_on")) if moved.edge.name == "start_assessment" else None,
        review_on=_day(details.get("review_on")),
    )
    running = clocks.after(party.running, step, _with(facts, party))
    _keep(work, leg, org, running, party)
    done = moot(leg.state, moved.edge.target)
    if done:
        tasks.drop(work, leg.id, org, done)


def _before(work: Work, moved: Moved, org: uuid.UUID) -> Party:
    """The party's row and clocks; a referral that is only now sent has none."""
    if moved.edge.source == "draft":
        return Party(state="sent", not_before=_day(moved.act.details.get("not_before")), running={})
    party = store.party(work, moved.leg, org)
    if moved.leg.area is None or party.not_before is not None:
        return party
    # a case that was taken from an area's queue begins with the step itself; the day stands in the sender's row
    return replace(party, not_before=store.party(work, moved.leg, moved.leg.sender_id).not_before)


def _again(work: Work, leg: Leg, code: str, side: str, review_on: dt.date | None = None) -> None:
    org = leg.receiver_id if side == RECEIVER else leg.sender_id
    party = store.party(work, leg, org) if org is not None else None
    if org is None or party is None or party.state is None or code not in party.running:
        return
    actor = party.running[code].turn
    step = Step(transition=code, state=party.state, at=work.now, view=side, actor=actor, review_on=review_on)
    facts = _with(facts_of(work, leg), party)
    _keep(work, leg, org, clocks.restarted(party.running, code, step, facts), party)


def _with(facts: Facts, party: Party) -> Facts:
    return facts if party.not_before is None else replace(facts, not_before=party.not_before)


def _keep(work: Work, leg: Leg, org: uuid.UUID, running: dict[str, Clock], party: Party) -> None:
    store.keep(work, leg, org, running, first=clocks.earliest(running), not_before=party.not_before)


def _flag(clock: Clock, now: dt.datetime) -> dict[str, Any]:
    return {
        "clock": clock.code,
        "turn": clock.turn,
        "started_at": clock.started_at,
        "due_at": clock.due_at,
        "overdue": clocks.is_overdue(clock, now),
        "warning": clocks.warning(clock, now),
        "paused": clock.paused_at is not None,
    }


def _day(value: object) -> dt.date | None:
    """A day as a loaded body has it, or as sealed content gives it back."""
    if isinstance(value, str):
        return dt.date.fromisoformat(value[:10])
    return value if isinstance(value, dt.date) else None
