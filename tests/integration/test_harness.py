"""The harness itself: fresh migrated databases, separate virtual hosts, roles with the least rights."""

from __future__ import annotations

from collections.abc import Callable

import amqp
import psycopg
import pytest

from chassis.settings import SERVICES, Settings
from tests.support.databases import owner_url


@pytest.mark.parametrize("service", SERVICES)
def test_a_fresh_database_takes_the_app_role_which_owns_nothing(
    service_database: Callable[..., Settings], service: str
) -> None:
    settings = service_database(service)
    with psycopg.connect(settings.database_url(service)) as connection:
        row = connection.execute(
            "SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert row == (f"{service}_app", False, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine (no int)")
    with psycopg.connect(owner_url(settings, service)) as connection:
        connection.execute("CREATE TABLE mine (no int)")


def test_a_service_cannot_enter_the_database_of_another(service_database: Callable[..., Settings]) -> None:
    settings = service_database("referrals")
    name = settings.database_url("referrals").rpartition("/")[2]
    foreign = f"{settings.database_url('groups').rpartition('/')[0]}/{name}"
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(foreign)


def test_a_service_reaches_its_own_schema_of_keys_only(settings: Settings) -> None:
    with psycopg.connect(settings.keys_url("referrals")) as connection:
        seen = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s) AND has_schema_privilege(nspname, 'USAGE')",
            (list(SERVICES),),
        ).fetchall()
    assert seen == [("referrals",)]


def test_each_test_has_a_virtual_host_of_its_own(vhost: Settings) -> None:
    with amqp.Connection(
        f"127.0.0.1:{vhost.amqp_port}", "referrals", vhost.secret("amqp_referrals"), virtual_host=vhost.vhost
    ) as connection:
        assert connection.connected
