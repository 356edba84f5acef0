"""Who takes which step of a man's sign-up for him or about him (groups.md section 8); rows of the table of rights."""

from __future__ import annotations

from chassis.policy import Row
from services.groups.rules.lifecycle import COORDINATOR, LEADER, WORKER
from services.groups.rules.relations import OTHER_GROUP, OWN_GROUP, SYSTEM

LEADER_ROLE = frozenset({"group_leader"})
INTAKE_ROLE = frozenset({"intake_worker"})
COORDINATOR_ROLE = frozenset({"group_coordinator"})
OFFICER_ROLE = frozenset({"dpo"})
_DESK = INTAKE_ROLE | COORDINATOR_ROLE
_OWN = frozenset({OWN_GROUP})
_ALL = frozenset({OWN_GROUP, OTHER_GROUP, SYSTEM})

LINE = frozenset(
    {
        "signup_id", "alias", "language", "state", "reachable", "deadline", "place", "queue_seq", "version",
        "allowed_actions", "contact_check", "partner_step",
    }
)  # fmt: skip
"""What stands on a roster: named one by one, so that a new field is seen by nobody until a row says so."""
RECORD = LINE | {"consents", "missing_consents", "meetings", "attempts", "removal", "attendance", "report", "remarks"}
DESK_RECORD = RECORD | {"entries", "history"}
"""The outcomes of conversations and their days are for the desk alone; a leader sees the state."""

_DESK_OR_OWN_LEADER = ("signup.read", "signup.answer", "signup.leave", "signup.consent", "signup.propose_removal",
    "signup.apologise", "report.sign", "signup.confirm_contact",
    "remark.note",
)  # fmt: skip
_DESK_ONLY = ("signup.intake", "signup.confirm", "signup.redirect")
_COORDINATOR_ONLY = ("signup.call_now", "signup.remove", "signup.transfer")
ROWS = (
    Row("signup.contact", _DESK, relations=_ALL),
    Row("signup.contact", LEADER_ROLE, relations=_OWN),
    *(Row(name, _DESK, relations=_ALL, shows=DESK_RECORD) for name in (*_DESK_OR_OWN_LEADER, *_DESK_ONLY)),
    *(Row(name, LEADER_ROLE, relations=_OWN, shows=RECORD) for name in _DESK_OR_OWN_LEADER),
    *(Row(name, COORDINATOR_ROLE, relations=_ALL, shows=DESK_RECORD) for name in _COORDINATOR_ONLY),
    Row("signup.link_person", _DESK, relations=_ALL, shows=DESK_RECORD),
    Row("remark.write", COORDINATOR_ROLE, relations=_ALL),
    Row("remark.write", LEADER_ROLE, relations=_OWN),
    Row("call_list.read", _DESK, relations=_ALL),
    Row("call_list.read", LEADER_ROLE, relations=_OWN),
    Row("signup.partner_step", frozenset({"partner_safety"}), relations=_ALL),
    Row("glass.break", LEADER_ROLE, relations=frozenset({OTHER_GROUP})),
    Row("glass.look", LEADER_ROLE, relations=frozenset({OTHER_GROUP})),
    Row("glass.list", OFFICER_ROLE),
    Row("glass.seen", OFFICER_ROLE),
    Row("export.roster", COORDINATOR_ROLE, relations=_ALL),
    Row("export.roster", LEADER_ROLE, relations=_OWN),
    Row("calendar.open", LEADER_ROLE | COORDINATOR_ROLE, relations=_OWN),
    Row("apart.add", _DESK),
    Row("apart.list", COORDINATOR_ROLE),
    Row("apart.end", COORDINATOR_ROLE),
    Row("certificate.issue", COORDINATOR_ROLE, relations=_ALL),
    Row("certificate.issue", LEADER_ROLE, relations=_OWN),
    Row("certificate.read", _DESK, relations=_ALL),
    Row("certificate.read", LEADER_ROLE, relations=_OWN),
    Row("signup.create_for", _DESK, relations=_ALL),
    Row("signup.awaiting_intake", _DESK),
    Row("signup.complete", COORDINATOR_ROLE, relations=_ALL, shows=DESK_RECORD),
    Row("signup.complete", LEADER_ROLE, relations=_OWN, shows=RECORD),
)


def actors_of(roles: frozenset[str], relation: str) -> frozenset[str]:
    """Which actors of the lifecycle a member of staff is towards a sign-up."""
    found: set[str] = set()
    if roles & _DESK or (roles & LEADER_ROLE and relation == OWN_GROUP):
        found.add(WORKER)
    if roles & LEADER_ROLE and relation == OWN_GROUP:
        found.add(LEADER)
    if roles & COORDINATOR_ROLE:
        found.add(COORDINATOR)
    return frozenset(found)


def deciding_actor(roles: frozenset[str]) -> str:
    """As whom somebody decides where a leader or a coordinator may: a coordinator's decision is named as one."""
    return COORDINATOR if roles & COORDINATOR_ROLE else LEADER
