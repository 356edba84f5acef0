"""The cells of the matrix: every role at every route in every relation and state, with what the table makes of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from chassis.http import Plan
from chassis.policy import Row
from services.groups.rules import rights as group_rights
from services.referrals.rules import rights
from services.referrals.rules.fhir_rights import MOVE
from services.referrals.rules.lifecycle import LIFECYCLE, RECEIVER, SENDER
from tests.authz.rig import CAST, EVERY, FOREIGN, GROUP_CAST, PARTIES, STATES, plans

ROLES = sorted(EVERY)
REFERRAL, GROUP, MAN = "<uuid:referral_id>", "<uuid:group_id>", "<uuid:signup_id>"
HIDDEN = frozenset({FOREIGN, rights.BARRED, rights.SHUT})
ALLOWED = (200, "")
STALE = (412, "referral.stale")
NOT_IN_THIS_STATE = {"referral.resend": "referral.not_ended", "referral.edit": "referral.not_a_draft"}
NOT_FOUND = (404, "resource.not_found")
NO_ROLE = (403, "operation.not_allowed")
Expected = tuple[int, str]


@dataclass(frozen=True)
class Cell:
    """One request: who stands where, which role alone he has, and the state of the thing."""

    service: str
    plan: Plan
    role: str
    relation: str
    state: str
    side: str = ""
    system: bool = False

    def __str__(self) -> str:
        """The cell in a line."""
        return f"{self.plan.name} by {self.role}, {self.side} {self.relation}, {self.state}"


def door_cells() -> Iterator[Cell]:
    """Each role without any right at a route, as a person and as a system: refused before anything is looked up."""
    for service, plan in plans():
        for role in ROLES:
            if role not in _roles(plan, service):
                yield from (Cell(service, plan, role, "-", "-", system=system) for system in (False, True))


def referral_cells() -> Iterator[Cell]:
    """Each role of a row, on both sides, in every relation and state; every other role where it would be nearest."""
    for service, plan in plans():
        # what a Task asks for is one of the transitions, which are here by themselves
        if service == "referrals" and REFERRAL in plan.path and plan.operation != MOVE:
            for role in ROLES:
                yield from _inside(plan, role, named=role in _roles(plan, service))
                if role in _roles(plan, service):
                    yield from _outside(plan, role)


def _inside(plan: Plan, role: str, *, named: bool) -> Iterator[Cell]:
    relations, states = (tuple(CAST), _states(plan)) if named else ((rights.OWN_UNIT,), STATES[:1])
    for side, relation, state in itertools.product(PARTIES, relations, states):
        yield Cell("referrals", plan, role, relation, state, side)


def _states(plan: Plan) -> tuple[str, ...]:
    sources = (edge.source for edge in LIFECYCLE if f"referral.{edge.name}" == plan.operation)
    others = {"referral.edit": ("draft",), "referral.review": tuple(sorted(rights.REVIEWED))}.get(plan.operation, ())
    return tuple(dict.fromkeys((*sources, *others, *STATES)))


def _outside(plan: Plan, role: str) -> Iterator[Cell]:
    for state, system in itertools.product(STATES, (False, True)):
        yield Cell("referrals", plan, role, FOREIGN, state, system=system)


def group_cells() -> Iterator[Cell]:
    """The same for groups; opening is asked for the draft."""
    for service, plan in plans():
        if service == "groups" and GROUP in plan.path:
            for role in sorted(_roles(plan, service)):
                for relation in (*GROUP_CAST, FOREIGN):
                    yield from (Cell(service, plan, role, relation, state) for state in ("open", "draft"))


def expected(cell: Cell) -> Expected:
    """What the rows of the table make of a cell; written apart from the code that the services run."""
    rows = [row for row in _rows(cell.service, cell.plan.operation) if cell.role in row.roles]
    if not rows:
        return NO_ROLE
    if cell.relation in HIDDEN:
        return NOT_FOUND
    if cell.plan.operation.startswith("restricted."):
        return _for_partner(cell)
    return _for_groups(cell, rows) if cell.service == "groups" else _for_referrals(cell, rows)


def _for_partner(cell: Cell) -> Expected:
    """Partner safety, unless assigned or named on the man's side; nobody else learns that there is such a part."""
    on_mans_side = cell.relation in {rights.ASSIGNED, rights.NAMED}
    nothing_there = cell.state == "draft" and cell.side == RECEIVER
    if cell.role != "partner_safety" or on_mans_side or nothing_there:
        return NOT_FOUND
    return (412, "restricted.stale") if cell.plan.needs_version else ALLOWED


def _for_referrals(cell: Cell, rows: list[Row]) -> Expected:
    at = f"{cell.side}.{cell.relation}"
    if cell.state == "draft" and cell.side == RECEIVER:
        return NOT_FOUND  # nothing has left the sender yet
    readable = [row for row in _rows("referrals", "referral.read") if cell.role in row.roles and at in row.relations]  # type: ignore[operator]
    found = [row for row in rows if row.relations is None or at in row.relations]
    if not readable and not found:
        return NOT_FOUND
    if not found:
        return _refused_inside(cell)
    if all(row.reason for row in found):
        return (403, "referral.reason_needed")
    if not any(row.states is None or cell.state in row.states for row in found) or _shut(cell):
        return (409, NOT_IN_THIS_STATE.get(cell.plan.operation, "referral.not_possible"))
    return STALE if cell.plan.needs_version else (cell.plan.status, "")


def _shut(cell: Cell) -> bool:
    """What the stage's cases are not: child concerns, and cases that the sender paused, or sees that he could pause."""
    pausing = {"referral.hold", "referral.resume", "referral.review"}
    return cell.plan.operation == "referral.close_concern" or (cell.plan.operation in pausing and cell.side == SENDER)


def _refused_inside(cell: Cell) -> Expected:
    if cell.relation == rights.OTHER_UNIT:
        own = f"{cell.side}.{rights.OWN_UNIT}"
        rows = [row for row in _rows("referrals", cell.plan.operation) if cell.role in row.roles]
        if any(row.relations and own in row.relations for row in rows):
            return (403, "referral.other_unit")
    at = f"{cell.side}.{cell.relation}"
    some = any(row.relations and at in row.relations for row in _rows("referrals", cell.plan.operation))
    return NO_ROLE if some else (403, "referral.wrong_side")


def _for_groups(cell: Cell, rows: list[Row]) -> Expected:
    if not any(row.relations is None or cell.relation in row.relations for row in rows):
        return NOT_FOUND
    if cell.state == "draft" and (MAN in cell.plan.path or "<int:no>" in cell.plan.path):
        return NOT_FOUND  # nobody signed up, and there is no meeting yet
    for name, refused in REFUSES.items():
        if name in {cell.plan.name, f"{cell.state} {cell.plan.name}"}:
            return refused
    if not cell.plan.needs_version:
        return (cell.plan.status, "")
    noun = "signup" if MAN in cell.plan.path else "session" if "<int:no>" in cell.plan.path else "group"
    return (412, f"{noun}.stale")


_MAN = f"/groups/{GROUP}/signups/{MAN}"
REFUSES: dict[str, Expected] = {
    f"open POST /groups/{GROUP}/open": (409, "group.not_possible"),
    f"POST /groups/{GROUP}/merge": (422, "group.unknown"),
    f"draft POST /groups/{GROUP}/signups": (409, "group.not_accepting"),
    f"open POST /groups/{GROUP}/sessions/series": (409, "session.series_made"),
    f"POST {_MAN}/intake": (409, "signup.not_possible"),
    f"POST {_MAN}/consents": (409, "signup.consent_unknown"),
    f"POST {_MAN}/contact/confirm": (409, "signup.no_contact"),
    f"POST {_MAN}/partner-step": (409, "signup.no_partner_step"),
    f"POST {_MAN}/glass": (403, "step_up.required"),
    f"GET {_MAN}/glass": NOT_FOUND,
    f"POST {_MAN}/report/sign": (409, "report.none"),
    f"POST {_MAN}/certificate": (409, "certificate.not_completed"),
    f"GET {_MAN}/certificate": NOT_FOUND,
    f"GET {_MAN}/certificate/print": NOT_FOUND,
}
"""What the stage's open group of peers, with one man who has a seat, and its draft refuse to whoever gets so far."""


def _rows(service: str, operation: str) -> list[Row]:
    policy = {"referrals": rights.POLICY, "groups": group_rights.POLICY}.get(service)
    return [row for row in policy.rows if row.operation == operation] if policy else []


def _roles(plan: Plan, service: str) -> frozenset[str]:
    return _by_service()[service][plan.operation]


def _by_service() -> dict[str, dict[str, frozenset[str]]]:
    if not _KNOWN:
        from deploy.generate import service_classes  # noqa: PLC0415 - the services load once, when cells are wanted

        _KNOWN.update({kind.name: dict(kind.operations) for kind in service_classes()})  # type: ignore[attr-defined]
    return _KNOWN


_KNOWN: dict[str, dict[str, frozenset[str]]] = {}
