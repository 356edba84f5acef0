"""Mails of the directory: rows of the same transaction, sent later; the address is read when one is sent."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from chassis.db import Work
from chassis.messages import outbox
from services.directory.store import addresses, watching

CONFIRM, CHANGING = "directory.confirm", "directory.changing"
CHANGED, REPORTED = "directory.changed", "directory.reported"
ENTRY, PROPOSAL, REPORT = "directory_entry", "proposal", "wrong_report"


def tell(work: Work, kind: str, org_id: UUID, *, about: UUID, of: str, to: UUID | None = None) -> None:
    """Queue a mail of an organisation to its own address, or to that of its service `to`."""
    with work.acting_for(org_id):
        outbox.queue(work, outbox.Message(kind=kind, object_type=of, object_id=about, recipient_id=to or org_id))


def let_watchers_hear(work: Work, section: str, marks: Sequence[str]) -> None:
    """What everybody may know of these entries has changed; one mail about each until it was sent."""
    for row in watching.watchers(work, section, marks):
        entry = addresses.entry_id(work, row["section"], row["mark"])
        if entry is not None and not watching.is_told(work, row["org_id"], entry, CHANGED):
            tell(work, CHANGED, row["org_id"], about=entry, of=ENTRY)
