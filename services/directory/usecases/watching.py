"""An institution watches entries that it relies on, and hears by mail when what everybody may know of one changes."""

from __future__ import annotations

from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import NotFound, Unauthenticated
from chassis.identity import Caller
from chassis.requests import Call, Outcome
from services.directory.store import watching as store
from services.directory.store import wrong

WATCHED = frozenset({"organisations", "services"})
OBJECT = "watch"


def watch(db: Database, call: Call) -> Outcome:
    """Watch an organisation, with all that it offers, or one service. Raises NotFound."""
    return _changed(db, call, on=True)


def unwatch(db: Database, call: Call) -> Outcome:
    """Watch it no longer."""
    return _changed(db, call, on=False)


def listed(db: Database, call: Call) -> Outcome:
    """What the caller's organisation watches."""
    with db.work(call) as work:
        rows = store.of(work, _caller(call).org_id)
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=None, purpose="directory"))
    return Outcome(value={"items": rows, "next": None})


def _changed(db: Database, call: Call, *, on: bool) -> Outcome:
    section, mark, caller = call.path["kind"], call.path["entry"], _caller(call)
    if section not in WATCHED:
        raise NotFound
    with db.work(call) as work:
        wrong.organisation_of(work, section, mark)
        if on:
            store.put(work, caller.org_id, section, mark, caller.subject)
        else:
            store.remove(work, caller.org_id, section, mark)
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=None, purpose="directory"))
    return Outcome(value={"section": section, "mark": mark, "watching": on})


def _caller(call: Call) -> Caller:
    if call.caller is None:
        raise Unauthenticated("token.missing", "An access token is needed.")
    return call.caller
