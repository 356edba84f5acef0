"""A page read by index is the page that ranking everything gives: for many questions, and page by page to the end."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from chassis.db import Database
from chassis.settings import Settings
from services.directory import usecases
from services.directory.rules import words
from services.directory.rules.places import areas_of
from services.directory.views import nearby, search
from tests.bench.directory import generated, towns
from tests.support.databases import Databases, root_url

SERVICES = 700
COUNTRIES = ["EE"]
TOWNS = [name for country, name in towns() if country == "EE"]
ONE, TWO = (sorted(areas_of("EE", name)) for name in TOWNS[3:5])
COUNTY = sorted(areas_of("EE", TOWNS[9]))
AGES = "now() - (abs(hashtext(key)) % 500) * interval '1 day'"


@pytest.fixture(scope="module")
def db(settings: Settings, databases: Databases) -> Iterator[Database]:
    own = Databases(settings, databases.worker)
    at = own.fresh("directory")
    database = Database(at, "directory")
    assert usecases.import_organisations(database, generated(70, SERVICES), dry_run=False, actor="test").ok
    with psycopg.connect(root_url(at, "directory"), autocommit=True) as connection:
        connection.execute(f"UPDATE service SET verified_at = {AGES} WHERE key LIKE '%3' OR key LIKE '%7'".encode())
        connection.execute(b"DELETE FROM public_record")  # all is told, and so indexed, anew
    usecases.catch_up(database)
    yield database
    database.close()
    own.drop()


def asked(places: list[str] | None, **narrowed: Any) -> dict[str, Any]:
    given = {"countries": COUNTRIES, "places": places, "counties": COUNTY if places else None, "position": (None, None)}
    return {**dict.fromkeys(search.NARROWED), **given, "limit": 21, **narrowed}


def all_ranked(db: Database, question: dict[str, Any]) -> list[tuple[int, str]]:
    """What the statement says that ranks all that fit."""
    rank, key = question["position"]
    given = {**question, "after_rank": rank, "after_key": key, "ranked": True, "limit": 10 * SERVICES}
    with db.view() as work:
        return [(row["rank"], row["key"]) for row in work.all(search.STATEMENTS[True, "all"], given)]


def pages(db: Database, question: dict[str, Any]) -> list[tuple[int, str]]:
    """The same, page by page."""
    seen: list[tuple[int, str]] = []
    while True:
        with db.view() as work:
            page = nearby.found(work, {**question, "position": seen[-1] if seen else (None, None)})
        assert len(page) <= question["limit"]
        seen += [(row["rank"], row["key"]) for row in page]
        if len(page) < question["limit"]:
            return seen


NARROWED: tuple[dict[str, Any], ...] = (
    {},
    {"kind": next(iter(words.KIND))},
    {"language": "et"},
    {"accepting": "open"},
    {"accepting": "closed", "language": "fi"},
    {"language": "et", "need": tuple(words.NEED)[3]},
    {"need": next(iter(words.NEED))},
    {"kind": "no_such_kind"},
)


@pytest.mark.parametrize("first", [1, 2, nearby.FIRST])
@pytest.mark.parametrize("places", [None, ONE, TWO, ["nowhere"]])
def test_pages_by_index_are_the_pages_of_the_whole_ranking(
    db: Database, monkeypatch: pytest.MonkeyPatch, places: list[str] | None, first: int
) -> None:
    monkeypatch.setattr(nearby, "FIRST", first)
    found = 0
    for narrowed, limit in itertools.product(NARROWED, (3, 21)):
        question = asked(places, limit=limit, **narrowed)
        expected = all_ranked(db, question)
        assert pages(db, question) == expected, narrowed
        assert len(set(expected)) == len(expected)
        found += len(expected)
    assert found > SERVICES / 10


def test_what_was_confirmed_grows_old_in_the_search_too(db: Database) -> None:
    with db.background("test") as work:
        row = work.one("SELECT key FROM service_search WHERE fresh = 3 AND somewhere LIMIT 1")
        assert row is not None
        key = row["key"]
        work.run("UPDATE service SET verified_at = now() - interval '200 days' WHERE key = %s", (key,))
    with db.view() as work:
        before = work.one("SELECT fresh, standing FROM service_search WHERE key = %s", (key,))
    usecases.grow_old(db)
    with db.view() as work:
        after = work.one("SELECT fresh, standing FROM service_search WHERE key = %s", (key,))
        areas = work.all("SELECT DISTINCT standing FROM service_area WHERE key = %s", (key,))
    assert before is not None
    assert after is not None
    assert (before["fresh"], after["fresh"], before["standing"] - after["standing"]) == (3, 1, 2)
    assert [area["standing"] for area in areas] == [after["standing"]]


@pytest.mark.parametrize("places", [None, ONE, ["nowhere"]])
@pytest.mark.parametrize("said", ["namai", "tugi", "lastele"])
def test_words_that_few_have_are_ranked_as_those_that_many_have(
    db: Database, monkeypatch: pytest.MonkeyPatch, places: list[str] | None, said: str
) -> None:
    question = asked(places, words=[said], plain=[said], limit=500)
    answers = []
    for few in (10 * SERVICES, -1):
        monkeypatch.setattr(search, "FEW", few)
        with db.view() as work:
            answers.append([(row["rank"], row["key"]) for row in search.found(work, "stems", question)])
    assert answers[0] == answers[1]
