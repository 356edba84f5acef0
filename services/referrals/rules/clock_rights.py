"""Who sees and does the tasks of a side, and who sets a service's clocks; rows of the table of rights."""

from __future__ import annotations

from chassis.policy import Row
from services.referrals.rules.lifecycle import RECEIVER, SENDER
from services.referrals.rules.tasks import COORDINATOR, LEAD, UNIT

_UNIT_OF = {
    SENDER: frozenset({"sender_worker", "sender_client"}),
    RECEIVER: frozenset({"intake_worker", "receiver_worker", "recipient_client"}),
}
_LEAD_OF = {SENDER: frozenset({"sender_lead"}), RECEIVER: frozenset({"receiver_lead"})}
_COORDINATORS = frozenset({"network_coordinator"})
_WHOEVER_WORKS = frozenset().union(*_UNIT_OF.values(), *_LEAD_OF.values(), _COORDINATORS)

_TASK = frozenset(
    {
        "id", "referral_id", "side", "kind", "for_role", "text", "urgency", "state", "due_at", "overdue", "created_at",
        "done_at", "done_by",
    }
)  # fmt: skip
"""All of a task: there is nothing about the person in it."""

ROWS = (
    Row("referral.tasks", _WHOEVER_WORKS, shows=_TASK),
    Row("referral.task_done", _WHOEVER_WORKS, shows=_TASK),
    Row("referral.clock_settings", _UNIT_OF[RECEIVER] | _LEAD_OF[RECEIVER]),
    Row("referral.set_clock", _LEAD_OF[RECEIVER]),
)


def tasks_of(roles: frozenset[str]) -> frozenset[str]:
    """Whose tasks these roles see, as side and role of the task: leads all of their side, the unit its own."""
    units = {f"{side}.{UNIT}" for side in (SENDER, RECEIVER) if roles & _UNIT_OF[side]}
    return tasks_over_units(roles) | units


def tasks_over_units(roles: frozenset[str]) -> frozenset[str]:
    """Those of them that these roles see over the borders of units."""
    found: set[str] = set()
    for side in (SENDER, RECEIVER):
        if roles & _LEAD_OF[side]:
            found |= {f"{side}.{each}" for each in (UNIT, LEAD, COORDINATOR)}
        if roles & _COORDINATORS:
            found.add(f"{side}.{COORDINATOR}")
    return frozenset(found)
