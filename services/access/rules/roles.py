"""Roles as data, and who may have a development token (access-and-privacy.md sections 1 and 3)."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from chassis.errors import Conflict, FieldError, Invalid, NotAllowed, NotFound
from services.access.rules import tokens

ROLES: dict[str, str] = {
    "sender_worker": "Refers people and follows own referrals.",
    "sender_lead": "Answers for all referrals that the organisation sends.",
    "intake_worker": "Sorts what comes in.",
    "receiver_worker": "Works on the cases of its unit.",
    "receiver_lead": "Answers for all cases of the organisation.",
    "group_leader": "Leads own groups: alias or first name, safe contact, attendance.",
    "group_coordinator": "Plans groups and their places.",
    "helpline_worker": "Answers calls and signs people up.",
    "partner_safety": "Works for the safety of partners and children.",
    "child_protection_lead": "Named by the organisation: reads every concern for a child that it raised.",
    "org_admin": "Keeps people and groups of the organisation, sees no case content.",
    "dpo": "Data-protection officer: export, erasure, audit.",
    "auditor": "Reads the audit.",
    "network_admin": "Keeps the directory and sees health.",
    "network_coordinator": "Sees the network's metadata, no personal part.",
    "operator": "Runs the machines, sees no content.",
    "sender_client": "A system that sends referrals.",
    "recipient_client": "A system that receives referrals.",
    "subscriber": "A system that reads the events of its organisation.",
}
"""Every role a token may carry, with one sentence on it."""

ONLY_BY_NAME = frozenset({"dpo", "operator", "network_admin", "network_coordinator", "child_protection_lead"})
"""Rights over data protection, the machines, the whole network or every child concern come only when named."""

ORG_ADMIN = frozenset({"org_admin"})
OPERATIONS: dict[str, frozenset[str]] = {
    "access.keys": frozenset(),
    "access.metadata": frozenset(),
    "access.standing": frozenset(),
    "token.issue": frozenset(),
    "client.list": ORG_ADMIN,
    "client.show": ORG_ADMIN,
    "client.create": ORG_ADMIN,
    "client.rotate": ORG_ADMIN,
    "client.revoke": ORG_ADMIN,
}
"""Those without a role are public: they come before there is a caller."""

ACTIVE = "active"
PRODUCTION = "production"
NEAREST = 3


def default_roles() -> frozenset[str]:
    """What a development token carries when no scope was named."""
    return frozenset(ROLES) - ONLY_BY_NAME


def roles_of(scope: Iterable[str] | None) -> frozenset[str]:
    """The roles asked for; a scope may hold several, with spaces or commas. Raises Invalid for an unknown one."""
    wanted = frozenset(role for text in scope or () for role in text.replace(",", " ").split())
    unknown = sorted(wanted - set(ROLES))
    if unknown:
        message = f"No role is called {', '.join(unknown)}; the roles are: {', '.join(ROLES)}."
        raise Invalid("role.unknown", message, fields=(FieldError("/scope", "choice", message),))
    return wanted or default_roles()


def check_profile(profile: str) -> None:
    """Development tokens exist outside production only. Raises NotAllowed."""
    if profile == PRODUCTION:
        message = "Development tokens are refused in production; register a client and let it ask for tokens."
        raise NotAllowed("token.development_only", message)


def check_status(key: str, status: str) -> None:
    """Only an active organisation may act. Raises Conflict."""
    if status != ACTIVE:
        raise Conflict("organisation.not_active", f"{key} is {status} in the network, so nobody can act for it now.")


def unknown_organisation(key: str, keys: Iterable[str]) -> NotFound:
    """The refusal that helps with a typing mistake: it names the keys that come nearest."""
    known = sorted(set(keys) - {key})  # it may have arrived since it was asked for
    if not known:
        message = "Access knows no organisation yet; import the directory and wait a moment for its events."
        return NotFound("organisation.none", message)
    near = (
        get_close_matches(key, known, n=NEAREST, cutoff=0.5)
        or [each for each in known if key and key in each][:NEAREST]
    )
    hint = f" The nearest: {', '.join(near)}." if near else ""
    return NotFound("organisation.unknown", f"No organisation has the key {key!r}.{hint}")


def server_metadata(issuer: str, public_url: str, *, signing_algorithms: Iterable[str]) -> dict[str, object]:
    """What RFC 8414 clients may rely on today. There is no way by a browser, so the list of responses is empty."""
    return {
        "issuer": issuer,
        "token_endpoint": f"{public_url}/oauth/token",
        "jwks_uri": f"{public_url}/.well-known/jwks.json",
        "scopes_supported": list(ROLES),
        "response_types_supported": [],
        "grant_types_supported": list(tokens.GRANTS),
        "token_endpoint_auth_methods_supported": list(tokens.AUTHENTICATION),
        "token_endpoint_auth_signing_alg_values_supported": list(signing_algorithms),
    }
