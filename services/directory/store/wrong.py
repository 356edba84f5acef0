"""What people reported as wrong."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from chassis.db import Work
from chassis.errors import NotFound
from chassis.sealing import DataKey

SEALED = "wrong_report|words"

PUT = """
INSERT INTO wrong_report (id, section, mark, org_id, field, key_id, words, by_kind, by_org, at, state, version)
VALUES (%(id)s, %(section)s, %(mark)s, %(org_id)s, %(field)s, %(key_id)s, %(words)s, %(by_kind)s, %(by_org)s, %(at)s,
        'open', 1)
"""
OPEN = "SELECT count(*) AS count FROM wrong_report WHERE org_id = %s AND state = 'open'"


def put(work: Work, row: dict[str, Any]) -> None:
    """Keep a report of its organisation; what somebody wrote is sealed."""
    key = work.keys.take()
    sealed = {"key_id": key.id, "words": key.seal(SEALED, row["id"], {"said": row["said"]})}
    with work.acting_for(row["org_id"]):
        work.run(PUT, {**row, **sealed, "at": work.now})


def still_open(work: Work, org_id: uuid.UUID) -> int:
    """How many about an organisation wait."""
    with work.acting_for(org_id):
        row = work.one(OPEN, (org_id,))
    return row["count"] if row else 0


OWNER = "SELECT report_owner(%s) AS org_id"
REPORTED = "SELECT org_id FROM reported_organisations()"


def owner(work: Work, report_id: uuid.UUID) -> uuid.UUID:
    """Whose a report is. Raises NotFound."""
    row = work.one(OWNER, (report_id,))
    if row is None or row["org_id"] is None:
        raise NotFound
    org_id: uuid.UUID = row["org_id"]
    return org_id


def reported(work: Work) -> list[uuid.UUID]:
    """Organisations about which reports are open, whose wait the longest first."""
    return [row["org_id"] for row in work.all(REPORTED)]


READ = """
SELECT r.id, r.section, r.mark, r.org_id, o.key AS organisation, r.field, r.key_id, r.words, r.by_kind, r.at,
       r.state, r.ended_at, r.ended_by, r.version
  FROM wrong_report AS r JOIN organisation AS o ON o.id = r.org_id
"""  # one organisation's, by row security
LISTED = (
    READ
    + """
 WHERE (%(state)s::text IS NULL OR r.state = %(state)s)
   AND (%(at)s::timestamptz IS NULL OR (r.at, r.id) < (%(at)s, %(id)s))
 ORDER BY r.at DESC, r.id DESC LIMIT %(limit)s
"""
)
ONE = READ + " WHERE r.id = %s"
LOCK = ONE + " FOR UPDATE OF r"


def listed(work: Work, org_id: uuid.UUID, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Reports about an organisation, the newest first."""
    with work.acting_for(org_id):
        return _opened(work, work.all(LISTED, asked))


def read(work: Work, org_id: uuid.UUID, report_id: uuid.UUID, *, lock: bool = False) -> dict[str, Any]:
    """One report about an organisation. Raises NotFound."""
    with work.acting_for(org_id):
        row = work.one(LOCK if lock else ONE, (report_id,))
    if row is None:
        raise NotFound
    return _opened(work, [row])[0]


def _opened(work: Work, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with what somebody wrote; none where that is gone."""
    ids = [row["key_id"] for row in rows if row["key_id"] is not None]
    keys = work.keys.fetch(ids) if ids else {}
    return [{**row, "said": _said(row, keys.get(row["key_id"]))} for row in rows]


def _said(row: dict[str, Any], key: DataKey | None) -> str | None:
    if key is None:
        return None
    said: str = key.unseal(SEALED, row["id"], row["words"])["said"]
    return said


END = """
UPDATE wrong_report SET state = %(state)s, ended_at = %(at)s, ended_by = %(by)s, version = version + 1
 WHERE id = %(id)s
"""


def end(work: Work, report: dict[str, Any], state: str, by: str) -> None:
    """It was dealt with."""
    with work.acting_for(report["org_id"]):
        work.run(END, {"id": report["id"], "state": state, "by": by, "at": work.now})


FORGET = "SELECT held FROM reports_forgotten(%s)"


def forget_words(work: Work, before: dt.datetime) -> None:
    """Take out what people wrote, of reports that were dealt with before then, and the keys to it."""
    held = [row["held"] for row in work.all(FORGET, (before,))]
    if held:
        work.after(lambda: work.keys.destroy(held))


ENTRY = """
SELECT o.id FROM organisation AS o WHERE %(section)s = 'organisations' AND o.key = %(mark)s AND o.status = 'active'
UNION ALL SELECT o.id FROM location AS l JOIN organisation AS o ON o.id = l.organisation_id
 WHERE %(section)s = 'locations' AND l.key = %(mark)s AND l.status = 'published' AND o.status = 'active'
UNION ALL SELECT o.id FROM service AS s JOIN organisation AS o ON o.id = s.organisation_id
 WHERE %(section)s = 'services' AND s.key = %(mark)s AND s.status <> 'removed' AND o.status = 'active'
"""


def organisation_of(work: Work, section: str, mark: str) -> uuid.UUID:
    """Whose entry it is. Raises NotFound where nobody may know of one."""
    row = work.one(ENTRY, {"section": section, "mark": mark})
    if row is None:
        raise NotFound
    org_id: uuid.UUID = row["id"]
    return org_id
