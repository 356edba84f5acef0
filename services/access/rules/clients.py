"""What a client may be: its roles, its proof, its keys, and who may change it (access-and-privacy.md section 1)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from chassis.errors import Conflict, FieldError, Invalid, NotAllowed, Stale
from services.access.rules.roles import ONLY_BY_NAME, ROLES

PRIVATE_KEY_JWT = "private_key_jwt"
CLIENT_SECRET = "client_secret"  # noqa: S105 - the name of a method
METHODS = (PRIVATE_KEY_JWT, CLIENT_SECRET)
ACTIVE = "active"
REVOKED = "revoked"
SECRET_BYTES = 32
SECRET_DAYS = 365
OVERLAP_HOURS = 24
LONGEST_OVERLAP_HOURS = 168
PROOF_SECONDS = 300
"""How long ago a person may have proved himself by both factors to register credentials (section 2, step-up)."""

ALGORITHMS: Mapping[tuple[str, str | None], tuple[str, ...]] = {
    ("EC", "P-256"): ("ES256",),
    ("OKP", "Ed25519"): ("EdDSA", "Ed25519"),
    ("RSA", None): ("PS256", "RS256"),
}
"""Which algorithms a key of a kind and curve may sign with; nothing else is looked at."""

SIGNING_ALGORITHMS = tuple(name for names in ALGORITHMS.values() for name in names)
_MEMBERS = {"EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x"), "RSA": ("kty", "n", "e")}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_COORDINATE_BYTES = 32
_RSA_BITS = range(2048, 8193)
_LONGEST_KID = 100


def check_roles(roles: Iterable[str], *, by_operator: bool) -> tuple[str, ...]:
    """The roles in order, each once. Raises Invalid for none and for unknown ones, NotAllowed for those of others."""
    wanted = sorted(set(roles))
    unknown = [role for role in wanted if role not in ROLES]
    if unknown or not wanted:
        message = f"Give one or more of these roles: {', '.join(ROLES)}."
        raise Invalid("role.unknown", message, fields=(FieldError("/roles", "choice", message),))
    reserved = sorted(ONLY_BY_NAME & set(wanted))
    if reserved and not by_operator:
        message = f"Only the network's operator gives a client the roles {', '.join(sorted(ONLY_BY_NAME))}."
        raise NotAllowed("role.reserved", message)
    return tuple(wanted)


def check_key(method: str, jwk: Mapping[str, Any] | None) -> dict[str, str] | None:
    """The public members of a registered key, or None for a method without one. Raises Invalid."""
    if method == CLIENT_SECRET:
        if jwk is not None:
            raise _unfit("client.key_not_wanted", "This client proves itself by a secret; leave out the key.")
        return None
    if jwk is None:
        raise _unfit("client.key_needed", "Send the public key as a JWK: this client proves itself by its private one.")
    return public_key(jwk)


def public_key(jwk: Mapping[str, Any]) -> dict[str, str]:
    """The members of a public key that count. Raises Invalid for private, weak and unknown keys."""
    if _PRIVATE & jwk.keys():
        message = (
            "This holds a private key. Keep it, make a new pair because this one has travelled, send the public one."
        )
        raise _unfit("client.key_private", message)
    members = {name: jwk.get(name) for name in _MEMBERS.get(str(jwk.get("kty")), ("kty",))}
    texts = {name: value for name, value in members.items() if type(value) is str}
    if len(texts) != len(members) or not algorithms_of(texts) or not _strong(texts):
        raise _unfit("client.key_unfit", "Use a key of EC P-256, OKP Ed25519, or RSA with 2048 to 8192 bits.")
    kid = jwk.get("kid")
    if kid is not None and (type(kid) is not str or not 0 < len(kid) <= _LONGEST_KID or not kid.isprintable()):
        raise _unfit("client.key_unfit", f"kid is a text of 1 to {_LONGEST_KID} characters.")
    return {**texts, **({"kid": kid} if kid is not None else {})}


def algorithms_of(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    """What a key may sign with, as its kind says; nothing for kinds that are not used here."""
    kind = (str(jwk.get("kty")), None if jwk.get("kty") == "RSA" else str(jwk.get("crv")))
    return ALGORITHMS.get(kind, ())


def check_proof(*, is_system: bool, proved_at: int | None, now: int) -> None:
    """A person who makes or changes credentials has just given both factors. Raises NotAllowed."""
    if not is_system and (proved_at is None or now - proved_at > PROOF_SECONDS):
        raise NotAllowed("proof.needed", "Confirm with both factors again, then repeat this.")


def check_version(expected: int | None, version: int) -> None:
    """Raises Stale when If-Match names another version."""
    if expected is not None and expected != version:
        raise Stale("client.changed", "The client was changed meanwhile; read it again.")


def check_active(status: str) -> None:
    """Raises Conflict for a client that was revoked."""
    if status != ACTIVE:
        raise Conflict("client.revoked", "This client was revoked for good; register a new one.")


def actions_of(status: str) -> list[str]:
    """What may be done with a client."""
    return ["rotate", "revoke"] if status == ACTIVE else []


def _strong(texts: Mapping[str, str]) -> bool:
    try:
        numbers = {name: _number(texts[name]) for name in texts if name not in {"kty", "crv"}}
    except (binascii.Error, ValueError):
        return False
    if texts["kty"] == "RSA":
        modulus, exponent = numbers["n"][1], numbers["e"][1]
        return modulus.bit_length() in _RSA_BITS and modulus % 2 == 1 and exponent == 65537  # noqa: PLR2004 - F4
    return all(size == _COORDINATE_BYTES for size, _ in numbers.values())


def _number(text: str) -> tuple[int, int]:
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    return len(raw), int.from_bytes(raw)


def _unfit(code: str, message: str) -> Invalid:
    return Invalid(code, message, fields=(FieldError("/jwk", code.rpartition(".")[2], message),))
