"""The one family of refusals that every room may raise and the HTTP door maps once.

    Refused
    ├── Invalid      422  the request does not fit; `fields` says where and what was expected
    ├── NotAllowed   403  the caller is known but may not do this
    ├── NotFound     404  does not exist, or lies outside the caller's scope: deliberately the same
    ├── Conflict     409  the object's state forbids it; `allowed` names what is possible
    ├── Stale        412  another version was changed meanwhile
    └── Unavailable  503  a part that is needed is gone for now; `retry_after` in seconds

Source: http-api.md (errors). Codes are `noun.reason` (architecture.md section 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class FieldError:
    """One wrong field: JSON pointer into the body, a code, and a sentence on what was expected."""

    pointer: str
    code: str
    detail: str


class Refused(Exception):
    """Base of all refusals: `code` is stable for machines, `detail` is one plain sentence for people."""

    status = 400
    title = "The request was refused"
    adds: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """JSON Schema of what its problem says besides the usual, by name; the values are in `members`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class Malformed(Refused):
    """The request could not be read at all, or lacks a header that it needs (400)."""

    status = 400
    title = "The request could not be read"


class Unauthenticated(Refused):
    """No valid access token came with the request (401)."""

    status = 401
    title = "A valid access token is needed"


class Invalid(Refused):
    """The request was read but its content does not fit (422); one entry in `fields` per fault."""

    status = 422
    title = "The request has invalid content"

    def __init__(self, code: str, detail: str, *, fields: tuple[FieldError, ...] = ()) -> None:
        super().__init__(code, detail)
        self.fields = fields


class NotAllowed(Refused):
    """The caller is known but has no role or relation that allows this (403)."""

    status = 403
    title = "This is not allowed"


class NotFound(Refused):
    """Absent, or outside the caller's scope: the answer is the same on purpose (404)."""

    status = 404
    title = "Not found"

    def __init__(self, code: str = "resource.not_found", detail: str = "There is nothing here for you.") -> None:
        super().__init__(code, detail)


class Conflict(Refused):
    """The state of the object forbids it (409); `allowed` lists the actions open to this caller now."""

    status = 409
    title = "The current state does not allow this"

    def __init__(self, code: str, detail: str, *, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(code, detail)
        self.allowed = allowed


class Stale(Refused):
    """If-Match names another version than the current one (412)."""

    status = 412
    title = "The object was changed meanwhile"


class PreconditionRequired(Refused):
    """A change of an existing object needs If-Match (428)."""

    status = 428
    title = "If-Match is required"


class TooManyRequests(Refused):
    """A limit was reached (429); `retry_after` in seconds."""

    status = 429
    title = "Too many requests"

    def __init__(self, code: str, detail: str, *, retry_after: int) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after
        self.headers: list[tuple[str, str]] = []
        """What else goes out with it, as the gateway's RateLimit."""


class Unavailable(Refused):
    """Something needed is gone for the moment (503); `retry_after` in seconds."""

    status = 503
    title = "Not available for the moment"

    def __init__(self, code: str, detail: str, *, retry_after: int = 5) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after


class OAuthRefused(Refused):
    """The token endpoint says no (400): `code` is one of RFC 6749 section 5.2 (chassis/oauth.py)."""

    status = 400


class InvalidClient(OAuthRefused):
    """Nobody knows this client, or the credentials are not its own: the answer is the same on purpose (401)."""

    status = 401

    def __init__(self) -> None:
        super().__init__("invalid_client", "The client is not known or its credentials are wrong.")
