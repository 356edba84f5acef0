"""Makes secrets, database roles and databases; each step may be repeated and changes nothing the second time."""

from __future__ import annotations

import psycopg
from psycopg import sql

from chassis.identity import ensure_signing_key
from chassis.settings import SERVICES, Settings, ensure_secret
from deploy.local.faults import LocalFault
from deploy.local.postgres import superuser_url
from deploy.local.roles import ATTRIBUTES, Base, bases, role_names

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
        with psycopg.connect(superuser_url(settings), autocommit=True) as connection:
            for role in role_names():
                _make_role(connection, role, settings.secret(f"db_{role}"))
            for base in bases():
                make_database(connection, base)
        for base in bases():
            with psycopg.connect(superuser_url(settings, base.name), autocommit=True) as connection:
                for statement in base.inside:
                    connection.execute(_own(statement))
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        message = f"PostgreSQL on port {settings.postgres_port} refused the set-up: {reason}"
        raise LocalFault(message) from error


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
