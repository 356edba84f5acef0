"""Roles and databases said once: the script for compose holds what the launcher applies."""

from __future__ import annotations

from chassis.settings import SERVICES
from deploy.local.roles import as_script, bases, role_names


def test_every_service_has_an_owner_and_an_app_role_and_keys_have_one_owner() -> None:
    expected = {f"{service}_{part}" for service in SERVICES for part in ("owner", "app")} | {"keys_owner"}
    assert set(role_names()) == expected


def test_the_script_says_every_statement_of_the_table() -> None:
    script = as_script(lambda role: f":'db_{role}'")
    for base in bases():
        assert f"\\connect {base.name}" in script
        assert all(f"{statement};" in script for statement in (*base.outside, *base.inside))
    assert all(f"PASSWORD :'db_{role}'" in script for role in role_names())


def test_no_role_may_pass_row_security_and_no_database_is_open_to_all() -> None:
    script = as_script(lambda _role: "''")
    assert script.count("NOBYPASSRLS") == len(role_names())
    assert all(f"REVOKE ALL ON DATABASE {base.name} FROM PUBLIC" in base.outside for base in bases())


def test_only_the_own_app_role_may_connect_to_a_service_database() -> None:
    guests = {base.name: base.guests for base in bases()}
    assert all(guests[f"tukiverkko_{service}"] == (f"{service}_app",) for service in SERVICES)
