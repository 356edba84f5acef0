"""A man's own sign-up as he may see it: where it stands, why he waits, when the group meets, what happens next."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from chassis import clock
from chassis.db import Work
from services.groups import views
from services.groups.rules import contact_check, lifecycle, queue, waiting
from services.groups.rules.contact_check import CHECKED, MAIL
from services.groups.rules.lifecycle import LIVE, SEATED
from services.groups.rules.words import next_step
from services.groups.store import delegations, queueing, remarks
from services.groups.store.cards import Card
from services.groups.store.seats import Group, SignUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How and until when a contact is to be confirmed; nothing is awaited without an end."""

    way: str | None = None
    until: dt.datetime | None = None


NO_CHECK = Check()
DAY_BEFORE = dt.timedelta(hours=24)
MEETS = frozenset({"confirmed", "active"})
"""States in which he is told when the group meets."""
OVER = frozenset({"finished", "archived", "cancelled"})


def shown(work: Work, group: Group, sign_up: SignUp) -> dict[str, Any]:
    """His own sign-up as he may see it when he looks in."""
    place = views.place_of(work, group.id) if _may_know_the_place(work, group, sign_up) else None
    written = remarks.of_man(work, sign_up.id, "message")
    besides = {**_besides(work, group, sign_up.state), "messages": written}
    return {**briefly(work, group, sign_up), **besides, "place_full": place}


def briefly(work: Work, group: Group, sign_up: SignUp, *, last: bool = False) -> dict[str, Any]:
    """The same as the answer to signing up, without what takes longer to find out; the `last` needs no counting."""
    before = 0
    if sign_up.state == "waiting":
        before = group.waiting - 1 if last else queueing.men_before(work, group, sign_up.place)
    value = view(
        sign_up.id,
        group,
        sign_up.state,
        before=before,
        code_only=sign_up.code_only,
        track=sign_up.place.track,
        check=Check(way=sign_up.contact_way, until=sign_up.contact_until),
        quota_full=sign_up.state == "waiting" and delegations.is_full(work, group.id, sign_up.delegation),
    )
    return {**value, "offer_until": sign_up.offer_until}


def shown_card(work: Work, group: Group, card: Card) -> dict[str, Any]:
    """A card without a sign-up behind it: it looks like any other sign-up."""
    value = briefly_card(work, group, card)
    return {**value, **_besides(work, group, value["state"])}


def briefly_card(work: Work, group: Group, card: Card) -> dict[str, Any]:
    """The same as the answer to signing up."""
    state = told_state(card, group)
    place = queue.Place(track=queue.VOLUNTARY, waiting_since=card.created_at, queue_seq=card.told_seq or 0)
    before = queueing.men_before(work, group, place) if state == "waiting" else 0
    return view(card.sign_up_id, group, state, before=before, code_only=card.told_code_only, check=_check_of(card))


def told_state(card: Card, group: Group) -> str:
    """What a card without a sign-up tells; with the group's end it ends, as any sign-up does that had not begun."""
    state = card.told_state or "lapsed"
    if card.told_way == MAIL and card.told_until is not None and state in CHECKED and card.told_until <= clock.now():
        return "lapsed"  # nobody can confirm it, so it ends as that of somebody who did not
    return "closed" if group.state in OVER and state in LIVE else state


def _check_of(card: Card) -> Check:
    return Check(way=card.told_way, until=card.told_until)


def view(
    sign_up_id: uuid.UUID,
    group: Group,
    state: str,
    *,
    before: int,
    code_only: bool,
    track: int = queue.VOLUNTARY,
    check: Check = NO_CHECK,
    quota_full: bool = False,
) -> dict[str, Any]:
    """The part that needs no look at the database."""
    awaited = check.way if check.until is not None and state in LIVE else None
    names = ("state", "admission", "window_open", "capacity", "held")
    standing = {name: getattr(group, name) for name in names}
    return {
        "signup_id": sign_up_id,
        "group_id": group.id,
        "state": state,
        "has_seat": state in SEATED,
        "place": before + 1 if state == "waiting" else None,
        "why": waiting.why(standing, track=track, quota_full=quota_full) if state == "waiting" else None,
        "usual_weeks": None,
        "offer_until": None,
        "sessions": [],
        "messages": [],
        "place_full": None,
        "contact_check": {"way": awaited, "until": check.until} if awaited else None,
        "next": next_step(state, code_only=code_only) + contact_check.words(awaited, seated=state in SEATED),
        "allowed_actions": lifecycle.allowed_actions(state),
    }


def _besides(work: Work, group: Group, state: str) -> dict[str, Any]:
    if state == "waiting":
        return {"usual_weeks": waiting.usual_weeks(views.waited(work, group.programme_id))}
    return {"sessions": views.meetings(work, group.id)} if state in MEETS else {}


def _may_know_the_place(work: Work, group: Group, sign_up: SignUp) -> bool:
    if may_know_the_place(group, sign_up.state):
        return True
    # nobody spoke with him, but his channel is his: a day before a meeting he may know (groups.md, top)
    confirmed = sign_up.state == "confirmed" and sign_up.contact_way is not None and sign_up.contact_until is None
    return confirmed and views.meets_before(work, group.id, work.now + DAY_BEFORE)


def may_know_the_place(group: Group, state: str) -> bool:
    """Whether a man may know more than the public page: somebody spoke with him, or he has come."""
    # Where nobody spoke with him before, whoever types an invented contact would learn where men meet.
    return state == "active" or (state == "confirmed" and group.intake != "none")
