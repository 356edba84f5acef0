"""Imports of directory files: all or nothing, told as events, and nothing at all when nothing is new.

The rows are read one by one and kept in the database until all were judged, then written in batches: memory does not
grow with the file (directory.md section 5).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.keyed_ids import id_of_key
from services.directory.rules import alone, document
from services.directory.rules.difference import UNCHANGED, Difference, difference, refused
from services.directory.rules.judging import Entry as Row
from services.directory.rules.judging import Judge
from services.directory.rules.report import Count, Report
from services.directory.rules.sections import BY_NAME, LOCATIONS, ORGANISATIONS, SECTIONS, SERVICES
from services.directory.store import existing, saving, staging
from services.directory.usecases import writing
from services.directory.usecases.files import read_document

HERE = Path(__file__).parent.parent
DEMO_ACTOR = "import:demo"
FILE_ACTOR = "import:file"
OPERATION = "directory.import"
BATCH = 1000


class Undone(Exception):
    """Ends the transaction of a dry run, or of an import with faults, without a trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How rows come in: whose change it is in the history, and whether one person alone brings them."""

    by: str | None = None
    alone: bool = False


BY_COMMAND = Way()


def import_entries(db: Database, entries: Iterable[Row], *, dry_run: bool, actor: str, about: str | None) -> Report:
    """Import rows one by one; with a fault in any of them nothing is written and the report names the faults."""
    made: list[Report] = []
    try:
        with db.background(actor) as work:
            made.append(imported(work, entries, BY_COMMAND, about=about, dry_run=dry_run))
            if dry_run or not made[0].ok:
                raise Undone
            if made[0].events:
                work.record(Entry(operation=OPERATION, object_type="directory", object_id=None, purpose="directory"))
    except Undone:
        pass
    return made[0]


def import_organisations(db: Database, given: dict[str, Any], *, dry_run: bool, actor: str) -> Report:
    """Import a directory document, as a file of ours has it."""
    wrong = tuple(document.shape_errors(given))
    if wrong:
        return Report(dry_run=dry_run, errors=wrong, faults=len(wrong))
    entries = document.entries(given)
    return import_entries(db, entries, dry_run=dry_run, actor=actor, about=document.about(given))


def import_file(db: Database, path: Path, *, dry_run: bool, actor: str = FILE_ACTOR) -> Report:
    """Import a directory file. Raises Invalid when there is no such file or it is no JSON object."""
    return import_organisations(db, read_document(path), dry_run=dry_run, actor=actor)


def import_demo(db: Database) -> Report:
    """Import the project's own copy of the network with what the demo invents on top, marked as such."""
    given, demo = read_document(HERE / "organisations.json"), read_document(HERE / "demo.json")
    marked = {key: {**said, "accepting_source": "demo"} for key, said in demo["services"].items()}
    given[SERVICES] = [{**row, **marked.get(row["key"], {})} for row in given[SERVICES]]
    given[LOCATIONS] = demo[LOCATIONS]
    return import_organisations(db, given, dry_run=False, actor=DEMO_ACTOR)


def demo_organisations() -> list[UUID]:
    """The ids of the organisations in the project's own copy of the network."""
    return [id_of_key("organisation", row["key"]) for row in read_document(HERE / "organisations.json")[ORGANISATIONS]]


def imported(work: Work, entries: Iterable[Row], way: Way, *, about: str | None, dry_run: bool) -> Report:
    """Judge and write rows; after a dry run or a fault the caller undoes the work."""
    existing.lock(work)
    judge = Judge()
    _stage(work, judge, entries)
    judge.finish(lambda section, keys: staging.known(work, section, keys), staging.parents(work))
    counts: dict[str, Count] = {}
    told = 0
    for section in SECTIONS if not judge.faults else ():
        counts[section.name] = Count()
        for batch in staging.batches(work, section.name, BATCH):
            found = _compared(work, judge, section.name, batch, way)
            for _, made in found:
                counts[section.name].add(made.what)
            new = [(mark, made) for mark, made in found if made.what != UNCHANGED]
            told += writing.write(work, section.name, new, by=way.by) if new and not judge.faults else 0
    staging.clear(work)
    if about is not None:
        saving.keep_source(work, about)
    return Report(
        dry_run=dry_run,
        counts={} if judge.faults else counts,
        errors=tuple(judge.errors),
        faults=judge.faults,
        notes=tuple(judge.notes),
        events=told,
    )


def _stage(work: Work, judge: Judge, entries: Iterable[Row]) -> None:
    waiting: list[dict[str, Any]] = []
    for entry in entries:
        judged = judge.take(entry)
        if judged is not None and not judge.faults:
            waiting.append(
                {"section": judged.section, "place": judged.place, "mark": judged.mark, "content": judged.row}
            )
        if len(waiting) == BATCH:
            staging.stage(work, waiting)
            waiting = []
    if waiting:
        staging.stage(work, waiting)


def _compared(
    work: Work, judge: Judge, section: str, batch: list[dict[str, Any]], way: Way
) -> list[tuple[str, Difference]]:
    """What each row of a batch means for the directory; what it may not do is told to the judge."""
    have = existing.rows(work, section, [each["mark"] for each in batch])
    owners = {each["content"].get("organisation") for each in batch} - {None} if way.alone else set()
    joining = existing.joining(work, owners)
    found: list[tuple[str, Difference]] = []
    for each in batch:
        old = have.get(each["mark"])
        made = difference(BY_NAME[section], old, each["content"])
        judge.blame(*refused(section, each["place"], old, made))
        if way.alone:
            made = alone.begun(section, old, each["content"], made)
            judge.blame(*alone.refused(section, each["place"], old, made, joining))
        found.append((each["mark"], made))
    return found
