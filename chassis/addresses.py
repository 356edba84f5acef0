"""Addresses of database and broker: with TLS every check is on, and outside development there is no other way."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import urllib3

CA = "cafile"
VERIFIED = "verify-full"
ENCRYPTED_SCHEMES = frozenset({"amqps", "https"})


class SettingsError(Exception):
    """A setting is missing or unfit; the message is one sentence for the person who starts the process."""


@dataclass(frozen=True, slots=True)
class Backend:
    """Something a process connects to: `setting` is the one that brings TLS."""

    name: str
    host: str
    setting: str
    tls: bool


def verified(url: str, ca: str | None) -> str:
    """A libpq address that demands TLS, a certificate of `ca` and the right name; without `ca` as it was."""
    return f"{url}?sslmode={VERIFIED}&sslrootcert={quote(ca, safe='/')}" if ca else url


def with_ca(url: str, ca: str | None) -> str:
    """An amqps address that names the file of certificates; a plain one, or one that names its own, as it was."""
    parts = urlsplit(url)
    if parts.scheme not in ENCRYPTED_SCHEMES or not ca or CA in parse_qs(parts.query):
        return url
    return f"{url}{'&' if parts.query else '?'}{CA}={quote(ca, safe='/')}"


def of_url(name: str, url: str, setting: str) -> Backend:
    """A backend that is given by its whole address; libpq also takes the host from behind the question mark."""
    parts = urlsplit(url)
    asked = parse_qs(parts.query)
    host = (asked.get("hostaddr") or asked.get("host") or [parts.hostname or ""])[-1]
    mode = asked.get("sslmode", [""])[-1]
    return Backend(name, host, setting, tls=parts.scheme in ENCRYPTED_SCHEMES or mode == VERIFIED)


def require_safe(env: Mapping[str, str], profile: str, backends: Iterable[Backend]) -> None:
    """Refuse a way without TLS that leaves this machine. Raises SettingsError outside the profile development."""
    named = [name for name in env if name.startswith("TUKIVERKKO_") and name.endswith(("_DATABASE_URL", "_KEYS_URL"))]
    named += [name for name in env if name.startswith("TUKIVERKKO_") and name.endswith("_AMQP_URL")]
    given = [of_url(name, env[name], name) for name in named if env[name]]
    for backend in (*backends, *given):
        if profile != "development" and not backend.tls and not _is_here(backend.host):
            message = (
                f"The way to {backend.name} at {backend.host} is without TLS, which the profile {profile} does not "
                f"allow; set {backend.setting}."
            )
            raise SettingsError(message)


def broker_tls(url: str) -> tuple[str, dict[str, Any] | bool]:
    """Split an AMQP address into what kombu is given as address and as `ssl`; both checks are on for amqps."""
    parts = urlsplit(url)
    plain = parts._replace(query="").geturl()
    if parts.scheme != "amqps":
        return plain, False
    told: dict[str, Any] = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": parts.hostname}
    ca = parse_qs(parts.query).get(CA)
    return plain, {**told, "ca_certs": ca[0]} if ca else told


def pool(url: str, ca: str | None, **options: Any) -> urllib3.PoolManager:
    """A pool for the management interface; over https the certificate and its name are checked against `ca`."""
    if urlsplit(url).scheme == "https":
        options = {**options, "cert_reqs": "CERT_REQUIRED", "ca_certs": ca}
    return urllib3.PoolManager(**options)


def _is_here(host: str) -> bool:
    if host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
