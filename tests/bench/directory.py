"""Search of the directory at 3,000 and 30,000 services: how long a page of twenty takes, on the service's use case.

Both directories are invented: eight languages, every third service works in the whole country, the others in one or two
of the municipalities of four countries; the larger one has ten times the organisations and services in the same places.
"""

from __future__ import annotations

import statistics
import time
from contextlib import closing
from typing import Any

import psycopg

from chassis.db import Database
from chassis.requests import Call
from chassis.settings import Settings
from services.directory import schemas, usecases
from services.directory.rules import words
from services.directory.rules.places import places
from tests.support.databases import Databases, root_url

SIZES = {3_000: 300, 30_000: 3_000}
ROUNDS, WARM = 200, 20
HALF_A_WORD = ("pagal", "tuki", "stöd", "atbal", "grup", "krīz", "isad", "помо")
Row = dict[str, Any]


def rows(settings: Settings) -> list[Row]:
    """Two rows per kind of question: p50 and p99 in milliseconds."""
    own = Databases(settings, "bench")
    try:
        made = {size: own.fresh("directory") for size in SIZES}
        for size, at in made.items():
            fill(at, organisations=SIZES[size], services=size)
        return [_row(at, size, name) for name in QUESTIONS for size, at in made.items()]
    finally:
        own.drop()


def fill(at: Settings, *, organisations: int, services: int) -> None:
    """Import an invented directory of this size."""
    with closing(Database(at, "directory")) as db:
        given = generated(organisations, services)
        report = usecases.import_organisations(db, given, dry_run=False, actor="import:bench")
        if report.errors:
            raise AssertionError(str(report))
    with psycopg.connect(root_url(at, "directory"), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def towns() -> list[tuple[str, str]]:
    """Country and name of the municipalities that are known."""
    return sorted((each.country, each.name) for each in places().values() if not each.is_county)


def generated(organisations: int, services: int) -> dict[str, Any]:
    """A directory file of invented entries."""
    where, kinds, needs = towns(), tuple(words.KIND), tuple(words.NEED)
    owners = [
        {
            "key": f"made-{n}", "type": ("ngo", "crisis_centre", "municipality")[n % 3],
            "country": where[n % len(where)][0],
            "names": {words.LANGUAGES[n % 8]: f"Namai {n} {where[n % len(where)][1]}"},
        }
        for n in range(organisations)
    ]  # fmt: skip
    offered = [_service(n, owners[n % organisations], where, kinds, needs) for n in range(services)]
    return {"organisations": owners, "services": offered}


def _service(
    n: int, owner: dict[str, Any], where: list[tuple[str, str]], kinds: tuple[str, ...], needs: tuple[str, ...]
) -> dict[str, Any]:
    country, own = owner["country"], [town for town in where if town[0] == owner["country"]]
    language = words.LANGUAGES[n % 8]
    coverage = [country] if n % 3 == 0 else [f"{country}:{own[(n * 7 + k) % len(own)][1]}" for k in range(1 + n % 2)]
    kind = kinds[n % len(kinds)]
    return {
        "key": f"made-service-{n}", "organisation": owner["key"], "kind": kind,
        "names": {language: f"{words.label('kind', kind, language)} {n}"},
        "descriptions": {language: ", ".join(words.label("need", needs[(n + k) % 11], language) for k in range(4))},
        "coverage": sorted(set(coverage)), "languages": [language] if n % 4 else [], "needs": [needs[n % len(needs)]],
        "channels": ["phone"] if n % 10 == 0 else ["in_person"], "accepting": ("open", "waiting", "closed")[n % 3],
        "schedules": [{"days": ["MO", "TU", "WE", "TH", "FR"], "opens": "08:00", "closes": "16:00"}] if n % 2 else [],
    }  # fmt: skip


def _place(n: int) -> dict[str, Any]:
    country, name = towns()[n * 13 % len(towns())]
    return {"municipality": f"{country}:{name}"}


QUESTIONS: dict[str, Any] = {
    "a place and a kind": lambda n: {**_place(n), "kind": tuple(words.KIND)[n % 8]},
    "a place, a language, accepting": lambda n: {**_place(n), "language": words.LANGUAGES[n % 8], "accepting": "open"},
    "a place, open at a time": lambda n: {**_place(n), "open_at": "2026-11-23T12:00:00+02:00"},
    "half a word": lambda n: {"search": HALF_A_WORD[n % 8]},
    "two words and a country": lambda n: {"search": f"namai {n % 300}", "country": ("LT", "LV", "EE")[n % 3]},
    "a slip": lambda n: {"search": f"pagalbso lniija {n % 300}"},
    "a question": lambda n: {"question": f"who serves {towns()[n * 13 % len(towns())][1]} for behaviour change"},
}
"""What is asked; no two rounds ask for the same."""


def _row(at: Settings, size: int, name: str) -> Row:
    times = []
    with closing(Database(at, "directory")) as db:
        for n in range(WARM + ROUNDS):
            query = schemas.ServiceQuery().load({**QUESTIONS[name](n), "limit": 20})
            began = time.perf_counter()
            usecases.services(db, Call(route="-", operation="-", query=query))
            times.append((time.perf_counter() - began) * 1000)
    times = sorted(times[WARM:])
    return {
        "what": f"search of {size:,}: {name}",
        "per_second": round(1000 / statistics.fmean(times), 1),
        "p50_ms": round(statistics.median(times), 2),
        "p99_ms": round(times[int(len(times) * 0.99)], 2),
    }
