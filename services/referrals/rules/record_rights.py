"""Rights over the record beside the lifecycle: reason codes, notes, attempts, sessions, risk, amendments, the copy."""

from __future__ import annotations

from chassis.policy import ANYBODY, Row

RECORD_RIGHTS = (Row("referral.reason_codes", ANYBODY),)
