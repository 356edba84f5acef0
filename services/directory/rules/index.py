"""What of a service is searched: words in eight languages, places under all their names, what its groups say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from services.directory.rules import truth, words
from services.directory.rules.places import areas_of, folded

REMOTE = frozenset({"phone", "chat", "email", "web", "online", "video"})
GROUP_KINDS = {
    "peer": "peer_group",
    "guided": "peer_group",
    "drop_in": "peer_group",
    "behaviour_change": "behaviour_change",
    "training": "training",
    "course": "training",
}
"""Which kind of service groups of a kind are (groups.md)."""
GROUP_EVENTS = tuple(
    f"group.{verb}" for verb in ("opened", "changed", "started", "finished", "cancelled", "archived", "baseline")
)
OPEN, CLOSED = "open", "closed"
UNDETERMINED = "en"
"""The language of `about`, which a file may give instead of descriptions by language."""


def searched(row: Mapping[str, Any], now: dt.datetime) -> dict[str, Any]:
    """The row of the table that is searched."""
    whom, listed = row["eligibility"], row["listed"]
    taking = [group for group in row["groups"] if is_of(row["key"], row["kind"], group)]
    spoken = {code for group in taking for code in group["languages"]}
    return {
        "service_id": row["service_id"],
        "key": row["key"],
        "listed": listed,
        "country": row["country"],
        "somewhere": bool(row["coverage"] or row["licensed"]),
        "remote": bool(REMOTE.intersection(row["channels"])),
        "kind": row["kind"],
        "languages": sorted({*row["languages"], *spoken}) if row["languages"] else [],
        "needs": row["needs"],
        "urgencies": row["urgencies"],
        "may_refer": row["referral"].get("who_may_refer", []),
        "min_age": whom.get("min_age"),
        "max_age": whom.get("max_age"),
        "gender": whom.get("gender"),
        "order_accepted": whom.get("order_accepted"),
        "fresh": truth.fresh(row["verified_at"], now),
        "accepting": OPEN if taking and row["accepting"] != CLOSED else row["accepting"],
        "names": _names(row),
        "about": _about(row),
    }


def is_of(key: str, kind: str, group: Mapping[str, Any]) -> bool:
    """Whether a group belongs to a service: by its programme, else by its kind."""
    return group["programme"] == key or GROUP_KINDS.get(group["kind"]) == kind


def areas(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Where a service works, under every name of each place; and each country in which it works anywhere."""
    for way, given in (("own", row["coverage"]), ("licence", row["licensed"])):
        for area in given:
            country, _, place = area.partition(":")
            for name in sorted(areas_of(country, place)) if place else (None,):
                yield {"service_id": row["service_id"], "way": way, "country": country, "place": name}
    for country in sorted({area.partition(":")[0] for area in (*row["coverage"], *row["licensed"])}):
        yield {"service_id": row["service_id"], "way": "any", "country": country, "place": None}


def _names(row: Mapping[str, Any]) -> dict[str, str]:
    """Names of the service and its organisation, its key, and what it is in all languages."""
    said: dict[str, list[str]] = {"zz": [row["key"], row["organisation_key"]]}
    for names in (row["names"], row["organisation_names"]):
        for language, name in names.items():
            said.setdefault(language, []).append(name)
    for language, label in words.labels("kind", row["kind"]):
        said.setdefault(language, []).append(label)
    return {language: " ".join(each) for language, each in said.items()}


def _about(row: Mapping[str, Any]) -> dict[str, str]:
    said: dict[str, list[str]] = {UNDETERMINED: [row["about"]] if row["about"] else []}
    for language, text in row["descriptions"].items():
        said.setdefault(language, []).append(text)
    for need in row["needs"]:
        for language, label in words.labels("need", need):
            said.setdefault(language, []).append(label)
    return {language: " ".join(each) for language, each in said.items() if each}


def group_areas(areas_given: list[str]) -> frozenset[str]:
    """The folded names that a group's area codes stand for: "lahti", "fi-lahti" or "lt-38"."""
    found = set()
    for area in areas_given:
        plain = folded(area)
        found |= {plain, plain[3:]} if plain[2:3] in {"-", ":", "."} else {plain}
    return frozenset(found)
