"""One-time links by which an institution answers without an account (referrals.md section 12): when they work."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from chassis.errors import Conflict, NotFound
from services.referrals.rules.lifecycle import CHILD_CONCERN, RECEIVER, Standing, allowed_actions

LIFE = dt.timedelta(days=7)
NEXT_STEP = dt.timedelta(days=7)
"""What the page proposes as the day of the next step."""

ACTIONS = ("acknowledge", "accept", "decline")
REASONS = ("no_capacity", "service_suspended", "out_of_area", "wrong_recipient", "other")
"""Whoever answers by a link has read nothing about the person, so he can only speak of his own house."""

ACTIVE = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link as it is kept: for which state of the case it was made, until when, and whether it was used."""

    version: int
    expires_at: dt.datetime
    used_at: dt.datetime | None


def check_making(standing: Standing, *, restricted: bool) -> None:
    """Whether a link may be made now. Raises Conflict."""
    if standing.kind == CHILD_CONCERN:
        raise Conflict("link.not_for_concern", "A child concern is answered by signing in only.")
    if restricted:
        raise Conflict("link.restricted", "The case is open to named persons only; they answer by signing in.")
    if not open_to(standing):
        raise Conflict("link.nothing_to_answer", f"The referral is {standing.state}; a link could do nothing with it.")


def check_using(link: Link | None, *, version: int, restricted: bool, now: dt.datetime) -> None:
    """Whether a link still works.

    Raises NotFound when it is unknown or too old, Conflict `link.answered` when it was used or the case has moved.
    """
    if link is None or restricted or link.expires_at <= now:
        raise NotFound
    if link.used_at is not None or link.version != version:
        raise Conflict("link.answered", "This has been answered already, or has changed since the link was made.")


def open_to(standing: Standing) -> tuple[str, ...]:
    """What a link may do with a case that stands so."""
    if standing.kind == CHILD_CONCERN:
        return ()
    return tuple(name for name in allowed_actions(standing, RECEIVER) if name in ACTIONS)
