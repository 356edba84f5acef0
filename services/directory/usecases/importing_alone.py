"""Imports over HTTP by a person who keeps the network: within what one person alone may do, all or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import FieldError, Invalid, NotAllowed, Unauthenticated
from chassis.requests import Call, Outcome
from services.directory.rules import document
from services.directory.rules.faults import RowError
from services.directory.rules.judging import Entry as Row
from services.directory.rules.report import Report
from services.directory.usecases.importing import Undone, Way, imported

MOST_TOLD, LONGEST_NAME = 100, 100
MOST_ROWS = 5000
"""So many are written within the time of a request; other writers of the directory wait meanwhile."""
_NUMBER = re.compile(r"\A\[(\d+)\]")


def import_document(db: Database, call: Call) -> Outcome:
    """Import a directory document of ours; `dry_run` says what would happen.

    A repeat with the same key does nothing: it says how the document compares with the directory now. Raises NotAllowed
    for a system, and Invalid with a pointer to each fault, when nothing at all was written.
    """
    if call.caller is None:
        raise Unauthenticated("token.missing", "An access token is needed.")
    given = sum(len(rows) for rows in call.body.values() if isinstance(rows, list))
    if given > MOST_ROWS:
        detail = f"At most {MOST_ROWS} rows at once; more are brought in by the command on the machine."
        raise Invalid("import.too_many", detail, fields=(FieldError("", "import.too_many", detail),))
    if call.caller.is_system:
        raise NotAllowed("import.needs_person", "A person imports here; a system proposes, or is given the command.")
    own, report = _imported(db, call, Way(by=f"import:{call.caller.subject}", alone=True))
    return Outcome(value={"id": own, **_shown(report)})


def _imported(db: Database, call: Call, way: Way) -> tuple[UUID | None, Report]:
    dry_run = call.query["dry_run"]
    made: list[Report] = []
    own: UUID | None = None
    try:
        with db.work(call) as work:
            done = work.claimed()
            made.append(imported(work, _entries(call.body), way, about=call.body.get("about"), dry_run=dry_run))
            if dry_run or done is not None:
                own = done
                raise Undone
            if not made[0].ok:
                raise _refusal(made[0])
            own = clock.new_id()
            work.record(Entry(operation=call.operation, object_type="import", object_id=own, purpose="directory"))
    except Undone:
        _note(db, call, own)
        if dry_run and not made[0].ok:
            raise _refusal(made[0]) from None
    return own, made[0]


def _note(db: Database, call: Call, own: UUID | None) -> None:
    """What wrote nothing is on record as well."""
    with db.work(call) as work:
        if own is not None:
            work.claimed()  # it is remembered already
        work.record(Entry(operation=call.operation, object_type="import", object_id=own, purpose="directory"))


def _entries(given: dict[str, Any]) -> Iterator[Row]:
    """The rows of a body, each with its place as a JSON pointer."""
    for entry in document.entries(given):
        number = _NUMBER.match(entry.place)
        yield entry._replace(place=f"/{entry.section}/{number[1] if number else ''}")


def _refusal(report: Report) -> Invalid:
    told = f"{report.faults} faults; nothing was imported."
    more = f" The first {MOST_TOLD} are told." if report.faults > MOST_TOLD else ""
    return Invalid("import.faults", told + more, fields=tuple(_field(each) for each in report.errors[:MOST_TOLD]))


def _field(error: RowError) -> FieldError:
    """A fault of a row as a fault of a field: its place and what is expected, never what was found."""
    name = error.field[:LONGEST_NAME].replace("~", "~0").replace("/", "~1").replace(".", "/")
    inside = "" if "," in name or name == "row" else f"/{name}"
    return FieldError(f"{error.row}{inside}", "row.invalid", f"Expected: {error.expected}.")


def _shown(report: Report) -> dict[str, Any]:
    counts = {
        name: {"created": each.created, "changed": each.changed, "unchanged": each.unchanged}
        for name, each in report.counts.items()
    }
    return {
        "dry_run": report.dry_run,
        "counts": counts,
        "changes": report.changes,
        "events": report.events,
        "notes": list(report.notes),
    }
