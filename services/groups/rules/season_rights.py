"""Who changes, starts and ends a group, and moves its queue (groups.md sections 5, 8); rows of the table of rights."""

from __future__ import annotations

from chassis.policy import Row
from services.groups.rules.group_fields import INNER
from services.groups.rules.relations import OTHER_GROUP, OWN_GROUP, SYSTEM
from services.groups.rules.staff_rights import COORDINATOR_ROLE, LEADER_ROLE

_ALL = frozenset({OWN_GROUP, OTHER_GROUP, SYSTEM})
_OWN = frozenset({OWN_GROUP})
_PLANNED = ("group.change", "group.postpone", "group.cancel", "group.archive", "group.merge", "group.leaders")
_RUN = ("group.start", "group.finish", "group.duplicate")

ROWS = (
    Row("indicator.read", COORDINATOR_ROLE | {"org_admin"}),
    Row("group.mine", COORDINATOR_ROLE | LEADER_ROLE, shows=INNER),
    *(Row(name, COORDINATOR_ROLE, relations=_ALL, shows=INNER) for name in (*_PLANNED, *_RUN)),
    *(Row(name, LEADER_ROLE, relations=_OWN, shows=INNER) for name in _RUN),
)
"""A transfer of one man stands with the steps of a sign-up."""
