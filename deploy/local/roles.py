"""Database roles and databases of the network, said once: the launcher applies them, compose gets them as SQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chassis.settings import KEYS_DATABASE, SERVICES

KEYS_OWNER = "keys_owner"
CLOSED = tuple(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC" for name in ("postgres", "template1"))
"""Every role could otherwise connect to the databases that PostgreSQL itself brings."""

ATTRIBUTES = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION"


@dataclass(frozen=True)
class Base:
    """One database: who owns it, who may connect, and what is said inside it (each statement may be repeated)."""

    name: str
    owner: str
    guests: tuple[str, ...]
    inside: tuple[str, ...]

    @property
    def outside(self) -> tuple[str, ...]:
        """Statements about the database itself; a copy of it needs them again."""
        grants = tuple(f"GRANT CONNECT ON DATABASE {self.name} TO {guest}" for guest in self.guests)
        return (
            f"ALTER DATABASE {self.name} OWNER TO {self.owner}",
            f"REVOKE ALL ON DATABASE {self.name} FROM PUBLIC",
            *grants,
        )


def role_names() -> tuple[str, ...]:
    """Every login role; the secret of role X is the file db_X."""
    return (*(f"{service}_{part}" for service in SERVICES for part in ("owner", "app")), KEYS_OWNER)


def service_base(service: str, name: str | None = None) -> Base:
    """The database of one service: its owner role makes tables, its app role has no right but what migrations grant."""
    owner, app = f"{service}_owner", f"{service}_app"
    inside = (
        f"ALTER SCHEMA public OWNER TO {owner}",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA public TO {app}",
    )
    return Base(name or f"tukiverkko_{service}", owner, (app,), inside)


def keys_base(name: str = KEYS_DATABASE) -> Base:
    """The database of wrapped keys: a schema per service, so that none sees the keys of another."""
    closed = ("REVOKE ALL ON SCHEMA public FROM PUBLIC",)
    schemas = tuple(
        statement
        for service in SERVICES
        for statement in (
            f"CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {KEYS_OWNER}",
            f"GRANT USAGE ON SCHEMA {service} TO {service}_app",
        )
    )
    return Base(name, KEYS_OWNER, tuple(f"{service}_app" for service in SERVICES), closed + schemas)


def bases() -> tuple[Base, ...]:
    """Every database of the network."""
    return (*(service_base(service) for service in SERVICES), keys_base())


def as_script(password: Callable[[str], str]) -> str:
    """The whole as a psql script; `password` gives the quoted secret of a role (for compose a psql variable)."""
    lines = [
        "-- Made from deploy/local/roles.py; run by psql as superuser, as often as you like.",
        "\\set ON_ERROR_STOP on",
    ]
    for role in role_names():
        missing = f"WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')"
        lines += [
            f"SELECT 'CREATE ROLE {role}' {missing} \\gexec",
            f"ALTER ROLE {role} {ATTRIBUTES} PASSWORD {password(role)};",
        ]
    lines += [f"{statement};" for statement in CLOSED]
    for base in bases():
        missing = f"WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{base.name}')"
        lines += [f"SELECT 'CREATE DATABASE {base.name}' {missing} \\gexec", *(f"{text};" for text in base.outside)]
        lines += [f"\\connect {base.name}", *(f"{text};" for text in base.inside)]
    return "\n".join(lines) + "\n"
