"""Members on a real database: own organisation only, nobody gives what is not his, and the second wall."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from chassis.identity import Caller
from chassis.requests import Call
from chassis.settings import Settings
from services.access.usecases import invitations, members, sessions
from tests.integration.people_rig import TABLES, Clock, access, database, moved, person
from tests.integration.test_signing_in import rows
from tests.support.people import KEY, LOGIN, OTHER, OTHER_ORG, Person, admin, ask, come_in, invited

__all__ = ["access", "database", "moved", "person"]

NEW = {"login": "New@Example.org ", "name": "Example Person", "roles": ["group_leader"], "units": ["evening"]}


def about(member_id: uuid.UUID, version: int, body: dict[str, Any] | None = None, *, by: Caller, **more: Any) -> Call:
    return ask(body, caller=by, path={"member_id": member_id}, expected_version=version, **more)


def invite(database: Database, by: Caller, **changes: Any) -> dict[str, Any]:
    value: dict[str, Any] = invitations.invite(database, ask({**NEW, **changes}, caller=by)).value
    return value


def member_of(person: Person) -> tuple[uuid.UUID, int]:
    shown = sessions.read(person.database, person.ask()).value["member"]
    return shown["id"], shown["version"]


def test_an_administrator_invites_lists_changes_and_disables(database: Database) -> None:
    by = admin()
    made = invite(database, by)
    assert made["member"]["login"] == "new@example.org"
    assert made["token"]
    listed = members.list_members(database, ask(caller=by, query={"cursor": None, "limit": 50})).value["items"]
    assert listed == [made["member"]]
    member_id = made["member"]["id"]
    given = {"roles": ["group_coordinator"], "units": []}
    changed = members.set_roles(database, about(member_id, 1, given, by=by))
    assert (changed.version, changed.value["roles"], changed.value["units"]) == (2, ["group_coordinator"], [])
    with pytest.raises(Stale):
        members.disable(database, about(member_id, 1, by=by))
    assert members.disable(database, about(member_id, 2, by=by)).value["status"] == "disabled"
    with pytest.raises(Conflict):
        members.disable(database, about(member_id, 3, by=by))


def test_a_repeated_request_changes_nothing_and_tells_no_token(database: Database, access: Settings) -> None:
    by = admin()
    call = ask(NEW, caller=by, idempotency_key="k-1", raw=b"{}")
    first, again = (invitations.invite(database, call).value for _ in range(2))
    assert first["member"] == again["member"]
    assert (bool(first["token"]), again["token"]) == (True, None)
    gone = about(first["member"]["id"], 1, by=by, idempotency_key="k-2")
    assert [members.disable(database, gone).version for _ in range(2)] == [2, 2]
    assert rows(access, "SELECT count(*) FROM member") == [(1,)]


def test_another_organisation_does_not_exist(database: Database, person: Person) -> None:
    person.sign_in(person.code())
    member_id, version = member_of(person)
    foreign = admin(OTHER)
    for act in (members.read_member, members.disable, members.set_roles):
        with pytest.raises(NotFound):
            act(database, about(member_id, version, {"roles": ["auditor"], "units": []}, by=foreign))
    query = {"cursor": None, "limit": 50}
    assert members.list_members(database, ask(caller=foreign, query=query)).value["items"] == []
    there = invite(database, foreign, login=LOGIN)  # the same login is somebody new there, and nobody learns of it
    assert there["member"]["id"] != member_id
    with pytest.raises(Conflict, match=r"member\.exists"):
        invite(database, admin(), login=LOGIN)


@pytest.mark.parametrize("role", ["operator", "network_admin", "network_coordinator"])
def test_roles_beyond_the_organisation_come_on_the_machine_only(
    role: str, database: Database, access: Settings, moved: Clock
) -> None:
    with pytest.raises(NotAllowed, match=r"role\.reserved"):
        invite(database, admin(), roles=["auditor", role])
    keeper = come_in(database, access, "keeper@example.org", roles=(role, "org_admin"))
    keeper.sign_in(keeper.code())
    assert role in keeper.caller().roles
    member_id, version = member_of(keeper)
    with pytest.raises(NotAllowed, match=r"role\.reserved"):
        members.set_roles(database, about(member_id, version, {"roles": ["org_admin"], "units": []}, by=admin()))
    # nor can an administrator disable him, invite him anew and take his place
    members.disable(database, about(member_id, version, by=admin()))
    with pytest.raises(NotAllowed, match=r"role\.reserved"):
        invite(database, admin(), login="keeper@example.org", roles=["org_admin"])
    assert invited(database, "keeper@example.org", roles=(role,))


def test_nobody_gives_himself_more(person: Person) -> None:
    person.sign_in(person.code())
    (member_id, version), me = member_of(person), person.caller()
    with pytest.raises(NotAllowed, match=r"role\.own"):
        members.set_roles(
            person.database, about(member_id, version, {"roles": ["org_admin", "dpo"], "units": []}, by=me)
        )
    fewer = replace(me, roles=frozenset({"org_admin"}))
    with pytest.raises(NotAllowed, match=r"role\.own"):
        members.set_roles(person.database, about(member_id, version, {"roles": ["auditor"], "units": []}, by=fewer))


def test_roles_of_systems_and_invented_ones_are_refused(database: Database) -> None:
    for roles in (("sender_client",), ("subscriber", "auditor"), ("root",), ()):
        with pytest.raises(Invalid, match=r"role\.unknown"):
            invited(database, roles=roles)


def test_an_invitation_anew_voids_everything_that_was(person: Person, database: Database, access: Settings) -> None:
    person.sign_in(person.code())
    member_id, _ = member_of(person)
    members.disable_on_machine(database, org_key=KEY, login=LOGIN)
    again = come_in(database, access)
    assert rows(access, "SELECT id FROM member") == [(member_id,)]
    assert rows(access, "SELECT count(*) FROM recovery_code") == [(10,)]
    again.sign_in(again.code())


def test_new_roles_are_in_the_next_token(person: Person, database: Database) -> None:
    person.sign_in(person.code())
    member_id, version = member_of(person)
    given = {"roles": ["org_admin", "auditor"], "units": ["night"]}
    members.set_roles(database, about(member_id, version, given, by=admin()))
    assert (person.caller().roles, person.caller().units) == ({"org_admin", "auditor"}, {"night"})


def test_the_commands_list_and_disable(person: Person, database: Database) -> None:
    (listed,) = members.list_on_machine(database, org_key=KEY)
    assert (listed["login"], listed["status"], listed["roles"]) == (LOGIN, "active", ["org_admin"])
    assert members.list_on_machine(database, org_key=OTHER) == []
    with pytest.raises(NotFound):
        members.disable_on_machine(database, org_key=OTHER, login=LOGIN)
    members.disable_on_machine(database, org_key=KEY, login="LEADER@example.org")
    with pytest.raises(NotFound, match=r"organisation\.unknown"):
        members.list_on_machine(database, org_key="lt-kavk")


@pytest.mark.parametrize("table", TABLES)
def test_row_security_is_the_second_wall(table: str, person: Person, access: Settings) -> None:
    person.sign_in(person.code())
    person.keep(sessions.register_device(person.database, person.ask()))
    invited(person.database, "waiting@example.org")
    with psycopg.connect(access.database_url("access"), autocommit=True) as connection:
        count = f"SELECT count(*) FROM {table}".encode()
        change = f"UPDATE {table} SET org_id = org_id".encode()
        for org in (None, OTHER_ORG):
            with connection.transaction():
                connection.execute("SELECT set_config('tukiverkko.org', %s, true)", (str(org or ""),))
                assert connection.execute(count).fetchone() == (0,)
                assert connection.execute(change).rowcount == 0
    assert rows(access, f"SELECT count(*) FROM {table}") != [(0,)]
    forced = f"SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE relname = '{table}'"
    assert rows(access, forced) == [(True,)]


def test_the_look_ups_give_ids_only_and_nobody_else_may_ask(access: Settings) -> None:
    found = rows(
        access,
        """SELECT pg_get_function_result(p.oid), has_function_privilege('access_app', p.oid, 'EXECUTE'),
                  has_function_privilege('groups_app', p.oid, 'EXECUTE') FROM pg_proc AS p WHERE p.prosecdef
              AND p.proname IN ('session_of_token', 'invitation_of_token', 'organisations_with_ended_sessions')""",
    )
    ids = "TABLE(id uuid, org_id uuid, member_id uuid)"
    assert sorted(found) == [(ids, True, False), (ids, True, False), ("TABLE(org_id uuid)", True, False)]
