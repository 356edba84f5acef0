"""A proposed change laid over the row that is there: what it does not name stays as it is."""

from __future__ import annotations

from typing import Any

from services.directory.rules import crossing, visibility
from services.directory.rules.faults import RowError
from services.directory.rules.judging import Entry, Judge, Judged
from services.directory.rules.records import record
from services.directory.rules.sections import BY_NAME, LOCATIONS, Row

PLACE = "/row"
_SAID = ("accepting", "accepting_source")


def laid_over(section: str, old: Row | None, given: Row) -> Row:
    """The whole row in the words of a directory file; a field that is given as null is emptied."""
    base = record(section, old, visibility.KEEPER) if old is not None else {}
    for name in _SAID:  # only the organisation's own word, by its own route
        base.pop(name, None)
    if section == LOCATIONS and given.get("withheld") is not None:  # what was known of the place goes with its address
        base = {name: value for name, value in base.items() if name not in crossing.told_of_place()}
    return {name: value for name, value in {**base, **given}.items() if value is not None}


def judged(section: str, old: Row | None, given: Row) -> tuple[Judge, Judged | None]:
    """The whole row as the tables hold it, or None and its faults in the judge."""
    judge = Judge()
    found = judge.take(Entry(section, PLACE, laid_over(section, old, given)))
    if found is not None:
        emptied = {
            field.column: field.absent
            for field in BY_NAME[section].fields
            if field.kept and field.name in given and given[field.name] is None
        }
        found.row.update(emptied)
    return judge, found


def forbidden(section: str, given: Row) -> list[RowError]:
    """Fields that nobody proposes."""
    expected = "nothing: an organisation says it itself, at /directory/services/{service}/accepting"
    return [RowError(section, PLACE, name, "a value", expected) for name in _SAID if name in given]


def conflicts(old: Row | None, before: dict[str, Any], *, is_new: bool) -> list[str]:
    """Fields that somebody else changed since the change was proposed."""
    if is_new or old is None:
        return ["key"] if is_new != (old is None) else []
    return sorted(name for name, value in before.items() if old[name] != value)


def mark_of(section: str, given: Row) -> str | None:
    """What the row is known by, when the given fields say it."""
    parts: Row = {}
    for field in BY_NAME[section].fields:
        value = given.get(field.name)
        if field.column in BY_NAME[section].identity:
            if not isinstance(value, str) and (field.required or value is not None):
                return None
            parts[field.column] = value
    return crossing.mark(BY_NAME[section], parts)


def changing(section: str, given: Row, before: Row) -> Row:
    """What was given, without fields that say what is there already: nobody approves those, so they come to nothing."""
    identity = BY_NAME[section].identity
    wanted = {field.name.partition(".")[0] for field in BY_NAME[section].fields if field.column in {*before, *identity}}
    return {name: value for name, value in given.items() if name in wanted}


def column(section: str, name: str) -> str:
    """The column of a field of a directory file; of an object that stands in several columns, the first."""
    for field in BY_NAME[section].fields:
        if field.name == name or field.name.startswith(f"{name}."):
            return field.column
    return name
