"""Access on a real database: development tokens, their audit, and the copy of the organisations."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.envelope import Received
from chassis.errors import Conflict, Invalid, NotAllowed, NotFound
from chassis.identity import TokenVerifier
from chassis.keyed_ids import id_of_key
from chassis.settings import Settings
from services.access.rules import roles as rules
from services.access.usecases import documents as usecases
from tests.support.databases import root_url

KEY = "lt-kavkc"
ORG = id_of_key("organisation", KEY)


@pytest.fixture
def access(service_database: Callable[..., Settings]) -> Settings:
    return service_database("access")


@pytest.fixture
def database(access: Settings) -> Iterator[Database]:
    made = Database(access, "access")
    keep(made)
    yield made
    made.close()


def keep(database: Database, *, status: str = "active", version: int = 1) -> None:
    values = {"key": KEY, "type": "crisis_centre", "country": "LT", "status": status, "version": version}
    told = Received(
        id=uuid.uuid4(), type="organisation.changed", version=1, source="directory", subject=ORG, audience="network",
        sequence=version, time=clock.now(), data=values,
    )  # fmt: skip
    with database.background("test") as work:
        usecases.keep_organisation(work, told)


def audited(settings: Settings) -> list[tuple[object, ...]]:
    with psycopg.connect(root_url(settings, "access")) as connection:
        return connection.execute("SELECT operation, object_id, subject FROM audit ORDER BY no").fetchall()


def test_a_token_acts_for_the_organisation_and_is_audited(access: Settings, database: Database) -> None:
    token = usecases.issue_development_token(database, access, org_key=KEY)
    caller = TokenVerifier(access).verify(token)
    assert (caller.org_id, caller.org_key, caller.subject) == (ORG, KEY, f"client:development:{KEY}")
    assert caller.roles == rules.default_roles()
    assert caller.is_system
    assert audited(access) == [("token.issue", ORG, "command:token")]


def test_a_scope_narrows_or_names_what_does_not_come_by_itself(access: Settings, database: Database) -> None:
    token = usecases.issue_development_token(database, access, org_key=KEY, scope=("subscriber", "network_admin"))
    assert TokenVerifier(access).verify(token).roles == {"subscriber", "network_admin"}


def test_refusals_help_and_leave_no_trace(access: Settings, database: Database) -> None:
    with pytest.raises(NotFound, match=r"organisation\.unknown") as unknown:
        usecases.issue_development_token(database, access, org_key="lt-kavk")
    assert KEY in unknown.value.detail
    with pytest.raises(Invalid, match=r"role\.unknown"):
        usecases.issue_development_token(database, access, org_key=KEY, scope=("root",))
    with pytest.raises(NotAllowed, match=r"token\.development_only"):
        usecases.issue_development_token(database, replace(access, profile="production"), org_key=KEY)
    keep(database, status="suspended", version=2)
    with pytest.raises(Conflict, match=r"organisation\.not_active"):
        usecases.issue_development_token(database, access, org_key=KEY)
    keep(database, status="active", version=1)  # late and older: changes nothing
    with pytest.raises(Conflict):
        usecases.issue_development_token(database, access, org_key=KEY)
    assert audited(access) == []


def test_the_public_documents_hold_no_private_member(access: Settings) -> None:
    keys = usecases.public_keys(access)
    assert keys.headers["Cache-Control"].startswith("public")
    assert [set(key) & {"d", "p", "q", "k"} for key in keys.value["keys"]] == [set()]
    metadata = usecases.server_metadata(access)
    assert metadata.value["jwks_uri"].endswith("/.well-known/jwks.json")
