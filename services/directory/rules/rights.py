"""Which roles may change the directory (access-and-privacy.md section 3); reading it is public."""

from __future__ import annotations

OPERATIONS: dict[str, frozenset[str]] = {
    "directory.service_accepting": frozenset({"org_admin"}),
}
