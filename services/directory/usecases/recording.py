"""After every write: what everybody may know is compared with what was last told, and the difference joins the feed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from chassis.db import Database, Work
from services.directory.rules.records import record, written
from services.directory.rules.sections import Row
from services.directory.store import changes, existing
from services.directory.usecases.indexing import indexed
from services.directory.usecases.notifying import let_watchers_hear

CREATE, CHANGE, DELETE = "create", "change", "delete"
BATCH = 1000


def recorded(work: Work, section: str, marks: Sequence[str]) -> None:
    """Bring the feed up to date with these rows; whoever changes a row of the directory calls this in the same work."""
    for part in _parts(sorted(set(marks))):
        rows = existing.rows(work, section, part)
        told = changes.standing(work, section, part)
        found = [change for mark in part if (change := _change(section, mark, rows.get(mark), told.get(mark)))]
        if found:
            changes.tell(work, section, found)
            let_watchers_hear(work, section, [each["mark"] for each in found])
        indexed(work, section, part)


def recorded_all_of(work: Work, organisation_id: UUID) -> None:
    """The same for all that hangs on an organisation: it came, went, or was suspended."""
    of: Mapping[str, Sequence[str]] = existing.marks_of(work, organisation_id)
    for section, marks in of.items():
        recorded(work, section, marks)


def catch_up(db: Database) -> None:
    """Tell what was in the directory before it had a feed; where nothing is missing this reads and writes nothing."""
    before: Mapping[str, Sequence[str]] = {}
    while True:
        with db.background("directory") as work:
            existing.lock(work)
            found = existing.untold(work)
            for section, marks in found.items():
                recorded(work, section, marks)
        if not found or found == before:  # what cannot be told must not be tried for ever
            return
        before = found


def _change(section: str, mark: str, row: Row | None, told: str | None) -> dict[str, Any] | None:
    listed = row is not None and row.get("listed", False)
    now = written(record(section, row)) if row is not None and listed else None
    if now == told:
        return None
    action = DELETE if now is None else CREATE if told is None else CHANGE
    return {"mark": mark, "action": action, "record": now}


def _parts(marks: Sequence[str]) -> Iterable[Sequence[str]]:
    return (marks[at : at + BATCH] for at in range(0, len(marks), BATCH))
