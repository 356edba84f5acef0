"""A real SMTP server on this machine for tests: it keeps what it took, and answers as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from chassis.settings import Settings
from tests.support.ports import free_base

SENDER = "notices@tukiverkko.example.org"


@dataclass
class Post:
    """What came in, and what the server is to say; `recipient` and `content` are answers in their order."""

    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipient: list[str] = field(default_factory=list)
    content: list[str] = field(default_factory=list)
    hangs: float = 0.0
    signed_in: list[str] = field(default_factory=list)
    asked: int = 0
    port: int = 0

    async def handle_RCPT(self, _server: SMTP, _s: Session, envelope: Envelope, address: str, _o: list[str]) -> str:  # noqa: N802 -- aiosmtpd calls it so
        """One recipient."""
        self.asked += 1
        if self.hangs:
            await asyncio.sleep(self.hangs)
        if self.recipient and not (answer := self.recipient.pop(0)).startswith("2"):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 -- as above
        """The mail itself."""
        if self.content and not (answer := self.content.pop(0)).startswith("2"):
            return answer
        content = envelope.content
        assert isinstance(content, bytes)
        self.raw.append(content)
        for address in envelope.rcpt_tos:
            self.taken.append((address, message_from_bytes(content, policy=default)))
        return "250 taken"

    def let_in(self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        """Sign in with a password."""
        assert isinstance(data, LoginPassword)
        good = data.password == b"a password of a provider"
        if good:
            self.signed_in.append(data.login.decode())
        return AuthResult(success=good, handled=False)


@contextlib.contextmanager
def post_office(*, certificate: Path | None = None, sign_in: bool = False, port: int = 0) -> Iterator[Post]:
    """An SMTP server; with a folder of server.pem and server.key it demands STARTTLS."""
    post = Post()
    options: dict[str, Any] = {}
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate / "server.pem", certificate / "server.key")
        options |= {"tls_context": context, "require_starttls": True}
    if sign_in:
        options |= {"authenticator": post.let_in, "auth_required": True, "auth_require_tls": certificate is not None}
    post.port = port or free_base() + 30
    controller = Controller(post, hostname="127.0.0.1", port=post.port, **options)
    controller.start()
    try:
        yield post
    finally:
        controller.stop()


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    import socket  # noqa: PLC0415

    port, stop = free_base() + 31, threading.Event()
    with socket.create_server(("127.0.0.1", port)) as listening:
        listening.settimeout(0.2)
        kept: list[socket.socket] = []

        def take() -> None:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    kept.append(listening.accept()[0])

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        try:
            yield port
        finally:
            stop.set()
            thread.join(5)
            for each in kept:
                each.close()


def mailing(settings: Settings, url: str | None, **more: str) -> Settings:
    """The same settings with a mail server."""
    given = {"TUKIVERKKO_MAIL_FROM": SENDER, "TUKIVERKKO_PUBLIC_URL": "https://tukiverkko.example.org", **more}
    if url is not None:
        given["TUKIVERKKO_SMTP_URL"] = url
    return replace(settings, environment={**(settings.environment or {}), **given})
