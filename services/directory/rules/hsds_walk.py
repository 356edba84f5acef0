"""Walks through the objects of an HSDS file twice: once to know what is there, once to make entries of it.

An object stands in several places of such a file: a place with its organisation and with each service. What stands at
the top counts, then what stands with its organisation, then the first one; twice at the top is a fault, told by the
judge.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from services.directory.rules.faults import LONGEST_VALUE, RowError, printable, shown
from services.directory.rules.hsds_cells import Cells, Source, uuid_of
from services.directory.rules.hsds_read import BY_NAME_ALONE, Known, history, organisation, place, service
from services.directory.rules.judging import Entry
from services.directory.rules.sections import LOCATIONS, ORGANISATIONS, SERVICES

LISTS = {"services": SERVICES, "organizations": ORGANISATIONS, "contents": None}
"""The lists at the top of a file that are read, and what is in them."""
BESIDE = frozenset({"version", "total_items", "total_pages", "page_number", "size", "first_page", "last_page", "empty"})
"""What else may stand at the top: it says nothing of the directory."""
EXPECTED = "services or organisations, as /services and /organizations give them with full=true"
_OF_OTHERS = frozenset(
    {"service", "location", "service_id", "location_type", "link_entity", "code", "taxonomy", "taxonomy_id", "version"}
)
"""Members by which a place, a service at a place, a taxonomy or a term is known."""


class Item(NamedTuple):
    """One object at the top: where it stands, what it is if its list says so, and itself."""

    pointer: str
    section: str | None
    value: Any


def shape_errors(file: str, names: Iterable[str]) -> Iterator[RowError]:
    """Members at the top of a file that are nothing of HSDS."""
    allowed = {*LISTS, *BESIDE}
    found = list(names)
    for name in found:
        if name not in allowed:
            expected = f"one of {', '.join(LISTS)}: {EXPECTED}"
            yield RowError(file, f"/{printable(name[:LONGEST_VALUE])}", "member", shown(name), expected)
    if not any(name in LISTS for name in found):
        yield RowError(file, "/", "member", shown(", ".join(sorted(found))), f"one of {', '.join(LISTS)}")


def kind_of(item: Item) -> str | None:
    """Whether it is a service or an organisation; None for anything else."""
    value = item.value
    if not isinstance(value, Mapping):
        return None
    if item.section is not None:
        return item.section
    if "status" in value:
        return SERVICES
    return None if _OF_OTHERS & set(value) else ORGANISATIONS


def look(items: Iterable[Item]) -> Known:
    """Know what is there: keys, what stands at the top, which places stand with their organisation."""
    known = Known()
    for item in items:
        section = kind_of(item)
        if section is not None:
            own = _note(known, section, item.value)
            if own is not None:
                known.here[section].add(own)
            _look_inside(known, section, item.value)
    return known


def _look_inside(known: Known, section: str, value: Mapping[str, Any]) -> None:
    if section == SERVICES:
        owner = value.get("organization")
        _note(known, ORGANISATIONS, owner if isinstance(owner, Mapping) else {})
        for each in _objects(value.get("service_at_locations")):
            inner = each.get("location")
            _note(known, LOCATIONS, inner if isinstance(inner, Mapping) else {})
        return
    for each in _objects(value.get("locations")):
        own = _note(known, LOCATIONS, each)
        known.placed |= set() if own is None else {own}
    for each in _objects(value.get("services")):
        _note(known, SERVICES, each)
        _look_inside(known, SERVICES, each)


def _note(known: Known, section: str, value: Mapping[str, Any]) -> uuid.UUID | None:
    own = uuid_of(value.get("id"))
    if own is not None:
        known.met[section].add(own)
        known.named[section] |= {own} | ({above} if (above := uuid_of(value.get("parent_organization_id"))) else set())
        past = history(section, value)
        if past:
            known.keys[section][own] = past["key"]
    return own


def entries(items: Iterable[Item], known: Known, source: Source) -> Iterator[Entry]:
    """Every entry of every object."""
    for item in items:
        section = kind_of(item)
        if section is None:
            fault = RowError(source.file, item.pointer or "/", "row", shown(item.value), EXPECTED)
            yield Entry(ORGANISATIONS, source.file, {}, (fault,))
        elif section == SERVICES:
            yield from _service(Cells(source, item.pointer, "service", item.value), known, None)
        else:
            yield from _organisation(Cells(source, item.pointer, "organization", item.value), known)


def _organisation(cells: Cells, known: Known) -> Iterator[Entry]:
    own = uuid_of(cells.item.get("id"))
    yield organisation(cells, known)
    for each in _apart(cells, "locations", "location"):
        yield place(each, known, own)
    for each in _apart(cells, "services", "service"):
        if set(each.item) <= BY_NAME_ALONE:
            if uuid_of(each.item.get("id")) not in known.here[SERVICES]:
                cells.leave("services by name alone")
        elif _first(known, SERVICES, each):
            yield from _service(each, known, own)


def _service(cells: Cells, known: Known, owner: uuid.UUID | None) -> Iterator[Entry]:
    inner = cells.item.get("organization")
    if isinstance(inner, Mapping):
        owner = uuid_of(inner.get("id")) or owner
        above = Cells(cells.source, f"{cells.pointer}/organization", "organization", inner)
        if owner not in known.there and _first(known, ORGANISATIONS, above):
            yield organisation(above, known, whole=False)
    named = uuid_of(cells.item.get("organization_id")) or owner
    yield from service(cells, known, owner)
    for pair in _apart(cells, "service_at_locations", "service_at_location"):
        where = pair.item.get("location")
        if isinstance(where, Mapping):
            found = Cells(cells.source, f"{pair.pointer}/location", "location", where)
            if uuid_of(where.get("id")) not in known.placed and _first(known, LOCATIONS, found):
                yield place(found, known, named)


def _first(known: Known, section: str, cells: Cells) -> bool:
    """Whether this is the first time that a thing inside another one is met, and it does not stand at the top."""
    own = uuid_of(cells.item.get("id"))
    if own is None:
        return True  # its fault is told where it stands
    if own in known.here[section] or own in known.told[section]:
        return False
    known.told[section].add(own)
    return True


def _apart(cells: Cells, name: str, table: str) -> Iterator[Cells]:
    """The objects of a list, each with faults of its own: it becomes an entry of its own."""
    given = cells.item.get(name)
    for number, item in enumerate(given if isinstance(given, list) else ()):
        if isinstance(item, Mapping):
            yield Cells(cells.source, f"{cells.pointer}/{name}/{number}", table, item)


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from (each for each in (value if isinstance(value, list) else ()) if isinstance(each, Mapping))
