"""Break-glass on a real database: without a duty one sees a contact with a reason and a second factor; it is told."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.errors import NotAllowed, NotFound
from chassis.identity import Caller
from chassis.settings import Settings
from services.groups.usecases import glass
from tests.support.databases import root_url
from tests.support.group_staff import LEADER, STRANGER
from tests.support.groups import CENTRE, OTHER, call, opened, sign_up

PHONE = {"channel": "phone", "value": "+37060000001", "safe": "yes", "may_call": True}
OFFICER = replace(CENTRE, subject="member:officer", roles=frozenset({"dpo"}))


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("groups")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    with closing(Database(at, "groups")) as database:
        yield database


def query(at: Settings, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "groups")) as connection:
        cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []


def proved(by: Caller, *, seconds_ago: int = 10) -> Caller:
    return replace(by, proved_at=int(clock.now().timestamp()) - seconds_ago)


def ask(db: Database, name: str, by: Caller, path: dict[str, Any], **parts: Any) -> dict[str, Any]:
    operations = {"break_glass": "glass.break", "look": "glass.look", "listed": "glass.list", "seen": "glass.seen"}
    body = {"reason": "meeting_today"}
    asked = call(f"glass {name}", by, body, path=path, operation=operations[name], **parts)
    value: dict[str, Any] = getattr(glass, name)(db, asked).value
    return value


@pytest.fixture
def man(db: Database) -> dict[str, uuid.UUID]:
    group = opened(db)
    return {"group_id": group, "signup_id": sign_up(db, group, contact=PHONE)["signup_id"]}


def test_a_colleague_sees_it_for_half_an_hour_and_the_officer_hears(
    db: Database, at: Settings, man: dict[str, uuid.UUID]
) -> None:
    by = proved(STRANGER)
    with pytest.raises(NotFound):
        ask(db, "look", by, man)
    shown = ask(db, "break_glass", by, man, idempotency_key="k")
    assert (shown["value"], shown["may_call"]) == (PHONE["value"], True)
    assert ask(db, "break_glass", by, man, idempotency_key="k") == shown
    assert ask(db, "look", by, man)["value"] == PHONE["value"]
    with pytest.raises(NotFound):
        ask(db, "look", replace(by, subject="member:third"), man)
    ((data, audience),) = query(at, "SELECT data, audience FROM outbox WHERE type = 'glass.broken'")
    assert data == {
        "group_id": str(man["group_id"]), "actor_id": "member:other-leader", "purpose_code": "meeting_today",
    }  # fmt: skip
    assert audience == f"org:{CENTRE.org_id}"
    (line,) = ask(db, "listed", OFFICER, {}, query={"cursor": None, "limit": 10})["items"]
    assert (line["actor"], line["reason"], line["seen_at"]) == (STRANGER.subject, "meeting_today", None)
    seen = ask(db, "seen", OFFICER, {"glass_id": line["id"]})
    assert seen["seen_at"] is not None
    assert ask(db, "seen", replace(OFFICER, subject="second"), {"glass_id": line["id"]}) == seen
    query(at, "UPDATE glass_broken SET until = now()")
    with pytest.raises(NotFound):
        ask(db, "look", by, man)
    assert PHONE["value"] not in str(query(at, "SELECT to_jsonb(g)::text FROM glass_broken AS g"))


def test_without_a_second_factor_of_a_moment_ago_nothing_opens(
    db: Database, at: Settings, man: dict[str, uuid.UUID]
) -> None:
    for by in (STRANGER, proved(STRANGER, seconds_ago=301)):
        with pytest.raises(NotAllowed, match=r"step_up\.required"):
            ask(db, "break_glass", by, man)
    assert query(at, "SELECT count(*) FROM glass_broken") == [(0,)]


def test_who_leads_the_group_needs_none_and_another_organisation_gets_nowhere(
    db: Database, man: dict[str, uuid.UUID]
) -> None:
    for by in (LEADER, replace(OTHER, roles=frozenset({"group_leader"}))):
        with pytest.raises(NotFound):
            ask(db, "break_glass", proved(by), man)
    foreign = replace(OTHER, roles=frozenset({"dpo"}))
    ask(db, "break_glass", proved(STRANGER), man)
    assert ask(db, "listed", foreign, {}, query={"cursor": None, "limit": 10})["items"] == []
    (line,) = ask(db, "listed", OFFICER, {}, query={"cursor": None, "limit": 10})["items"]
    with pytest.raises(NotFound):
        ask(db, "seen", foreign, {"glass_id": line["id"]})
