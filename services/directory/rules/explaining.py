"""Why a service is among what was found, each reason as a code and a sentence (directory.md section 2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from babel import Locale
from babel.dates import format_datetime

from services.directory.rules import index, words
from services.directory.rules.opening import Hours

FITS = ("unknown", "remote", "country", "county", "licence", "municipality")
METRES_OF_A_KILOMETRE = 1000
STALE = "D"
Reason = tuple[str, dict[str, object]]


def reasons(row: Mapping[str, Any], asked: Mapping[str, Any], hours: Hours) -> list[dict[str, str]]:
    """The reasons for one hit; `asked` is what was asked for, `row` has fit, score, metres, grade and open groups."""
    language = asked["in_language"]
    found = (*_place(row, asked), *_wishes(row, asked, language), *_groups(row, asked), *_hours(hours, language))
    stale: tuple[Reason, ...] = (("stale", {}),) if row["grade"] == STALE else ()
    return [{"code": code, "text": words.why(code, language, **values)} for code, values in (*found, *stale)]


def _place(row: Mapping[str, Any], asked: Mapping[str, Any]) -> Iterator[Reason]:
    if row["fit"] is not None:
        yield FITS[row["fit"]], {"place": asked["place_shown"]}
    if row["metres"] is not None:
        yield "near", {"number": round(row["metres"] / METRES_OF_A_KILOMETRE, 1)}
    if row["score"] is not None:
        yield "words", {}


def _wishes(row: Mapping[str, Any], asked: Mapping[str, Any], language: str) -> Iterator[Reason]:
    for name in ("kind", "need", "urgency"):
        if asked.get(name):
            yield name, {"what": words.label(name, asked[name], language)}
    if asked.get("language"):
        known = bool(row["languages"])
        yield ("language" if known else "language_unknown"), {"what": _tongue(asked["language"], language)}
    yield "accepting", {"what": words.label("accepting", row["accepting"], language)}


def _groups(row: Mapping[str, Any], asked: Mapping[str, Any]) -> Iterator[Reason]:
    if row["groups"]:
        yield "groups_accepting", {"number": len(row["groups"])}
        places = frozenset(asked.get("places") or ())
        if any(places & index.group_areas(group["areas"]) for group in row["groups"]):
            yield "group_here", {"place": asked["place_shown"]}


def _hours(hours: Hours, language: str) -> Iterator[Reason]:
    if hours.until is not None:
        yield "open_now", {"time": _moment(hours.until, language)}
    if hours.opens is not None:
        yield "opens", {"time": _moment(hours.opens, language)}


def _moment(at: dt.datetime, language: str) -> str:
    return format_datetime(at, "EEE HH:mm", tzinfo=at.tzinfo, locale=_locale(language))


def _tongue(code: str, language: str) -> str:
    return str(_locale(language).languages.get(code, code))


def _locale(language: str) -> Locale:
    return Locale.parse(language if language in words.LANGUAGES else "en")
