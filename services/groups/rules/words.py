"""What happens next, in plain words, for each state that a man may find his sign-up in."""

from __future__ import annotations

from collections.abc import Mapping

NEXT = {
    "waiting": "You are in the queue. When a seat is yours, it is kept for you for a while and you must say yes or no.",
    "offered": "A seat is kept for you. Say yes or no before the time given; after it the next man is asked.",
    "intake": "You have a seat. Next is a conversation with a worker of the organisation before the group starts.",
    "confirmed": "You have a seat. Place and time follow before the first meeting.",
    "active": "You are in the group.",
    "completed": "You have finished the group.",
    "withdrawn": "You have left. You may sign up again whenever you like.",
    "declined": "You said no to the seat. You may queue again whenever you like.",
    "lapsed": "The time for an answer has passed. You may queue again.",
    "redirected": "This group is not the right one now; the worker told you the next step.",
    "removed": "You are no longer in this group. You may ask the organisation why.",
    "closed": "The group is closed. Ask the organisation for the next one.",
    "erased": "Nothing is kept any more.",
}
CODE_ONLY = " Nobody can reach you: look in again with your code; an offer stands for 144 hours."


def next_step(state: str, *, code_only: bool) -> str:
    """One or two plain sentences on what happens next."""
    return NEXT[state] + (CODE_ONLY if code_only and state in {"waiting", "offered"} else "")


def named(names: Mapping[str, str] | None, language: str, without: str = "") -> str:
    """A name in the language, else in English, else in any; `without` where there is none."""
    found = names or {}
    return found.get(language) or found.get("en") or next(iter(found.values()), without)
