"""How a person may be reached, as the sealed part of his record says it (referrals.md section 11)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time of the week at which it is safe, by the clock of its time zone; `weekday` is 1 for Monday to 7."""

    weekday: int
    start: int
    """Minutes after midnight, this one included."""

    end: int
    """Minutes after midnight, this one not; 1440 is midnight at the end of the day."""

    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One channel. None is unknown, and unknown counts as unsafe; `times` None means at any time."""

    channel: str
    value: str
    safe: str = "unknown"
    may_call: bool | None = None
    may_text: bool | None = None
    may_leave_voicemail: bool | None = None
    may_say_who_we_are: bool | None = None
    may_post: bool | None = None
    times: tuple[Window, ...] | None = None
    unsafe_if_answered_by: str | None = None
    verified_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """All channels of one person, and what counts for all of them."""

    channels: tuple[Channel, ...] = ()
    via: str | None = None
    language: str | None = None
    do_not_contact: bool = False


NOBODY = Contact()
"""A person of whom no contact is known: nothing can go to him."""

_MAY = ("may_call", "may_text", "may_leave_voicemail", "may_say_who_we_are", "may_post")


def contact_of(content: Mapping[str, Any]) -> Contact:
    """Read the opened personal part of a record: `contact` with `further` channels, `contact_via`, `language`."""
    told = content.get("contact") or {}
    channels = [told] if told.get("channel") else []
    channels += told.get("further") or []
    return Contact(
        channels=tuple(_channel(each) for each in channels),
        via=content.get("contact_via"),
        language=content.get("language"),
        do_not_contact=told.get("do_not_contact") is True,
    )


def _channel(told: Mapping[str, Any]) -> Channel:
    times = told.get("safe_times")
    return Channel(
        channel=told["channel"],
        value=told["value"],
        safe=told.get("safe") or "unknown",
        times=None if times is None else tuple(_window(each) for each in times),
        unsafe_if_answered_by=told.get("unsafe_if_answered_by") or None,
        verified_at=_moment(told.get("verified_at")),
        **{name: told.get(name) for name in _MAY},
    )


def _window(told: Mapping[str, Any]) -> Window:
    return Window(weekday=told["weekday"], start=minutes(told["from"]), end=minutes(told["to"]), zone=told["time_zone"])


def minutes(text: str) -> int:
    """Minutes after midnight of "HH:MM"; "24:00" ends a day."""
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)


def _moment(told: object) -> dt.datetime | None:
    """A time as it was sealed (text) or as it came in; without an offset nobody can say when it was."""
    moment = dt.datetime.fromisoformat(told) if isinstance(told, str) else told
    return moment if isinstance(moment, dt.datetime) and moment.tzinfo is not None else None
