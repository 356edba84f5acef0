"""The token endpoint on a real database: who gets a token, who does not, and what is on record."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from joserfc.jwk import OctKey

from chassis.errors import InvalidClient, OAuthRefused, Refused, TooManyRequests
from chassis.identity import ISSUER
from chassis.settings import Settings
from chassis.work import Work
from services.access.rules.throttle import PAIR
from services.access.usecases import operated
from tests.integration.access_rig import Access, opened
from tests.support.client import CENTRE, POLICE, org_id
from tests.support.oauth import assertion, basic, by_assertion, by_secret, new_key, public

GRANT = b"grant_type=client_credentials"


@pytest.fixture
def access(service_database: Callable[..., Settings]) -> Iterator[Access]:
    with opened(service_database("access")) as made:
        yield made


def secret_of(made: Any) -> str:
    assert made.secret is not None
    return str(made.secret)


def test_a_secret_gives_a_token_by_form_and_by_basic(access: Access) -> None:
    made = access.client()
    for given in (access.ask(by_secret(made.id, secret_of(made))), access.ask(GRANT, basic(made.id, secret_of(made)))):
        caller = access.caller_of(given)
        assert (caller.subject, caller.org_id, caller.org_key) == (f"client:{made.id}", org_id(POLICE), POLICE)
        assert caller.roles == {"sender_client", "subscriber"}
        assert given.value["token_type"] == "Bearer"
        assert given.value["expires_in"] == 600
        assert given.headers["Cache-Control"] == "no-store"
    assert access.audited()[1:] == [("token.issue", made.id, org_id(POLICE), f"client:{made.id}", "done")] * 2


def test_of_a_secret_only_the_hash_is_stored(access: Access) -> None:
    made = access.client()
    secret = secret_of(made)
    assert len(base64.urlsafe_b64decode(secret + "=")) == 32
    everything = access.rows("SELECT row_to_json(c)::text FROM client_credential AS c")
    assert len(everything) == 1
    assert secret not in everything[0][0]


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519", "EdDSA", "PS256", "RS256"])
def test_an_assertion_gives_a_token_once(access: Access, algorithm: str) -> None:
    key = new_key(algorithm, "mine")
    made = access.client(jwk=public(key))
    assert made.secret is None
    for audience in (ISSUER, f"{access.settings.public_url}/oauth/token", ["other", ISSUER]):
        text = assertion(key, made.id, algorithm=algorithm, aud=audience, header={"kid": "mine"})
        assert access.caller_of(access.ask(by_assertion(text))).subject == f"client:{made.id}"
        assert isinstance(access.refused(by_assertion(text)), InvalidClient)


def test_of_two_uses_at_once_one_counts(access: Access) -> None:
    key = new_key("ES256")
    made = access.client(jwk=public(key))
    text = by_assertion(assertion(key, made.id))

    def use(_: int) -> bool:
        try:
            access.ask(text)
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(use, range(4))) == [False, False, False, True]


NOW = int(time.time())
UNFIT: dict[str, dict[str, Any]] = {
    "of another client": {"iss": str(uuid.uuid4())},
    "another subject": {"sub": str(uuid.uuid4())},
    "another audience": {"aud": "https://elsewhere.example"},
    "audience of the resource": {"aud": "tukiverkko"},
    "no audience": {"aud": ...},
    "audience in parts": {"aud": {"a": ISSUER}},
    "expired": {"exp": NOW - 1},
    "too long": {"exp": NOW + 100_000},
    "no end": {"exp": ...},
    "end as text": {"exp": str(NOW + 60)},
    "end as truth": {"exp": True},
    "end as float": {"exp": NOW + 60.5},
    "issued later": {"iat": NOW + 5000},
    "valid later": {"nbf": NOW + 5000},
    "issued as text": {"iat": "now"},
    "no id": {"jti": ...},
    "empty id": {"jti": ""},
    "long id": {"jti": "x" * 500},
    "id as number": {"jti": 17},
}
HEADERS: dict[str, dict[str, Any]] = {
    "own key": {"jwk": {"kty": "EC"}},
    "address of keys": {"jku": "https://elsewhere.example"},
    "address of certificates": {"x5u": "https://elsewhere.example"},
    "certificates": {"x5c": ["MII"]},
    "critical": {"crit": ["exp"]},
    "unencoded": {"b64": False},
    "another type": {"typ": "secevent+jwt"},
    "key id as list": {"kid": ["a"]},
    "another key": {"kid": "../../secrets"},
}


@pytest.mark.parametrize("claims", UNFIT.values(), ids=UNFIT)
def test_an_unfit_assertion_is_refused(access: Access, claims: dict[str, Any]) -> None:
    key = new_key("ES256", "k")
    made = access.client(jwk=public(key))
    assert isinstance(access.refused(by_assertion(assertion(key, made.id, **claims))), InvalidClient)
    assert access.ask(by_assertion(assertion(key, made.id))).value["access_token"]  # the control


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_an_assertion_with_another_header_is_refused(access: Access, header: dict[str, Any]) -> None:
    key = new_key("ES256", "k")
    made = access.client(jwk=public(key))
    text = assertion(key, made.id, header=header)
    assert isinstance(access.refused(by_assertion(text, client_id=str(made.id))), InvalidClient)
    assert access.ask(by_assertion(assertion(key, made.id, header={"typ": ...}))).value  # the control


def test_foreign_and_confused_signatures_are_refused(access: Access) -> None:
    mine, rsa = new_key("ES256", "k"), new_key("RS256", "r")
    ec_client, rsa_client = access.client(jwk=public(mine)), access.client(jwk=public(rsa))
    shared = OctKey.import_key(str(public(rsa)["n"]))
    secret = access.client()
    for text in (
        assertion(new_key("ES256", "k"), ec_client.id),  # somebody else's key under the same name
        assertion(rsa, ec_client.id, algorithm="RS256"),
        assertion(mine, rsa_client.id),
        assertion(shared, rsa_client.id, algorithm="HS256"),  # type: ignore[arg-type]
        assertion(mine, secret.id),  # a client that has no key
        assertion(mine, uuid.uuid4()),
        "eyJhbGciOiJub25lIn0.e30.",
        "x", "", "a.b.c", "e30.e30.e30",
    ):  # fmt: skip
        assert isinstance(access.refused(by_assertion(text), address=str(uuid.uuid4())), InvalidClient | OAuthRefused)
    assert access.ask(by_assertion(assertion(rsa, rsa_client.id, algorithm="RS256"))).value


def test_unknown_client_and_wrong_secret_are_the_same(access: Access) -> None:
    made, keyed = access.client(), access.client(jwk=public(new_key("ES256")))
    refusals = [
        access.refused(by_secret(*each))
        for each in ((made.id, "x"), (uuid.uuid4(), secret_of(made)), ("no uuid", "x"), (keyed.id, "x"), (made.id, "é"))
    ]
    assert {(type(each), each.code, each.detail, each.status) for each in refusals} == {
        (InvalidClient, "invalid_client", "The client is not known or its credentials are wrong.", 401)
    }


def test_unknown_client_costs_the_same_questions(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    made, key = access.client(), new_key("ES256")
    asked: list[str] = []
    plain = Work._send
    monkeypatch.setattr(Work, "_send", lambda self, each: asked.extend(s.query for s in each) or plain(self, each))
    seen = []
    for form in (by_secret(made.id, "x"), by_secret(uuid.uuid4(), "x"), by_assertion(assertion(key, made.id)),
                 by_assertion(assertion(key, uuid.uuid4()))):  # fmt: skip
        asked.clear()
        access.refused(form, address=str(uuid.uuid4()))
        seen.append(list(asked))
    assert seen[0] == seen[1] == seen[2] == seen[3]


@pytest.mark.parametrize(
    ("form", "authorization", "code"),
    [
        (b"", "", "invalid_request"),
        (b"grant_type=password", "", "unsupported_grant_type"),
        (b"grant_type=authorization_code&code=x", "", "unsupported_grant_type"),
        (GRANT + b"&grant_type=client_credentials", "", "invalid_request"),
        (b"\xff\xfe", "", "invalid_request"),
        (b"grant_type=%ff", "", "invalid_request"),
        (b"{}", "", "invalid_request"),
        (b"&".join(b"p%d=1" % number for number in range(30)), "", "invalid_request"),
        (GRANT, "", "invalid_client"),
        (GRANT, "Basic", "invalid_client"),
        (GRANT, "Basic !!!", "invalid_client"),
        (GRANT, "Basic " + base64.b64encode(b"no colon").decode(), "invalid_client"),
        (GRANT, "Digest username=x", "invalid_client"),
        (GRANT + b"&client_id=x&client_secret=y", basic("x", "y"), "invalid_request"),
        (GRANT + b"&client_id=x&client_secret=y&client_assertion=z", "", "invalid_request"),
        (GRANT + b"&client_assertion=a.b.c", "", "invalid_request"),
        (GRANT + b"&client_id=%00&client_secret=%00", "", "invalid_client"),
        (GRANT + b"&client_id=' OR 1=1--&client_secret=x", "", "invalid_client"),
        (b"grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer", "", "invalid_request"),
    ],
)
def test_what_the_form_may_not_be(access: Access, form: bytes, authorization: str, code: str) -> None:
    assert access.refused(form, authorization).code == code


def test_a_scope_narrows_and_never_widens(access: Access) -> None:
    made = access.client()
    narrow = access.ask(by_secret(made.id, secret_of(made), scope="subscriber"))
    assert access.caller_of(narrow).roles == {"subscriber"}
    for scope in ("operator", "subscriber dpo", "everything"):
        assert access.refused(by_secret(made.id, secret_of(made), scope=scope)).code == "invalid_scope"


def test_rotation_keeps_two_and_ends_the_older(access: Access) -> None:
    made = access.client()
    secrets = [secret_of(made)]
    for _ in range(2):
        renewed = operated.rotate_client(access.db, org_key=POLICE, client_id=made.id, jwk=None, overlap_hours=24)
        secrets.append(secret_of(renewed))
    first, second, third = secrets
    assert isinstance(access.refused(by_secret(made.id, first)), InvalidClient)
    for secret in (second, third):
        assert access.ask(by_secret(made.id, secret)).value
    assert access.rows("SELECT count(*) FROM client_credential") == [(2,)]
    assert access.standing()["revoked"] == {}


def test_rotation_without_overlap_ends_secret_and_tokens(access: Access) -> None:
    made = access.client()
    renewed = operated.rotate_client(access.db, org_key=POLICE, client_id=made.id, jwk=None, overlap_hours=0)
    assert isinstance(access.refused(by_secret(made.id, secret_of(made))), InvalidClient)
    assert access.ask(by_secret(made.id, secret_of(renewed))).value
    assert list(access.standing()["revoked"]) == [f"client:{made.id}"]


def test_a_secret_ends_with_its_time(access: Access) -> None:
    made = access.client()
    access.rows("UPDATE client_credential SET expires_at = now() - interval '1 s' RETURNING id")
    assert isinstance(access.refused(by_secret(made.id, secret_of(made))), InvalidClient)


def test_a_revoked_client_and_a_suspended_organisation_get_none(access: Access) -> None:
    made, other = access.client(), access.client()
    operated.revoke_client(access.db, org_key=POLICE, client_id=made.id)
    assert isinstance(access.refused(by_secret(made.id, secret_of(made))), InvalidClient)
    assert f"client:{made.id}" in access.standing()["revoked"]
    access.keep(POLICE, "suspended")
    refusal = access.refused(by_secret(other.id, secret_of(other)))
    assert refusal.code == "unauthorized_client"
    assert access.standing()["inactive"] == [org_id(POLICE)]
    access.keep(POLICE, "active")
    assert access.ask(by_secret(other.id, secret_of(other))).value


def test_failures_are_on_record_and_slow_down_without_a_lock(access: Access) -> None:
    made, right = access.client(), access.client(CENTRE)
    for _ in range(PAIR.free):
        assert isinstance(access.refused(by_secret(made.id, "wrong")), InvalidClient)
    slowed = access.refused(by_secret(made.id, secret_of(made)))
    assert isinstance(slowed, TooManyRequests)  # even the right one waits, here
    assert 1 <= slowed.retry_after <= 2
    assert access.ask(by_secret(made.id, secret_of(made)), address="192.0.2.99").value  # and not elsewhere
    assert access.ask(by_secret(right.id, secret_of(right))).value  # nor do others at this address
    refused = [row for row in access.audited() if row[0] == "token.refuse"]
    assert refused == [("token.refuse", made.id, None, "access", "refused")] * PAIR.free
    time.sleep(slowed.retry_after)
    assert access.ask(by_secret(made.id, secret_of(made))).value
    assert isinstance(access.refused(by_secret(made.id, "wrong")), InvalidClient)  # a success has set the count back
    kept = access.rows("SELECT row_to_json(a)::text FROM attempt AS a")
    assert not any(access.address in text or str(made.id) in text for (text,) in kept)


def test_the_wait_grows_and_an_invented_name_does_not_escape_it(access: Access) -> None:
    for _ in range(PAIR.free + 1):
        access.rows("UPDATE attempt SET last_at = last_at - interval '2 minutes' RETURNING hash")
        access.refused(by_secret("nobody", "x"))
    second = access.refused(by_secret("nobody", "x"))
    assert isinstance(second, TooManyRequests)
    assert second.retry_after == 2
    access.rows("UPDATE attempt SET failures = 60 RETURNING hash")
    other = access.refused(by_secret("somebody", "x"))
    assert isinstance(other, TooManyRequests)  # by the address alone, and shortly
    assert other.retry_after <= 10
