"""Who reads a list, and which rows of it he may open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who reads a list: the subject, the units, and whether the list goes over the borders of units."""

    subject: str
    units: frozenset[str]
    all_units: bool

    @property
    def values(self) -> dict[str, Any]:
        """What MAY_OPEN asks for."""
        return {"subject": self.subject, "units": sorted(self.units), "all_units": self.all_units}


MAY_OPEN = """
   AND (NOT t.restricted OR EXISTS (SELECT FROM case_member AS m WHERE m.org_id = t.org_id AND m.referral_id = t.id
                                      AND m.subject = %(subject)s AND m.kind = 'named'))
   AND NOT EXISTS (SELECT FROM case_member AS m WHERE m.org_id = t.org_id AND m.referral_id = t.id
                      AND m.subject = %(subject)s AND m.kind = 'barred')
   AND (%(all_units)s OR t.restricted OR t.unit IS NULL OR t.unit = ANY (%(units)s) OR t.worker = %(subject)s)
"""
"""Behind a WHERE over a party's rows `t`: what this viewer may open."""
