"""What it costs to verify an access token, in microseconds: python -m tests.bench.tokens."""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from pathlib import Path

from chassis.identity import Standing, TokenVerifier, ensure_signing_key, issue_token
from chassis.settings import Settings

COUNT = 2000
REVOKED = 1000


def verify_row() -> dict[str, float]:
    """Medians per token: verified for the first time, remembered, and remembered with a thousand revocations known."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        ensure_signing_key(settings.home)
        asked = {"org_id": uuid.uuid4(), "org_key": "lt-police", "roles": frozenset({"sender_client", "subscriber"})}
        tokens = [issue_token(settings, subject=f"client:{uuid.uuid4()}", **asked) for _ in range(COUNT)]
        verifier = TokenVerifier(settings)
        found = {"first_us": _median(verifier, tokens), "remembered_us": _median(verifier, tokens)}
        revoked = {f"client:{uuid.uuid4()}": 1 for _ in range(REVOKED)}
        inactive = frozenset(uuid.uuid4() for _ in range(REVOKED))
        verifier.adopt(Standing(keys=verifier._standing.keys, revoked=revoked, inactive=inactive))
        return {**found, "remembered_with_revocations_us": _median(verifier, tokens)}


def _median(verifier: TokenVerifier, tokens: list[str]) -> float:
    taken = []
    for token in tokens:
        began = time.perf_counter()
        verifier.verify(token)
        taken.append(time.perf_counter() - began)
    return round(sorted(taken)[len(taken) // 2] * 1e6, 1)


if __name__ == "__main__":
    sys.stdout.write(f"{verify_row()}\n")
