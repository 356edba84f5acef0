"""Access tokens: what is accepted, and the forged ones that are not."""

from __future__ import annotations

import base64
import json
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from chassis import identity
from chassis.errors import Unauthenticated
from chassis.identity import TokenVerifier, ensure_signing_key, issue_token
from chassis.settings import Settings

ORG = uuid.uuid4()


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    ensure_signing_key(tmp_path)
    return Settings(home=tmp_path)


def good(home: Settings, **changes: Any) -> str:
    asked = {"subject": "client:t", "org_id": ORG, "org_key": "lt-police", "roles": frozenset({"sender_worker"})}
    return issue_token(home, **{**asked, **changes})


def forged(home: Settings, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    key = ECKey.import_key(json.loads((home.home / "secrets" / "signing_key.json").read_text()))
    now = int(time.time())
    whole = {
        "iss": identity.ISSUER,
        "sub": "client:t",
        "org": str(ORG),
        "org_key": "lt-police",
        "aud": identity.AUDIENCE,
        "scope": "sender_worker",
        "iat": now,
        "nbf": now,
        "exp": now + 60,
        "jti": "j",
        **claims,
    }
    payload = json.dumps({name: value for name, value in whole.items() if value is not ...})
    return jws.serialize_compact(
        header or {"alg": "ES256", "typ": "at+jwt", "kid": key.kid},
        payload,
        key,
        registry=jws.JWSRegistry(strict_check_header=False),
    )


def test_a_token_names_the_caller(home: Settings) -> None:
    caller = TokenVerifier(home).verify(good(home))
    assert (caller.org_id, caller.org_key, caller.roles) == (ORG, "lt-police", {"sender_worker"})
    assert caller.is_system
    assert not TokenVerifier(home).verify(good(home, subject="member:1")).is_system


def test_the_forger_of_this_test_can_make_a_good_one(home: Settings) -> None:
    assert TokenVerifier(home).verify(forged(home)).org_id == ORG


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere"},
        {"aud": "other"},
        {"aud": ["tukiverkko"]},
        {"exp": 1},
        {"exp": int(time.time()) + 100_000},
        {"exp": "soon"},
        {"exp": True},
        {"nbf": int(time.time()) + 100_000},
        {"iat": int(time.time()) + 100_000},
        {"org": "lt-police"},
        {"org": None},
        {"scope": ["sender_worker"]},
        {"admin": True},
        {"sub": ...},
        {"exp": ...},
        {"jti": ...},
    ],
)
def test_a_signed_token_with_wrong_claims_is_refused(home: Settings, claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        TokenVerifier(home).verify(forged(home, **claims))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "ES256", "typ": "JWT"},
        {"alg": "ES256"},
        {"alg": "ES256", "typ": "at+jwt", "jku": "https://elsewhere/keys"},
        {"alg": "ES256", "typ": "at+jwt", "x5u": "https://elsewhere"},
        {"alg": "ES256", "typ": "at+jwt", "jwk": {"kty": "EC"}},
    ],
)
def test_a_signed_token_with_another_header_is_refused(home: Settings, header: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        TokenVerifier(home).verify(forged(home, header=header))


def test_unsigned_foreign_and_confused_tokens_are_refused(home: Settings) -> None:
    verifier, token = TokenVerifier(home), good(home)
    head, body, signature = token.split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').decode().rstrip("=")
    public = json.loads((home.home / "keys" / "jwks.json").read_text())["keys"][0]
    confused = jws.serialize_compact(
        {"alg": "HS256", "typ": "at+jwt"}, base64.urlsafe_b64decode(body + "=="), OctKey.import_key(json.dumps(public))
    )
    own = ECKey.generate_key("P-256", parameters={"kid": public["kid"]})
    foreign = jws.serialize_compact(
        {"alg": "ES256", "typ": "at+jwt", "kid": public["kid"]}, base64.urlsafe_b64decode(body + "=="), own,
        registry=jws.JWSRegistry(strict_check_header=False),
    )  # fmt: skip
    twice = base64.urlsafe_b64encode(b'{"alg":"ES256","alg":"ES256","typ":"at+jwt"}').decode().rstrip("=")
    for bad in (
        "", "x", "a.b", "a.b.c", "é.é.é", f"{head}.{body}.", f"{head}.{body}", f"{unsigned}.{body}.", confused, foreign,
        f"{unsigned}.{body}.{signature}", f"{twice}.{body}.{signature}", f"{head}.{body[:-4]}AAAA.{signature}",
        token + "A" * 5000, token[:-8] + "AAAAAAAA", "null", "{}", "\x00",
    ):  # fmt: skip
        with pytest.raises(Unauthenticated):
            verifier.verify(bad)


def test_a_cached_token_ends_with_its_time(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    verifier, token = TokenVerifier(home), good(home, seconds=30)
    verifier.verify(token)
    later = time.time() + 31
    monkeypatch.setattr(identity.time, "time", lambda: later)
    with pytest.raises(Unauthenticated):
        verifier.verify(token)


def test_a_new_key_set_is_seen_without_a_restart(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    verifier, token = TokenVerifier(home), good(home)
    verifier.verify(token)
    (home.home / "secrets" / "signing_key.json").unlink()
    ensure_signing_key(home.home)
    monkeypatch.setattr(identity, "KEY_CHECK_SECONDS", 0.0)
    with pytest.raises(Unauthenticated):
        verifier.verify(token)
    assert verifier.verify(good(home)).org_id == ORG
