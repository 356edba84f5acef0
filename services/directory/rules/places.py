"""Municipalities and counties: codes, names, and which county a municipality lies in.

Source: ISO 3166-2 as packaged by pycountry (LGPL-2.1), which has the municipalities of Lithuania, Latvia and Estonia;
Estonia's codes are its LAU codes (EHAK), Lithuania's and Latvia's are ISO's own. Finland, Sweden, Norway and Denmark
have regions there and no municipalities: those are matched by name alone (directory.md section 2). LAU codes of
Lithuania and Estonia: rules/lau.py.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

import pycountry

from services.directory.rules.lau import LAU

COUNTRIES = ("LT", "LV", "EE", "FI", "SE", "NO", "DK", "IS")
_COUNTIES = frozenset({"County", "Region"})
_SUFFIXES = (" novads", " vald", " linn", " lan", " miestas")


@dataclass(frozen=True, slots=True)
class Place:
    """A municipality or a county; `county` is the name of the county that it lies in, where there is one."""

    code: str
    country: str
    name: str
    county: str | None
    is_county: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A place that somebody asked for: the folded names under which it may stand, and those of its county."""

    country: str | None
    names: frozenset[str]
    counties: frozenset[str]
    shown: str


def folded(text: str) -> str:
    """Without diacritics, case and spaces at the ends, as the database folds its names."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).strip()


@cache
def places() -> dict[str, Place]:
    """All that are known, by code."""
    known = {each.code: each for each in pycountry.subdivisions if each.country_code in COUNTRIES}
    found = {}
    for code, each in known.items():
        above = known.get(each.parent_code) if each.parent_code else None
        found[code] = Place(
            code=code,
            country=each.country_code,
            name=each.name.partition(" [")[0],
            county=above.name if above is not None else None,
            is_county=each.type in _COUNTIES,
        )
    return found


@cache
def _by_name() -> dict[tuple[str, str], tuple[Place, ...]]:
    found: dict[tuple[str, str], tuple[Place, ...]] = {}
    for place in places().values():
        for name in _names(place):
            found[place.country, name] = (*found.get((place.country, name), ()), place)
    return found


def _names(place: Place) -> frozenset[str]:
    whole = folded(place.name)
    short = next((whole.removesuffix(end) for end in _SUFFIXES if whole.endswith(end)), whole)
    return frozenset({whole, short, place.code.lower()})


def _of_code(country: str | None, name: str) -> str:
    """The name for a LAU code, such as LT:19; any other text as it is."""
    return LAU.get(country or "", {}).get(name, name)


def asked(country: str | None, name: str) -> Asked:
    """What to look for when somebody asks for a place by name or code, in one country or in any."""
    wanted = folded(_of_code(country, name))
    found = [
        place
        for (where, known), all_of in _by_name().items()
        if known == wanted and country in {None, where}
        for place in all_of
    ]
    lands = {place.country for place in found}
    names = frozenset({wanted}).union(*(_names(place) for place in found))
    counties = frozenset(folded(place.county) for place in found if place.county is not None)
    land = country or (lands.pop() if len(lands) == 1 else None)
    return Asked(land, names, counties, next((place.name for place in found), name))


def areas_of(country: str, place: str) -> frozenset[str]:
    """The folded names under which a place in a service's coverage can be found."""
    wanted = folded(_of_code(country, place))
    return frozenset({wanted}).union(*(_names(each) for each in _by_name().get((country, wanted), ())))
