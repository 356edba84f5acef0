"""Who is calling: every process verifies ES256 access tokens itself.

Source: access-and-privacy.md section 1. Algorithm, type, issuer, audience and claims are named explicitly; a header
that brings its own key (jwk, jku, x5u, x5c) or anything unknown is refused, and so are repeated members. What access
says about keys and revocations comes through `adopt` (chassis/standing.py); until then the file keys/jwks.json counts.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from chassis.compact import read_parts
from chassis.errors import Unauthenticated
from chassis.settings import Settings
from chassis.signing import ALGORITHM, AUDIENCE, ISSUER, LONGEST_LIFE, SKEW, ensure_signing_key, issue_token

__all__ = [
    "AUDIENCE",
    "ISSUER",
    "LONGEST_LIFE",
    "Caller",
    "Standing",
    "TokenVerifier",
    "ensure_signing_key",
    "issue_token",
]

LONGEST_TOKEN = 4096
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What access says of tokens now: the keys by id, from when on a subject's tokens count, and who is out."""

    keys: Mapping[str, ECKey]
    revoked: Mapping[str, int] = field(default_factory=dict)
    inactive: frozenset[uuid.UUID] = frozenset()


class TokenVerifier:
    """Verifies access tokens and keeps verified ones until they expire; each look also asks what is revoked."""

    def __init__(self, settings: Settings) -> None:
        """Read the key set's file lazily, and again when it changes, until access has been heard."""
        self._path = settings.home / "keys" / "jwks.json"
        self._standing = Standing(keys={})
        self._heard = False
        self._stamp = 0
        self._looked = 0.0
        self._verified: dict[bytes, tuple[int, int, Caller]] = {}
        self.ask_again: Callable[[], None] = lambda: None
        """Called when a token names a key that is not known here: it may be newer than the last copy."""

    def verify(self, token: str) -> Caller:
        """Return the caller behind a token. Raises Unauthenticated, with the same words for every fault."""
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        self._reload()
        now = int(time.time())
        expires, issued, caller = self._verified.get(digest) or self._read(token, now)
        if expires <= now or issued < self._standing.revoked.get(caller.subject, 0):
            raise _refusal()
        if caller.org_id in self._standing.inactive:
            raise _refusal()
        if digest not in self._verified:
            if len(self._verified) >= CACHE_SIZE:
                self._verified.clear()
            self._verified[digest] = (expires, issued, caller)
        return caller

    def adopt(self, standing: Standing) -> None:
        """Go by what access has said; tokens of a key that is gone are looked at again."""
        gone = self._standing.keys.keys() - standing.keys.keys()
        self._standing, self._heard = standing, True
        if gone:
            self._verified.clear()

    def _read(self, token: str, now: int) -> tuple[int, int, Caller]:
        try:
            claims = self._claims(token)
            return claims["exp"], claims["iat"], _caller(claims, now)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _refusal() from error

    def _claims(self, token: str) -> dict[str, Any]:
        header, claims = read_parts(token, longest=LONGEST_TOKEN)
        if header.keys() != HEADER_MEMBERS or header["alg"] != ALGORITHM or header["typ"] != "at+jwt":
            raise ValueError
        if header["kid"] not in self._standing.keys:
            self.ask_again()
        jws.deserialize_compact(token, self._standing.keys[header["kid"]], algorithms=[ALGORITHM])
        return claims

    def _reload(self) -> None:
        # One stat in two seconds: a new key set is seen without a restart, an unreadable one keeps the last copy.
        if self._heard or (time.monotonic() - self._looked < KEY_CHECK_SECONDS and self._standing.keys):
            return
        self._looked = time.monotonic()
        try:
            stamp = self._path.stat().st_mtime_ns
            if stamp != self._stamp:
                self._standing = Standing(keys=keys_of(json.loads(self._path.read_text(encoding="ascii"))["keys"]))
                self._stamp = stamp
                self._verified.clear()
        except (OSError, ValueError, KeyError, TypeError, JoseError):
            return


def keys_of(published: Iterable[Any]) -> dict[str, ECKey]:
    """The public keys by their id. Raises ValueError, KeyError, TypeError or JoseError for what is no key of ours."""
    found = {}
    for each in published:
        if (each["kty"], each["crv"]) != ("EC", "P-256") or type(each["kid"]) is not str:
            raise ValueError
        found[each["kid"]] = ECKey.import_key({name: each[name] for name in ("kty", "crv", "x", "y", "kid")})
    return found


def _refusal() -> Unauthenticated:
    return Unauthenticated("token.invalid", "The access token is missing, invalid or expired.")


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
