"""Who may do what, in every database and at the broker, as it really is, against files that people have read.

When a migration or a right changed on purpose: `make permissions`, then read the difference before it is committed.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from chassis.db import Database
from chassis.management import Management
from chassis.settings import SERVICES, Settings
from deploy.local.postgres import superuser_url
from deploy.local.roles import role_names
from services.subscriptions.usecases import Grant, create_grant
from tests.integration.subscriptions_rig import know
from tests.support.databases import root_url
from tests.support.permissions import PUBLIC, lines_of, roles

FOLDER = Path(__file__).parent / "permissions"
WRITE = "TUKIVERKKO_WRITE_PERMISSIONS"
Make = Callable[..., Settings]


def compare(name: str, lines: list[str]) -> None:
    """Hold lines against the committed file, or write it."""
    path, text = FOLDER / f"{name}.txt", "\n".join(lines) + "\n"
    if os.environ.get(WRITE):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8").splitlines() == lines, "changed on purpose? `make permissions`"


@pytest.fixture
def database(service_database: Make, settings: Settings) -> Callable[[str], str]:
    """The superuser's address of a fresh database of a service, or of the keys."""

    def address(name: str) -> str:
        if name == "keys":
            return superuser_url(settings, settings.keys_url(SERVICES[0]).rpartition("/")[2])
        return root_url(service_database(name), name)

    return address


@pytest.mark.parametrize("name", [*SERVICES, "keys"])
def test_a_database_is_open_to_whom_the_file_says_and_to_nobody_else(database: Callable[[str], str], name: str) -> None:
    with psycopg.connect(database(name)) as connection:
        lines = list(lines_of(connection))
    assert not [line for line in lines if PUBLIC in line and "security definer" in line]
    open_to_all = [line for line in lines if f": {PUBLIC}" in line or f"; {PUBLIC}" in line]
    # functions that run with the caller's own rights give nothing away; everything else is closed to all
    assert all(re.match(rf"function .*{PUBLIC} EXECUTE", line) for line in open_to_all), open_to_all
    compare(name, lines)


def test_the_comparison_can_fail(database: Callable[[str], str]) -> None:
    with psycopg.connect(database("referrals")) as connection:
        connection.execute("GRANT DELETE ON audit TO referrals_app")
        connection.execute("GRANT UPDATE (state) ON leg TO groups_app")
        connection.execute("ALTER FUNCTION acting_org SECURITY DEFINER")
        changed = set(lines_of(connection)) - set((FOLDER / "referrals.txt").read_text(encoding="utf-8").splitlines())
        connection.rollback()
    assert {line.split(" (")[0] for line in changed} == {
        "table public.audit",
        "column public.leg.state",
        "function acting_org()",
    }


def test_no_role_is_more_than_one_that_may_sign_in(settings: Settings) -> None:
    with psycopg.connect(superuser_url(settings)) as connection:
        assert roles(connection, role_names()) == dict.fromkeys(role_names(), "login")


OPEN = """
SELECT datname FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) AS held
 WHERE held.grantee = 0 AND datname IN ('postgres', 'template1')
"""


def test_nobody_gets_into_the_databases_that_postgres_brings(settings: Settings) -> None:
    with psycopg.connect(superuser_url(settings)) as connection:
        assert not connection.execute(OPEN.encode()).fetchall()


@pytest.fixture
def granted(vhost: Settings, service_database: Make) -> Iterator[tuple[Settings, Grant]]:
    """A virtual host with one partner's grant."""
    both = service_database("subscriptions", into=vhost)
    key = f"lt-{uuid.uuid4().hex[:8]}"
    with closing(Database(both, "subscriptions")) as opened:
        know(opened, key)
        made = create_grant(opened, both, org_key=key, name="main")
    yield both, made
    Management(both).delete("users", made.user)


def test_a_broker_user_has_the_rights_that_the_file_says(granted: tuple[Settings, Grant]) -> None:
    settings, grant = granted
    management = Management(settings)
    users = {user["name"]: user for user in management.get("users")}
    ours = ("admin", *SERVICES, grant.user)
    lines = [f"user {name}: tags {' '.join(_tags(users[name])) or 'none'}" for name in ours]
    lines += [
        f"permission {row['user']}: configure {row['configure']}  write {row['write']}  read {row['read']}"
        for row in _sorted(management.get("permissions"), settings)
    ]
    lines += [
        f"topic {row['user']} at {row['exchange']}: write {row['write']}  read {row['read']}"
        for row in _sorted(management.get("topic-permissions"), settings)
    ]
    compare("broker", [_without_chance(line, grant) for line in lines])
    assert all(not _tags(users[name]) for name in ours if name != "admin")


def _sorted(found: list[dict[str, Any]], settings: Settings) -> list[dict[str, Any]]:
    mine = [row for row in found if row["vhost"] == settings.vhost]
    return sorted(mine, key=lambda row: (row["user"].startswith("partner."), row["user"], row.get("exchange", "")))


def _tags(user: dict[str, Any]) -> list[str]:
    tags = user["tags"]
    return sorted(tags if isinstance(tags, list) else [tag for tag in tags.split(",") if tag])


def _without_chance(line: str, grant: Grant) -> str:
    named = ((re.escape(grant.queue), "QUEUE"), (grant.queue, "QUEUE"), (grant.user, "PARTNER"))
    for text, name in (*named, (str(grant.org_id), "ORGANISATION")):
        line = line.replace(text, name)
    return line
