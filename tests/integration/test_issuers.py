"""Tokens of a trusted issuer, served by a real one on the loopback, are exchanged for ours; all others are not."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import OctKey

from chassis.errors import Conflict, Invalid, NotFound, OAuthRefused
from chassis.settings import Settings
from services.access.usecases import issuer_keys, operated
from services.access.usecases.exchange import KEYS
from services.access.usecases.operated import Trust
from tests.integration.access_rig import Access, opened
from tests.support.client import CENTRE, POLICE, org_id
from tests.support.oauth import Issuer, by_exchange, new_key, public, signed

ROLES = ("sender_client", "subscriber")


@pytest.fixture
def access(service_database: Callable[..., Settings]) -> Iterator[Access]:
    with opened(service_database("access")) as made:
        yield made


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    KEYS._kept.clear()
    with Issuer().running() as made:
        yield made


def trust(access: Access, issuer: Issuer, org: str = POLICE, **changes: Any) -> uuid.UUID:
    usual = {"issuer": issuer.url, "jwks_uri": issuer.url + "/certs", "audience": "tukiverkko", "claim": "azp"}
    wanted = Trust(**{**usual, "value": "case-system", **changes})
    return operated.add_issuer(access.db, access.settings, org_key=org, trust=wanted, roles=ROLES)


def test_a_token_of_a_trusted_issuer_is_exchanged_once(access: Access, issuer: Issuer) -> None:
    row = trust(access, issuer)
    token = by_exchange(issuer.token())
    given = access.caller_of(access.ask(token))
    assert (given.org_id, given.org_key, given.subject, given.roles) == (
        org_id(POLICE), POLICE, f"client:{row}", set(ROLES),
    )  # fmt: skip
    assert access.refused(token).code == "invalid_grant"
    narrow = access.ask(by_exchange(issuer.token(), scope="subscriber"))
    assert access.caller_of(narrow).roles == {"subscriber"}
    assert access.refused(by_exchange(issuer.token(), scope="dpo")).code == "invalid_scope"
    operations = [each[0] for each in access.audited()]
    assert operations == ["issuer.add", "token.issue", "token.refuse", "token.issue"]


def test_the_claim_says_which_organisation(access: Access, issuer: Issuer) -> None:
    trust(access, issuer)
    trust(access, issuer, CENTRE, value="centre-system")
    trust(access, issuer, CENTRE, claim="groups", value="centre")
    given = {
        value: access.caller_of(access.ask(by_exchange(issuer.token(azp=value)))).org_key
        for value in ("case-system", "centre-system")
    }
    assert given == {"case-system": POLICE, "centre-system": CENTRE}
    listed = access.ask(by_exchange(issuer.token(azp="other", groups=["a", "centre"])))
    assert access.caller_of(listed).org_key == CENTRE
    assert access.refused(by_exchange(issuer.token(azp="nobody"))).code == "invalid_grant"
    with pytest.raises(Conflict):
        trust(access, issuer, CENTRE)  # the same value cannot lead to two


NOW = int(time.time())
UNFIT: dict[str, dict[str, Any]] = {
    "audience": {"aud": "another"},
    "no audience": {"aud": ...},
    "issuer": {"iss": "https://elsewhere.example"},
    "broken issuer": {"iss": "a\u0000b"},
    "half a character": {"iss": "\ud800"},
    "issuer as list": {"iss": ["x"]},
    "expired": {"exp": NOW - 10},
    "too long": {"exp": NOW + 1_000_000},
    "no end": {"exp": ...},
    "later": {"nbf": NOW + 5000},
    "no subject": {"sub": ...},
    "no id": {"jti": ...},
}


@pytest.mark.parametrize("claims", UNFIT.values(), ids=UNFIT)
def test_an_unfit_token_is_not_exchanged(access: Access, issuer: Issuer, claims: dict[str, Any]) -> None:
    trust(access, issuer)
    assert access.refused(by_exchange(issuer.token(**claims))).code == "invalid_grant"
    assert access.ask(by_exchange(issuer.token())).value


def test_signatures_of_others_do_not_count(access: Access, issuer: Issuer) -> None:
    trust(access, issuer)
    with Issuer().running() as other:
        other.url = issuer.url
    shared = OctKey.import_key(json.dumps(public(issuer.keys["k1"])))
    claims = {"iss": issuer.url, "sub": "s", "aud": "tukiverkko", "azp": "case-system", "exp": NOW + 200, "jti": "j"}
    for text in (
        other.token(),
        other.token(header={"jwk": public(other.keys["k1"])}),
        signed(shared, claims, algorithm="HS256", kid="k1"),
        signed(new_key("ES256"), claims, kid="k1"),
        issuer.token(header={"kid": ...}),
        issuer.token(algorithm="RS512"),
        "eyJhbGciOiJub25lIn0.e30.",
        "x" * 20_000,
    ):
        refusal = access.refused(by_exchange(text), address=str(uuid.uuid4()))
        assert isinstance(refusal, OAuthRefused)
        assert refusal.code == "invalid_grant"


def test_new_keys_are_seen_and_unknown_ones_do_not_make_us_ask_without_end(
    access: Access, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(access, issuer)
    assert access.ask(by_exchange(issuer.token())).value
    assert issuer.asked == 1
    issuer.keys["k2"] = new_key("ES256", "k2")
    for _ in range(3):
        assert access.refused(by_exchange(issuer.token(kid="k2", algorithm="ES256"))).code == "invalid_grant"
    assert issuer.asked == 1
    monkeypatch.setattr(issuer_keys, "SOONEST_SECONDS", 0.0)
    assert access.ask(by_exchange(issuer.token(kid="k2", algorithm="ES256"))).value
    assert issuer.asked == 2


ODD: dict[str, dict[str, Any]] = {
    "no json": {"answer": b"<html>"},
    "no set": {"answer": b"[]"},
    "too many": {"answer": json.dumps({"keys": [{}] * 100}).encode()},
    "too large": {"answer": b'{"keys": [], "x": "' + b"x" * 300_000 + b'"}'},
    "elsewhere": {"status": 302},
    "fault": {"status": 500},
}


@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_an_issuer_that_behaves_oddly_is_not_believed(access: Access, issuer: Issuer, change: dict[str, Any]) -> None:
    trust(access, issuer)
    for name, value in change.items():
        setattr(issuer, name, value)
    assert access.refused(by_exchange(issuer.token())).code == "invalid_grant"
    assert issuer.asked == 1  # a redirection is not followed


def test_a_slow_issuer_ends(access: Access, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer_keys, "LONGEST_SECONDS", 0.0)
    trust(access, issuer)
    assert access.refused(by_exchange(issuer.token())).code == "invalid_grant"


def test_weak_published_keys_are_passed_over(access: Access, issuer: Issuer) -> None:
    trust(access, issuer)
    weak = [
        {**public(issuer.keys["k1"]), "use": "enc"},
        {**public(issuer.keys["k1"]), "alg": "RS512"},
        {"kty": "oct", "k": "AAAA", "kid": "k1"},
        7,
    ]
    issuer.answer = json.dumps({"keys": weak}).encode()
    assert access.refused(by_exchange(issuer.token())).code == "invalid_grant"


def test_trust_ends_with_its_row(access: Access, issuer: Issuer) -> None:
    row = trust(access, issuer)
    assert [each.id for each in operated.list_issuers(access.db)] == [row]
    operated.remove_issuer(access.db, row)
    assert access.refused(by_exchange(issuer.token())).code == "invalid_grant"
    assert list(access.standing()["revoked"]) == [f"client:{row}"]
    with pytest.raises(NotFound):
        operated.remove_issuer(access.db, row)


@pytest.mark.parametrize("uri", ["http://id.example/certs", "ftp://id.example", "https://", "file:///etc/passwd", "x"])
def test_keys_come_over_https_only(access: Access, issuer: Issuer, uri: str) -> None:
    with pytest.raises(Invalid, match=r"issuer\.not_https"):
        trust(access, issuer, jwks_uri=uri)


def test_the_loopback_is_no_way_round_in_production(access: Access, issuer: Issuer) -> None:
    trust(access, issuer)
    access.settings = replace(access.settings, profile="production")
    assert access.refused(by_exchange(issuer.token())).code == "invalid_grant"
    assert issuer.asked == 0
    with pytest.raises(Invalid, match=r"issuer\.not_https"):
        trust(access, issuer, value="other")


def test_a_suspended_organisation_gets_none(access: Access, issuer: Issuer) -> None:
    trust(access, issuer)
    access.keep(POLICE, "suspended")
    assert access.refused(by_exchange(issuer.token())).code == "unauthorized_client"
