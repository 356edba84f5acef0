"""What conversations brought, consents that were given and proposals to remove: rows of one sign-up under its lock."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from chassis import clock
from chassis.db import Work
from chassis.errors import NotFound
from chassis.sealing import DataKey
from services.groups.rules.intake import Asked

ADD = """
INSERT INTO intake_entry (id, org_id, sign_up_id, kind, day, key_id, content, by_subject, at)
SELECT %(id)s, s.org_id, s.id, %(kind)s, %(day)s, %(key_id)s, %(content)s, %(subject)s, %(at)s
  FROM sign_up AS s WHERE s.id = %(sign_up)s
"""
CONTENT = "intake_entry|content"
"""Where an outcome is sealed."""


def add(work: Work, sign_up_id: uuid.UUID, *, kind: str, day: dt.date, subject: str) -> uuid.UUID:
    """Write one entry that is only a kind and a day, and give its id."""
    entry_id = clock.new_id()
    _add(work, sign_up_id, id=entry_id, kind=kind, day=day, subject=subject, key_id=None, content=None)
    return entry_id


def add_outcome(work: Work, sign_up_id: uuid.UUID, outcome: dict[str, Any], *, key: DataKey, subject: str) -> None:
    """Write what came of the conversation, sealed with the man's own key."""
    entry_id, day = clock.new_id(), work.now.date()
    content = key.seal(CONTENT, entry_id, outcome)
    _add(work, sign_up_id, id=entry_id, kind="outcome", day=day, subject=subject, key_id=key.id, content=content)


def _add(work: Work, sign_up_id: uuid.UUID, **values: Any) -> None:
    work.later(ADD, {**values, "sign_up": sign_up_id, "at": work.now})


KEY = "SELECT p.key_id FROM sign_up AS s JOIN participant AS p ON p.id = s.participant_id WHERE s.id = %s"


def key_of(work: Work, sign_up_id: uuid.UUID) -> DataKey:
    """The key of a man. Raises NotFound where nothing of him is kept any more."""
    row = work.one(KEY, (sign_up_id,))
    found = work.keys.fetch([row["key_id"]]) if row else {}
    if row is None or row["key_id"] not in found:
        raise NotFound
    return found[row["key_id"]]


COUNT = "SELECT count(*) AS found FROM intake_entry WHERE sign_up_id = %s AND kind = %s"


def count(work: Work, sign_up_id: uuid.UUID, kind: str) -> int:
    """How many entries of a kind there are."""
    row = work.one(COUNT, (sign_up_id, kind))
    return int(row["found"]) if row else 0


CONSENT = """
INSERT INTO consent_given (id, org_id, sign_up_id, code, text_version, by_subject, at)
SELECT %(id)s, s.org_id, s.id, %(code)s, %(version)s, %(subject)s, %(at)s FROM sign_up AS s WHERE s.id = %(sign_up)s
ON CONFLICT (sign_up_id, code, text_version) DO NOTHING
"""


def consent(work: Work, sign_up_id: uuid.UUID, given: Asked, *, subject: str | None) -> None:
    """Write that he agreed to this version of a text; once."""
    values = {"id": clock.new_id(), "sign_up": sign_up_id, "code": given.code, "version": given.version}
    work.later(CONSENT, {**values, "subject": subject, "at": work.now}, expect=None)


ASKED = """
SELECT p.consents, p.individual_meetings FROM sign_up AS s JOIN peer_group AS g ON g.id = s.group_id
  JOIN programme AS p ON p.id = g.programme_id WHERE s.id = %s
"""
GIVEN = "SELECT code, text_version AS version FROM consent_given WHERE sign_up_id = %s ORDER BY code, text_version"


def asked(work: Work, sign_up_id: uuid.UUID) -> tuple[list[Asked], int]:
    """The consents that the programme asks for, and how many individual meetings come first."""
    row = work.one(ASKED, (sign_up_id,)) or {"consents": [], "individual_meetings": 0}
    return [Asked(**each) for each in row["consents"]], row["individual_meetings"]


def given(work: Work, sign_up_id: uuid.UUID) -> list[Asked]:
    """The consents on record."""
    return [Asked(**row) for row in work.all(GIVEN, (sign_up_id,))]


PARTNER_STEP = "SELECT partner_step FROM programme WHERE id = %s"


def has_partner_step(work: Work, programme_id: uuid.UUID) -> bool:
    """Whether a programme has a step with the partner."""
    row = work.one(PARTNER_STEP, (programme_id,))
    return bool(row and row["partner_step"])


PROPOSE = """
INSERT INTO removal_proposal (id, org_id, sign_up_id, reason, by_subject, at)
SELECT %(id)s, s.org_id, s.id, %(reason)s, %(subject)s, %(at)s FROM sign_up AS s WHERE s.id = %(sign_up)s
ON CONFLICT (sign_up_id, by_subject) DO NOTHING
"""
PROPOSALS = "SELECT by_subject, at FROM removal_proposal WHERE sign_up_id = %s ORDER BY at"


def propose_removal(work: Work, sign_up_id: uuid.UUID, *, reason: str, subject: str) -> None:
    """Write a proposal; the first one of each worker counts."""
    values = {"id": clock.new_id(), "sign_up": sign_up_id, "reason": reason, "subject": subject}
    work.later(PROPOSE, {**values, "at": work.now}, expect=None)


def proposals(work: Work, sign_up_id: uuid.UUID) -> list[tuple[str, dt.datetime]]:
    """Who proposed it, and when."""
    return [(row["by_subject"], row["at"]) for row in work.all(PROPOSALS, (sign_up_id,))]
