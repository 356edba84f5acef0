"""One service under its lock, and what its organisation says about accepting."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.db import Work
from chassis.errors import NotFound

LOCK = """
SELECT id, key, organisation_id, kind, accepting, accepting_source, urgencies, coverage::text[] AS coverage, status,
       names, stale, version
  FROM service WHERE key = %(reference)s OR id = %(id)s FOR UPDATE
"""


def lock_service(work: Work, reference: str) -> dict[str, Any]:
    """Lock a service, named by key or id, for a decision. Raises NotFound."""
    row = work.one(LOCK, {"reference": reference, "id": uuid_of(reference)})
    if row is None:
        raise NotFound
    return row


SET = """
UPDATE service SET accepting = %(accepting)s, accepting_source = %(accepting_source)s, stale = false,
       version = version + 1, changed_at = %(at)s
 WHERE id = %(id)s RETURNING version
"""


def set_accepting(work: Work, service: dict[str, Any]) -> int:
    """Write what a service accepts and return its new version. Raises NotFound."""
    row = work.one(SET, {**service, "at": work.now})
    if row is None:
        raise NotFound
    version: int = row["version"]
    return version


def uuid_of(reference: str) -> uuid.UUID | None:
    """The reference as an id, when it is one."""
    try:
        return uuid.UUID(reference)
    except ValueError:
        return None
