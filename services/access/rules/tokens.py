"""What is asked of the token endpoint, read and judged: form, credentials, assertions, scope (RFC 6749, 7521, 7523)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from chassis.errors import InvalidClient, OAuthRefused

CLIENT_CREDENTIALS = "client_credentials"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GRANTS = (CLIENT_CREDENTIALS, JWT_BEARER)
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
AUTHENTICATION = ("private_key_jwt", "client_secret_basic", "client_secret_post")
MOST_PARAMETERS = 20
LONGEST_ASSERTION = 8192
LONGEST_ID = 200
SKEW = 30
OWN_LIFE = 300
FOREIGN_LIFE = 3600
HEADER_MEMBERS = frozenset({"alg", "typ", "kid", "x5t"})
"""Whatever else a header brings (jwk, jku, x5u, x5c, crit) is a wish to be believed."""

TYPES = frozenset({None, "JWT", "at+jwt", "client-authentication+jwt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What a client showed: either a secret or an assertion; the id may stand in the assertion alone."""

    client_id: str | None
    secret: str | None = field(default=None, repr=False)
    assertion: str | None = field(default=None, repr=False)


def read_form(raw: bytes) -> dict[str, str]:
    """The parameters, without the empty ones. Raises OAuthRefused for what is unreadable or comes twice."""
    try:
        pairs = parse_qsl(
            raw.decode("utf-8"), max_num_fields=MOST_PARAMETERS, errors="strict", strict_parsing=bool(raw)
        )
    except ValueError:
        raise OAuthRefused("invalid_request", "The body is no form in UTF-8, or has too many parameters.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise OAuthRefused("invalid_request", "A parameter came more than once.")
    return form


def check_grant(form: Mapping[str, str]) -> str:
    """The grant that is asked for. Raises OAuthRefused."""
    grant = form.get("grant_type")
    if grant is None:
        raise OAuthRefused("invalid_request", "grant_type is missing.")
    if grant not in GRANTS:
        raise OAuthRefused("unsupported_grant_type", f"Grants here are {' and '.join(GRANTS)}.")
    return grant


def presented(form: Mapping[str, str], authorization: str) -> Presented:
    """The one proof that came. Raises InvalidClient for none and OAuthRefused for more than one or half of one."""
    shown = (bool(authorization), "client_secret" in form, "client_assertion" in form)
    if sum(shown) != 1:
        if not any(shown):
            raise InvalidClient
        raise OAuthRefused("invalid_request", "Prove yourself in one way only.")
    if authorization:
        return _basic(authorization)
    if "client_secret" in form:
        return Presented(client_id=form.get("client_id", ""), secret=form["client_secret"])
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise OAuthRefused("invalid_request", f"client_assertion_type is {ASSERTION_TYPE}.")
    return Presented(client_id=form.get("client_id"), assertion=form["client_assertion"])


def narrowed(scope: str | None, roles: frozenset[str]) -> frozenset[str]:
    """The roles of the token: those asked for, or all. Raises OAuthRefused when one is not the client's."""
    wanted = frozenset((scope or "").split())
    if wanted - roles:
        raise OAuthRefused("invalid_scope", "The scope names a role that this client does not have.")
    return wanted or roles


def header_fits(header: Mapping[str, Any], algorithms: tuple[str, ...]) -> bool:
    """Whether a header names one of these algorithms and brings nothing that wants to be believed."""
    kid, kind = header.get("kid"), header.get("typ")
    texts = all(type(each) in {str, type(None)} for each in (kid, kind))
    return texts and not header.keys() - HEADER_MEMBERS and header.get("alg") in algorithms and kind in TYPES


def assertion_fits(claims: Mapping[str, Any], *, client_id: str, audiences: frozenset[str], now: int) -> bool:
    """Whether a client's assertion speaks of itself, to us, now, for at most five minutes, and can be known again."""
    mine = claims.get("iss") == claims.get("sub") == client_id
    return mine and _lives(claims, now, OWN_LIFE) and _meant_for(claims, audiences)


def foreign_fits(claims: Mapping[str, Any], *, issuer: str, audience: str, now: int) -> bool:
    """Whether a token of a trusted issuer speaks of somebody, to us, now, and can be known again."""
    told = claims.get("iss") == issuer and type(claims.get("sub")) is str and bool(claims["sub"])
    return told and _lives(claims, now, FOREIGN_LIFE) and _meant_for(claims, frozenset({audience}))


def names(claims: Mapping[str, Any], claim: str, value: str) -> bool:
    """Whether the claim has the value, or is a list with it."""
    found = claims.get(claim)
    return found == value or (isinstance(found, list) and value in found)


def _basic(authorization: str) -> Presented:
    scheme, _, encoded = authorization.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise InvalidClient from None
    client_id, found, secret = text.partition(":")
    if scheme.lower() != "basic" or not found:
        raise InvalidClient
    return Presented(client_id=unquote_plus(client_id), secret=unquote_plus(secret))  # RFC 6749 section 2.3.1


def _lives(claims: Mapping[str, Any], now: int, longest: int) -> bool:
    expires, jti = claims.get("exp"), claims.get("jti")
    if type(expires) is not int or not now < expires <= now + longest:
        return False
    started = [claims[name] for name in ("iat", "nbf") if name in claims]
    if any(type(moment) is not int or moment > now + SKEW for moment in started):
        return False
    return type(jti) is str and 0 < len(jti) <= LONGEST_ID


def _meant_for(claims: Mapping[str, Any], audiences: frozenset[str]) -> bool:
    audience = claims.get("aud")
    listed = audience if isinstance(audience, list) else [audience]
    return any(type(each) is str and each in audiences for each in listed)
