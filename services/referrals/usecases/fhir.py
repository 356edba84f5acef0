"""FHIR R4 over the same use cases: read, search, create and step, each translated on the way in and out."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime
from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError, fields

from chassis import paging
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import FieldError, Invalid, Stale
from chassis.requests import Call, Outcome
from chassis.schema import field_errors
from services.referrals import schemas
from services.referrals.rules import fhir, fhir_capability, fhir_reading, fhir_searching, fhir_steps, rights
from services.referrals.rules.fhir_reading import Read
from services.referrals.rules.fhir_rights import MOVE, SEARCH
from services.referrals.schemas.transitions import SHAPES
from services.referrals.usecases import listing, moving, opening
from services.referrals.usecases.entering import OBJECT, caller_of, enter, found, viewer_of
from services.referrals.usecases.recall import Recalled
from services.referrals.views import fhir as views
from services.referrals.views import shown
from services.referrals.views.viewer import Viewer

FIELDS = frozenset(schemas.NewReferral().load_fields) | frozenset(schemas.Person().load_fields)
"""What a referral has a place for."""
ASKED_OF = {fhir.SERVICE_REQUEST: "performer", fhir.TASK: "owner"}


def capability(db: Database) -> Outcome:
    """What is spoken here."""
    return Outcome(value=fhir_capability.capability(_base(db)))


def read(db: Database, call: Call, kind: str) -> Outcome:
    """One referral as a resource of this kind, as the caller's side may see it. Raises NotFound for everybody else."""
    return _said(listing.read(db, call), kind)


def create(db: Database, call: Call) -> Outcome:
    """Create a referral and submit it, as POST /referrals does. Raises what that does, told by places here."""
    sender = call.caller
    if sender is not None:
        fhir_reading.check_requester(call.body, sender.org_key, sender.org_id)
    read_in = fhir_reading.new_referral(call.body, FIELDS)
    call.body = loaded(schemas.NewReferral(), read_in)
    try:
        return _said(opening.create(db, call), fhir.SERVICE_REQUEST)
    except Invalid as error:
        raise read_in.told(error) from None


def move(db: Database, call: Call) -> Outcome:
    """Take the transition that the Task asks for. Raises what the transition does, told by places here."""
    sent = call.body
    call.path = {"referral_id": _asked_for(call)}
    try:
        return _moved(db, call, sent)
    except Recalled as over:
        moving.recall(db, over)
        return _moved(db, call, sent)


def _moved(db: Database, call: Call, sent: dict[str, Any]) -> Outcome:
    with db.work(call) as work:
        done = work.claimed()
        if done is not None:
            work.record(Entry(operation=MOVE, object_type=OBJECT, object_id=done, outcome="repeated"))
            return _said(found(work, done), fhir.TASK)
        now = enter(work, call.path["referral_id"], "referral.read")
        action = fhir_steps.step(sent, schemas.ReferralView().dump(shown(now.row, {})))
        if action is None:
            return _said(_unchanged(work, call), fhir.TASK)
        read_in = details_of(sent, SHAPES[action]())
        call.body = loaded(SHAPES[action](), read_in)
        try:
            return _said(moving.move_within(work, call, action), fhir.TASK)
        except Invalid as error:
            raise read_in.told(error) from None


def search(db: Database, call: Call, kind: str) -> Outcome:
    """A page of the organisation's referrals, sent and received, without the persons."""
    query = call.query
    with db.work(call) as work:
        viewers: dict[str, Viewer] = {}
        visible: dict[str, Any] = {}
        caller = caller_of(work)
        for side in rights.SIDES:
            if rights.POLICY.allows(SEARCH, caller.roles, rights.relation(side, rights.WHOLE_SIDE)):
                viewers[side], beyond = viewer_of(work, SEARCH, side)
                at = rights.relation(side, rights.OTHER_UNIT if beyond else rights.WHOLE_SIDE)
                visible[side] = rights.POLICY.visible(SEARCH, caller.roles, at)
        who = {"subject": caller.subject, "units": sorted(caller.units)}
        rows = views.found(work, viewers, {**who, **_wanted(query, kind)})
        work.record(Entry(operation=SEARCH, object_type=OBJECT, object_id=None))
        page = paging.page(rows, query["_count"], by="sent_at")
    lines = [_line(row, visible[row["side"]]) for row in page["items"]]
    return Outcome(value=fhir.bundle(kind, lines, base=_base(db), links=_links(db, query, kind, page["next"])))


def _said(outcome: Outcome, kind: str) -> Outcome:
    seen = schemas.ReferralView().dump(outcome.value)
    outcome.value = fhir.MAPPINGS[kind](seen)
    outcome.location = f"/fhir/{kind}/{seen['id']}"
    changed = dt.datetime.fromisoformat(seen["changed_at"]).astimezone(dt.UTC)
    outcome.headers["Last-Modified"] = format_datetime(changed, usegmt=True)
    return outcome


def _unchanged(work: Work, call: Call) -> Outcome:
    """The Task stands as it is wanted already: nothing to do, if it is the version that was read."""
    outcome = found(work, call.path["referral_id"])
    if call.expected_version != outcome.version:
        raise Stale("referral.stale", f"The referral is at version {outcome.version} now; read it again.")
    work.record(Entry(operation=MOVE, object_type=OBJECT, object_id=call.path["referral_id"]))
    return outcome


def _asked_for(call: Call) -> UUID:
    """The referral that a Task is about: the path's, or its focus; both and its own id are the same. Raises Invalid."""
    given = {"/focus/reference": call.body.get("focus", {}).get("reference"), "/id": call.body.get("id")}
    ids = {place: _id_of(place, text) for place, text in given.items() if text is not None}
    asked: UUID = call.path.get("referral_id") or ids["/focus/reference"]
    for place, each in ids.items():
        if each != asked:
            raise _elsewhere(place, "A Task and its ServiceRequest have one id, which is that of the path too.")
    return asked


def _id_of(place: str, reference: str) -> UUID:
    try:
        return UUID(reference.rpartition("/")[2])
    except ValueError:
        raise _elsewhere(place, "This is no id of a referral.") from None


def _elsewhere(place: str, detail: str) -> Invalid:
    return Invalid("body.invalid", detail, fields=(FieldError(place, "task.other_id", detail),))


def loaded(shape: Schema, read_in: Read) -> dict[str, Any]:
    """The body as a shape of ours has it. Raises Invalid, told by the places of the resource."""
    try:
        body: dict[str, Any] = shape.load(read_in.body)
    except ValidationError as error:
        faults = field_errors(error, shape)
        raise read_in.told(Invalid("body.invalid", "Some elements do not fit.", fields=faults)) from None
    return body


def details_of(sent: dict[str, Any], shape: Schema) -> Read:
    """What a transition is told; FHIR has no null, so a field that may be null is so when it is left out."""
    known = {field.data_key or name: field for name, field in shape.load_fields.items()}
    read_in = fhir_steps.details(sent, {name: isinstance(field, fields.List) for name, field in known.items()})
    for name, field in known.items():
        if field.required and field.allow_none:
            read_in.body.setdefault(name, None)
    return read_in


def _wanted(query: dict[str, Any], kind: str) -> dict[str, Any]:
    asked_of = ASKED_OF[kind]
    stretch = fhir_searching.both(query["_lastUpdated"])
    at, after = paging.position(query["_cursor"])
    return {
        "id": query["_id"],
        "states": fhir.states_of(kind, query["status"].split(",")) if query["status"] else None,
        "since": stretch.since,
        "until": stretch.until,
        "requester": fhir_searching.party(query["requester"], query["requester:identifier"]),
        "owner": fhir_searching.party(query[asked_of], query[f"{asked_of}:identifier"]),
        "at": at,
        "after": after,
        "limit": query["_count"] + 1,
    }


def _line(row: dict[str, Any], visible: frozenset[str] | None) -> dict[str, Any]:
    """One line of a list, in the shape of a list and with the fields that the caller sees on every line."""
    line: dict[str, Any] = schemas.ReferralSummary().dump(row)
    return {name: value for name, value in line.items() if visible is None or name in visible}


def _links(db: Database, query: dict[str, Any], kind: str, cursor: str | None) -> dict[str, str]:
    pairs = [(name, each) for name, value in query.items() for each in (value if isinstance(value, list) else [value])]
    links = {"self": fhir_searching.address(_base(db), kind, pairs)}
    if cursor is not None:
        onward = [pair for pair in pairs if pair[0] != "_cursor"]
        links["next"] = fhir_searching.address(_base(db), kind, [*onward, ("_cursor", cursor)])
    return links


def _base(db: Database) -> str:
    return f"{db.public_url}/fhir"
