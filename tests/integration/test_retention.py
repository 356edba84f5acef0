"""Retention: what is due goes by the way of erasure, nothing else does, and a second run finds nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from nameko.timer import Timer

from chassis import retention
from chassis.db import Database
from chassis.errors import NotFound, Unavailable
from chassis.sealing import KeyStore
from chassis.settings import Settings
from deploy.local.commands.retention import _lines
from services.groups.service import GroupsService
from services.groups.usecases import RECORDS as GROUPS
from services.referrals import usecases
from services.referrals.service import ReferralsService
from services.referrals.usecases import RECORDS
from tests.support import groups
from tests.support.databases import root_url
from tests.support.persons import ERASE, ask, everything
from tests.support.referrals import CENTRE, POLICE, look, move, new, seed

FINAL, IN_ERROR, UNMOVED = RECORDS.persons.rules
CONTACT = {"channel": "email", "value": "kanarele.vienas@example.org", "safe": "yes"}


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    yield database
    database.close()


@pytest.fixture
def house(service_database: Callable[..., Settings]) -> Iterator[tuple[Database, Settings]]:
    settings = service_database("groups")
    database = Database(settings, "groups")
    yield database, settings
    database.close()


def sql(at: Settings, service: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, service), autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def aged(at: Settings, days: int) -> None:
    for table in ("sender_record", "receiver_case"):
        sql(at, "referrals", f"UPDATE {table} SET changed_at = now() - interval '{days} days'")


def ended(db: Database) -> Any:
    key = usecases.create(db, new()).value["id"]
    usecases.withdraw(db, move(POLICE, key, "withdraw", 1, reason="mistaken"))
    return key


def test_final_referrals_go_after_their_days_for_both_parties_and_not_a_day_before(db: Database, at: Settings) -> None:
    assert FINAL.days is not None
    key = ended(db)
    aged(at, FINAL.days - 1)
    assert retention.run(db, RECORDS) == {"referral.final": 0, "referral.in_error": 0, "referral.unmoved": 0}
    aged(at, FINAL.days + 1)
    assert len(retention.due(db, RECORDS, FINAL)) == 2
    assert retention.run(db, RECORDS) == {"referral.final": 2, "referral.in_error": 0, "referral.unmoved": 0}
    assert retention.run(db, RECORDS) == {"referral.final": 0, "referral.in_error": 0, "referral.unmoved": 0}
    for by in (POLICE, CENTRE):
        with pytest.raises(NotFound):
            usecases.read(db, look(by, key))
    assert "Demo Pavyzdys" not in everything(at, "referrals")
    said = "SELECT DISTINCT subject, purpose, basis FROM audit WHERE operation = 'person.erase'"
    assert sql(at, "referrals", said) == [("referrals.retention", "retention", "referral.final")]


def test_open_referrals_stay_until_nothing_has_moved_for_years(db: Database, at: Settings) -> None:
    assert FINAL.days is not None
    assert UNMOVED.days is not None
    usecases.create(db, new())
    aged(at, FINAL.days + 1)
    assert retention.run(db, RECORDS) == {"referral.final": 0, "referral.in_error": 0, "referral.unmoved": 0}
    aged(at, UNMOVED.days + 1)
    assert retention.run(db, RECORDS) == {"referral.final": 0, "referral.in_error": 0, "referral.unmoved": 2}


def test_looking_takes_nothing(db: Database, at: Settings) -> None:
    key = ended(db)
    aged(at, 400)
    assert retention.due(db, RECORDS, FINAL, most=1) != []
    assert usecases.read(db, look(POLICE, key)).value["state"] == "withdrawn"


def test_the_command_tells_what_would_go_and_then_lets_it_go(
    house: tuple[Database, Settings], service_database: Callable[..., Settings]
) -> None:
    at = service_database("referrals", into=house[1])
    database = Database(at, "referrals")
    seed(database)
    ended(database)
    aged(at, 400)
    first = [*_lines(at, dry_run=True)]
    assert first[0].startswith("referral.final: 2 would be erased (365 days after the last change")
    assert [line.partition(":")[0] for line in first] == [
        "referral.final",
        "referral.in_error",
        "referral.unmoved",
        "signup.ended",
        "signup.asked",
    ]
    assert [*_lines(at, dry_run=True)] == first
    assert next(iter(_lines(at, dry_run=False))).startswith("referral.final: 2 erased")
    assert next(iter(_lines(at, dry_run=True))).startswith("referral.final: 0 would")
    database.close()


def test_a_run_finishes_what_was_interrupted(db: Database, at: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    ended(db)
    aged(at, 400)

    def gone(*_: object) -> None:
        raise Unavailable("keys.unavailable", "gone")

    with monkeypatch.context() as patch:
        patch.setattr(KeyStore, "erase", gone)
        retention.sweep(db, RECORDS)  # the timer's way: no fault
    assert sql(at, "referrals", "SELECT count(*), count(done_at) FROM erasure_ledger") == [(1, 0)]
    retention.sweep(db, RECORDS, rules=False)
    assert sql(at, "referrals", "SELECT count(*), count(done_at) FROM erasure_ledger") == [(1, 1)]
    retention.sweep(db, RECORDS)
    assert sql(at, "referrals", "SELECT count(*), count(done_at) FROM erasure_ledger") == [(2, 2)]


@pytest.mark.parametrize("service", [ReferralsService, GroupsService])
def test_each_service_has_the_timers(service: type) -> None:
    timers = {
        name: point.interval
        for name, method in vars(service).items()
        for point in getattr(method, "nameko_entrypoints", ())
        if isinstance(point, Timer)
    }
    assert timers["finish_erasures"] == 60
    assert timers["keep_retention"] <= 24 * 3600


def test_sign_ups_go_by_the_days_of_their_own_programme(house: tuple[Database, Settings]) -> None:
    database, at = house
    group_id = groups.opened(database)
    men = [groups.sign_up(database, group_id, contact=CONTACT), groups.sign_up(database, group_id)]
    groups.own(database, "withdraw", men[0])
    (days,) = sql(at, "groups", "SELECT retention_days FROM programme")[0]
    sql(at, "groups", f"UPDATE sign_up SET changed_at = now() - interval '{days - 1} days'")
    assert retention.run(database, GROUPS) == {"signup.ended": 0, "signup.asked": 0}
    sql(at, "groups", f"UPDATE sign_up SET changed_at = now() - interval '{days + 1} days'")
    assert "kanarele.vienas" in everything(at, "groups")
    assert retention.run(database, GROUPS) == {
        "signup.ended": 1,
        "signup.asked": 0,
    }  # the other man is still in the group
    assert "kanarele.vienas" not in everything(at, "groups")
    assert groups.own(database, "status", men[1])["state"] == "confirmed"
    with pytest.raises(NotFound):
        groups.own(database, "status", men[0])


def test_an_erased_man_leaves_his_group_first_and_the_next_gets_the_seat(house: tuple[Database, Settings]) -> None:
    database, at = house
    group_id = groups.opened(database, capacity=2, waitlist_limit=10)
    men = [groups.sign_up(database, group_id, contact={**CONTACT, "value": f"{n}@example.org"}) for n in range(2)]
    men.append(groups.sign_up(database, group_id))
    assert ask(database, groups.CENTRE, "erase", men[0]["signup_id"], **ERASE)["state"] == "erased"
    assert groups.own(database, "status", men[2])["state"] == "offered"
    assert sql(at, "groups", "SELECT held, waiting FROM peer_group") == [(2, 0)]
    left = f"SELECT state, language, contact_mac FROM sign_up WHERE id = '{men[0]['signup_id']}'"
    assert sql(at, "groups", left) == [("erased", None, None)]
    assert sql(at, "groups", "SELECT count(*) FROM return_card") == [(2,)]
    assert [line["alias"] for line in groups.roster(database, group_id)] == ["Demo", "Demo"]
    again = groups.sign_up(database, group_id, contact={**CONTACT, "value": "0@example.org"})
    assert again["state"] == "waiting"  # he may come again, as a stranger
    with pytest.raises(NotFound):
        ask(database, groups.OTHER, "erase", men[1]["signup_id"], **ERASE)
