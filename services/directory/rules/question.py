"""Takes a question in plain words apart: what is asked for, where, in which language, whether it has places.

    who serves Raseiniai for behaviour change in Lithuanian
    men's group in Finnish near Lahti, accepting

Words that are no code, place or language are left for the full-text search; words that only hold the question together
are dropped. Nothing is guessed: what was understood is told back (directory.md section 2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from babel import Locale

from services.directory.rules import words
from services.directory.rules.places import folded, places

SPOKEN = ("en", "lt", "lv", "et", "fi", "sv", "nb", "ru", "uk", "pl", "da", "is", "ar", "so", "de", "fr", "es", "se")
LONGEST_RUN = 4
QUOTES = "'\"\u2019\u201e\u201c"
SHORTEST_CASE, LOST_ENDING, GAINED_ENDING = 4, 2, 4
_WORD = re.compile(r"[^\s,;:?!()]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was understood; `left` are the words for the full-text search."""

    kind: str | None = None
    municipality: str | None = None
    country: str | None = None
    language: str | None = None
    accepting: bool = False
    now: bool = False
    place_known: bool = True
    left: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reading:
    given: list[str]
    found: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, lookup: Callable[[str], str | None]) -> None:
        """Take the longest run of words that this lookup knows."""
        for length in range(min(LONGEST_RUN, len(self.given)), 0, -1):
            for start in range(len(self.given) - length + 1):
                known = lookup(" ".join(self.given[start : start + length]))
                if known is not None:
                    self.found[name] = known
                    del self.given[start : start + length]
                    return


def understood(text: str, known_places: Iterable[str] = ()) -> Question:
    """Take a question apart; `known_places` are the folded names of places that the directory itself has."""
    reading = _Reading([folded(word).strip(QUOTES) for word in _WORD.findall(text)])
    here = frozenset(known_places)
    for name, lookup in (
        ("accepting", _listed(words.ASKED_OPEN)),
        ("now", _listed(words.ASKED_NOW)),
        ("kind", _kinds().get),
        ("language", _tongues().get),
        ("municipality", lambda run: run if run in here or run in _places() else None),
        ("country", _countries().get),
    ):
        reading.take(name, lookup)
    if "municipality" not in reading.found:
        reading.take("municipality", lambda run: _in_a_case(run, here | _places()))
    known = "municipality" in reading.found
    if not known:
        reading.take("municipality", _listed(_after_near(text)))
    return Question(
        kind=reading.found.get("kind"),
        municipality=reading.found.get("municipality"),
        country=reading.found.get("country"),
        language=reading.found.get("language"),
        accepting="accepting" in reading.found,
        now="now" in reading.found,
        place_known=known or "municipality" not in reading.found,
        left=tuple(word for word in reading.given if word and word not in _small()),
    )


def _in_a_case(word: str, known: frozenset[str]) -> str | None:
    """A place in a case of its language: "siauliuose" for Siauliai, "helsingissa" for Helsinki."""
    if " " in word:
        return None
    for place in sorted(known):
        stem = max(SHORTEST_CASE, len(place) - LOST_ENDING)
        if len(place) >= stem and word.startswith(place[:stem]) and len(word) <= len(place) + GAINED_ENDING:
            return place
    return None


def _after_near(text: str) -> Iterable[str]:
    """Words with a capital that follow a word such as "near": places that no list of ours has."""
    given = _WORD.findall(text)
    for before, word in pairwise(given):
        if folded(before) in _near() and word[0].isupper():
            yield word


@cache
def _near() -> frozenset[str]:
    return frozenset(folded(word) for word in words.NEAR)


def _listed(known: Iterable[str]) -> Callable[[str], str | None]:
    runs = frozenset(folded(each) for each in known)
    return lambda run: run if run in runs else None


@cache
def _small() -> frozenset[str]:
    return frozenset(folded(word) for word in words.SMALL_WORDS)


@cache
def _kinds() -> dict[str, str]:
    asked = {folded(run): kind for kind, runs in words.ASKED_KIND.items() for run in runs}
    named = {folded(text): kind for kind in words.KIND for _, text in words.labels("kind", kind)}
    return {**named, **asked}


@cache
def _tongues() -> dict[str, str]:
    """Names of languages in all eight languages; an endonym such as "suomeksi" is what people type too."""
    found = {}
    for shown in words.LANGUAGES:
        names = Locale.parse(shown).languages
        found.update({folded(names[code]): code for code in SPOKEN if code in names})
    more = {
        "lietuviskai": "lt", "latviski": "lv", "eesti keeles": "et", "suomeksi": "fi", "pa svenska": "sv",
        "pa norsk": "nb", "norwegian": "nb", "norsk": "nb", "по-русски": "ru", "rusiskai": "ru", "in english": "en",
        "lietuviu kalba": "lt", "suomen kielella": "fi", "svenska": "sv",
    }  # fmt: skip
    return {**found, **{folded(run): code for run, code in more.items()}}


@cache
def _places() -> frozenset[str]:
    return frozenset(name for place in places().values() for name in (folded(place.name), place.code.lower()))


NATIONAL = {"lt": "LT", "lv": "LV", "et": "EE", "fi": "FI", "sv": "SE", "nb": "NO", "da": "DK", "is": "IS"}
"""Where a place of a name that is on no list most likely lies, by the language that is asked for."""


@cache
def _countries() -> dict[str, str]:
    found = {}
    for shown in words.LANGUAGES:
        names = Locale.parse(shown).territories
        found.update({folded(names[code]): code for code in ("LT", "LV", "EE", "FI", "SE", "NO", "DK", "IS")})
    return found
