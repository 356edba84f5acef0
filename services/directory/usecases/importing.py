"""Imports of directory files: all or nothing, told as events, and nothing at all when nothing is new."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from services.directory import events
from services.directory.rules.crossing import identity
from services.directory.rules.difference import CHANGED, CREATED, UNCHANGED, Difference, compare
from services.directory.rules.document import Read, read
from services.directory.rules.report import Count, Report
from services.directory.rules.sections import BY_NAME, INITIATIVES, ORGANISATIONS, SECTIONS, SERVICES, Row
from services.directory.store import existing, saving
from services.directory.usecases.files import read_document

HERE = Path(__file__).parent.parent
DEMO_ACTOR = "import:demo"
FILE_ACTOR = "import:file"
REFERRED = (ORGANISATIONS, SERVICES, INITIATIVES)
ROLES = (*existing.SINGLE_ROLES, *existing.LISTED_ROLES)


class _Undone(Exception):
    """Ends the transaction of a dry run without a trace."""


def import_organisations(db: Database, document: dict[str, Any], *, dry_run: bool, actor: str) -> Report:
    """Import a directory document; with a fault in any row nothing is written and the report names every fault."""
    report = Report(dry_run=dry_run)
    try:
        with db.background(actor) as work:
            report = _imported(work, document, dry_run=dry_run)
            if dry_run:
                raise _Undone
    except _Undone:
        pass
    return report


def import_file(db: Database, path: Path, *, dry_run: bool, actor: str = FILE_ACTOR) -> Report:
    """Import a directory file. Raises Invalid when there is no such file or it is no JSON object."""
    return import_organisations(db, read_document(path), dry_run=dry_run, actor=actor)


def import_demo(db: Database) -> Report:
    """Import the project's own copy of the network with what the demo invents on top, marked as such."""
    document, demo = read_document(HERE / "organisations.json"), read_document(HERE / "demo.json")
    marked = {key: {**said, "accepting_source": "demo"} for key, said in demo["services"].items()}
    document[SERVICES] = [{**row, **marked.get(row["key"], {})} for row in document[SERVICES]]
    return import_organisations(db, document, dry_run=False, actor=DEMO_ACTOR)


def demo_organisations() -> list[UUID]:
    """The ids of the organisations in the project's own copy of the network."""
    return [
        clock.id_of_key("organisation", row["key"]) for row in read_document(HERE / "organisations.json")[ORGANISATIONS]
    ]


def _imported(work: Work, document: dict[str, Any], *, dry_run: bool) -> Report:
    existing.lock(work)
    have = {section.name: existing.rows(work, section.name) for section in SECTIONS}
    found = read(document, {name: frozenset(row["key"] for row in have[name]) for name in REFERRED})
    if found.errors:
        return Report(dry_run=dry_run, errors=found.errors, notes=found.notes)
    differences = {section.name: _compared(section.name, have, found) for section in SECTIONS}
    told = _write(work, differences)
    if found.about is not None:
        saving.keep_source(work, found.about)
    if told:
        work.record(Entry(operation="directory.import", object_type="directory", object_id=None, purpose="directory"))
    counts = {name: _count(each) for name, each in differences.items()}
    return Report(dry_run=dry_run, counts=counts, notes=found.notes, events=told)


def _compared(name: str, have: dict[str, list[Row]], found: Read) -> list[Difference]:
    section = BY_NAME[name]
    old = {mark: row for row in have[name] if (mark := identity(section, row)) is not None}
    return compare(section, old, found.rows[name])


def _write(work: Work, differences: dict[str, list[Difference]]) -> int:
    """Save all that is new or changed, section by section; returns how many events leave with it."""
    told = 0
    for name, each in differences.items():
        changed = [difference for difference in each if difference.what != UNCHANGED]
        if not changed:
            continue
        saved = saving.save(work, name, _rows(work, name, changed))
        _link(work, name, changed)
        if name in {ORGANISATIONS, SERVICES}:
            told += _tell(work, name, changed, saved)
    return told


def _rows(work: Work, name: str, changed: list[Difference]) -> list[Row]:
    kind = name.removesuffix("s")
    section = BY_NAME[name]
    rows = [{**each.row, "id": clock.id_of_key(kind, _mark(identity(section, each.row)))} for each in changed]
    if name == ORGANISATIONS:  # a parent may stand anywhere in the same file
        ids = {row["key"]: row["id"] for row in rows} | existing.organisation_ids(work)
        rows = [{**row, "parent_id": ids.get(row["parent"])} for row in rows]
    return rows


def _mark(parts: tuple[Any, ...] | None) -> str:
    return "|".join("" if part is None else str(part) for part in parts or ())


def _link(work: Work, name: str, changed: list[Difference]) -> None:
    if name == SERVICES:
        saving.link_partners(work, {each.row["key"]: each.row["partners"] for each in changed})
    elif name == INITIATIVES:
        saving.link_parties(work, {each.row["key"]: _parties(each.row) for each in changed})


def _parties(row: Row) -> dict[str, list[str]]:
    parties = {}
    for role in ROLES:
        value = row[role]
        parties[role] = value if isinstance(value, list) else [value] if value else []
    return parties


def _tell(work: Work, name: str, changed: list[Difference], saved: dict[str, Row]) -> int:
    kind = name.removesuffix("s")
    entries = []
    for each in changed:
        row, new = saved[each.row["key"]], each.what == CREATED
        told = events.organisation_told if name == ORGANISATIONS else events.service_told
        work.tell(told(row, new=new, at=work.now))
        entries += _entries(kind, row, each)
    saving.note(work, work.actor, entries)
    return len(changed)


def _entries(kind: str, row: Row, each: Difference) -> list[Row]:
    """One line of metadata per field that a file set or changed."""
    action = "create" if each.what == CREATED else "update"
    said = [name for name, value in each.row.items() if value not in (None, [])]
    names = list(each.before) if each.what == CHANGED else said
    return [
        {
            "resource_type": kind,
            "resource_id": row["id"],
            "last_action_type": action,
            "field_name": name,
            "previous_value": each.before.get(name),
            "replacement_value": each.row[name],
        }
        for name in names
    ]


def _count(differences: list[Difference]) -> Count:
    kinds = [each.what for each in differences]
    return Count(kinds.count(CREATED), kinds.count(CHANGED), kinds.count(UNCHANGED))
