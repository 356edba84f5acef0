"""What a data-protection officer approves once: templates of legal bases, one by one or the ready-made ones at once."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict, NotFound, Stale
from chassis.keyed_ids import id_of_key
from chassis.requests import Call, Outcome
from services.referrals.rules import templates
from services.referrals.store import legal as store
from services.referrals.usecases.entering import caller_of

OBJECT = "legal_template"
DEMO_LAW = "INVENTED FOR THE DEMO: the law that your officer would name."


def listed(db: Database, call: Call) -> Outcome:
    """The templates of the caller's organisation, each in its newest version."""
    with db.work(call) as work:
        work.record(Entry(operation="legal_template.list", object_type=OBJECT, object_id=None))
        return _all(work)


def approve(db: Database, call: Call) -> Outcome:
    """Approve a new template; the same one again is the one that there is.

    Raises Invalid for one that could carry nothing, Conflict where the name has another.
    """
    with db.work(call) as work:
        name = call.body["name"]
        if work.claimed() is None:
            found = store.newest(work, name)
            if found is None:
                _approve(work, call.body, version=1)
            elif any(found[field] != value for field, value in call.body.items()):
                message = f"There is a template {name} already; change it by PUT /referrals/legal-templates/{name}."
                raise Conflict("legal_template.name_in_use", message)
        return _recorded(work, "legal_template.approve", name)


def replace(db: Database, call: Call) -> Outcome:
    """Approve the next version of a template, or take it out of use. Raises NotFound, Stale, Invalid."""
    with db.work(call) as work:
        name = call.path["name"]
        found = store.newest(work, name)
        if found is None:
            raise NotFound
        if work.claimed() is None:
            if call.expected_version != found["version"]:
                raise Stale("legal_template.stale", f"The template is at version {found['version']}; read it again.")
            _approve(work, {**call.body, "name": name}, version=found["version"] + 1)
        return _recorded(work, "legal_template.replace", name)


def approve_standard(db: Database, call: Call) -> Outcome:
    """Approve the product's ready-made templates that the organisation has not yet; returns all of its templates."""
    with db.work(call) as work:
        by = caller_of(work)
        if work.claimed() is None:
            said = call.body
            add_missing(work, said["authorising_law"], by=by.subject, onward=said["onward_sharing"])
        work.record(Entry(operation="legal_template.standard", object_type=OBJECT, object_id=by.org_id))
        return _all(work)


def seed_demo(db: Database, organisations: list[uuid.UUID]) -> None:
    """Give the organisations of the demo the ready-made templates, unless they have them."""
    for org_id in organisations:
        with db.background("demo", org=org_id) as work:
            if not store.listed(work):
                add_missing(work, DEMO_LAW, by="demo", onward="allowed")
                work.record(Entry(operation="legal_template.standard", object_type=OBJECT, object_id=org_id))


def add_missing(work: Work, law: str | None, *, by: str, onward: str) -> None:
    """Approve those of the ready-made templates that the acting organisation has none of the same name of."""
    known = {each["name"] for each in store.listed(work)}
    for each in templates.standard(law, onward=onward):
        if each["name"] not in known:
            store.approve(work, each, version=1, by=by)


def _approve(work: Work, template: dict[str, Any], *, version: int) -> None:
    templates.check(template)
    store.approve(work, template, version=version, by=caller_of(work).subject)


def _recorded(work: Work, operation: str, name: str) -> Outcome:
    by = caller_of(work)
    # Templates have names, the record has ids.
    template = id_of_key("legal-template", f"{by.org_id} {name}")
    work.record(Entry(operation=operation, object_type=OBJECT, object_id=template))
    found = store.newest(work, name)
    if found is None:
        raise NotFound
    return Outcome(value=found, version=found["version"], location=f"/referrals/legal-templates/{name}")


def _all(work: Work) -> Outcome:
    return Outcome(value={"items": store.listed(work), "next": None})
