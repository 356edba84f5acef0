"""Which roles may do what (access-and-privacy.md section 3); code and tests read this one table."""

from __future__ import annotations

_COORDINATING = frozenset({"group_coordinator", "org_admin"})

OPERATIONS: dict[str, frozenset[str]] = {
    "programme.create": _COORDINATING,
    "programme.list": _COORDINATING | {"group_leader", "intake_worker"},
    "group.create": _COORDINATING,
    "group.open": _COORDINATING,
    "group.roster": frozenset({"group_leader", "group_coordinator"}),
}
# Without a token: the public pages, and the man with his code and PIN.
PUBLIC = frozenset(
    {"group.list", "group.read", "signup.create", "signup.status", "signup.accept", "signup.decline", "signup.withdraw"}
)
