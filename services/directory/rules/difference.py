"""What an imported row means for the directory: registered, changed, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.directory.rules.crossing import told_of_place
from services.directory.rules.faults import RowError, shown
from services.directory.rules.sections import LOCATIONS, Row, Section

CREATED, CHANGED, UNCHANGED = "created", "changed", "unchanged"
NOBODY, FROM_PAGE, OWN_WORD = "nobody", "page", "organisation"
UNKNOWN = "unknown"
_SAID = ("accepting", "accepting_source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One row: what it becomes, what happens, and the fields that change with their old values."""

    row: Row
    what: str
    before: dict[str, Any]


def difference(section: Section, old: Row | None, row: Row) -> Difference:
    """Compare one row with the directory's; kept fields that the file does not name stay as they are."""
    absent = {field.column: field.absent for field in section.fields if field.kept}
    new = {**absent, **({name: old[name] for name in absent} if old else {}), **row}
    if "accepting" in row:
        new["accepting_source"] = row.get("accepting_source", FROM_PAGE)
    if new.get("accepting") == UNKNOWN:
        new["accepting_source"] = NOBODY
    if section.name == LOCATIONS and new["withheld"] is not None:  # what was kept goes with the address
        new = {**new, **{name: absent.get(name) for name in told_of_place()}}
    if old is None:
        return Difference(row=new, what=CREATED, before={})
    if old.get("accepting_source") == OWN_WORD:  # no import overwrites what the organisation itself has said
        new = {**new, **{name: old[name] for name in _SAID}}
    before = {name: old[name] for name in new if old[name] != new[name]}
    return Difference(row=new, what=CHANGED if before else UNCHANGED, before=before)


def refused(section: str, place: str, old: Row | None, new: Difference) -> Iterator[RowError]:
    """What an import may not do to a row that is there: give an address back that was withheld."""
    if section == LOCATIONS and old is not None and old["withheld"] and not new.row["withheld"]:
        expected = "withheld, as its organisation has set it; only the organisation itself lifts that"
        yield RowError(section, place, "withheld", shown(new.row["withheld"]), expected)
