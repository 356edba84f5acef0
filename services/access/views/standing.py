"""What every process is told of tokens: subjects whose older tokens do not count, organisations that may not act."""

from __future__ import annotations

from typing import Any

from chassis.db import Work
from chassis.signing import LONGEST_LIFE, SKEW

REVOKED = "SELECT subject, not_before FROM revocation WHERE not_before > %s"
INACTIVE = "SELECT org_id FROM partner WHERE status <> 'active' ORDER BY org_id"


def standing(work: Work) -> dict[str, Any]:
    """Both lists; a revocation that is older than any living token is left out."""
    oldest = int(work.now.timestamp()) - LONGEST_LIFE - SKEW
    revoked = {row["subject"]: row["not_before"] for row in work.all(REVOKED, (oldest,))}
    return {"revoked": revoked, "inactive": [row["org_id"] for row in work.all(INACTIVE)]}
