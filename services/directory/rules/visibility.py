"""Who sees which group of fields: everybody, any signed-in institution, or named ones (directory.md section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.directory.rules.parts import GROUPS
from services.directory.rules.sections import Row

PUBLIC, PARTNERS = "public", "partners"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: the key of a signed-in institution, or nobody's; `keeper` sees all, as network_admins do."""

    org_key: str | None = None
    keeper: bool = False


NOBODY = Viewer()
KEEPER = Viewer(keeper=True)


def may(level: Any, viewer: Viewer, owner: str | None) -> bool:
    """Whether this viewer sees a group of this level, on a thing of the organisation `owner`."""
    if level is None or level == PUBLIC or viewer.keeper:
        return True
    if viewer.org_key is None:
        return False
    return level == PARTNERS or viewer.org_key == owner or (isinstance(level, list) and viewer.org_key in level)


def hidden(section: str, row: Row, viewer: Viewer) -> frozenset[str]:
    """The fields of a row that this viewer does not see."""
    levels = row.get("visibility") or {}
    owner = row.get("organisation") or row.get("key")
    groups = GROUPS.get(section, {})
    return frozenset(
        name for group, names in groups.items() if not may(levels.get(group), viewer, owner) for name in names
    )


def shown(section: str, row: Row, viewer: Viewer) -> Row:
    """The row without what this viewer does not see."""
    gone = hidden(section, row, viewer)
    return {name: value for name, value in row.items() if name not in gone}
