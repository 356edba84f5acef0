"""Who sees and plans the meetings of a group (groups.md section 8); rows of the table of rights."""

from __future__ import annotations

from chassis.policy import Row
from services.groups.rules.relations import OTHER_GROUP, OWN_GROUP, SYSTEM

_ALL = frozenset({OWN_GROUP, OTHER_GROUP, SYSTEM})
_OWN = frozenset({OWN_GROUP})
_LEADER = frozenset({"group_leader"})
_COORDINATOR = frozenset({"group_coordinator"})

ROWS = (
    Row("meeting.list", _COORDINATOR | {"intake_worker"}, relations=_ALL),
    Row("meeting.list", _LEADER, relations=_OWN),
    Row("meeting.plan", _COORDINATOR, relations=_ALL),
    Row("meeting.plan", _LEADER, relations=_OWN),
    Row("attendance.read", _COORDINATOR, relations=_ALL),
    Row("attendance.read", _LEADER, relations=_OWN),
    Row("attendance.enter", _COORDINATOR, relations=_ALL),
    Row("attendance.enter", _LEADER, relations=_OWN),
)
