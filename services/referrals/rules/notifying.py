"""Who hears by mail that something happened to a referral: never what, and the sender only what he may know of."""

from __future__ import annotations

from services.referrals.rules.lifecycle import RECEIVER, SENDER

NEW = "organisation.new"
LINK = "organisation.link"
"""New, and to be answered on a page without an account (section 12); for who asked for it."""
ANSWERED = "organisation.answered"
WITHDRAWN = "organisation.withdrawn"
CHANGED = "organisation.changed"
ASKED = "organisation.asked"
EXPIRED = "organisation.expired"
REMINDER = "organisation.reminder"
ESCALATION = "organisation.escalation"
CONFIRM = "organisation.confirm_address"

CHOICES = {
    kind.partition(".")[2]: kind
    for kind in (NEW, LINK, ANSWERED, WITHDRAWN, CHANGED, ASKED, EXPIRED, REMINDER, ESCALATION)
}
"""What an organisation may choose for an address, by the word in its settings."""
UNASKED = tuple(word for word, kind in CHOICES.items() if kind != LINK)
"""What an address hears that chose nothing."""

TO_PERSON = {"news": "person.news", "appointment": "person.appointment"}
"""What a receiver may let a person know, by the word in its request."""

_RECEIVER_HEARS = {
    "submit": NEW,
    "revive": NEW,
    "provide_info": ANSWERED,
    "withdraw": WITHDRAWN,
    "revoke_consent": WITHDRAWN,
    "expire": EXPIRED,
    "hold": CHANGED,
    "resume": CHANGED,
    "mark_error": CHANGED,
}
_SENDER_HEARS = {"info_requested": ASKED, "expired": EXPIRED}

_LANGUAGES = {"LT": "lt", "LV": "lv", "EE": "et", "FI": "fi", "SE": "sv", "NO": "nb"}


def heard(action: str, *, actor: str, sender_told: str | None) -> tuple[tuple[str, str], ...]:
    """Side and kind of each message that follows from a step; who took it needs none.

    `sender_told` is what the sender's own stream says of it, None when he may not know of the step.
    """
    found = []
    if actor != RECEIVER and action in _RECEIVER_HEARS:
        found.append((RECEIVER, _RECEIVER_HEARS[action]))
        found += [(RECEIVER, LINK)] if _RECEIVER_HEARS[action] == NEW else []
    if actor != SENDER and sender_told is not None:
        found.append((SENDER, _SENDER_HEARS.get(sender_told, CHANGED)))
    return tuple(found)


def language_for(preferred: str | None, country: str | None) -> str | None:
    """The language to write to a person in: his own, else that of the organisation's country; None where unknown."""
    return preferred or _LANGUAGES.get(country or "")
