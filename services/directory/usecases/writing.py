"""Writes rows that are new or changed, with all that belongs to it: links, history, events, the change feed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import UUID

from chassis.db import Work
from chassis.envelope import Event
from chassis.keyed_ids import id_of_key
from services.directory import events
from services.directory.rules import crossing
from services.directory.rules.difference import CHANGED, CREATED, Difference
from services.directory.rules.sections import INITIATIVES, LOCATIONS, ORGANISATIONS, SERVICES, Row
from services.directory.store import existing, saving, standing
from services.directory.usecases.recording import recorded, recorded_all_of

ROLES = (*existing.SINGLE_ROLES, *existing.LISTED_ROLES)
KINDS = {ORGANISATIONS: "organisation", LOCATIONS: "location", SERVICES: "service"}
PUBLISHED = "published"
JOINING = "joining"
_UNSAID: tuple[Any, ...] = (None, [], {})

Found = list[tuple[str, Difference]]


def write(work: Work, section: str, found: Found, *, by: str | None = None) -> int:
    """Save rows of one section by their marks, as a change of `by`; returns how many events leave with it."""
    saved = saving.save(work, section, [_row(section, mark, each.row) for mark, each in found])
    _link(work, section, [each.row for _, each in found])
    if section in KINDS:
        entries = [entry for mark, each in found for entry in _entries(section, saved[mark]["id"], each)]
        saving.note(work, by or work.actor, entries)
    told = _tell(work, section, found, saved)
    _follow(work, section, found, saved)
    return told


def _follow(work: Work, section: str, found: Found, saved: dict[str, Row]) -> None:
    """Bring the history, the feed and the search up to date with what was written."""
    if section == LOCATIONS:
        gone = [saved[mark] for mark, each in found if each.row["withheld"] is not None]
        if gone:
            ids, keys = [row["id"] for row in gone], [row["key"] for row in gone]
            saving.forget_places(work, ids, keys, crossing.told_of_place())
    recorded(work, section, [mark for mark, _ in found])
    # whoever is suspended goes with all that hangs on it, and comes back with it
    for mark in [mark for mark, each in found if section == ORGANISATIONS and "status" in each.before]:
        recorded_all_of(work, saved[mark]["id"])


def id_of(section: str, mark: str) -> UUID:
    """The id of a row, from what it is known by (directory.md section 1: UUIDv5 of the key)."""
    return id_of_key(section.removesuffix("s"), mark)


def _row(section: str, mark: str, row: Row) -> Row:
    made = {**row, "id": id_of(section, mark)}
    if section == ORGANISATIONS:
        made["parent_id"] = id_of(ORGANISATIONS, row["parent"]) if row["parent"] else None
    if section == LOCATIONS:
        made.setdefault("status", PUBLISHED)
    return made


def _link(work: Work, section: str, rows: list[Row]) -> None:
    if section == SERVICES:
        saving.link_partners(work, {row["key"]: row["partners"] for row in rows})
        saving.link_places(work, [row["key"] for row in rows], [link for row in rows for link in _places(row)])
    elif section == INITIATIVES:
        saving.link_parties(work, {row["key"]: _parties(row) for row in rows})


def _places(row: Row) -> list[Row]:
    service = id_of(SERVICES, row["key"])
    made = []
    for place, key in enumerate(row["locations"]):
        location = id_of(LOCATIONS, key)
        own = id_of_key("service_at_location", f"{service}|{location}")
        made.append({"id": own, "service_id": service, "place": place, "location_id": location})
    return made


def _parties(row: Row) -> dict[str, list[str]]:
    parties = {}
    for role in ROLES:
        value = row[role]
        parties[role] = value if isinstance(value, list) else [value] if value else []
    return parties


def _tell(work: Work, section: str, found: Found, saved: dict[str, Row]) -> int:
    teller = _TELLERS.get(section)
    if teller is None:
        return 0
    quiet = _quiet(work, section, [each.row for _, each in found])
    heard = [
        teller(each, saved.get(mark) or {"id": id_of(section, mark)}, work.now)
        for mark, each in found
        if not quiet & _named(section, each.row)
    ]
    for mark, each in found:
        if section == ORGANISATIONS and each.before.get("status") == JOINING and mark not in quiet:
            heard += _with_it(work, saved[mark]["id"])
    work.tell(*heard)
    return len(heard)


def _quiet(work: Work, section: str, rows: list[Row]) -> set[str]:
    """Organisations that are joining: the network hears of them, and of what is theirs, when they have joined."""
    keys = {key for row in rows for key in _named(section, row)}
    return existing.joining(work, keys)


def _named(section: str, row: Row) -> set[str]:
    if section == ORGANISATIONS:
        return {row["key"]}
    return {row[name] for name in ("organisation", "network") if row.get(name)}


def _with_it(work: Work, organisation_id: UUID) -> list[Event]:
    """What is told of an organisation that has just joined, after itself."""
    services = [events.service_told(row, new=True, at=work.now) for row in standing.services_of(work, organisation_id)]
    members = standing.memberships_of(work, organisation_id)
    return [*services, *(events.membership_told(row, at=work.now) for row in members)]


def _organisation(each: Difference, row: Row, at: dt.datetime) -> Event:
    was = each.before.get("status")
    return events.organisation_told(row, new=each.what == CREATED or was == JOINING, at=at, was=was)


def _service(each: Difference, row: Row, at: dt.datetime) -> Event:
    return events.service_told(row, new=each.what == CREATED, at=at, was=each.before.get("status"))


def _membership(each: Difference, row: Row, at: dt.datetime) -> Event:
    ids = {f"{name}_id": id_of(ORGANISATIONS, each.row[name]) for name in ("organisation", "network")}
    days = {name: each.row[name] for name in ("started", "ended")}
    return events.membership_told({"id": row["id"], **ids, **days}, at=at)


def _partnership(each: Difference, row: Row, at: dt.datetime) -> Event:
    keys = dict.fromkeys(key for role in _parties(each.row).values() for key in role)
    partners = [id_of(ORGANISATIONS, key) for key in keys]
    return events.partnership_told({"id": row["id"], "key": each.row["key"], "partner_ids": partners}, at=at)


_TELLERS: dict[str, Callable[[Difference, Row, dt.datetime], Event]] = {
    ORGANISATIONS: _organisation,
    SERVICES: _service,
    "memberships": _membership,
    INITIATIVES: _partnership,
}


def _entries(section: str, row_id: UUID, each: Difference) -> list[Row]:
    """One line of metadata per field that was set or changed; what became withheld leaves no value behind."""
    action = "create" if each.what == CREATED else "update"
    said = [name for name, value in each.row.items() if value not in _UNSAID and name != "listed"]
    withheld = section == LOCATIONS and each.row["withheld"] is not None
    return [
        {
            "resource_type": KINDS[section],
            "resource_id": row_id,
            "last_action_type": action,
            "field_name": name,
            "previous_value": None if withheld else each.before.get(name),
            "replacement_value": each.row[name],
        }
        for name in (list(each.before) if each.what == CHANGED else said)
    ]
