"""A sign-up that comes from a referral: when it may be made, what it tells, when the link is cut (referrals.md 1)."""

from __future__ import annotations

import datetime as dt

from chassis.errors import Conflict, FieldError, Invalid

TAKES = frozenset({"received", "assessing", "accepted", "waitlisted", "in_progress"})
"""States of a referral, as the receiver has it, from which a sign-up may be made."""
CUTS = frozenset({"withdrawn", "ended", "forwarded", "entered_in_error", "declined", "expired", "closed"})
"""States that cut the link; `withdrawn` stands for a revoked consent too."""
ENDS = ("waiting", "offered")
"""What the man has nothing of yet, and ends with the link; later he goes on as his own man."""
SIGNS_ALONE = dt.timedelta(hours=24)


def check_made(*, kind: str, mandated: bool, group_kind: str, takes_mandated: str) -> None:
    """Raise Invalid for a referral into a peer group, or a mandated man where the programme takes none (or only them).

    A peer programme keeps no referral id at all: the worker closes the referral as handed over.
    """
    if group_kind == "peer":
        raise _at("/referral_id", "signup.peer_keeps_none", "A sign-up to a peer programme keeps no referral.")
    if kind != "ordinary":
        raise _at("/referral_id", "signup.no_referral", "Your organisation has no such referral that could lead here.")
    if mandated and takes_mandated == "no":
        raise _at("/mandated", "signup.voluntary_only", "This programme takes men who come by themselves only.")
    if not mandated and takes_mandated == "only":
        raise _at("/mandated", "signup.mandated_only", "This programme takes men who were sent only.")


def check_state(state: str) -> None:
    """Raise Conflict where the referral stands so that no sign-up may be made of it."""
    if state not in TAKES:
        message = f"The referral is {state}; take it on first, or it is over."
        raise Conflict("signup.referral_not_open", message, allowed=())


def check_due(due_on: dt.date | None, *, mandated: bool) -> None:
    """Raise Invalid for a day to begin by of a man who was not sent."""
    if due_on is not None and not mandated:
        raise _at("/due_on", "signup.due_on", "Only of a man who was sent there is a day to begin by.")


def at_risk(due_on: dt.date | None, *, starts_on: dt.date | None, before: int, free: int) -> bool:
    """Whether a man may not begin by his day: the group begins later, or more wait before him than seats are free.

    (groups.md section 4, rule 7.) Without a day there is no risk.
    """
    if due_on is None:
        return False
    return starts_on is None or starts_on > due_on or before >= free


def check_reports(kind: str) -> None:
    """Raise Conflict for a peer group: it reports to nobody."""
    if kind == "peer":
        raise Conflict("report.none", "A peer group reports to nobody.", allowed=())


def check_signed(*, signed_by: str | None, first_at: dt.datetime | None, by: str, now: dt.datetime) -> bool:
    """Whether a second signature was given alone. Raises Conflict when it is not somebody else's, within a day."""
    if signed_by != by:
        return False
    if first_at is not None and first_at + SIGNS_ALONE <= now:
        return True
    message = "Somebody else signs second; whoever works alone may do so a day after the first signature."
    raise Conflict("report.signed_alone", message, allowed=())


def _at(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(code, detail, fields=(FieldError(pointer, "choice", detail),))
