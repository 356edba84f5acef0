"""Reads the request headers that steer a use case: versions, idempotency keys, deadlines and tokens."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

from chassis.errors import Malformed, PreconditionRequired, Stale, Unauthenticated

_KEY = re.compile(r'"?([A-Za-z0-9._:~+/=-]{1,255})"?').fullmatch
_TAG = re.compile(r'"([0-9]{1,15})"').fullmatch
_ANY_TAG = re.compile(r'(?:W/)?"[!#-~]*"').fullmatch
_TAGS = re.compile(r'(?:W/)?"([0-9]{1,15})"').findall
_DEADLINE = re.compile(r"[0-9]{1,9}").fullmatch
_POSITION = re.compile(r"[0-9]{1,18}").fullmatch
_FILE_NAME = re.compile(
    r"""attachment *; *(?:filename\*=UTF-8''([!-~]{1,900})|filename=(?:"([^"\\]{1,300})"|([A-Za-z0-9._-]{1,300})))"""
).fullmatch
_WAIT = re.compile(r"[0-9]{1,2}").fullmatch
DEADLINES: Mapping[str, float | None] = {"normal": 5.0, "long_poll": 5.0, "bulk": 30.0, "stream": None}
"""Seconds by deadline class; a long poll has what it waits on top, a stream has none (http-api.md)."""
LONGEST_WAIT = 30


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


def client_address(header: str | None, peer: str, *, proxies: int = 0) -> str:
    """The address of the client: that of the connection, or what `proxies` trusted ones before us have noted.

    Each proxy adds the address that it saw at the end of X-Forwarded-For; what stands further left is the client's
    own claim. Returns the peer when the header is shorter than it should be or holds no address.
    """
    if proxies == 0 or header is None:
        return peer
    noted = [part.strip() for part in header.split(",")]
    try:
        return str(ipaddress.ip_address(noted[-proxies]))
    except (IndexError, ValueError):
        return peer


def cookies(header: str | None) -> dict[str, str]:
    """Name and value of each cookie; the first of a name counts, what is no pair is left out."""
    found: dict[str, str] = {}
    for part in (header or "").split(";"):
        name, separator, value = part.strip().partition("=")
        if separator and name:
            found.setdefault(name, value)
    return found


def file_name(header: str | None) -> str | None:
    """The name in Content-Disposition (RFC 6266): there and not in the address, because addresses are logged.

    `attachment; filename="a.pdf"`, or with other letters `attachment; filename*=UTF-8''%C4%8D.pdf`. Raises Malformed.
    """
    if header is None:
        return None
    match = _FILE_NAME(header)
    try:
        if match is not None:
            return unquote(match[1], errors="strict") if match[1] else match[2] or match[3]
    except UnicodeDecodeError:
        pass
    detail = """Content-Disposition takes attachment; filename="a.pdf", or attachment; filename*=UTF-8''a.pdf."""
    raise Malformed("content_disposition.malformed", detail)


def last_seen(header: str | None) -> int | None:
    """The position of Last-Event-ID; an empty one is none. Raises Malformed."""
    if not header:
        return None
    if _POSITION(header) is None:
        raise Malformed("last_event_id.malformed", "Last-Event-ID takes the id of an event of this stream: a number.")
    return int(header)


def seconds_of(wish: str) -> int | None:
    """The seconds of `wait=`, one or two digits and nothing else; None for what is no such number."""
    return int(wish) if _WAIT(wish) else None


def seconds_wanted(query: str) -> int:
    """How long a client lets itself be kept waiting (`wait=`); what is no such number counts as not at all."""
    return min(seconds_of(dict(parse_qsl(query)).get("wait", "")) or 0, LONGEST_WAIT)


def allowed_seconds(kind: str, query: str) -> float | None:
    """The time limit of a deadline class; a long poll may take as long as its query says on top."""
    seconds = DEADLINES[kind]
    return seconds + seconds_wanted(query) if kind == "long_poll" and seconds is not None else seconds


def may_wait(kind: str, query: str) -> bool:
    """Whether a request of this deadline class may wait for events, at a place of its own kind."""
    return DEADLINES[kind] is None or (kind == "long_poll" and seconds_wanted(query) > 0)


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
