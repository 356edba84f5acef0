"""Which roles may change the directory (access-and-privacy.md section 3); reading is public."""

from __future__ import annotations

from chassis.policy import Policy, Row

ORG_ADMIN = frozenset({"org_admin"})
KEEPER = frozenset({"network_admin"})
WATCHING = ORG_ADMIN | KEEPER | frozenset({"sender_lead", "receiver_lead", "group_coordinator"})
_EDITING = (
    "proposal.create", "proposal.list", "proposal.read", "proposal.approve", "proposal.reject", "proposal.withdraw",
    "directory.history",
)  # fmt: skip
"""Whose entry it is decides the use case: an org_admin's are those of the own organisation."""

POLICY = Policy(
    Row("directory.service_accepting", ORG_ADMIN),
    *(Row(name, ORG_ADMIN | KEEPER) for name in _EDITING),
    Row("proposal.evidence", KEEPER),
    Row("report.list", ORG_ADMIN | KEEPER),
    Row("report.close", ORG_ADMIN | KEEPER),
    *(Row(name, WATCHING) for name in ("watch.list", "watch.put", "watch.end")),
    Row("directory.import", KEEPER),
)
OPERATIONS = POLICY.operations()
