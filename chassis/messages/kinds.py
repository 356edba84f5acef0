"""The kinds of messages: to whom each goes, by which ways, and whether it reminds somebody of a person's contact."""

from __future__ import annotations

from dataclasses import dataclass

ORGANISATION = "organisation"
PERSON = "person"

EMAIL = "email"
TEXT = "text"
LETTER = "letter"
CALL = "call"
VOICEMAIL = "voicemail"
WAYS = (EMAIL, TEXT, LETTER, CALL, VOICEMAIL)
CARRIED = frozenset({EMAIL})
"""What this network can carry by itself today; the others are open to a worker, who asks the same gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of message; `text` names its words.

    `reminds`: it asks for contact with a person, so it ends where no contact is wanted. `by_worker`: a trained worker
    rings, nothing is left behind; he may also try a channel of which nobody knows whether it is safe, under the alias
    only (referrals.md section 12). `alone`: each says something of its own, so no mail stands for several.
    `proves`: it asks whether the address is the person's, so it may go to one that nobody has confirmed yet.
    """

    code: str
    audience: str
    text: str = ""
    ways: tuple[str, ...] = (EMAIL,)
    reminds: bool = False
    by_worker: bool = False
    alone: bool = False
    proves: bool = False


_ALL = (
    Kind(code="organisation.confirm_address", audience=ORGANISATION, text="confirm"),
    Kind(code="organisation.new", audience=ORGANISATION, text="news"),
    Kind(code="organisation.link", audience=ORGANISATION, text="link", alone=True),
    Kind(code="organisation.answered", audience=ORGANISATION, text="changed"),
    Kind(code="organisation.withdrawn", audience=ORGANISATION, text="changed"),
    Kind(code="organisation.changed", audience=ORGANISATION, text="changed"),
    Kind(code="organisation.asked", audience=ORGANISATION, text="asked"),
    Kind(code="organisation.expired", audience=ORGANISATION, text="changed"),
    Kind(code="organisation.reminder", audience=ORGANISATION, text="reminder", reminds=True),
    Kind(code="organisation.escalation", audience=ORGANISATION, text="escalation"),
    Kind(code="person.news", audience=PERSON, text="person_news", ways=(EMAIL, TEXT)),
    Kind(code="person.appointment", audience=PERSON, text="person_appointment", ways=(EMAIL, TEXT)),
    Kind(code="man.confirm", audience=PERSON, text="man_confirm", alone=True, proves=True),
    Kind(code="man.again", audience=PERSON, text="man_again"),
    Kind(code="man.news", audience=PERSON, text="man_news"),
    Kind(code="man.reminder", audience=PERSON, text="man_reminder"),
    Kind(code="directory.confirm", audience=ORGANISATION, text="directory_confirm", alone=True),
    Kind(code="directory.changing", audience=ORGANISATION, text="directory_changing", alone=True),
    Kind(code="directory.changed", audience=ORGANISATION, text="directory_changed", alone=True),
    Kind(code="directory.reported", audience=ORGANISATION, text="directory_reported", alone=True),
    Kind(code="person.letter", audience=PERSON, ways=(LETTER,)),
    Kind(code="person.call", audience=PERSON, ways=(CALL,), by_worker=True),
    Kind(code="person.voicemail", audience=PERSON, ways=(VOICEMAIL,)),
)
KINDS: dict[str, Kind] = {kind.code: kind for kind in _ALL}
"""Every kind by its code."""

WRITTEN = tuple(kind.code for kind in _ALL if set(kind.ways) & CARRIED)
"""Kinds that are sent as written words, and so need a text in every language."""
