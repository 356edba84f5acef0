"""An organisation says whether its service accepts referrals."""

from __future__ import annotations

from typing import Any

from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import NotAllowed, Stale, Unauthenticated
from chassis.requests import Call, Outcome
from services.directory import events
from services.directory.rules.difference import OWN_WORD
from services.directory.rules.sections import SERVICES
from services.directory.store import existing, saving
from services.directory.store.accepting import lock_service, set_accepting
from services.directory.usecases.recording import recorded
from services.directory.usecases.searching import one, viewer_of


def set_service_accepting(db: Database, call: Call) -> Outcome:
    """Set open, waiting or closed; from now on no import overwrites it.

    Raises NotFound, NotAllowed for a service of another organisation, and Stale.
    """
    with db.work(call) as work:
        done = work.claimed()
        if done is not None:
            return _found(work, str(done), call)
        existing.lock(work)  # before its row, as every writer: an import that holds the feed may want the row
        service = lock_service(work, call.path["service"])
        if call.caller is None:
            raise Unauthenticated("token.missing", "An access token is needed.")
        if service["organisation_id"] != call.caller.org_id:
            raise NotAllowed("service.not_own", "Only the organisation that offers a service may say what it accepts.")
        if call.expected_version != service["version"]:
            raise Stale("service.stale", f"The service is at version {service['version']} now; read it again.")
        _change(work, service, call.body["accepting"], by=call.caller.subject)
        work.record(
            Entry(operation=call.operation, object_type="service", object_id=service["id"], purpose="directory")
        )
        return _found(work, str(service["id"]), call)


def _change(work: Work, service: dict[str, Any], accepting: str, *, by: str) -> None:
    said = {"accepting": accepting, "accepting_source": OWN_WORD}
    changed = [name for name, value in said.items() if service[name] != value]
    if not changed:
        return
    version = set_accepting(work, {**service, **said})
    work.tell(events.service_told({**service, **said, "stale": False, "version": version}, new=False, at=work.now))
    entries = [
        {
            "resource_type": "service",
            "resource_id": service["id"],
            "last_action_type": "update",
            "field_name": name,
            "previous_value": service[name],
            "replacement_value": said[name],
        }
        for name in changed
    ]
    saving.note(work, by, entries)
    recorded(work, SERVICES, [service["key"]])


def _found(work: Work, reference: str, call: Call) -> Outcome:
    row = one(work, reference, viewer_of(call))
    return Outcome(value=row, version=row["version"])
