"""Where a caller of the owning organisation stands to a group (access-and-privacy.md 3, groups.md 8)."""

from __future__ import annotations

OWN_GROUP = "own_group"  # leads it now, a substitute until the end of the assignment
OTHER_GROUP = "other_group"  # another group of the own organisation
SYSTEM = "system"  # a system of the organisation: it leads nothing itself
RELATIONS = (OWN_GROUP, OTHER_GROUP, SYSTEM)


def relation_of(*, leads: bool, is_system: bool) -> str:
    """Where a caller of the owning organisation stands towards a group."""
    if leads:
        return OWN_GROUP
    return SYSTEM if is_system else OTHER_GROUP
