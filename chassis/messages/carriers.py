"""What carries a mail away: an SMTP server, or in development files in a folder; every wait has a limit.

Source: RFC 5321 (answers of 4xx may be better later, those of 5xx are final) and RFC 3207 (STARTTLS).
"""

from __future__ import annotations

import contextlib
import os
import smtplib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

from chassis.settings import MailSettings, SettingsError

SECONDS = 20.0
FINAL = 500
AUTH_FAILED = frozenset({530, 534, 535, 538})


class NotTaken(Exception):
    """This mail was not taken; `final`: and never will be."""

    def __init__(self, code: str, *, final: bool) -> None:
        super().__init__(code)
        self.code = code
        self.final = final


class Gone(Exception):
    """The server does not answer or does not let us in: that is no fault of the mail."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Open(Protocol):
    """A carrier that is open."""

    def carry(self, mail: EmailMessage) -> None:
        """Hand one mail over. Raises NotTaken, Gone."""


class Carrier(Protocol):
    """A way for mails to leave."""

    def opened(self) -> contextlib.AbstractContextManager[Open]:
        """Open it. Raises Gone."""


def carrier_of(settings: MailSettings) -> Carrier | None:
    """The carrier that the settings name; None where nothing may be sent. Raises SettingsError."""
    if settings.server is not None:
        return Smtp(settings, settings.password())
    return Folder(settings.folder) if settings.folder is not None else None


@dataclass(frozen=True, slots=True)
class Folder:
    """Mails as files, as in a maildir: written beside, then moved, so that nobody reads a half one."""

    path: Path

    @contextlib.contextmanager
    def opened(self) -> Iterator[Folder]:
        """Make the folders; only their owner looks into them. Raises Gone."""
        try:
            for name in ("tmp", "new"):
                (self.path / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Gone("folder.unusable") from error
        yield self

    def carry(self, mail: EmailMessage) -> None:
        """Write one file; the same mail again takes the place of the first. Raises Gone."""
        name = f"{str(mail['Message-ID']).strip('<>').partition('@')[0]}.eml"
        try:
            handle = os.open(self.path / "tmp" / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(mail.as_bytes())
            (self.path / "tmp" / name).rename(self.path / "new" / name)
        except OSError as error:
            raise Gone("folder.unusable") from error


@dataclass(frozen=True, slots=True)
class Smtp:
    """An SMTP server, over TLS where the settings say so."""

    settings: MailSettings
    password: str | None

    @contextlib.contextmanager
    def opened(self) -> Iterator[OpenSmtp]:
        """Connect, and sign in where there is a user. Raises Gone."""
        try:
            client = self._connected()
        except (smtplib.SMTPException, OSError) as error:
            raise Gone(_code_of(error)) from error
        try:
            yield OpenSmtp(client)
        finally:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                client.quit()
            client.close()

    def _connected(self) -> smtplib.SMTP:
        server = self.settings.server
        assert server is not None
        name = self.settings.sender.rpartition("@")[2]  # the name of this machine is nobody's business
        tls = ssl.create_default_context(cafile=server.ca)
        client: smtplib.SMTP
        if server.security == "tls":
            client = smtplib.SMTP_SSL(server.host, server.port, local_hostname=name, timeout=SECONDS, context=tls)
        else:
            client = smtplib.SMTP(server.host, server.port, local_hostname=name, timeout=SECONDS)
        try:
            if server.security == "starttls":
                client.starttls(context=tls)
            if server.user is not None:
                client.login(server.user, self.password or "")
        except BaseException:
            client.close()
            raise
        return client


@dataclass(frozen=True, slots=True)
class OpenSmtp:
    """A connection to an SMTP server."""

    client: smtplib.SMTP

    def carry(self, mail: EmailMessage) -> None:
        """Hand one mail over. Raises NotTaken, Gone."""
        try:
            self.client.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            raise _not_taken("recipient", [answer for answer, _ in error.recipients.values()][-1]) from error
        except smtplib.SMTPSenderRefused as error:
            # our own address is refused: something is to be put right here, and no mail dies of it
            raise NotTaken(f"sender.{error.smtp_code}", final=False) from error
        except smtplib.SMTPDataError as error:
            raise _not_taken("content", error.smtp_code) from error
        except (smtplib.SMTPNotSupportedError, UnicodeError, ValueError) as error:
            raise NotTaken("address.not_supported", final=True) from error
        except (smtplib.SMTPException, OSError) as error:
            raise Gone(_code_of(error)) from error


def _not_taken(part: str, answer: int) -> NotTaken:
    return NotTaken(f"{part}.{answer}", final=answer >= FINAL and answer not in AUTH_FAILED)


def _code_of(error: Exception) -> str:
    """A code for a fault; never its text, which may repeat an address."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "server.sign_in"
    if isinstance(error, ssl.SSLError):
        return "server.tls"
    if isinstance(error, TimeoutError):
        return "server.timeout"
    if isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected):
        return "server.answer"
    return "server.unreachable"


__all__ = ["Carrier", "Folder", "Gone", "NotTaken", "Open", "SettingsError", "Smtp", "carrier_of"]
