"""Second persons: they put evidence on paper, approve, or say no; what all agreed on takes effect, at once or later."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict, FieldError, Invalid, Stale, Unauthenticated
from chassis.requests import Call, Outcome
from chassis.step_up import require_step_up
from services.directory.rules import approval, overlay
from services.directory.rules.approval import Person
from services.directory.rules.sections import SERVICES
from services.directory.store import existing, proposals
from services.directory.usecases import notifying, writing
from services.directory.usecases.proposals import (
    APPROVE,
    EVIDENCE,
    OBJECT,
    REJECT,
    WITHDRAW,
    actions,
    check_visible,
    person_of,
    shown,
    viewer_of,
)
from services.directory.usecases.proposing import compared

log = logging.getLogger(__name__)

ACTOR = "directory.proposals"
Act = Callable[[Work, dict[str, Any], Person], None]


def approve(db: Database, call: Call) -> Outcome:
    """Agree as a further person; with the last one it takes effect, a guarded change after 72 hours.

    Raises NotAllowed without a fresh second factor where it is more than plain, Conflict where the approval would not
    count, Stale when the row was changed meanwhile.
    """
    return _acted(db, call, APPROVE, _approve)


def _approve(work: Work, row: dict[str, Any], by: Person) -> None:
    if row["weight"] != approval.PLAIN:
        _proved(work)
    conflicts = _conflicts(work, row)
    if conflicts:
        names = ", ".join(conflicts)
        raise Stale("proposal.overtaken", f"Somebody changed {names} since; withdraw this and propose it anew.")
    proposals.add(work, row["id"], proposals.APPROVAL, by, {})
    _move_on(work, row)


def _proved(work: Work) -> None:
    if work.call is None or work.call.caller is None:
        raise Unauthenticated("token.missing", "An access token is needed.")
    require_step_up(work.call.caller, work.now)


def record_evidence(db: Database, call: Call) -> Outcome:
    """Put on paper what was seen or done: a register entry, a written agreement, a call back. Raises Invalid."""

    def act(work: Work, row: dict[str, Any], by: Person) -> None:
        said = call.body
        if said["kind"] == approval.CALL_BACK:
            _check_number(work, row, said["number"])
        proposals.add(work, row["id"], said["kind"], by, said)
        _move_on(work, row)

    return _acted(db, call, EVIDENCE, act)


def _check_number(work: Work, row: dict[str, Any], number: str | None) -> None:
    """A change is asked back on the old number; somebody new, on one that does not come from himself."""
    old = existing.rows(work, row["section"], [row["mark"]]).get(row["mark"])
    joining = row["weight"] == approval.JOINING
    known = frozenset() if joining else approval.numbers(old)
    own = approval.numbers({name: value for name, value in row["content"].items() if name in {"phones", "contacts"}})
    own |= approval.numbers(old) if joining else frozenset()
    wrong = None
    if number is None:
        wrong = "The number that was called is needed."
    elif known and number not in known:
        wrong = "Call the number that is in the directory now; one of call_back_on."
    elif not known and number in own:
        wrong = "Call a number that was found elsewhere, not the one that the proposal itself brings."
    if wrong:
        fault = FieldError("/number", "proposal.number", wrong)
        raise Invalid("proposal.wrong_number", wrong, fields=(fault,))


def reject(db: Database, call: Call) -> Outcome:
    """Say no, also in the 72 hours before it takes effect; who proposed it is told why."""
    return _acted(db, call, REJECT, lambda work, row, by: _end(work, row, approval.REJECTED, by, call))


def withdraw(db: Database, call: Call) -> Outcome:
    """Take one's own proposal back."""
    return _acted(db, call, WITHDRAW, lambda work, row, by: _end(work, row, approval.WITHDRAWN, by, call))


def _end(work: Work, row: dict[str, Any], state: str, by: Person, call: Call) -> None:
    proposals.end(work, row["id"], state, by=by.subject, because=call.body["reason"])


def apply_due(db: Database) -> int:
    """Let take effect what has waited long enough; returns how many did. A timer calls this."""
    with db.background(ACTOR) as work:
        due = proposals.due(work)
    return sum(_tried(db, each) for each in due)


def _tried(db: Database, proposal_id: UUID) -> bool:
    try:
        return _applied_late(db, proposal_id)
    except Exception:  # one that cannot be applied must not hold up those behind it; it is tried again
        log.exception("proposal not applied", extra={"target": str(proposal_id)})
        return False


def _applied_late(db: Database, proposal_id: UUID) -> bool:
    with db.background(ACTOR) as work:
        existing.lock(work)
        row = proposals.lock(work, proposal_id)
        if row["state"] != approval.WAITING or row["due_at"] > work.now:
            return False
        try:
            conflicts = _conflicts(work, row)
            if not conflicts:
                _apply(work, row)
                return True
        except Invalid as refused:  # what it speaks of is gone meanwhile
            conflicts = [fault.pointer for fault in refused.fields] or [refused.code]
        proposals.end(work, row["id"], approval.OVERTAKEN, by=ACTOR, because=", ".join(conflicts))
        return False


def _acted(db: Database, call: Call, action: str, act: Act) -> Outcome:
    with db.work(call) as work:
        if work.claimed() is not None:
            return shown(work, call.path["proposal"], viewer_of(call))
        existing.lock(work)  # before its row, as every writer of the directory
        row = proposals.lock(work, call.path["proposal"])
        check_visible(row, viewer_of(call))
        by = person_of(call)
        at = proposals.standing(row, proposals.steps(work, row["id"]))
        if call.expected_version != row["version"]:
            raise Stale("proposal.stale", f"The proposal is at version {row['version']} now; read it again.")
        allowed = tuple(actions(row, at, by))
        if action not in allowed:
            raise Conflict("proposal.not_now", f"It is {row['state']}: you cannot {action} it.", allowed=allowed)
        act(work, row, by)
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=row["id"], purpose="directory"))
        return shown(work, row["id"], by)


def _conflicts(work: Work, row: dict[str, Any]) -> list[str]:
    old = existing.rows(work, row["section"], [row["mark"]]).get(row["mark"])
    found = overlay.conflicts(old, row["before"], is_new=row["is_new"])
    if not found and approval.weight(row["section"], old, row["before"]) != row["weight"]:
        return ["status"]  # who was joining has joined: the same change takes more by now
    return found


def _move_on(work: Work, row: dict[str, Any]) -> None:
    """Apply it, or let it wait, once nothing is missing any more."""
    if approval.missing(proposals.standing(row, proposals.steps(work, row["id"]))):
        return
    if row["weight"] == approval.GUARDED:
        proposals.wait(work, row["id"], work.now + approval.DELAY)
        _warn_the_old_address(work, row)
    else:
        _apply(work, row)


def _warn_the_old_address(work: Work, row: dict[str, Any]) -> None:
    """Whoever has the address that the directory holds now is told, while there is time to object."""
    about: UUID = row["id"]
    notifying.tell(work, notifying.CHANGING, row["org_id"], about=about, of=notifying.PROPOSAL)
    if row["section"] == SERVICES:  # a service may have an address of its own
        service = writing.id_of(SERVICES, row["mark"])
        notifying.tell(work, notifying.CHANGING, row["org_id"], about=about, of=notifying.PROPOSAL, to=service)


def _apply(work: Work, row: dict[str, Any]) -> None:
    """Write the row as it was proposed; what others changed in other fields meanwhile stays."""
    old = existing.rows(work, row["section"], [row["mark"]]).get(row["mark"])
    _row, change = compared(work, row["section"], old, row["content"])
    writing.write(work, row["section"], [(row["mark"], change)], by=row["proposed_by"])
    by = work.call.caller.subject if work.call and work.call.caller else ACTOR
    proposals.end(work, row["id"], approval.APPLIED, by=by)
