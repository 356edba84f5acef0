"""Imports files of HSDS 3.0: a list, a page, one object, or a document of services and organisations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from chassis.db import Database
from services.directory.rules import hsds_walk as walk
from services.directory.rules.hsds_cells import Source
from services.directory.rules.hsds_read import KINDS, OF_HSDS, Known
from services.directory.rules.hsds_walk import Item
from services.directory.rules.judging import Entry
from services.directory.rules.report import Report
from services.directory.rules.sections import ORGANISATIONS
from services.directory.store import staging
from services.directory.usecases import feeds
from services.directory.usecases.files import read_document
from services.directory.usecases.importing import FILE_ACTOR, import_entries


def import_hsds(
    db: Database,
    path: Path,
    *,
    dry_run: bool,
    language: str = "en",
    country: str | None = None,
    actor: str = FILE_ACTOR,
) -> Report:
    """Import a file of HSDS JSON; with a fault in any object nothing is written, and the report names the faults.

    `language` is that of its texts, `country` where things lie that do not say it. Raises Invalid for what is no JSON.
    """
    source = Source(path.name, language, country)
    read = _read(db, path, source)
    report = import_entries(db, read, dry_run=dry_run, actor=actor, about=None)
    return replace(report, notes=(*report.notes, *source.notes()))


def _read(db: Database, path: Path, source: Source) -> Iterable[Entry]:
    names = feeds.members(path)
    single = names is not None and "id" in names
    if names is not None and not single:
        faults = tuple(walk.shape_errors(source.file, names))
        if faults:
            return [Entry(ORGANISATIONS, source.file, {}, faults)]
    known = walk.look(_items(path, single=single))
    _ask(db, known)
    return walk.entries(_items(path, single=single), known, source)


def _items(path: Path, *, single: bool) -> Iterator[Item]:
    if single:
        yield Item("", None, read_document(path))
        return
    for pointer, name, value in feeds.elements(path, walk.LISTS):
        yield Item(pointer, walk.LISTS[name] if name else None, value)


def _ask(db: Database, known: Known) -> None:
    """Keys that the directory has for the ids of the file, and which of the organisations it has."""
    with db.view() as work:
        for section in KINDS:
            ids = known.named[section]
            for own, key in staging.known_by_id(work, section, ids, [f"{OF_HSDS}{each}" for each in ids]).items():
                foreign = key.removeprefix(OF_HSDS) if own not in ids else None
                known.keys[section].setdefault(own, key)
                if section == ORGANISATIONS:
                    known.there.add(UUID(foreign) if foreign else own)
