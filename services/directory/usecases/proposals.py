"""What a person sees of a proposal: the change by fields, who stands behind it, what is missing, what he may do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from chassis import paging
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import NotAllowed, NotFound, Unauthenticated
from chassis.identity import Caller
from chassis.requests import Call, Outcome
from services.directory.rules import approval, overlay
from services.directory.rules.approval import PENDING, Person, Standing
from services.directory.rules.sections import Row
from services.directory.store import existing, proposals

KEEPERS = frozenset({"network_admin"})
OBJECT = "proposal"
APPROVE, REJECT, WITHDRAW, EVIDENCE = "approve", "reject", "withdraw", "evidence"


def is_keeper(caller: Caller | None) -> bool:
    """Whether this is a person who keeps the network."""
    return caller is not None and not caller.is_system and not KEEPERS.isdisjoint(caller.roles)


def viewer_of(call: Call) -> Person:
    """Who looks; a machine keeps no network, whatever its roles are."""
    if call.caller is None:
        raise Unauthenticated("token.missing", "An access token is needed.")
    keeper = is_keeper(call.caller)
    return Person(subject=call.caller.subject, org_id=call.caller.org_id, keeper=keeper)


def person_of(call: Call) -> Person:
    """Who acts; a machine is nobody's second person. Raises NotAllowed for a system."""
    if call.caller is not None and call.caller.is_system:
        raise NotAllowed(
            "proposal.needs_person",
            "Persons who have signed in change the directory; a token of a system is not enough.",
        )
    return viewer_of(call)


def shown(work: Work, proposal_id: UUID, viewer: Person) -> Outcome:
    """One proposal as this person sees it. Raises NotFound where it is none of his business."""
    row = proposals.read(work, proposal_id)
    check_visible(row, viewer)
    steps = proposals.steps(work, proposal_id)
    at = proposals.standing(row, steps)
    old = existing.rows(work, row["section"], [row["mark"]]).get(row["mark"])
    pending = row["state"] in PENDING
    value = {
        **row,
        "organisation": row["org_key"],
        "changes": list(_changes(row)),
        "steps": steps,
        "missing": approval.missing(at) if pending else (),
        "conflicts": overlay.conflicts(old, row["before"], is_new=row["is_new"]) if pending else (),
        "allowed_actions": list(actions(row, at, viewer)),
        "call_back_on": _numbers(row, old) if viewer.keeper and pending else [],
    }
    return Outcome(value=value, version=row["version"], location=f"/directory/proposals/{proposal_id}")


def _numbers(row: dict[str, Any], old: Row | None) -> list[str]:
    """Whom to call back: whoever joins is called on a number found elsewhere."""
    return [] if row["weight"] == approval.JOINING else sorted(approval.numbers(old))


def check_visible(row: dict[str, Any], viewer: Person) -> None:
    """Raises NotFound unless the viewer keeps the network, is of the organisation, or of the one that proposed it."""
    if not (viewer.keeper or viewer.org_id in {row["org_id"], row["proposed_by_org"]}):
        raise NotFound


def actions(row: dict[str, Any], at: Standing, viewer: Person) -> Iterator[str]:
    """What this person may do with it now."""
    if row["state"] == approval.OPEN:
        yield from _for_it(at, viewer)
    if row["state"] in PENDING:
        if viewer.subject == row["proposed_by"]:
            yield WITHDRAW
        elif viewer.keeper or viewer.org_id == row["org_id"]:
            yield REJECT


def _for_it(at: Standing, viewer: Person) -> Iterator[str]:
    if approval.may_approve(at, viewer):
        yield APPROVE
    if viewer.keeper and approval.needs_papers(at):
        yield EVIDENCE


def _changes(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each field that was given, with what it said when this was proposed."""
    for name, value in row["content"].items():
        column = overlay.column(row["section"], name)
        if row["is_new"] or column in row["before"]:
            yield {"field": name, "before": row["before"].get(column), "after": value}


def listed(db: Database, call: Call) -> Outcome:
    """Proposals about the caller's organisation or by it; a network_admin lists all."""
    query, caller = call.query, call.caller
    at, after = paging.position(query["cursor"])
    asked = {
        **{name: query[name] for name in ("state", "section", "mark")},
        "org": None if caller is None or is_keeper(caller) else caller.org_id,
        "at": at,
        "id": after,
        "limit": query["limit"] + 1,
    }
    with db.work(call) as work:
        rows = [{**row, "organisation": row["org_key"]} for row in proposals.listed(work, asked)]
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=None, purpose="directory"))
        return Outcome(value=paging.page(rows, query["limit"], by="proposed_at"))
