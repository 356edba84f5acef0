"""Access on a real database, asked as its door asks it, without the door."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from chassis import clock
from chassis.db import Database
from chassis.envelope import Received
from chassis.errors import Refused
from chassis.identity import Caller, TokenVerifier
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from services.access.usecases import clients, documents, endpoint, operated
from services.access.usecases.clients import Made
from tests.support.client import CENTRE, POLICE, org_id
from tests.support.databases import root_url

VERSION = iter(range(1, 10_000))


@dataclass
class Access:
    """The use cases of access with two organisations, the police and a centre."""

    settings: Settings
    db: Database
    address: str = "192.0.2.1"

    def keep(self, key: str, status: str = "active") -> None:
        """What the directory tells of an organisation."""
        version = next(VERSION)
        values = {"key": key, "type": "crisis_centre", "country": "LT", "status": status, "version": version}
        told = Received(
            id=uuid.uuid4(), type="organisation.changed", version=1, source="directory", subject=org_id(key),
            audience="network", sequence=version, time=clock.now(), data=values,
        )  # fmt: skip
        with self.db.background("test") as work:
            documents.keep_organisation(work, told)

    def client(
        self, org: str = POLICE, roles: tuple[str, ...] = ("sender_client", "subscriber"), jwk: Any = None
    ) -> Made:
        """A registered client."""
        method = "private_key_jwt" if jwk else "client_secret"
        return operated.create_client(self.db, org_key=org, name="Case system", roles=roles, method=method, jwk=jwk)

    def ask(self, form: bytes, authorization: str = "", *, address: str = "") -> Outcome:
        """The token endpoint."""
        call = Call(
            route="POST /oauth/token", operation="token.issue", raw=form, credentials=authorization,
            client_address=address or self.address,
        )  # fmt: skip
        return endpoint.issue(self.db, self.settings, call)

    def refused(self, form: bytes, authorization: str = "", *, address: str = "") -> Refused:
        """The refusal of the token endpoint."""
        try:
            given = self.ask(form, authorization, address=address)
        except Refused as refusal:
            return refusal
        raise AssertionError(given)

    def caller_of(self, outcome: Outcome) -> Caller:
        """Who the token that came says one is."""
        return TokenVerifier(self.settings).verify(outcome.value["access_token"])

    def admin(self, org: str, *, subject: str = "client:admin", proved_at: int | None = None) -> Caller:
        """An administrator of an organisation."""
        return Caller(subject, org_id(org), org, frozenset({"org_admin"}), "t", None, frozenset(), proved_at)

    def standing(self) -> dict[str, Any]:
        """What processes are told."""
        found: dict[str, Any] = documents.standing(self.db, self.settings).value
        return found

    def rows(self, query: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """What is stored, seen by the superuser."""
        with psycopg.connect(root_url(self.settings, "access")) as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def audited(self) -> list[tuple[Any, ...]]:
        """Operation, object, organisation, subject and outcome of each audit row."""
        return self.rows("SELECT operation, object_id, org_id, subject, outcome FROM audit ORDER BY no")

    def by(self, caller: Caller, name: str, *, path: dict[str, Any] | None = None, **more: Any) -> Outcome:
        """A use case of an administrator."""
        call = Call(route=f"X {name}", operation=name, caller=caller, path=path or {}, raw=repr(more).encode(), **more)
        done: Outcome = getattr(clients, name)(self.db, call)
        return done


@contextmanager
def opened(settings: Settings) -> Iterator[Access]:
    """Access with its two organisations."""
    database = Database(settings, "access")
    made = Access(settings, database)
    try:
        for key in (POLICE, CENTRE):
            made.keep(key)
        yield made
    finally:
        database.close()
