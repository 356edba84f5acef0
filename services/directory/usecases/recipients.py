"""Who gets a mail of the directory, asked at the moment of sending: the address as it stands then."""

from __future__ import annotations

from chassis.db import Work
from chassis.messages.recipients import Drop, Row, Send
from services.directory.rules.approval import WAITING
from services.directory.store import addresses, proposals
from services.directory.usecases import confirming
from services.directory.usecases.notifying import CHANGED, CHANGING, CONFIRM


def recipient(work: Work, row: Row) -> Send | Drop:
    """Where a mail goes and what it says; nowhere, when there is no address or nothing to say any more."""
    found = addresses.address(work, row.recipient_id)
    if found is None:
        return Drop("no_address")
    parameters: dict[str, str] = {}
    if row.kind == CONFIRM:
        parameters = {"path": confirming.mailed_path(work, row.object_id)}
    elif row.kind == CHANGED:
        parameters = {"path": addresses.path(work, row.object_id)}
    elif row.kind == CHANGING:
        proposal = proposals.read(work, row.object_id)
        if proposal["state"] != WAITING:
            return Drop("over")
        parameters = {"until": proposal["due_at"].date().isoformat()}
    return Send(address=found["email"], language=found["language"], parameters=parameters)
