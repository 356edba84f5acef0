"""Every so often an organisation is asked whether its entries are still right, by a link that needs no account."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import Any
from uuid import UUID

import orjson

from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict, FieldError, Invalid, NotFound
from chassis.requests import Call, Outcome
from services.directory import events
from services.directory.rules import truth
from services.directory.rules.codes import fallback_name
from services.directory.rules.sections import ORGANISATIONS, SERVICES
from services.directory.store import confirming as store
from services.directory.store import existing
from services.directory.usecases import notifying
from services.directory.usecases.recording import recorded
from services.directory.usecases.wrong import keep

ACTOR = "directory.confirming"
PLAIN = "en"
"""What was seen is the same in every language; it is compared in this one."""


def ask_due(db: Database, days: int) -> int:
    """Ask organisations with entries that nobody confirmed or changed for so many days; 0 asks nobody."""
    if not days:
        return 0
    with db.background(ACTOR) as work:
        before, again = work.now - dt.timedelta(days=days), work.now - truth.ASK_AGAIN
        due = store.due(work, before=before, again=again)
        for org_id in due:
            store.note_asked(work, org_id)
            notifying.tell(work, notifying.CONFIRM, org_id, about=org_id, of=notifying.ENTRY)
        store.forget_old(work, work.now - truth.LINK_LIFE)
    return len(due)


def mailed_path(work: Work, org_id: UUID) -> str:
    """Make a link for the mail that is about to go, and return its path; the token is nowhere else."""
    token = secrets.token_urlsafe(32)
    store.put(work, org_id, token, work.now + truth.LINK_LIFE)
    return f"/v/{token}"


def resolve(db: Database, call: Call) -> Outcome:
    """What a link shows: the entries as they stand. Raises NotFound, Conflict when it was answered."""
    with db.work(call) as work:
        link = _open(work, call)
        work.record(Entry(operation=call.operation, object_type="organisation", object_id=link["org_id"]))
        return Outcome(value=_shown(work, link, call.body["language"]))


def answer(db: Database, call: Call) -> Outcome:
    """All is right as of now, or what is wrong is reported. Raises NotFound, Conflict, Invalid without words."""
    said = call.body["answer"]
    with db.work(call) as work:
        existing.lock(work)  # before its rows, as every writer of the directory
        link = _open(work, call)
        _check(work, link, call.body)
        store.answer(work, link["id"], said)
        if said == truth.WRONG:
            entry = {"section": ORGANISATIONS, "mark": link["org_key"], "field": None, "said": call.body["text"]}
            keep(work, link["org_id"], entry, by=truth.ORGANISATION)
        else:
            _confirm(work, link)
        work.record(Entry(operation=call.operation, object_type="organisation", object_id=link["org_id"]))
        return Outcome(value={"answer": said})


def _check(work: Work, link: dict[str, Any], body: dict[str, Any]) -> None:
    """Nobody confirms what he has not seen, and what is wrong needs words."""
    fault = None
    if body["answer"] == truth.WRONG and not body["text"]:
        fault = FieldError("/text", "required", "Say what is wrong.")
    elif body["answer"] == truth.CORRECT and body["seen"] != _shown(work, link, PLAIN)["seen"]:
        fault = FieldError("/seen", "confirmation.changed", "The entries have changed meanwhile; look again.")
    if fault is not None:
        raise Invalid("confirmation.not_fit", fault.detail, fields=(fault,))


def _confirm(work: Work, link: dict[str, Any]) -> None:
    organisation, services = store.confirm(work, link["org_id"])
    work.tell(events.organisation_told(organisation, new=False, at=work.now))
    work.tell(*(events.service_verified(row, at=work.now) for row in services))
    recorded(work, ORGANISATIONS, [link["org_key"]])
    recorded(work, SERVICES, [row["key"] for row in services])


def _open(work: Work, call: Call) -> dict[str, Any]:
    link = store.lock(work, call.body["token"])
    if link is None or link["expires_at"] <= work.now:
        raise NotFound
    if link["used_at"] is not None:
        raise Conflict("confirmation.answered", "This was answered already.")
    return link


def _shown(work: Work, link: dict[str, Any], language: str) -> dict[str, Any]:
    own = existing.rows(work, ORGANISATIONS, [link["org_key"]])
    services = existing.rows(work, SERVICES, store.services_of(work, link["org_id"]))
    found = [("organisation", row) for row in own.values()] + [("service", row) for row in services.values()]
    plain = [(row["names"], list(truth.lines(row, PLAIN))) for _, row in found]
    return {
        "organisation": fallback_name(link["names"], language),
        "entries": [
            {"kind": kind, "name": fallback_name(row["names"], language), "lines": list(truth.lines(row, language))}
            for kind, row in found
        ],
        "seen": hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32],
        "asked_on": link["made_at"].date(),
        "expires_at": link["expires_at"],
    }


def mark_stale(db: Database) -> int:
    """Say of services that nobody confirmed or changed for a year that they are stale."""
    with db.background(ACTOR) as work:
        existing.lock(work)
        found = store.become_stale(work, work.now - truth.STALE_AFTER)
        for row in found:
            work.tell(events.service_became_stale(row, at=work.now))
        recorded(work, SERVICES, [row["key"] for row in found])
    return len(found)
