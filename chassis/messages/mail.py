"""One mail: neutral heads, plain text, and a stable Message-ID, so that whoever gets a copy twice can tell."""

from __future__ import annotations

import datetime as dt
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from uuid import UUID

from chassis.messages.kinds import KINDS
from chassis.messages.recipients import Send
from chassis.messages.wording import language_of, written
from chassis.settings import MailSettings


def made(message_id: UUID, kind: str, send: Send, settings: MailSettings, *, at: dt.datetime) -> EmailMessage:
    """The mail of a message. Raises ValueError when the address is none."""
    parameters = {"gateway": settings.gateway, **send.parameters}
    subject, body = written(KINDS[kind], language_of(send.language), parameters)
    user, _, domain = settings.sender.rpartition("@")
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(settings.alias if send.alias else settings.name, user, domain)
    mail["To"] = Address(addr_spec=send.address)
    mail["Subject"] = subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{message_id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(body, cte="quoted-printable")  # takes all heads away that speak of the content
    mail["Content-Language"] = language_of(send.language)
    return mail
