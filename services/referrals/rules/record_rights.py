"""Rights over the record beside the lifecycle: reason codes, notes, attempts, sessions, risk, amendments, the copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chassis.policy import ANYBODY, Names, Row
from services.referrals.rules.lifecycle import RECEIVER, SENDER
from services.referrals.rules.record import POSSIBLE

ACTIONS: dict[str, tuple[str, ...]] = {
    "add_note": (SENDER, RECEIVER),
    "log_contact_attempt": (RECEIVER,),
    "record_session": (RECEIVER,),
    "sign_sessions": (RECEIVER,),
    "change_risk": (SENDER, RECEIVER),
    "drop_out": (RECEIVER,),
    "read_warning": (RECEIVER,),
    "amend": (SENDER,),
}
"""Which side does what."""

_OPEN = ("named", "assigned", "own_unit", "whole_side")
_STAFF = {
    SENDER: frozenset({"sender_worker", "sender_client"}),
    RECEIVER: frozenset({"intake_worker", "receiver_worker", "recipient_client"}),
}
_LEAD = {SENDER: frozenset({"sender_lead"}), RECEIVER: frozenset({"receiver_lead"})}


def record_rights(seen: Mapping[str, Names]) -> tuple[Row, ...]:
    """All rows; `seen` are the fields of a referral that each side sees, which every action answers with."""
    acted = (row for action, sides in ACTIONS.items() for side in sides for row in _done(action, side, seen[side]))
    looked = (row for side in (SENDER, RECEIVER) for row in (*_looked(side), *_done("copy", side, None)))
    return (Row("referral.reason_codes", ANYBODY), *acted, *looked)


def _done(action: str, side: str, shows: Names | None) -> Iterator[Row]:
    operation, states = f"referral.{action}", POSSIBLE[action]
    yield Row(operation, _STAFF[side], relations=_on(side, _OPEN), states=states, shows=shows)
    yield Row(operation, _LEAD[side], relations=_on(side, (*_OPEN, "other_unit")), states=states, shows=shows)


def _looked(side: str) -> Iterator[Row]:
    operation = "referral.record"
    yield Row(operation, _STAFF[side], relations=_on(side, _OPEN))
    yield Row(operation, _LEAD[side], relations=_on(side, (*_OPEN, "other_unit")))
    yield Row(operation, _STAFF[side], relations=_on(side, ("other_unit",)), reason=True)


def _on(side: str, standings: tuple[str, ...]) -> Names:
    return frozenset(f"{side}.{each}" for each in standings)
