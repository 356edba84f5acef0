"""Indicators from real steps on a real database: counted once, outliving the men, for the own organisation alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.identity import Caller
from chassis.settings import Settings
from services.groups.usecases import indicators, statistics
from tests.support.databases import root_url
from tests.support.group_season import season_step
from tests.support.group_sessions import attendance_step, entered
from tests.support.group_staff import COORDINATOR, LEADER, programme, step
from tests.support.groups import CENTRE, OTHER, call, opened, own, sign_up

SCHEDULE = {"start_on": "2027-02-01", "local_start": "18:00", "tz": "Europe/Vilnius", "sessions": 1}


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("groups")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "groups")
    yield database
    database.close()


def query(at: Settings, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "groups")) as connection:
        cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []


def read(db: Database, caller: Caller = COORDINATOR, **asked: Any) -> list[dict[str, Any]]:
    wanted = {"period": None, "by": "programme", **asked}
    lines: list[dict[str, Any]] = indicators.read(
        db, call("indicators", caller, query=wanted, operation="indicator.read")
    ).value["lines"]
    return lines


def test_a_season_is_counted_as_it_was(db: Database, at: Settings) -> None:
    key = programme(db, intake="none", funder="ministry")["key"]
    group = opened(db, kind="guided", programme=key, capacity=8, schedule=SCHEDULE)
    men = [sign_up(db, group) for _ in range(8)]
    waits = [sign_up(db, group) for _ in range(6)]
    season_step(db, "start", group, {"with_few": False}, expected_version=2)
    query(at, "UPDATE session SET starts_at = now() - interval '3 hours'")
    came = {man["signup_id"]: "present" for man in men[:7]} | {men[7]["signup_id"]: "absent"}
    attendance_step(db, "enter", group, 1, entered(came, headcount=2))
    attendance_step(db, "close", group, 1)
    for man in men[:6]:
        step(db, "complete", group, man, LEADER, {"decided_on": None})
    for man in waits[:5]:
        own(db, "withdraw", man)
    line, total = read(db)
    assert line == {
        "key": key,
        "groups_started": 1,
        "places_planned": 8,
        "meetings_held": 1,
        "signed_up": 14,
        "reached": 7,
        "completed": 6,
        "left": 5,
        "redirected": 0,
        "lapsed": 0,
        "visits": 9,
    }
    assert (total["key"], total["signed_up"], total["reached"]) == ("total", 15, 5)
    assert read(db, by="funder")[0]["key"] == "ministry"
    assert [each["key"] for each in read(db, OTHER)] == ["total"]
    assert [each["key"] for each in read(db, period=str(clock.now().year - 1))] == ["total"]


def test_nothing_in_it_leads_to_a_man(db: Database, at: Settings) -> None:
    group = opened(db)
    sign_up(db, group)
    columns = query(at, "SELECT column_name FROM information_schema.columns WHERE table_name = 'indicator' ORDER BY 1")
    assert [name for (name,) in columns] == ["amount", "metric", "month", "no", "org_id", "programme_id"]
    assert query(at, "SELECT extract(day FROM month)::integer, metric, amount FROM indicator") == [(1, "signed_up", 1)]


def test_a_month_that_is_over_is_told_once_without_small_figures(db: Database, at: Settings) -> None:
    group = opened(db, kind="guided", programme=programme(db, intake="none")["key"], capacity=8)
    men = [sign_up(db, group) for _ in range(6)]
    own(db, "withdraw", men[0])
    assert statistics.close(db) == 0, "this month is not over"
    query(at, "UPDATE indicator SET month = '2026-01-01'")
    assert statistics.close(db) == 1
    sign_up(db, group)
    query(at, "UPDATE indicator SET month = '2026-01-01'")
    assert statistics.close(db) == 0, "what comes later is in the organisation's own figures only"
    ((data, audience),) = query(at, "SELECT data, audience FROM outbox WHERE type = 'statistics.closed'")
    assert audience == "network"
    assert (data["period"], data["signed_up"], data["reached"]) == ("2026-01", 6, 0)
    assert "left" not in data, "one man left: that is nobody else's to know"


def test_the_figures_of_support_pairs_stay_at_home(db: Database, at: Settings) -> None:
    key = programme(db, kind="support_pair")["key"]
    query(at, f"INSERT INTO indicator (org_id, programme_id, month, metric, amount) SELECT org_id, id, '2026-01-01',"
              f" 'groups_started', 1 FROM programme WHERE key = '{key}'")  # fmt: skip
    assert statistics.close(db) == 1
    assert query(at, "SELECT audience FROM outbox WHERE type = 'statistics.closed'") == [(f"org:{CENTRE.org_id}",)]
