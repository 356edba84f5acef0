"""The change feed: public records as they stand, and numbers without a gap for each time one came, changed or went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from chassis.db import Work

STANDING = "SELECT mark, record FROM public_record WHERE section = %(section)s AND mark = ANY(%(marks)s)"


def standing(work: Work, section: str, marks: Sequence[str]) -> dict[str, str]:
    """The records with these marks as they were last told."""
    return {row["mark"]: row["record"] for row in work.all(STANDING, {"section": section, "marks": list(marks)})}


# The row of the head stays locked until the commit: numbers appear in the order of commits, and none is left out.
TAKE = "UPDATE change_head SET seq = seq + %s RETURNING seq"
NUMBER = """
INSERT INTO directory_change (seq, section, mark, action, at)
SELECT r.seq, %(section)s, r.mark, r.action, %(at)s
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (seq bigint, mark text, action text)
"""
KEEP = """
INSERT INTO public_record (section, mark, record, seq)
SELECT %(section)s, r.mark, r.record, r.seq
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (seq bigint, mark text, record text) WHERE r.record IS NOT NULL
ON CONFLICT (section, mark) DO UPDATE SET record = excluded.record, seq = excluded.seq
"""
FORGET = "DELETE FROM public_record WHERE section = %(section)s AND mark = ANY(%(marks)s)"


def tell(work: Work, section: str, changes: list[dict[str, Any]]) -> None:
    """Number and keep changes: mark, action, and record (None when it went)."""
    head = work.one(TAKE, (len(changes),))
    first = head["seq"] - len(changes) + 1 if head else 1
    numbered = [{**change, "seq": first + place} for place, change in enumerate(changes)]
    given = {"section": section, "rows": orjson.dumps(numbered).decode(), "at": work.now}
    gone = [change["mark"] for change in changes if change["record"] is None]
    work.run(NUMBER, given, expect=len(changes))
    work.run(KEEP, given, expect=len(changes) - len(gone))
    if gone:
        work.run(FORGET, {"section": section, "marks": gone}, expect=len(gone))
