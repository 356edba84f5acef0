"""Rules of clients and tokens: keys, roles, forms, assertions and the growing wait."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from chassis.errors import InvalidClient, NotAllowed, NotFound, OAuthRefused, Refused, TooManyRequests, Unavailable
from chassis.oauth import ERRORS, oauth_error_of, oauth_fault
from chassis.problems import DeadlinePassed, TooLarge, WrongMediaType
from chassis.schema import unclassified
from chassis.signing import ensure_signing_key, public_keys
from chassis.standing import standing_of
from deploy.local.cli import main
from deploy.local.commands import trust
from services.access import schemas
from services.access.rules import clients, issuers, throttle, tokens
from services.access.usecases.signatures import nobodys_key
from tests.support.oauth import new_key, public


def test_the_wait_doubles_to_its_bound_and_is_forgotten() -> None:
    pace = throttle.Pace(free=3, most=60)
    waits = [throttle.wait_after(failures, 0.0, pace) for failures in range(11)]
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]
    assert throttle.wait_after(10**6, 0.0, pace) == 60
    assert throttle.wait_after(5, 1.5, pace) == 2.5
    assert throttle.wait_after(5, 100.0, pace) == 0
    assert throttle.wait_after(10, throttle.FORGET_SECONDS + 1, pace) == 0
    assert throttle.longest([0.1, 2.2]) == 3
    assert throttle.longest([]) == 0


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_of_a_key_only_public_members_are_kept(algorithm: str) -> None:
    key = new_key(algorithm, "k")
    kept = clients.public_key({**public(key), "use": "sig", "x5c": ["MIIB"], "note": "x"})
    assert set(kept) == {"kid", *clients._MEMBERS[kept["kty"]]}
    assert algorithm in clients.algorithms_of(kept)


@pytest.mark.parametrize("algorithm", clients.SIGNING_ALGORITHMS)
def test_nobody_has_a_key_of_each_kind(algorithm: str) -> None:
    assert algorithm in clients.algorithms_of(clients.public_key(nobodys_key(algorithm)))


def test_step_up_is_for_people() -> None:
    clients.check_proof(is_system=True, proved_at=None, now=1000)
    clients.check_proof(is_system=False, proved_at=1000 - clients.PROOF_SECONDS, now=1000)
    with pytest.raises(NotAllowed):
        clients.check_proof(is_system=False, proved_at=999 - clients.PROOF_SECONDS, now=1000)


def test_an_id_in_basic_is_decoded_as_the_standard_says() -> None:
    shown = tokens.presented({}, "Basic YSUzQWI6YyUyQmQrZQ==")  # a%3Ab : c%2Bd+e
    assert (shown.client_id, shown.secret) == ("a:b", "c+d e")
    assert "c+d" not in repr(shown)
    with pytest.raises(InvalidClient):
        tokens.presented({}, "")


@pytest.mark.parametrize("audience", ["us", ["us"], ["them", "us"]])
def test_an_assertion_may_name_several_audiences(audience: Any) -> None:
    claims = {"iss": "c", "sub": "c", "aud": audience, "exp": 1060, "jti": "j"}
    assert tokens.assertion_fits(claims, client_id="c", audiences=frozenset({"us"}), now=1000)
    assert not tokens.assertion_fits(claims, client_id="d", audiences=frozenset({"us"}), now=1000)
    assert not tokens.assertion_fits(claims, client_id="c", audiences=frozenset({"u"}), now=1000)


def test_a_set_of_keys_passes_over_what_it_cannot_use() -> None:
    good = {**public(new_key("ES256", "k")), "use": "sig", "alg": "ES256"}
    others = [7, {}, {**good, "kid": 7}, {**good, "use": "enc"}, {**good, "alg": "RS256"}, {"kty": "oct", "kid": "x"}]
    assert set(issuers.keys_of({"keys": [*others, good]})) == {"k"}
    for bad in (None, [], {}, {"keys": {}}, {"keys": [good] * 51}):
        with pytest.raises(ValueError):  # noqa: PT011 - it has no words
            issuers.keys_of(bad)


@pytest.mark.parametrize(
    ("refusal", "status", "error"),
    [
        (InvalidClient(), 401, "invalid_client"),
        (OAuthRefused("invalid_scope", "No."), 400, "invalid_scope"),
        (TooManyRequests("a.b", "Wait.", retry_after=3), 429, "temporarily_unavailable"),
        (Unavailable("a.b", "Away.", retry_after=2), 503, "temporarily_unavailable"),
        (DeadlinePassed(), 504, "temporarily_unavailable"),
        (TooLarge(5), 413, "invalid_request"),
        (WrongMediaType(("a/b",)), 400, "invalid_request"),
        (NotFound(), 400, "invalid_request"),
    ],
)
def test_every_refusal_has_a_word_of_the_standard(refusal: Refused, status: int, error: str) -> None:
    said = oauth_error_of(refusal)
    assert (said.status, error in ERRORS) == (status, True)
    assert f'"error":"{error}"'.encode() in said.body
    assert dict(said.headers)["Cache-Control"] == "no-store"
    assert ("Retry-After" in dict(said.headers)) == hasattr(refusal, "retry_after")


def test_descriptions_are_plain() -> None:
    said = oauth_error_of(OAuthRefused("invalid_request", 'a "quoted" \\ é\n'))
    assert b"a ?quoted? ? ??" in said.body
    assert oauth_fault().status == 500


def test_an_odd_word_of_access_changes_nothing() -> None:
    key = {**public(new_key("ES256", "k"))}
    good = {"keys": [key], "revoked": {"client:1": 5}, "inactive": [str(uuid.uuid4())]}
    assert standing_of(good).revoked == {"client:1": 5}
    for change in (
        {"keys": []}, {"keys": [{**key, "kty": "RSA"}]}, {"keys": [{**key, "crv": "P-384"}]}, {"revoked": []},
        {"revoked": {"client:1": "5"}}, {"revoked": {"client:1": True}}, {"inactive": ["x"]}, {"inactive": None},
    ):  # fmt: skip
        with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
            standing_of({**good, **change})
    with pytest.raises(TypeError):
        standing_of(None)


@pytest.mark.parametrize("name", schemas.__all__)
def test_every_field_is_classified(name: str) -> None:
    assert unclassified(getattr(schemas, name)) == ()


def test_the_signing_key_is_changed_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "PUBLISH_SECONDS", 0)
    env = {"TUKIVERKKO_HOME": str(tmp_path)}
    nothing = CliRunner().invoke(main, ["keys", "rotate"], env=env)
    assert (nothing.exit_code, nothing.output.count("\n")) == (1, 1)
    ensure_signing_key(tmp_path)
    (before,) = public_keys(tmp_path)
    published = CliRunner().invoke(main, ["keys", "rotate", "--publish-only"], env=env)
    assert next(key["kid"] for key in public_keys(tmp_path)) == before["kid"]
    done = CliRunner().invoke(main, ["keys", "rotate"], env=env)
    assert (published.exit_code, done.exit_code) == (0, 0)
    assert "signs from now on" in done.output
    assert [key["kid"] for key in public_keys(tmp_path)][1] == before["kid"]


@pytest.mark.parametrize("content", ["", "[]", "7", "{"])
def test_a_key_file_that_holds_none_is_one_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(content, encoding="ascii")
    command = ["client", "create", "--org", "x", "--name", "x", "--scope", "subscriber", "--jwk", str(path)]
    ran = CliRunner().invoke(main, command, env={"TUKIVERKKO_HOME": str(tmp_path)})
    assert ran.exit_code == 1
