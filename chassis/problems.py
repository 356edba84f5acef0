"""Turns every refusal into RFC 9457 problem JSON, once, for the gateway and all services (http-api.md, errors)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from chassis.errors import Conflict, FieldError, Malformed, NotFound, Refused

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:tukiverkko:problem:"


class MethodNotAllowed(Refused):
    """The path exists, the method does not (405); `allow` lists the methods that do."""

    status = 405
    title = "This method is not known here"

    def __init__(self, allow: tuple[str, ...]) -> None:
        super().__init__("method.not_allowed", f"Use one of: {', '.join(allow)}.")
        self.allow = allow


class TooLarge(Refused):
    """The body is longer than the route's limit (413)."""

    status = 413
    title = "The body is too large"

    def __init__(self, limit: int) -> None:
        super().__init__("body.too_large", f"At most {limit} bytes are read here.")


class WrongMediaType(Refused):
    """The body is of a kind that this route does not read (415)."""

    status = 415
    title = "The body is of the wrong media type"

    def __init__(self, expected: tuple[str, ...]) -> None:
        super().__init__("body.wrong_media_type", f"Send the body as {' or '.join(expected)}.")


class TooSlow(Refused):
    """Headers or body did not arrive in time (408)."""

    status = 408
    title = "The request arrived too slowly"

    def __init__(self) -> None:
        super().__init__("request.too_slow", "Headers and body must arrive within the time limit.")


class HeadTooLarge(Refused):
    """Request line or headers are too long (431)."""

    status = 431
    title = "The request headers are too large"

    def __init__(self) -> None:
        super().__init__("headers.too_large", "Shorten the address or the headers.")


class DeadlinePassed(Refused):
    """The time that was left for this request is used up (504)."""

    status = 504
    title = "The deadline has passed"

    def __init__(self, detail: str = "The request was not answered in its time.") -> None:
        super().__init__("deadline.passed", detail)


class BadQuery(Malformed):
    """The query string has unknown, repeated or unfit parameters (400); one entry in `fields` per fault."""

    def __init__(self, fields: tuple[FieldError, ...]) -> None:
        super().__init__("query.invalid", "The query string has unknown or unfit parameters.")
        self.fields = fields


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal as it goes out: status, extra headers and the JSON body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def problem_of(error: Refused, request_id: str) -> Problem:
    """The one mapping of refusals to HTTP."""
    members: dict[str, Any] = {
        "type": TYPE_PREFIX + error.code,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "instance": request_id,
    }
    fields: tuple[FieldError, ...] = getattr(error, "fields", ())
    if fields:
        members["errors"] = [{"pointer": f.pointer, "code": f.code, "detail": f.detail} for f in fields]
    if isinstance(error, Conflict):
        members["allowed_actions"] = list(error.allowed)
    # A refusal may bring members of its own, as the feed's 410 brings `oldest`.
    members.update(getattr(error, "members", {}))
    return Problem(error.status, headers_of(error, MEDIA_TYPE), orjson.dumps(members))


def fault_of(request_id: str) -> Problem:
    """A fault of ours: the request id and nothing else (http-api.md)."""
    body = {
        "type": TYPE_PREFIX + "fault",
        "title": "Something went wrong on our side",
        "status": 500,
        "code": "fault",
        "instance": request_id,
    }
    return Problem(500, (("Content-Type", MEDIA_TYPE),), orjson.dumps(body))


def unknown_path() -> NotFound:
    """No route has this path; the words are those of every other 404."""
    return NotFound()


def headers_of(error: Refused, media_type: str) -> tuple[tuple[str, str], ...]:
    """What goes out with a refusal besides its body, which is of this media type."""
    headers = [("Content-Type", media_type)]
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    headers.extend(getattr(error, "headers", ()))
    if isinstance(error, MethodNotAllowed):
        headers.append(("Allow", ", ".join(error.allow)))
    if error.status == 401:  # noqa: PLR2004 - the status itself says what it is
        missing = error.code == "token.missing"
        headers.append(("WWW-Authenticate", "Bearer" if missing else 'Bearer error="invalid_token"'))
    return tuple(headers)
