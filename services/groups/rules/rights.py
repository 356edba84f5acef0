"""Who may do what with programmes, groups and rosters (access-and-privacy.md section 3, groups.md section 8)."""

from __future__ import annotations

from chassis.policy import ANYBODY, Policy, Row
from services.groups.rules import season_rights, session_rights, staff_rights
from services.groups.rules.group_fields import INNER, PAGE
from services.groups.rules.relations import OTHER_GROUP, OWN_GROUP, RELATIONS, SYSTEM, relation_of
from services.groups.rules.staff_rights import LINE

__all__ = ["LINE", "OPERATIONS", "OTHER_GROUP", "OWN_GROUP", "POLICY", "PUBLIC", "RELATIONS", "SYSTEM", "relation_of"]

_COORDINATING = frozenset({"group_coordinator", "org_admin"})
_COORDINATOR = frozenset({"group_coordinator"})
_LEADER = frozenset({"group_leader"})
_STAFF = _COORDINATING | {"intake_worker"}
_ALL = frozenset(RELATIONS)

POLICY = Policy(
    Row("programme.create", _COORDINATING),
    Row("programme.list", _STAFF | _LEADER),
    Row("signup.hand_over", frozenset({"helpline_worker"})),
    Row("programme.change", _COORDINATING),
    Row("group.create", _COORDINATING, shows=INNER),
    Row("group.open", _COORDINATING, shows=INNER),
    Row("group.read", ANYBODY, shows=PAGE),
    Row("group.read", _STAFF, relations=_ALL, shows=INNER),
    Row("group.read", _LEADER, relations=frozenset({OWN_GROUP, SYSTEM}), shows=INNER),
    Row("group.roster", _COORDINATOR, relations=_ALL, shows=LINE),
    Row("group.roster", _LEADER, relations=frozenset({OWN_GROUP}), shows=LINE),
    *staff_rights.ROWS,
    *session_rights.ROWS,
    *season_rights.ROWS,
)
OPERATIONS = POLICY.operations()
# Without a token: the public pages, and the man with his code and PIN.
PUBLIC = frozenset(
    {
        "group.list",
        "group.read",
        "signup.create",
        "signup.status",
        "signup.accept",
        "signup.decline",
        "signup.withdraw",
        "certificate.keys",
        "calendar.read",
        "signup.calendar",
        "signup.excuse",
        "signup.again",
        "signup.own_contact",
        "signup.card",
        "signup.own_erasing",
    }
)


def sees_inside(roles: frozenset[str], relation: str) -> bool:
    """Whether these roles see more of a group than its public page."""
    return any(row.roles != ANYBODY for row in POLICY.granting("group.read", roles, relation))


def coordinates(roles: frozenset[str]) -> bool:
    """Whether these roles plan all groups of their organisation."""
    return bool(roles & _COORDINATOR)
