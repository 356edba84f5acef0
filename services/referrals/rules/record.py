"""What may be written down about a case in which state, who may be rung, and what becomes of what was written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chassis.errors import Conflict, FieldError, Invalid
from services.referrals.rules import feedback
from services.referrals.rules.lifecycle import (
    CLOSED,
    FINAL,
    ORDINARY,
    RECEIVER,
    SENDER,
    STATES,
    Standing,
    allowed_actions,
)

BOTH, OWN_ORG, NAMED = "both", "own_org", "named"
VISIBILITIES = (BOTH, OWN_ORG, NAMED)
KINDS = ("note", "attempt", "session", "risk", "drop_out", "attendance", "receipt")
CHANNELS = ("phone", "email", "post", "in_person", "via")
"""How somebody was tried: by one of his channels, at a meeting, or through whoever `contact_via` names."""

RISKS = ("danger_to_others", "danger_to_self", "children_in_household", "weapons", "protection_order", "staff_safety")
ANSWERS = ("yes", "no", "unknown")
AMENDABLE = (
    "person", "contact", "contact_via", "needs", "reason", "order_reference", "person_informed",
    "desired_outcomes", "warning",
)  # fmt: skip

_OPEN = frozenset(STATES) - FINAL - {"draft"}
_IN_HAND = frozenset({"accepted", "waitlisted", "in_progress", "on_hold"})
POSSIBLE: dict[str, frozenset[str]] = {
    "add_note": frozenset(STATES) - {"draft", "entered_in_error"} | {CLOSED},
    "log_contact_attempt": _OPEN - {"sent"},
    "record_session": _IN_HAND,
    "sign_sessions": _IN_HAND,
    "change_risk": _OPEN,
    "drop_out": _IN_HAND,
    "read_warning": _OPEN,
    "amend": _OPEN,
    "copy": frozenset(STATES) - {"draft", "entered_in_error"} | {CLOSED},
}
"""In which states, as that side sees its own row, each action makes sense (referrals.md section 3, last lines)."""

_OF_CONCERN = frozenset({"add_note"})

NEEDED_ATTEMPTS = 3
APART = dt.timedelta(hours=3)
"""Two attempts closer together than this are one: whoever is at work in the morning is there in the evening."""

_ATTENDANCE = frozenset({"attendance", "attendance_and_completion", "full_report"})
_TALKING = frozenset(feedback.SCOPES) - {feedback.NONE, feedback.RECEIVED_ONLY}


def check_possible(action: str, seen: Standing, side: str) -> None:
    """Raises Conflict, with the transitions that are open, where an action makes no sense in the state as seen."""
    if seen.state in POSSIBLE[action] and (seen.kind == ORDINARY or action in _OF_CONCERN):
        return
    message = f"To {action.replace('_', ' ')} is not possible; the referral is {seen.state}."
    raise Conflict("referral.not_possible", message, allowed=allowed_actions(seen, side))


def check_visibility(body: Mapping[str, Any], *, kind: str, side: str, seen: str, scope: str, fixed: bool) -> None:
    """Raises Conflict where a note for both parties would tell what was not agreed, or nobody would read it.

    A receiver writes to a sender until he decides, and afterwards only under a scope that goes beyond the receipt.
    """
    if body["visibility"] != BOTH:
        return
    if kind != ORDINARY or seen in FINAL or seen == CLOSED:
        raise Conflict("note.own_only", "Here a note can be for your own organisation only.")
    told = scope in _TALKING or (scope != feedback.NONE and not fixed)
    if side == RECEIVER and not told:
        message = f"Under the feedback scope {scope} nothing is written to the sender; keep it in your organisation."
        raise Conflict("note.outside_scope", message)


def check_channel(channel: str, content: Mapping[str, Any], *, by_alias: bool) -> None:
    """Raises Invalid for a channel by which this person must not be tried.

    A channel marked safe; a phone of which nobody knows, by a trained worker under the caller alias; through the
    referrer; or face to face. Source: referrals.md sections 11 and 12.
    """
    contact = content.get("contact") or {}
    if contact.get("do_not_contact"):
        raise _unsafe("contact.forbidden", "This person must not be contacted by any channel.")
    if channel == "in_person" or (channel == "via" and content.get("contact_via")):
        return
    ways = {way.get("safe") for way in (contact, *(contact.get("further") or ())) if way.get("channel") == channel}
    if not ways:
        raise _unsafe("contact.unknown_channel", "The referral names no such channel.")
    if "yes" not in ways and not (ways == {"unknown"} and channel == "phone" and by_alias):
        raise _unsafe("contact.unsafe", "This channel is not marked safe; an unknown phone takes a call by alias only.")


def check_past(at: dt.date | dt.datetime, now: dt.datetime, *, pointer: str) -> None:
    """Raises Invalid for what has not happened yet; a day counts as past from its beginning anywhere."""
    limit: Any = now if isinstance(at, dt.datetime) else (now + dt.timedelta(hours=14)).date()
    if at > limit:
        detail = "This lies in the future; only what happened is recorded."
        raise Invalid("body.invalid", detail, fields=(FieldError(pointer, "time.future", detail),))


def counted(attempts: Iterable[Mapping[str, Any]]) -> int:
    """How many failed attempts count since he was last reached: those at different times."""
    tried = sorted((dt.datetime.fromisoformat(each["attempted_at"]), each["outcome"]) for each in attempts)
    last: dt.datetime | None = None
    number = 0
    for at, outcome in tried:
        if outcome == "reached":
            number, last = 0, None
        elif last is None or at - last >= APART:
            number, last = number + 1, at
    return number


def check_tried(attempts: Iterable[Mapping[str, Any]]) -> None:
    """Raises Conflict for an end `not_reached` before it was tried often enough (T18)."""
    number = counted(attempts)
    if number < NEEDED_ATTEMPTS:
        message = (
            f"`not_reached` needs {NEEDED_ATTEMPTS} logged attempts at different times, each at least "
            f"{APART.seconds // 3600} hours after the one before; {number} count so far."
        )
        raise Conflict("referral.attempts_needed", message)


def attendance_of(sessions: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Counts of sessions: held, and how he took part in each."""
    taken = [each["attended"] for each in sessions]
    parts = {
        name: taken.count(code)
        for name, code in (("attended", "attended"), ("excused", "excused"), ("absent", "absent"))
    }
    return {"held": len(taken), **parts}


WARNED = frozenset({"start_assessment", "accept", "start", "log_contact_attempt"})
"""What a receiver does not do before whoever does it has read the sender's warning: all that leads to a meeting."""


def check_warned(action: str, *, warning: str | None, read: bool) -> None:
    """Raises Conflict where the sender's warning was not read by whoever acts."""
    if warning and not read and action in WARNED:
        message = "The sender left a warning for whoever meets this person; read it and confirm that you did."
        raise Conflict("warning.unread", message)


def attendance_told(scope: str, *, fixed: bool) -> bool:
    """Whether the sender learns signed counts."""
    return fixed and scope in _ATTENDANCE


def told_to_other(scope: str, *, fixed: bool, side: str) -> bool:
    """Whether the other party learns of a change of risk or a drop-out: the receiver always, the sender by contract."""
    return side == SENDER or (fixed and scope == "full_report")


def _unsafe(code: str, detail: str) -> Invalid:
    return Invalid(code, detail, fields=(FieldError("/channel", code, detail),))
