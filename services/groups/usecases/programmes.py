"""Programmes: made, by oneself or under licence, changed, told to the network (groups.md sections 1, 9)."""

from __future__ import annotations

import uuid
from typing import Any

from chassis import clock, paging
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict, FieldError, Invalid, NotFound, Stale
from chassis.requests import Call, Outcome
from services.groups import events, views
from services.groups.rules import eligible, grouping
from services.groups.store import programmes
from services.groups.usecases.entering import caller_of

PROGRAMME = "programme"
SETTINGS = (
    "consents", "individual_meetings", "mandated_share", "funder", "completion", "absences", "min_age", "max_age",
    "several_seats",
)  # fmt: skip
"""What a programme sets besides its kind."""
OF_THE_LICENCE = (
    "kind", "mandated", "intake", "retention_days", "consents", "individual_meetings", "mandated_share", "completion",
    "absences", "min_age", "max_age", "several_seats",
)  # fmt: skip
"""What whoever runs a programme under licence takes over as it is."""


def create(db: Database, call: Call) -> Outcome:
    """Make a programme of the caller's organisation. Raises Invalid, and Conflict when the key is taken."""
    with db.work(call) as work:
        caller, body = caller_of(call), call.body
        programme_id = done = work.claimed()
        if programme_id is None:
            programme_id = clock.new_id()
            _make(work, programme_id, body, org=(caller.org_id, caller.org_key))
        work.record(Entry(operation=call.operation, object_type=PROGRAMME, object_id=None if done else programme_id))
        return _own(work, programme_id)


def read(db: Database, call: Call) -> Outcome:
    """One programme of the caller's organisation. Raises NotFound."""
    with db.work(call) as work:
        programme_id = call.path["programme_id"]
        work.record(Entry(operation=call.operation, object_type=PROGRAMME, object_id=programme_id))
        return _own(work, programme_id)


def listed(db: Database, call: Call) -> Outcome:
    """The programmes of the caller's organisation, newest first."""
    with db.work(call) as work:
        query = call.query
        rows = views.programmes(work, after=paging.position(query["cursor"]), limit=query["limit"] + 1)
        work.record(Entry(operation=call.operation, object_type=PROGRAMME, object_id=None))
        return Outcome(value=paging.page(rows, query["limit"], by="created_at"))


def change(db: Database, call: Call) -> Outcome:
    """Change what a programme says; what is not named stays. Raises NotFound, Stale and Invalid."""
    with db.work(call) as work:
        done, programme_id = work.claimed(), call.path["programme_id"]
        if done is None:
            _change(work, programme_id, call)
        work.record(Entry(operation=call.operation, object_type=PROGRAMME, object_id=None if done else programme_id))
        return _own(work, programme_id)


def add(work: Work, org_id: uuid.UUID, body: dict[str, Any], **more: Any) -> bool:
    """Write a programme with the defaults of its kind and tell it; False when the key is taken."""
    kind = grouping.KINDS[body["kind"]]
    eligible.check_ages(body["min_age"], body["max_age"])
    row = {name: body[name] for name in ("id", "key", "kind", "names", "mandated", *SETTINGS)}
    row |= {"intake": body["intake"] or kind.intake, "retention_days": body["retention_days"] or kind.retention_days}
    row |= {"org_id": org_id, "partner_step": kind.partner_step, "licensed_orgs": [], "licence_of": None, **more}
    if not programmes.add(work, row):
        return False
    _tell(work, body["id"])
    return True


def check_licence(work: Work, programme: dict[str, Any], org_id: uuid.UUID) -> None:
    """Raise Conflict where a programme is run under a licence that was taken back."""
    licence = programme["licence_of"]
    if licence is not None and programmes.licensed(work, licence, org_id) is None:
        message = "The licence of this programme was taken back; no new group can be made."
        raise Conflict("programme.licence_ended", message, allowed=())


def organisations(work: Work, keys: list[str], *, at: str, without: uuid.UUID | None = None) -> list[uuid.UUID]:
    """The ids of organisations by their keys. Raises Invalid for one that the directory does not know."""
    found = programmes.organisations(work, keys)
    unknown = sorted(set(keys) - set(found))
    if unknown:
        detail = f"No organisation of the network is called {', '.join(unknown)}."
        raise Invalid("organisation.unknown", detail, fields=(FieldError(at, "unknown", detail),))
    return sorted(set(found.values()) - {without})


def _make(work: Work, programme_id: uuid.UUID, body: dict[str, Any], *, org: tuple[uuid.UUID, str]) -> None:
    licensor = body["licence_of"]
    if licensor is not None:
        found = programmes.licensed(work, licensor, org[0])
        if found is None:
            detail = "There is no such programme that your organisation may run."
            raise Invalid("programme.no_licence", detail, fields=(FieldError("/licence_of", "unknown", detail),))
        if body["licensed_orgs"]:
            raise _of_the_owner(["licensed_orgs"])
        body = {**body, **{name: found[name] for name in OF_THE_LICENCE}}
    grouping.check_mandate(body["kind"], body["mandated"])
    key = body["key"] or grouping.programme_key(org[1], body["kind"], programme_id.hex[:6])
    licensed = organisations(work, body["licensed_orgs"], at="/licensed_orgs")
    row = {**body, "id": programme_id, "key": key}
    if not add(work, org[0], row, licensed_orgs=licensed, licence_of=licensor):
        raise Conflict("programme.key_taken", f"The key {key} is taken; choose another one.")


def _change(work: Work, programme_id: uuid.UUID, call: Call) -> None:
    found = programmes.lock(work, programme_id)
    if found is None:
        raise NotFound
    if call.expected_version != found["version"]:
        raise Stale("programme.stale", f"The programme is at version {found['version']} now; read it again.")
    changes = dict(call.body)  # what is not named is not in it
    taken = sorted(set(changes) & {*OF_THE_LICENCE, "licensed_orgs"})
    if found["licence_of"] is not None and taken:
        raise _of_the_owner(taken)
    eligible.check_ages(changes.get("min_age", found["min_age"]), changes.get("max_age", found["max_age"]))
    if found["several_seats"] and changes.get("several_seats") is False:
        detail = "Some men may be in several groups already; make a new programme instead."
        raise Invalid("programme.several_seats", detail, fields=(FieldError("/several_seats", "choice", detail),))
    if "licensed_orgs" in changes:
        changes["licensed_orgs"] = organisations(work, changes["licensed_orgs"], at="/licensed_orgs")
    programmes.change(work, programme_id, changes)
    _tell(work, programme_id)


def _of_the_owner(names: list[str]) -> Invalid:
    """The refusal of what only the owner of a licensed programme sets; a licence cannot be handed on either."""
    detail = "Only the owner of the licensed programme sets this."
    return Invalid(
        "programme.licensed", detail, fields=tuple(FieldError(f"/{name}", "licence", detail) for name in names)
    )


def _tell(work: Work, programme_id: uuid.UUID) -> None:
    row = programmes.lock(work, programme_id)
    if row is not None:
        work.tell(events.programme_told(row, public=grouping.KINDS[row["kind"]].public, at=work.now))


def _own(work: Work, programme_id: uuid.UUID) -> Outcome:
    row = views.programme(work, programme_id)
    if row is None:
        raise NotFound
    return Outcome(value=row, version=row["version"], location=f"/programmes/{programme_id}")
