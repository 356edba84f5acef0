"""A process's copy of what access says: taken, kept while access is away or odd, asked for early, not without end."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chassis import standing
from chassis.errors import Unauthenticated
from chassis.identity import TokenVerifier, ensure_signing_key, issue_token
from chassis.settings import Settings
from chassis.signing import public_keys, publish_next, sign_with_next
from chassis.standing import Follower
from tests.support.oauth import Issuer

ORG = uuid.uuid4()


@pytest.fixture
def access() -> Iterator[Issuer]:
    """Something that answers as access does."""
    with Issuer().running() as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, access: Issuer) -> Settings:
    ensure_signing_key(tmp_path)
    return replace(Settings(home=tmp_path), environment={"TUKIVERKKO_ACCESS_URL": access.url})


def says(access: Issuer, home: Settings, **changes: Any) -> None:
    usual = {"keys": public_keys(home.home), "revoked": {}, "inactive": []}
    access.answer = json.dumps({**usual, **changes}).encode()


def token(home: Settings) -> str:
    return issue_token(home, subject="client:t", org_id=ORG, org_key="lt-police", roles=frozenset({"r"}))


def is_good(verifier: TokenVerifier, text: str) -> bool:
    try:
        verifier.verify(text)
    except Unauthenticated:
        return False
    return True


def test_what_access_says_counts_and_the_last_copy_stays(access: Issuer, home: Settings) -> None:
    verifier, text = TokenVerifier(home), token(home)
    follower = Follower(home, verifier)
    assert is_good(verifier, text)  # by the file
    assert follower.age() == -1
    says(access, home, revoked={"client:t": 2**40})
    follower.look()
    assert not is_good(verifier, text)
    assert 0 <= follower.age() < 60
    access.status = 500
    follower.look()
    for odd in (b"", b"{}", b"[]", b'{"keys": []}', b"x" * 100):
        access.status, access.answer = 200, odd
        follower.look()
        assert not is_good(verifier, text)
    says(access, home, inactive=[str(ORG)])
    follower.look()
    assert not is_good(verifier, text)
    says(access, home)
    follower.look()
    assert is_good(verifier, text)


def test_a_redirection_is_not_followed(access: Issuer, home: Settings) -> None:
    verifier, text = TokenVerifier(home), token(home)
    says(access, home, revoked={"client:t": 2**40})
    access.status = 302
    Follower(home, verifier).look()
    assert access.asked == 1
    assert is_good(verifier, text)


def test_nobody_at_home_is_no_fault(home: Settings) -> None:
    away = replace(home, environment={"TUKIVERKKO_ACCESS_URL": "http://127.0.0.1:1"})
    verifier = TokenVerifier(away)
    Follower(away, verifier).look()
    assert is_good(verifier, token(home))


def test_an_unknown_key_asks_early_and_inventions_do_not_ask_without_end(
    access: Issuer, home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = TokenVerifier(home)
    follower = Follower(home, verifier)
    says(access, home)
    follower.look()
    publish_next(home.home)
    sign_with_next(home.home)
    says(access, home)
    verifier.ask_again = follower.look_soon
    text = token(home)
    for _ in range(5):
        assert not is_good(verifier, text)  # asked a moment ago
    assert access.asked == 1
    monkeypatch.setattr(standing, "SOONEST_SECONDS", 0.0)
    assert is_good(verifier, text)
    assert access.asked == 2
