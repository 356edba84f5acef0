"""Who changed which field of an entry when: for its organisation and for those who keep the network."""

from __future__ import annotations

from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import NotFound
from chassis.requests import Call, Outcome
from services.directory.rules import approval
from services.directory.store import existing
from services.directory.usecases.proposals import is_keeper
from services.directory.views import versions


def history(db: Database, call: Call) -> Outcome:
    """Lines of the history of one organisation, place or service, newest first. Raises NotFound for another's."""
    query, caller, section, key = call.query, call.caller, call.path["section"], call.path["mark"]
    if section not in versions.KINDS:
        raise NotFound
    with db.work(call) as work:
        row = existing.rows(work, section, [key]).get(key)
        mine = row is not None and caller is not None and approval.owner(section, row) == caller.org_key
        if row is None or caller is None or not (mine or is_keeper(caller)):
            raise NotFound
        lines = versions.history(work, section, key, query["cursor"], query["limit"] + 1)
        work.record(Entry(operation=call.operation, object_type="directory", object_id=None, purpose="directory"))
    shown = lines[: query["limit"]]
    following = str(shown[-1]["no"]) if len(lines) > query["limit"] else None
    return Outcome(value={"items": shown, "next": following})
