"""Makes secrets, database roles and databases; each step may be repeated and changes nothing the second time."""

from __future__ import annotations

import psycopg
from psycopg import sql

from chassis.identity import ensure_signing_key
from chassis.settings import KEYS_DATABASE, SERVICES, Settings, ensure_secret
from deploy.local.faults import LocalFault
from deploy.local.postgres import CASES, KEYS, superuser_url
from deploy.local.roles import ATTRIBUTES, CLOSED, Base, bases, role_names

SECRETS = ("kek", "audit_key", "chain_key", "request_key", "contact_key")


def make_secrets(settings: Settings) -> None:
    """Make every secret of the home that is not there yet, and the signing key with its public half."""
    for role in role_names():
        ensure_secret(settings.home, f"db_{role}")
    for service in SERVICES:
        ensure_secret(settings.home, f"amqp_{service}")
    for name in SECRETS:
        ensure_secret(settings.home, name)
    ensure_signing_key(settings.home)


def make_databases(settings: Settings) -> None:
    """Make roles and databases. Raises LocalFault when PostgreSQL refuses."""
    try:
        _refuse_keys_beside_cases(settings)
        for base in bases():
            _make_base(settings, base)
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        message = f"PostgreSQL on port {settings.postgres_port} refused the set-up: {reason}"
        raise LocalFault(message) from error


def _make_base(settings: Settings, base: Base) -> None:
    with psycopg.connect(_beside(settings, base), autocommit=True) as connection:
        for role in role_names():
            _make_role(connection, role, settings.secret(f"db_{role}"))
        for statement in CLOSED:
            connection.execute(_own(statement))
        make_database(connection, base)
    with psycopg.connect(superuser_url(settings, base.name), autocommit=True) as connection:
        for statement in base.inside:
            connection.execute(_own(statement))


def _refuse_keys_beside_cases(settings: Settings) -> None:
    """An earlier version left the keys in the cluster of the cases; beside them an empty key store would be used."""
    if (settings.keys_host, settings.keys_port) == (settings.postgres_host, settings.postgres_port):
        return
    with psycopg.connect(superuser_url(settings), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (KEYS_DATABASE,)).fetchone():
            message = (
                f"This home is older than the PostgreSQL of keys: begin with a new home, or move the database "
                f"{KEYS_DATABASE} from port {settings.postgres_port} to port {settings.keys_port} yourself."
            )
            raise LocalFault(message)


def _beside(settings: Settings, base: Base) -> str:
    return superuser_url(settings, store=KEYS if base.name == KEYS_DATABASE else CASES)


def make_database(connection: psycopg.Connection, base: Base, *, template: str = "template1") -> None:
    """Make one database unless it exists, with its owner and its guests."""
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (base.name,)).fetchone():
        names = sql.Identifier(base.name), sql.Identifier(template)
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    for statement in base.outside:
        connection.execute(_own(statement))


def _make_role(connection: psycopg.Connection, role: str, password: str) -> None:
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    text = sql.SQL("ALTER ROLE {} {} PASSWORD {}")
    connection.execute(text.format(sql.Identifier(role), sql.SQL(ATTRIBUTES), sql.Literal(password)))


def _own(statement: str) -> sql.SQL:
    # every statement of roles.py is put together from our own constants
    return sql.SQL(statement)
