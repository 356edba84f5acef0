"""Who may hand over many referrals at once, or a police message: those who may create one."""

from __future__ import annotations

from chassis.policy import Row

_CREATING = frozenset({"sender_worker", "sender_client", "sender_lead"})
INTAKE_RIGHTS = (Row("referral.batch", _CREATING), Row("referral.police_message", _CREATING))
