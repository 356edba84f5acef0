"""What the tests of groups' staff share: people of the centre by role, and steps as the door would make them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from chassis.db import Database
from chassis.identity import Caller
from chassis.requests import Outcome
from services.groups import schemas
from services.groups.usecases import programmes, staff
from tests.support.groups import CENTRE, call, opened

LEADER = replace(CENTRE, subject="user:demo-leader-1", roles=frozenset({"group_leader"}))
INTAKE = replace(CENTRE, subject="member:intake", roles=frozenset({"intake_worker"}))
COORDINATOR = replace(CENTRE, subject="member:coordinator", roles=frozenset({"group_coordinator"}))
SECOND = replace(COORDINATOR, subject="member:second")
STRANGER = replace(CENTRE, subject="member:other-leader", roles=frozenset({"group_leader"}))
OPERATIONS = {
    "read": "signup.read",
    "accept": "signup.answer",
    "decline": "signup.answer",
    "withdraw": "signup.leave",
    "call_now": "signup.call_now",
    "record_intake": "signup.intake",
    "give_consents": "signup.consent",
    "confirm": "signup.confirm",
    "redirect": "signup.redirect",
    "propose_removal": "signup.propose_removal",
    "remove": "signup.remove",
    "contact": "signup.contact",
    "confirm_contact": "signup.confirm_contact",
    "complete": "signup.complete",
    "apologise": "signup.apologise",
}


def programme(db: Database, by: Caller = CENTRE, **changes: Any) -> dict[str, Any]:
    """A programme with an intake, of a kind of its own for each test."""
    body = schemas.NewProgramme().load({"kind": "guided", "intake": "required", "names": {"lt": "Tėvai"}, **changes})
    made: dict[str, Any] = programmes.create(db, call("POST /programmes", by, body)).value
    return made


def group_with_intake(db: Database, *, capacity: int = 3, programme_changes: dict[str, Any] | None = None) -> uuid.UUID:
    """An open group whose men have a conversation first."""
    made = programme(db, **(programme_changes or {}))
    return opened(db, kind="guided", programme=made["key"], capacity=capacity)


def step(  # noqa: PLR0917 - who does what to whom, with what
    db: Database,
    name: str,
    group_id: uuid.UUID,
    man: dict[str, Any],
    by: Caller,
    body: dict[str, Any] | None = None,
    **parts: Any,
) -> dict[str, Any]:
    """What a worker is answered who does `name` with a man's sign-up."""
    outcome: Outcome = getattr(staff, name)(
        db,
        call(
            f"staff {name}",
            by,
            body,
            operation=OPERATIONS[name],
            path={"group_id": group_id, "signup_id": man["signup_id"]},
            **parts,
        ),
    )
    value: dict[str, Any] = outcome.value
    return value
