"""Clients of an organisation in the hands of its administrator: own ones only, secrets shown once, all on record."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from chassis import paging
from chassis.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from chassis.settings import Settings
from services.access.rules.roles import ONLY_BY_NAME
from services.access.schemas import NewClient
from services.access.usecases.clients import NOT_SHOWN, SHOWN
from tests.integration.access_rig import Access, opened
from tests.support.client import CENTRE, POLICE, org_id
from tests.support.oauth import by_secret, new_key, public

BODY = {"name": "Case system", "roles": ["sender_client"], "method": "client_secret"}


@pytest.fixture
def access(service_database: Callable[..., Settings]) -> Iterator[Access]:
    with opened(service_database("access")) as made:
        yield made


def create(access: Access, org: str = POLICE, *, key: str | None = None, **changes: Any) -> Any:
    return access.by(access.admin(org), "create_client", body={**BODY, **changes}, idempotency_key=key)


def test_a_client_is_registered_and_its_secret_works(access: Access) -> None:
    made = create(access)
    assert made.version == 1
    assert made.location == f"/access/clients/{made.value['id']}"
    assert made.value["secret_note"] == SHOWN
    assert made.value["allowed_actions"] == ["rotate", "revoke"]
    token = access.ask(by_secret(made.value["id"], made.value["secret"]))
    assert access.caller_of(token).roles == {"sender_client"}
    assert access.audited()[0][:4] == ("client.create", made.value["id"], org_id(POLICE), "client:admin")


def test_a_repeat_says_plainly_that_the_secret_is_not_stored(access: Access) -> None:
    first, again = create(access, key="k-1"), create(access, key="k-1")
    assert again.value["id"] == first.value["id"]
    assert (again.value["secret"], again.value["secret_note"]) == (None, NOT_SHOWN)
    rotate = {"body": {"overlap_hours": 1}, "path": {"client_id": first.value["id"]}, "idempotency_key": "k-2"}
    turned = access.by(access.admin(POLICE), "rotate_client", expected_version=1, **rotate)
    repeated = access.by(access.admin(POLICE), "rotate_client", expected_version=1, **rotate)
    assert turned.value["secret"]
    assert (repeated.value["secret"], repeated.value["secret_note"], repeated.version) == (None, NOT_SHOWN, 2)
    assert access.rows("SELECT count(*) FROM client") == [(1,)]
    stored = str(access.rows("SELECT row_to_json(r)::text FROM request AS r"))
    assert first.value["secret"] not in stored
    assert turned.value["secret"] not in stored


@pytest.mark.parametrize("role", sorted(ONLY_BY_NAME))
def test_an_administrator_gives_no_role_of_the_network(access: Access, role: str) -> None:
    with pytest.raises(NotAllowed, match=r"role\.reserved"):
        create(access, roles=["sender_client", role])
    assert access.client(roles=(role,)).secret  # the operator does


def test_lists_show_own_clients_only_and_never_a_secret(access: Access) -> None:
    mine = [create(access, name=f"System {number}") for number in range(3)]
    create(access, CENTRE)
    first = access.by(access.admin(POLICE), "list_clients", query={"limit": 2}).value
    after = paging.position(first["next"])
    rest = access.by(access.admin(POLICE), "list_clients", query={"limit": 2, "cursor": first["next"]}).value
    listed = [*first["items"], *rest["items"]]
    assert [row["id"] for row in listed] == [made.value["id"] for made in reversed(mine)]
    assert after[1] == listed[1]["id"]
    assert not any(made.value["secret"] in str(listed) for made in mine)
    assert [len(row["credentials"]) for row in listed] == [1, 1, 1]


@pytest.mark.parametrize("name", ["show_client", "rotate_client", "revoke_client"])
def test_a_client_of_others_does_not_exist(access: Access, name: str) -> None:
    foreign, nothing = create(access, CENTRE).value["id"], uuid.uuid4()
    for client_id in (foreign, nothing):
        with pytest.raises(NotFound, match=r"resource\.not_found"):
            access.by(
                access.admin(POLICE), name, path={"client_id": client_id}, body={"overlap_hours": 0}, expected_version=1
            )
    assert access.rows("SELECT version, status FROM client") == [(1, "active")]
    assert access.standing()["revoked"] == {}


def test_versions_and_states_hold(access: Access) -> None:
    client_id = create(access).value["id"]
    path = {"client_id": client_id}
    admin = access.admin(POLICE)
    with pytest.raises(Stale):
        access.by(admin, "rotate_client", path=path, body={"overlap_hours": 1}, expected_version=7)
    done = access.by(admin, "revoke_client", path=path, expected_version=1)
    assert (done.value["status"], done.value["allowed_actions"], done.value["credentials"]) == ("revoked", [], [])
    for name in ("rotate_client", "revoke_client"):
        with pytest.raises(Conflict, match=r"client\.revoked"):
            access.by(admin, name, path=path, body={"overlap_hours": 1}, expected_version=2)


def test_a_person_proves_himself_again_before_he_touches_credentials(access: Access) -> None:
    now = int(time.time())
    for proved_at in (None, now - 3600):
        person = access.admin(POLICE, subject="member:1", proved_at=proved_at)
        with pytest.raises(NotAllowed, match=r"proof\.needed"):
            access.by(person, "create_client", body=dict(BODY))
    fresh = access.admin(POLICE, subject="member:1", proved_at=now - 10)
    made = access.by(fresh, "create_client", body=dict(BODY))
    stale = access.admin(POLICE, subject="member:1")
    path = {"client_id": made.value["id"]}
    assert access.by(stale, "revoke_client", path=path, expected_version=1).value["status"] == "revoked"


def key_of(algorithm: str, **changes: Any) -> dict[str, Any]:
    found = {**public(new_key(algorithm)), **changes}
    return {name: value for name, value in found.items() if value is not ...}


UNFIT = {
    "private": dict(new_key("ES256").as_dict(private=True)),
    "private rsa": dict(new_key("RS256").as_dict(private=True)),
    "symmetric": {"kty": "oct", "k": "AAAA"},
    "nothing": {},
    "kind as number": {"kty": 5},
    "another curve": {"kty": "EC", "crv": "P-384", "x": "A" * 64, "y": "A" * 64},
    "secp256k1": key_of("ES256", crv="secp256k1"),
    "ed448": key_of("EdDSA", crv="Ed448"),
    "no y": key_of("ES256", y=...),
    "off the curve": key_of("ES256", x="A" * 43),
    "short": key_of("ES256", x="AAAA"),
    "no base64": key_of("ES256", x="!" * 43),
    "number": key_of("ES256", x=7),
    "small modulus": key_of("RS256", n="x" * 170),
    "huge modulus": key_of("RS256", n="x" * 3000),
    "small exponent": key_of("RS256", e="Aw"),
    "key id as list": key_of("ES256", kid=["a"]),
    "long key id": key_of("ES256", kid="x" * 200),
}


@pytest.mark.parametrize("jwk", UNFIT.values(), ids=UNFIT)
def test_unfit_keys_are_not_registered(access: Access, jwk: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        create(access, method="private_key_jwt", jwk=jwk)
    assert access.rows("SELECT count(*) FROM client") == [(0,)]


def test_method_and_key_belong_together(access: Access) -> None:
    with pytest.raises(Invalid, match=r"client\.key_needed"):
        create(access, method="private_key_jwt")
    with pytest.raises(Invalid, match=r"client\.key_not_wanted"):
        create(access, jwk=key_of("ES256"))
    made = create(access, method="private_key_jwt", jwk=key_of("EdDSA", kid="x", use="sig"))
    assert (made.value["secret"], made.value["secret_note"]) == (None, None)
    assert made.value["credentials"][0]["kid"] == "x"


@pytest.mark.parametrize("name", ["", " ", "a\u202eb", "a\nb", "x" * 101])
def test_names_are_visible_text(name: str) -> None:
    assert "name" in NewClient().validate({**BODY, "name": name})
    assert NewClient().validate(BODY) == {}


@pytest.mark.parametrize("table", ["client", "client_credential", "issuer"])
def test_without_its_organisation_a_protected_table_shows_nothing(access: Access, table: str) -> None:
    create(access)
    url = access.settings.database_url("access")
    with psycopg.connect(url) as connection:
        assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchall() == [(0,)]
        connection.execute("SELECT set_config('tukiverkko.org', %s, true)", (str(org_id(CENTRE)),))
        assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchall() == [(0,)]
        connection.execute("SELECT set_config('tukiverkko.org', %s, true)", (str(org_id(POLICE)),))
        expected = 0 if table == "issuer" else 1
        assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchall() == [(expected,)]
