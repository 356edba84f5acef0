"""Step-up: what is most delicate needs a second factor given a moment ago (access-and-privacy.md section 2)."""

from __future__ import annotations

import datetime as dt

from chassis.errors import NotAllowed
from chassis.identity import Caller

FRESH = dt.timedelta(minutes=5)


def require_step_up(caller: Caller, now: dt.datetime, *, systems: bool = False) -> None:
    """Refuse when the caller's last two-factor proof is older than five minutes, or there is none.

    Systems have no second factor; they pass only where `systems` says so. Raises NotAllowed `step_up.required`.
    """
    if caller.is_system and systems:
        return
    if caller.proved_at is None or now.timestamp() - caller.proved_at > FRESH.total_seconds():
        raise NotAllowed("step_up.required", "Give a code of your authenticator again, then repeat this.")
