"""A group's meetings as a calendar (RFC 5545): neutral words, no place, no group, no alarm (groups.md, top and 6)."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import icalendar

WORDS = {
    "en": "Meeting",
    "lt": "Susitikimas",
    "lv": "Tikšanās",
    "et": "Kohtumine",
    "fi": "Tapaaminen",
    "sv": "Möte",
    "nb": "Møte",
    "ru": "Встреча",
}
PRODUCT = "-//Calendar//EN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One meeting; `sequence` goes up with each change, so that a calendar takes the newer one."""

    id: uuid.UUID
    local_start: dt.datetime
    tz: str
    minutes: int
    cancelled: bool
    sequence: int
    changed_at: dt.datetime


def feed(entries: Iterable[Entry], language: str) -> bytes:
    """The calendar with the rules of its zones; the UID of a meeting is its own id and stays."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    for each in entries:
        calendar.add_component(_event(each, WORDS.get(language, WORDS["en"])))
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def _event(entry: Entry, word: str) -> icalendar.Event:
    start = entry.local_start.replace(tzinfo=ZoneInfo(entry.tz))
    event = icalendar.Event()
    event.add("uid", str(entry.id))
    event.add("dtstamp", entry.changed_at.astimezone(dt.UTC))
    event.add("dtstart", start)
    event.add("dtend", start + dt.timedelta(minutes=entry.minutes))
    event.add("summary", word)
    event.add("sequence", entry.sequence)
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("class", "PRIVATE")
    return event
