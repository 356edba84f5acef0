"""The refusals of the token endpoint, in the words of RFC 6749 section 5.2: every OAuth library reads only those.

Whatever else may happen on the way there, in the gateway too, is put into the same shape.
"""

from __future__ import annotations

import orjson

from chassis.errors import OAuthRefused, Refused
from chassis.problems import Problem

ERRORS = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "temporarily_unavailable",
    "server_error",
)
"""The last two are of section 4.1.2.1: for what is no fault of the client (429, 500, 503, 504)."""

_HEADERS = (
    ("Content-Type", "application/json"),
    ("Cache-Control", "no-store"),
    ("Pragma", "no-cache"),
    ("X-Content-Type-Options", "nosniff"),
)
_BUSY = frozenset({429, 503, 504})
_OWN_STATUS = frozenset({401, 408, 413, *_BUSY})
"""Everything else is 400, as section 5.2 demands."""


def oauth_error_of(error: Refused) -> Problem:
    """A refusal of any kind as the token endpoint says it."""
    if error.status in _BUSY:
        code = "temporarily_unavailable"
    elif isinstance(error, OAuthRefused):
        code = error.code
    else:
        code = "invalid_client" if error.status == 401 else "invalid_request"  # noqa: PLR2004 - says what it is
    headers = list(_HEADERS)
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    if error.status == 401:  # noqa: PLR2004 - as above
        headers.append(("WWW-Authenticate", 'Basic realm="tukiverkko"'))
    status = error.status if error.status in _OWN_STATUS else 400
    return _said(status, code, error.detail, tuple(headers))


def oauth_fault() -> Problem:
    """A fault of ours."""
    return _said(500, "server_error", "Something went wrong on our side.", _HEADERS)


def _said(status: int, code: str, detail: str, headers: tuple[tuple[str, str], ...]) -> Problem:
    # section 5.2 allows neither quotation marks nor backslashes nor anything beyond ASCII in the description
    plain = "".join(sign if " " <= sign <= "~" and sign not in '"\\' else "?" for sign in detail)
    return Problem(status, headers, orjson.dumps({"error": code, "error_description": plain}))
