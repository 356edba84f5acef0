"""Roles as data, and the refusals of development tokens."""

from __future__ import annotations

import pytest

from chassis.errors import Conflict, Invalid, NotAllowed
from chassis.schema import unclassified
from services.access import schemas
from services.access.rules import roles as rules
from services.access.rules import tokens


def test_a_token_without_scope_has_every_role_but_those_that_come_by_name() -> None:
    assert rules.roles_of(None) == rules.roles_of(()) == rules.default_roles()
    assert not rules.default_roles() & {"operator", "dpo", "network_admin", "network_coordinator"}
    assert {"sender_client", "receiver_worker", "group_coordinator", "subscriber", "org_admin"} <= rules.default_roles()


@pytest.mark.parametrize("scope", [["operator", "dpo"], ["operator dpo"], ["operator,dpo"]])
def test_named_roles_are_taken_as_they_are(scope: list[str]) -> None:
    assert rules.roles_of(scope) == {"operator", "dpo"}


def test_an_unknown_role_is_refused_with_the_list() -> None:
    with pytest.raises(Invalid) as refused:
        rules.roles_of(["superuser"])
    assert refused.value.code == "role.unknown"
    assert all(role in refused.value.detail for role in ("superuser", *rules.ROLES))


def test_production_and_inactive_organisations_are_refused() -> None:
    rules.check_profile("development")
    rules.check_status("lt-kavkc", "active")
    with pytest.raises(NotAllowed):
        rules.check_profile("production")
    with pytest.raises(Conflict) as refused:
        rules.check_status("lt-kavkc", "suspended")
    assert "lt-kavkc is suspended" in refused.value.detail


def test_a_typing_mistake_is_answered_with_the_nearest_keys() -> None:
    refusal = rules.unknown_organisation("lt-kavk", ["lt-kavkc", "lt-kapvc", "lt-lepta"])
    assert "'lt-kavk'" in refusal.detail
    assert "lt-kavkc" in refusal.detail
    assert "nearest" not in rules.unknown_organisation("zzz", ["lt-kavkc"]).detail
    assert rules.unknown_organisation("lt-kavkc", []).code == "organisation.none"


def test_metadata_advertises_only_what_is_there() -> None:
    told = rules.server_metadata("https://issuer.example", "http://127.0.0.1:8080", signing_algorithms=("ES256",))
    assert told["jwks_uri"] == "http://127.0.0.1:8080/.well-known/jwks.json"
    assert told["token_endpoint"] == "http://127.0.0.1:8080/oauth/token"
    assert told["grant_types_supported"] == list(tokens.GRANTS)
    assert told["token_endpoint_auth_signing_alg_values_supported"] == ["ES256"]


@pytest.mark.parametrize("shape", [schemas.Key, schemas.KeySetView, schemas.ServerMetadata])
def test_every_field_is_classified(shape: type) -> None:
    assert unclassified(shape) == ()
