"""Notes and messages about one sign-up, sealed with the man's own key."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from chassis import clock
from chassis.db import Work
from services.groups.store.intake import key_of

SEALED = "remark|content"
ADD = """
INSERT INTO remark (id, org_id, sign_up_id, kind, key_id, content, by_subject, at, until)
SELECT %(id)s, s.org_id, s.id, %(kind)s, %(key_id)s, %(content)s, %(subject)s, %(at)s, %(until)s
  FROM sign_up AS s WHERE s.id = %(sign_up)s
"""


def add(work: Work, sign_up_id: uuid.UUID, *, kind: str, text: str, subject: str, until: dt.datetime) -> None:
    """Write one. Raises NotFound where nothing of the man is kept any more."""
    remark_id, key = clock.new_id(), key_of(work, sign_up_id)
    values = {"id": remark_id, "sign_up": sign_up_id, "kind": kind, "key_id": key.id, "subject": subject}
    values |= {"content": key.seal(SEALED, remark_id, {"text": text}), "at": work.now, "until": until}
    work.later(ADD, values)


OF_MAN = """
SELECT id, kind, key_id, content, at, until FROM remark
 WHERE sign_up_id = %s AND kind = ANY(%s) AND until > %s ORDER BY at DESC, id LIMIT 50
"""


def of_man(work: Work, sign_up_id: uuid.UUID, *kinds: str) -> list[dict[str, Any]]:
    """What is written about him or to him and not yet over, opened, the newest first; fifty at most."""
    rows = work.all(OF_MAN, (sign_up_id, list(kinds), work.now))
    keys = work.keys.fetch([row["key_id"] for row in rows]) if rows else {}
    return [
        {**row, **keys[row["key_id"]].unseal(SEALED, row["id"], row["content"])}
        for row in rows
        if row["key_id"] in keys
    ]


TIDY = "SELECT remarks_tidied(%s, 1000)"


def tidy(work: Work) -> None:
    """Forget what is over, in all organisations."""
    work.later(TIDY, (work.now,), expect=None)
