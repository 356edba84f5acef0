"""Rows that every process goes by: from when on a subject's tokens count."""

from __future__ import annotations

import datetime as dt

from chassis.db import Work
from chassis.signing import LONGEST_LIFE, SKEW

REVOKE = """
INSERT INTO revocation AS r (subject, not_before) VALUES (%(subject)s, %(not_before)s)
ON CONFLICT (subject) DO UPDATE SET not_before = greatest(r.not_before, excluded.not_before)
"""
SWEEP = "DELETE FROM revocation WHERE not_before < %s"


def revoke(work: Work, subject: str, at: dt.datetime) -> None:
    """Let no token count that was issued to a subject (`client:<uuid>` or `member:<uuid>`) up to this moment.

    Tokens name whole seconds, so a token of the same second is refused too. Later ones are good.
    """
    oldest = int(work.now.timestamp()) - LONGEST_LIFE - SKEW
    work.later(SWEEP, (oldest,), expect=None)
    work.run(REVOKE, {"subject": subject, "not_before": int(at.timestamp()) + 1})
