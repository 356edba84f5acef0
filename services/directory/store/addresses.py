"""Addresses that the directory itself holds, for its own mails."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from chassis.db import Work

ADDRESS = """
SELECT o.email, o.country FROM organisation AS o WHERE o.id = %(id)s AND o.email IS NOT NULL
UNION ALL SELECT s.email, o.country FROM service AS s JOIN organisation AS o ON o.id = s.organisation_id
 WHERE s.id = %(id)s AND s.email IS NOT NULL
"""
LANGUAGES = {"LT": "lt", "LV": "lv", "EE": "et", "FI": "fi", "SE": "sv", "NO": "nb", "DK": "nb"}
"""The language in which somebody is written to who never said one."""


def address(work: Work, whose: UUID | None) -> dict[str, Any] | None:
    """The e-mail of an organisation or a service as it stands now, and a language; None without one."""
    row = work.one(ADDRESS, {"id": whose})
    return None if row is None else {"email": row["email"], "language": LANGUAGES.get(row["country"])}


ENTRY_ID = """
SELECT id FROM organisation WHERE %(section)s = 'organisations' AND key = %(mark)s
UNION ALL SELECT id FROM service WHERE %(section)s = 'services' AND key = %(mark)s
"""


def entry_id(work: Work, section: str, mark: str) -> UUID | None:
    """The id of an organisation or a service."""
    row = work.one(ENTRY_ID, {"section": section, "mark": mark})
    return row["id"] if row else None


PATH = """
SELECT '/directory/organisations/' || key AS path FROM organisation WHERE id = %(id)s
UNION ALL SELECT '/directory/services/' || key FROM service WHERE id = %(id)s
"""


def path(work: Work, entry: UUID) -> str:
    """Where an entry is read."""
    row = work.one(PATH, {"id": entry})
    return row["path"] if row else "/directory/organisations"
