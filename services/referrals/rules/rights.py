"""Who may do what with a referral (access-and-privacy.md section 3): the table that code, documents and tests read."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.errors import NotAllowed, NotFound
from chassis.policy import Policy, Row
from services.referrals.rules import clock_rights, fhir_rights
from services.referrals.rules.attachment_rights import ATTACHMENT_RIGHTS
from services.referrals.rules.clock_table import BY_CODE
from services.referrals.rules.intake_rights import INTAKE_RIGHTS
from services.referrals.rules.legal_rights import LEGAL_RIGHTS
from services.referrals.rules.lifecycle import (
    ACTORS,
    DPO,
    FINAL,
    LIFECYCLE,
    RECEIVER,
    SENDER,
    STATES,
    Standing,
    allowed_actions,
)
from services.referrals.rules.message_rights import MESSAGE_ROWS, NOTIFICATION_OPERATIONS
from services.referrals.rules.record_rights import record_rights

# Where a member of one side stands towards a case of that side; the first that is true counts.
BARRED = "barred"  # closed to this member by name
SHUT = "shut"  # restricted to named members, and he is none of them
NAMED = "named"
ASSIGNED = "assigned"
OWN_UNIT = "own_unit"
WHOLE_SIDE = "whole_side"  # the case has no unit, or the caller none: a small organisation, or a system
OTHER_UNIT = "other_unit"
PARTNER_SIDE = "partner_side"  # works on the partner's side of it, and so on no other
AUTHOR = "author"  # of a child concern, which nobody else of the sender reads but the named lead
CONCERN = "concern"  # a child concern of the own organisation, written by somebody else

OPEN = (NAMED, ASSIGNED, OWN_UNIT, WHOLE_SIDE)
ALL_UNITS = (*OPEN, OTHER_UNIT)
REASONS = ("stand_in", "emergency", "supervision", "complaint", "data_request", "case_conference")
"""Why somebody reads a case of another unit; his lead reads that he did (GET /referrals/outside-reads)."""

_SENDING = frozenset({"sender_worker", "sender_client"})
_RECEIVING = frozenset({"intake_worker", "receiver_worker", "recipient_client"})
_LEAD = {SENDER: frozenset({"sender_lead"}), RECEIVER: frozenset({"receiver_lead"})}
_STAFF = {SENDER: _SENDING, RECEIVER: _RECEIVING}
_BOTH_LEADS = _LEAD[SENDER] | _LEAD[RECEIVER]
_COORDINATOR = frozenset({"network_coordinator"})
SIDES = (SENDER, RECEIVER)

_LINE = frozenset({"id", "side", "state", "urgency", "version", "sender", "receiver", "sent_at", "changed_at"})
METADATA = _LINE | {"service", "service_stale"}
PERSONAL = frozenset(
    {
        "person", "role", "contact", "contact_via", "needs", "reason", "ordered", "order_reference", "person_informed",
        "feedback_scope", "external_ref", "asked", "language", "interpreter", "respond_by", "not_before",
        "desired_outcomes", "risk", "legal_basis", "attendance", "warning", "warning_read",
    }
)  # fmt: skip
_CASE = METADATA | PERSONAL | {
    "kind", "reason_code", "allowed_actions", "clocks", "warnings", "personal_closed", "objected_at",
}  # fmt: skip
SEEN = {
    SENDER: _CASE | {"episode_id", "parent_id", "area"},
    RECEIVER: (_CASE | {"handling", "kept_as_self_referral"}) - {"external_ref"},
}
"""What each side sees of a referral: the receiver's notes stay with the receiver, the sender's reference with him."""

_PLACE = frozenset({"id", "side", "unit", "worker"})
_WHO = _PLACE | {"restricted", "named", "barred"}

REVIEWED = BY_CODE["C8"].runs


def relation(side: str, standing: str) -> str:
    """The name of a relation in the table: the side, and where one stands on it."""
    return f"{side}.{standing}"


def _on(side: str, standings: tuple[str, ...]) -> frozenset[str]:
    return frozenset(relation(side, each) for each in standings)


_EITHER = _on(SENDER, ALL_UNITS) | _on(RECEIVER, ALL_UNITS)


def _look(operation: str, side: str, shows: frozenset[str] | None) -> tuple[Row, ...]:
    """A look at a case: its unit and worker, leads over all units, others of the organisation for a reason."""
    return (
        Row(operation, _STAFF[side], relations=_on(side, OPEN), shows=shows),
        Row(operation, _LEAD[side], relations=_on(side, ALL_UNITS), shows=shows),
        Row(operation, _STAFF[side], relations=_on(side, (OTHER_UNIT,)), shows=shows, reason=True),
    )


def _step(action: str, side: str) -> tuple[Row, ...]:
    """A step of the lifecycle, from the states that the lifecycle's own table names."""
    states = frozenset(edge.source for edge in LIFECYCLE if edge.name == action)
    if action == "mark_error":
        states = frozenset({"sent"})  # later it is the officers' (T25)
    # of a draft that was dropped nothing is left to show
    return _done(f"referral.{action}", side, states, METADATA if action == "discard" else SEEN[side])


def _done(operation: str, side: str, states: frozenset[str], shows: frozenset[str]) -> tuple[Row, ...]:
    """What one side does with a case: its unit and worker, leads over all units."""
    return (
        Row(operation, _STAFF[side], relations=_on(side, OPEN), states=states, shows=shows),
        Row(operation, _LEAD[side], relations=_on(side, ALL_UNITS), states=states, shows=shows),
    )


def _list(operation: str, side: str) -> tuple[Row, ...]:
    """A work list, without anything about the person."""
    shows = _LINE | {"reason_code", "unit", "worker", "due_at", "due_clock"}
    return (
        Row(operation, _STAFF[side], relations=_on(side, OPEN), shows=shows),
        Row(operation, _LEAD[side], relations=_on(side, ALL_UNITS), shows=shows),
        Row(operation, _COORDINATOR, relations=_on(side, ALL_UNITS), shows=_LINE),
    )


def _led(operation: str) -> tuple[Row, ...]:
    """What the leads alone decide, each for his own side."""
    return tuple(Row(operation, _LEAD[side], relations=_on(side, ALL_UNITS), shows=_WHO) for side in SIDES)


ROWS: tuple[Row, ...] = (
    Row("referral.create", _SENDING | _LEAD[SENDER], shows=SEEN[SENDER]),
    *_look("referral.read", SENDER, SEEN[SENDER]),
    *_look("referral.read", RECEIVER, SEEN[RECEIVER]),
    Row("referral.read", _COORDINATOR, relations=_EITHER, shows=METADATA),
    *_look("referral.history", SENDER, None),
    *_look("referral.history", RECEIVER, None),
    *(Row("referral.duplicates", _LEAD[side], relations=_on(side, ALL_UNITS)) for side in SIDES),
    Row("referral.duplicates", frozenset({"intake_worker"}), relations=_on(RECEIVER, OPEN)),
    *_list("referral.sent", SENDER),
    *_list("referral.inbox", RECEIVER),
    *_list("referral.drafts", SENDER),
    *(row for side in SIDES for row in _list("referral.overdue", side)),
    *(row for side in SIDES for row in _list("referral.awaiting_me", side)),
    *_list("referral.waiting_list", RECEIVER),
    Row("referral.counts", _STAFF[SENDER] | _STAFF[RECEIVER] | _BOTH_LEADS),
    Row("referral.report", _BOTH_LEADS),
    *_done("referral.edit", SENDER, frozenset({"draft"}), SEEN[SENDER]),
    *_done("referral.resend", SENDER, FINAL, SEEN[SENDER]),
    *(row for action, actors in ACTORS.items() for side in SIDES if side in actors for row in _step(action, side)),
    Row("referral.mark_error", frozenset({DPO}), relations=_EITHER, shows=METADATA,
        states=frozenset(STATES) - {"draft", "entered_in_error"}),
    *_led("referral.access"),
    *_led("referral.assign"),
    # Sorting what comes in: a unit for what has none, and no more.
    Row("referral.assign", frozenset({"intake_worker"}), relations=_on(RECEIVER, (WHOLE_SIDE,)), shows=_PLACE,
        writes=frozenset({"unit"})),
    *_led("referral.restrict"),
    # A link is for the receiver's own house: whoever answers for that makes one.
    Row("referral.link", _LEAD[RECEIVER], relations=_on(RECEIVER, ALL_UNITS)),
    *_led("referral.unrestrict"),
    *_led("referral.bar"),
    *_led("referral.unbar"),
    Row("referral.outside_reads", _BOTH_LEADS),
    *(Row(f"area_offer.{what}", _RECEIVING | _LEAD[RECEIVER]) for what in ("list", "read", "pass")),
    *(Row(f"area_offer.{what}", _RECEIVING | _LEAD[RECEIVER], shows=SEEN[RECEIVER])
      for what in ("acknowledge", "accept")),
    *(row for side in SIDES for row in _done("referral.review", side, REVIEWED, SEEN[side])),
    *clock_rights.ROWS,
    *LEGAL_RIGHTS,
    *ATTACHMENT_RIGHTS,
    *INTAKE_RIGHTS,
    *record_rights(SEEN),
    *MESSAGE_ROWS,
)  # fmt: skip
POLICY = Policy(*ROWS, *fhir_rights.beside(ROWS, ACTORS))
OPERATIONS = {**POLICY.operations(), **NOTIFICATION_OPERATIONS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Closeness:
    """What decides where a caller stands: the case's unit and worker, and how he is named in it."""

    unit: str | None
    worker: str | None
    restricted: bool
    member: frozenset[str]
    concern: bool = False


def standing(case: Closeness, *, subject: str, units: frozenset[str]) -> str:
    """Where a caller of the case's side stands; systems and members of small organisations have no units."""
    special = _special(case, subject)
    if special is not None:
        return special
    if subject == case.worker:
        return ASSIGNED
    if case.unit is None or not units:
        return WHOLE_SIDE
    return OWN_UNIT if case.unit in units else OTHER_UNIT


def _special(case: Closeness, subject: str) -> str | None:
    """Where he stands by name or by the kind of the case, before units count."""
    for each in (BARRED, PARTNER_SIDE):
        if each in case.member:
            return each
    if case.concern:
        return AUTHOR if subject == case.worker else CONCERN
    if case.restricted:
        return NAMED if NAMED in case.member else SHUT
    return None


OPEN_WHEN_SHUT = frozenset(
    f"referral.{name}"
    for name in (
        "read", "history", "duplicates", "access", "assign", "restrict", "unrestrict", "bar", "unbar",
    )
) | {"restricted.read", "restricted.write"}  # fmt: skip
"""What is done with a case whose personal part is shut, as after a withdrawn consent: nothing that opens that part."""


def check_open(operation: str, shut_since: object) -> None:
    """Raises NotAllowed for what needs a personal part that the organisation may read no more."""
    if shut_since is not None and operation not in OPEN_WHEN_SHUT:
        message = "The personal part of this referral is closed: its consent ended, or it was entered in error."
        raise NotAllowed("referral.personal_closed", message)


def check(operation: str, roles: frozenset[str], at: str, *, reason: str | None = None) -> bool:
    """Whether it is a look from outside the caseload, for a reason; False for an ordinary right.

    Raises NotFound for whom the case does not exist, NotAllowed where he may know of it but not do this.
    """
    if POLICY.allows(operation, roles, at):
        return False
    if POLICY.granting(operation, roles, at):
        if reason is None:
            message = f"This referral is another unit's. To read it, give a reason: {', '.join(REASONS)}."
            raise NotAllowed("referral.reason_needed", message)
        return True
    raise _refusal(operation, roles, at)


def _refusal(operation: str, roles: frozenset[str], at: str) -> NotFound | NotAllowed:
    """Whoever may not even read the case does not learn that there is one."""
    if not POLICY.granting("referral.read", roles, at):
        return NotFound()
    side, _, where = at.partition(".")
    if where == OTHER_UNIT and POLICY.allows(operation, roles, relation(side, OWN_UNIT)):
        return NotAllowed("referral.other_unit", "This referral is another unit's; its lead can assign it to you.")
    if any(at in (row.relations or ()) for row in POLICY.of(operation)):
        return NotAllowed("operation.not_allowed", f"None of your roles may do {operation} here.")
    other = RECEIVER if side == SENDER else SENDER
    return NotAllowed("referral.wrong_side", f"Only the {other} of a referral may do this.")


def open_actions(roles: frozenset[str], at: str, standing: Standing) -> tuple[str, ...]:
    """The transitions that these roles may take from where the case stands, where they stand."""
    names = allowed_actions(standing, at.partition(".")[0])
    return tuple(name for name in names if POLICY.allows(f"referral.{name}", roles, at, standing.state))


def sides_of(operation: str, roles: frozenset[str]) -> tuple[str, ...]:
    """The sides whose lists these roles read at all."""
    return tuple(side for side in SIDES if POLICY.allows(operation, roles, relation(side, WHOLE_SIDE)))


def check_side(operation: str, roles: frozenset[str], side: str) -> None:
    """Raises NotAllowed where none of the roles reads such a list of this side."""
    if side not in sides_of(operation, roles):
        raise NotAllowed("operation.not_allowed", f"None of your roles may do {operation} as {side}.")


def sees_all_units(operation: str, roles: frozenset[str], side: str) -> bool:
    """Whether a list of this side goes over the borders of units for these roles."""
    return POLICY.allows(operation, roles, relation(side, OTHER_UNIT))


def opens_task(roles: frozenset[str], at: str) -> bool:
    """Whether these roles may know of the case that a task is about, where they stand."""
    return POLICY.allows("referral.read", roles, at)


def check_led(roles: frozenset[str], side: str) -> None:
    """Raises NotAllowed for who leads nobody on this side."""
    if side not in led_sides(roles):
        raise NotAllowed("operation.not_allowed", f"Only a lead of the {side}'s side may do this.")


def led_sides(roles: frozenset[str]) -> frozenset[str]:
    """The sides that these roles answer for."""
    return frozenset(side for side in SIDES if roles & _LEAD[side])
