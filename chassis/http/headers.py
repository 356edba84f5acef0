"""Reads the request headers that steer a use case: versions, idempotency keys, deadlines and tokens."""

from __future__ import annotations

import re

from chassis.errors import Malformed, PreconditionRequired, Stale, Unauthenticated

_KEY = re.compile(r'"?([A-Za-z0-9._:~+/=-]{1,255})"?').fullmatch
_TAG = re.compile(r'"([0-9]{1,15})"').fullmatch
_ANY_TAG = re.compile(r'(?:W/)?"[!#-~]*"').fullmatch
_TAGS = re.compile(r'(?:W/)?"([0-9]{1,15})"').findall
_DEADLINE = re.compile(r"[0-9]{1,9}").fullmatch


def expected_version(header: str | None) -> int:
    """The one version of If-Match. Raises PreconditionRequired, Malformed for `*` and lists, Stale for foreign tags."""
    if header is None:
        raise PreconditionRequired("if_match.missing", 'Send If-Match with the ETag that you read, for example "3".')
    match = _TAG(header)
    if match is not None:
        return int(match[1])
    if _ANY_TAG(header):
        raise Stale("if_match.stale", "If-Match names no version of this object; read it again.")
    raise Malformed("if_match.malformed", 'If-Match takes exactly one ETag, for example "3".')


def known_versions(header: str | None) -> frozenset[int]:
    """The versions of If-None-Match; what is not ours simply never matches."""
    return frozenset(map(int, _TAGS(header))) if header else frozenset()


def idempotency_key(header: str | None, *, needed: bool) -> str | None:
    """The key without its quotes. Raises Malformed when it is unfit, or missing where it is needed."""
    if header is None:
        if needed:
            detail = "Systems must send an Idempotency-Key with every change."
            raise Malformed("idempotency_key.missing", detail)
        return None
    match = _KEY(header)
    if match is None:
        detail = "Idempotency-Key takes 1 to 255 letters, digits or ._:~+/=- characters."
        raise Malformed("idempotency_key.malformed", detail)
    return match[1]


def deadline(header: str | None, arrived: float, allowed: float | None) -> float | None:
    """The moment until which an answer is wanted: what the gateway left of it, at most what the route allows."""
    left = int(header) / 1000 if header is not None and _DEADLINE(header) else None
    if allowed is None:
        return None
    return arrived + (allowed if left is None else min(left, allowed))


def bearer(header: str | None) -> str:
    """The access token of an Authorization header. Raises Unauthenticated."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("token.missing", "Send an access token: Authorization: Bearer ...")
    return token
