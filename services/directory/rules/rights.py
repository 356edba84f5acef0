"""Which roles may change the directory (access-and-privacy.md section 3); reading it is public."""

from __future__ import annotations

from chassis.policy import Policy, Row

POLICY = Policy(
    Row("directory.service_accepting", frozenset({"org_admin"})),
)
OPERATIONS = POLICY.operations()
