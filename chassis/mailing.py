"""Where mail leaves: the address of an SMTP server, the names it is sent under, and the file of the password.

    TUKIVERKKO_SMTP_URL=smtp+starttls://tukiverkko@mail.example.org:587

`smtp` is without TLS, `smtp+starttls` demands it before anything else is said, `smtps` begins with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from chassis import strength
from chassis.addresses import Backend, SettingsError

SECURITY = {"smtp": "none", "smtp+starttls": "starttls", "smtps": "tls"}
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
ADDRESS = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,250}\Z")
NAME = re.compile(r"[^\x00-\x1f\x7f]{1,60}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """An SMTP server; `security` is none, starttls or tls, `ca` a file of certificates in place of the system's."""

    host: str
    port: int
    security: str
    user: str | None = None
    ca: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """How mail leaves: by a server, else into a folder (development alone), else not at all.

    `name` is the sender's name to organisations, `alias` the one to people to whom we may not say who we are.
    """

    server: MailServer | None
    folder: Path | None
    sender: str
    name: str
    alias: str
    gateway: str
    password_file: Path
    checked: bool = False

    def password(self) -> str | None:
        """The password of the server's user. Raises SettingsError when its file is missing or open to others."""
        if self.server is None or self.server.user is None:
            return None
        try:
            text = self.password_file.read_text(encoding="utf-8").strip()
            fault = strength.exposure(self.password_file) if self.checked else None
        except OSError as error:
            message = f"The password of the mail server is not readable at {self.password_file}."
            raise SettingsError(message) from error
        if fault is not None or not text:
            message = f"The password of the mail server in {self.password_file} {fault or 'is empty'}."
            raise SettingsError(message)
        return text


def mail_settings(env: Mapping[str, str], *, profile: str, home: Path, gateway: str) -> MailSettings:
    """Read TUKIVERKKO_SMTP_* and TUKIVERKKO_MAIL_*. Raises SettingsError."""
    server = _server(env)
    sender = env.get("TUKIVERKKO_MAIL_FROM") or "tukiverkko@localhost"
    if server is not None and not env.get("TUKIVERKKO_MAIL_FROM"):
        message = "TUKIVERKKO_SMTP_URL is set, and no address to send from; set TUKIVERKKO_MAIL_FROM."
        raise SettingsError(message)
    if ADDRESS.match(sender) is None:
        message = "TUKIVERKKO_MAIL_FROM is no address; expected for example notices@example.org."
        raise SettingsError(message)
    return MailSettings(
        server=server,
        folder=home / "mail" if server is None and profile == "development" else None,
        sender=sender,
        name=_name(env, "TUKIVERKKO_MAIL_NAME", "Tukiverkko"),
        alias=_name(env, "TUKIVERKKO_MAIL_ALIAS", "Info"),
        gateway=gateway,
        password_file=Path(env.get("TUKIVERKKO_SMTP_PASSWORD_FILE") or home / "secrets" / "smtp_password"),
        checked=profile == "production",
    )


def backend_of(server: MailServer) -> Backend:
    """The server as something a process connects to."""
    return Backend("the mail server", server.host, "TUKIVERKKO_SMTP_URL to smtps://", tls=server.security != "none")


def _server(env: Mapping[str, str]) -> MailServer | None:
    url = env.get("TUKIVERKKO_SMTP_URL")
    if not url:
        return None
    parts = urlsplit(url)
    try:
        port = parts.port or PORTS[parts.scheme]
    except (KeyError, ValueError):
        port = 0
    if not port or not parts.hostname or parts.password is not None:
        message = (
            "TUKIVERKKO_SMTP_URL is no address of a mail server; expected for example "
            "smtp+starttls://user@mail.example.org:587, and the password in a file."
        )
        raise SettingsError(message)
    return MailServer(
        host=parts.hostname,
        port=port,
        security=SECURITY[parts.scheme],
        user=unquote(parts.username) if parts.username else None,
        ca=env.get("TUKIVERKKO_SMTP_CA") or None,
    )


def _name(env: Mapping[str, str], setting: str, default: str) -> str:
    name = env.get(setting) or default
    if NAME.match(name) is None:
        message = f"{setting} is no name that can stand in a mail."
        raise SettingsError(message)
    return name
