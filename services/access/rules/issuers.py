"""What a trusted issuer must be, and which of its published keys count."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from chassis.errors import FieldError, Invalid
from services.access.rules.clients import algorithms_of, public_key

MOST_KEYS = 50
LONGEST = 500
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def check_address(uri: str, *, development: bool) -> None:
    """Keys come over HTTPS, or from this machine itself in development. Raises Invalid."""
    parts = urlsplit(uri)
    own = development and parts.scheme == "http" and parts.hostname in LOOPBACK
    if not own and (parts.scheme != "https" or not parts.hostname or parts.username is not None):
        message = "The address of the keys must begin with https://."
        raise Invalid("issuer.not_https", message, fields=(FieldError("/jwks_uri", "https", message),))


def check_texts(**texts: str) -> None:
    """Each is something visible of a sane length. Raises Invalid."""
    for name, text in texts.items():
        if not 0 < len(text) <= LONGEST or not text.isprintable() or text != text.strip():
            message = f"{name} takes 1 to {LONGEST} visible characters."
            raise Invalid("issuer.unfit", message, fields=(FieldError(f"/{name}", "length", message),))


def keys_of(document: Any) -> dict[str, dict[str, Any]]:
    """The keys of a published set that may sign, by their id; others are passed over. Raises ValueError for no set."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise ValueError
    return {key["kid"]: key for each in listed if (key := _usable(each)) is not None}


def _usable(each: Any) -> dict[str, Any] | None:
    if not isinstance(each, dict) or type(each.get("kid")) is not str or each.get("use", "sig") != "sig":
        return None
    if "alg" in each and each["alg"] not in algorithms_of(each):
        return None
    try:
        return {**public_key(each), **({"alg": each["alg"]} if "alg" in each else {})}
    except Invalid:
        return None
