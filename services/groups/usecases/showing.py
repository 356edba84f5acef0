"""A man's own sign-up as he may see it: where it stands, why he waits, when the group meets, what happens next."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.db import Work
from services.groups import views
from services.groups.rules import lifecycle, queue, waiting
from services.groups.rules.lifecycle import LIVE, SEATED
from services.groups.rules.words import next_step
from services.groups.store import queueing
from services.groups.store.cards import Card
from services.groups.store.seats import Group, SignUp

MEETS = frozenset({"confirmed", "active"})
"""States in which he is told when the group meets."""
OVER = frozenset({"finished", "archived", "cancelled"})


def shown(work: Work, group: Group, sign_up: SignUp) -> dict[str, Any]:
    """His own sign-up as he may see it when he looks in."""
    place = views.place_of(work, group.id) if may_know_the_place(group, sign_up.state) else None
    return {**briefly(work, group, sign_up), **_besides(work, group, sign_up.state), "place_full": place}


def briefly(work: Work, group: Group, sign_up: SignUp) -> dict[str, Any]:
    """The same as the answer to signing up, without what takes longer to find out."""
    before = queueing.men_before(work, group, sign_up.place) if sign_up.state == "waiting" else 0
    value = view(
        sign_up.id,
        group,
        sign_up.state,
        before=before,
        code_only=sign_up.code_only,
        track=sign_up.place.track,
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
    return view(card.sign_up_id, group, state, before=before, code_only=card.told_code_only)


def told_state(card: Card, group: Group) -> str:
    """What a card without a sign-up tells; with the group's end it ends, as any sign-up does that had not begun."""
    state = card.told_state or "lapsed"
    return "closed" if group.state in OVER and state in LIVE else state


def view(
    sign_up_id: uuid.UUID, group: Group, state: str, *, before: int, code_only: bool, track: int = queue.VOLUNTARY
) -> dict[str, Any]:
    """The part that needs no look at the database."""
    standing = {"state": group.state, "admission": group.admission, "capacity": group.capacity, "held": group.held}
    return {
        "signup_id": sign_up_id,
        "group_id": group.id,
        "state": state,
        "has_seat": state in SEATED,
        "place": before + 1 if state == "waiting" else None,
        "why": waiting.why(standing, track=track) if state == "waiting" else None,
        "usual_weeks": None,
        "offer_until": None,
        "sessions": [],
        "place_full": None,
        "next": next_step(state, code_only=code_only),
        "allowed_actions": lifecycle.allowed_actions(state),
    }


def _besides(work: Work, group: Group, state: str) -> dict[str, Any]:
    if state == "waiting":
        return {"usual_weeks": waiting.usual_weeks(views.waited(work, group.programme_id))}
    return {"sessions": views.meetings(work, group.id)} if state in MEETS else {}


def may_know_the_place(group: Group, state: str) -> bool:
    """Whether a man may know more than the public page: somebody spoke with him, or he has come."""
    # Where nobody spoke with him before, whoever types an invented contact would learn where men meet.
    return state == "active" or (state == "confirmed" and group.intake != "none")
