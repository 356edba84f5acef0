"""Who is calling: ES256 access tokens are issued for development and verified by every process itself.

Source: access-and-privacy.md section 1. Algorithm, type, issuer, audience and claims are named explicitly; a header
that brings its own key (jwk, jku, x5u, x5c) or anything unknown is refused, and so are repeated members.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from chassis.errors import Unauthenticated
from chassis.settings import Settings

ISSUER = "https://tukiverkko.local"
AUDIENCE = "tukiverkko"
LONGEST_LIFE = 600
LONGEST_TOKEN = 4096
SKEW = 5
CACHE_SIZE = 10_000
KEY_CHECK_SECONDS = 2.0
HEADER_MEMBERS = frozenset({"alg", "typ", "kid"})
CLAIMS = frozenset({"iss", "sub", "org", "org_key", "aud", "scope", "iat", "nbf", "exp", "jti", "units", "auth_time"})


@dataclass(frozen=True, slots=True)
class Caller:
    """The acting organisation and subject, as the token says; never taken from body, path or header."""

    subject: str
    org_id: uuid.UUID
    org_key: str
    roles: frozenset[str]
    token_id: str
    expires: int | None = None  # seconds since 1970; what goes on for long ends with the token
    units: frozenset[str] = frozenset()  # keys of the units of the organisation that a person belongs to
    proved_at: int | None = None  # seconds since 1970 when a person last gave both factors; None for systems

    @property
    def is_system(self) -> bool:
        """Whether a system, not a person, is calling; systems must send an Idempotency-Key."""
        return self.subject.startswith("client:")


class TokenVerifier:
    """Verifies access tokens against the key set in the home folder; keeps verified ones until they expire."""

    def __init__(self, settings: Settings) -> None:
        """Read the key set lazily, and again when its file changes."""
        self._path = settings.home / "keys" / "jwks.json"
        self._keys: KeySet | None = None
        self._stamp = 0
        self._looked = 0.0
        self._verified: dict[bytes, tuple[int, Caller]] = {}

    def verify(self, token: str) -> Caller:
        """Return the caller behind a token. Raises Unauthenticated, with the same words for every fault."""
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        self._reload()
        known = self._verified.get(digest)
        now = int(time.time())
        if known is not None and known[0] > now:
            return known[1]
        try:
            claims = self._claims(token)
            caller = _caller(claims, now)
        except (JoseError, ValueError, KeyError, TypeError, binascii.Error) as error:
            raise Unauthenticated("token.invalid", "The access token is missing, invalid or expired.") from error
        if len(self._verified) >= CACHE_SIZE:
            self._verified.clear()
        self._verified[digest] = (claims["exp"], caller)
        return caller

    def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > LONGEST_TOKEN or self._keys is None:
            raise ValueError
        header = _strict(_decode(token.split(".", 1)[0]))
        if set(header) - HEADER_MEMBERS or header["alg"] != "ES256" or header["typ"] != "at+jwt":
            raise ValueError
        signed = jws.deserialize_compact(token, self._keys, algorithms=["ES256"])
        return _strict(signed.payload)

    def _reload(self) -> None:
        # One stat in two seconds: a new key set is seen without a restart, an unreadable one keeps the last copy.
        if time.monotonic() - self._looked < KEY_CHECK_SECONDS and self._keys is not None:
            return
        self._looked = time.monotonic()
        try:
            stamp = self._path.stat().st_mtime_ns
            if stamp != self._stamp:
                self._keys = KeySet.import_key_set(json.loads(self._path.read_text(encoding="ascii")))
                self._stamp = stamp
                self._verified.clear()
        except (OSError, ValueError):
            return


def ensure_signing_key(home: Path) -> None:
    """Make the development signing key and the public key set in `home`, unless they are there."""
    private = home / "secrets" / "signing_key.json"
    if private.exists():
        return
    for folder in (private.parent, home / "keys"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = ECKey.generate_key("P-256", parameters={"use": "sig", "alg": "ES256"}, auto_kid=True)
    _write(home / "keys" / "jwks.json", {"keys": [key.as_dict(private=False)]}, 0o644)
    _write(private, key.as_dict(private=True), 0o600)


def issue_token(
    settings: Settings,
    *,
    subject: str,
    org_id: uuid.UUID,
    org_key: str,
    roles: frozenset[str],
    seconds: int = 600,
    units: frozenset[str] = frozenset(),
    proved_at: int | None = None,
) -> str:
    """Sign an access token of at most ten minutes with the key in the home folder.

    `units` and `proved_at` are said of people only; an empty one is left out.
    """
    private = json.loads((settings.home / "secrets" / "signing_key.json").read_text(encoding="ascii"))
    key = ECKey.import_key(private)
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": subject,
        "org": str(org_id),
        "org_key": org_key,
        "aud": AUDIENCE,
        "scope": " ".join(sorted(roles)),
        "iat": now,
        "nbf": now,
        "exp": now + min(seconds, LONGEST_LIFE),
        "jti": str(uuid.uuid4()),
        **({"units": " ".join(sorted(units))} if units else {}),
        **({"auth_time": proved_at} if proved_at is not None else {}),
    }
    header = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid}
    return jws.serialize_compact(header, json.dumps(claims), key, algorithms=["ES256"])


def _caller(claims: dict[str, Any], now: int) -> Caller:
    times = [claims["iat"], claims["nbf"], claims["exp"]]
    texts = [claims[name] for name in ("sub", "org", "org_key", "scope", "jti")]
    units, proved_at = claims.get("units", ""), claims.get("auth_time")
    if any(type(moment) is not int for moment in times) or any(type(text) is not str for text in (*texts, units)):
        raise ValueError
    if proved_at is not None and type(proved_at) is not int:
        raise ValueError
    if claims["iss"] != ISSUER or claims["aud"] != AUDIENCE or set(claims) - CLAIMS:
        raise ValueError
    issued, not_before, expires = times
    if not (issued <= now + SKEW and not_before <= now + SKEW and now < expires <= issued + LONGEST_LIFE):
        raise ValueError
    return Caller(
        claims["sub"],
        uuid.UUID(claims["org"]),
        claims["org_key"],
        frozenset(claims["scope"].split()),
        claims["jti"],
        expires,
        frozenset(units.split()),
        proved_at,
    )


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _strict(text: bytes) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise ValueError
        return members

    value = json.loads(text, object_pairs_hook=once)
    if not isinstance(value, dict):
        raise TypeError
    return value


def _write(path: Path, value: object, mode: int) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        json.dump(value, file)
    temporary.rename(path)
