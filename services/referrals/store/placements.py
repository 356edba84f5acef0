"""The sign-ups that were made of a referral, as groups last told of them."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.db import Work

KEEP = """
INSERT INTO placement (sign_up_id, org_id, referral_id, state, day, held, attended, excused, absent, at)
VALUES (%(signup_id)s, %(organisation_id)s, %(referral_id)s, %(state)s, %(date)s, %(held)s, %(attended)s, %(excused)s,
        %(absent)s, %(at)s)
ON CONFLICT (sign_up_id) DO UPDATE
   SET state = excluded.state, day = excluded.day, held = coalesce(excluded.held, placement.held),
       attended = coalesce(excluded.attended, placement.attended),
       excused = coalesce(excluded.excused, placement.excused), absent = coalesce(excluded.absent, placement.absent),
       at = excluded.at
"""


def keep(work: Work, told: dict[str, Any]) -> None:
    """Keep how a sign-up stands; the context is the receiver's."""
    nothing = {"held": None, "attended": None, "excused": None, "absent": None}
    work.later(KEEP, {**nothing, **told, "at": work.now})


SIGNED = """
SELECT held, attended, excused, absent FROM placement
 WHERE referral_id = %s AND held IS NOT NULL ORDER BY at DESC LIMIT 1
"""


def signed(work: Work, referral_id: uuid.UUID) -> dict[str, int] | None:
    """The counts that two people signed last."""
    return work.one(SIGNED, (referral_id,))
