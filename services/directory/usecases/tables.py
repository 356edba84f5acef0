"""Imports tables of other systems: a folder of CSV files and a mapping, row by row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chassis.db import Database
from chassis.errors import Invalid
from services.directory.rules import mapping as rules
from services.directory.rules.faults import RowError, shown
from services.directory.rules.judging import Entry
from services.directory.rules.mapping import LONGEST_CELL, Line, Tables
from services.directory.rules.report import Report
from services.directory.rules.sections import SECTIONS
from services.directory.usecases.files import read_document
from services.directory.usecases.importing import FILE_ACTOR, import_entries


def import_tables(db: Database, folder: Path, mapping_file: Path, *, dry_run: bool, actor: str = FILE_ACTOR) -> Report:
    """Import a folder of CSV files; with a fault in any row nothing is written. Raises Invalid for a wrong mapping."""
    mapping = read_document(mapping_file)
    faults = rules.check(mapping)
    if faults:
        raise Invalid("import.mapping", f"{mapping_file}: {' '.join(faults)}")
    about = mapping.get("about")
    return import_entries(db, entries(folder, mapping), dry_run=dry_run, actor=actor, about=about)


def entries(folder: Path, mapping: dict[str, Any]) -> Iterator[Entry]:
    """Every row of every file that the mapping names, in the order in which the tables need them."""
    tables = Tables()
    for file, columns in rules.files_of(mapping).items():
        for line in _lines(folder, file, mapping):
            if isinstance(line, Line):
                tables.keep(line, columns)
            else:
                yield Entry(SECTIONS[0].name, file, {}, (line,))
    for name in (section.name for section in SECTIONS if section.name in mapping["sections"]):
        given = mapping["sections"][name]
        for line in _lines(folder, given["file"], mapping):
            yield _entry(name, given, line, tables)


def _entry(name: str, given: dict[str, Any], line: Line | RowError, tables: Tables) -> Entry:
    if isinstance(line, Line):
        return rules.entry(name, given, line, tables)
    return Entry(name, given["file"], {}, (line,))


def _lines(folder: Path, file: str, mapping: dict[str, Any]) -> Iterator[Line | RowError]:
    """The rows of one file; what cannot be read is told with its line, and ends the file."""
    csv.field_size_limit(LONGEST_CELL)
    number = 1
    try:
        with (folder / file).open(encoding="utf-8-sig", newline="") as stream:
            for line in _rows(csv.reader(stream, strict=True), file, mapping):
                number = line.number if isinstance(line, Line) else number
                yield line
    except OSError as error:
        yield RowError(file, "", "file", file, f"a file that can be read ({error.strerror})")
    except UnicodeDecodeError as error:
        yield RowError(file, f"after line {number}", "encoding", f"byte {error.start}", "text in UTF-8")
    except csv.Error as error:
        yield RowError(
            file, f"after line {number}", "row", str(error), f"quoted cells of at most {LONGEST_CELL} letters"
        )


def _rows(reader: Any, file: str, mapping: dict[str, Any]) -> Iterator[Line | RowError]:
    header = [name.strip() for name in next(reader, [])]
    missing = rules.columns_missing(mapping, file, header)
    if missing or len(header) != len(set(header)):
        expected = f"each column once, and {', '.join(missing)} among them" if missing else "each column once"
        yield RowError(file, "line 1", "header", shown(", ".join(header)), expected)
        return
    for cells in reader:
        if len(cells) == len(header):
            yield Line(file, reader.line_num, dict(zip(header, cells, strict=True)))
        elif cells:
            yield RowError(file, f"line {reader.line_num}", "row", f"{len(cells)} cells", f"{len(header)} cells")
