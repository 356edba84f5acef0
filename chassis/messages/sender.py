"""Sends what is due, for one service that writes messages; the process is in process.py.

Each try is counted and committed before the server is asked, and how it ended is committed afterwards: whoever dies in
between leaves one more copy behind, with the same Message-ID, and never a lost message. The connection to the server is
opened before anything is claimed, so that a server that is gone costs no message a try.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import psycopg

from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import Unavailable
from chassis.messages import carriers, mail, outbox
from chassis.messages.carriers import Carrier, Gone, NotTaken, Open
from chassis.messages.kinds import KINDS
from chassis.messages.recipients import Drop, Hold, Recipient, Row, Send, recipient_of
from chassis.settings import MailSettings, Settings
from chassis.work import Work

log = logging.getLogger(__name__)

LOCK = 7_402_531  # beside the relay's other locks: one sender for each service's database
POLL_SECONDS = 1.0
COUNT_SECONDS = 5.0
TIDY_SECONDS = 3600.0
FIRST_PAUSE = dt.timedelta(minutes=2)
LONGEST_PAUSE = dt.timedelta(hours=4)
MOST_TRIES = 14
"""Together some thirty hours; then a person has to look."""

LEAD = "SELECT pg_try_advisory_lock(%s)"
Note = Callable[..., None]


def pause_after(attempts: int) -> dt.timedelta:
    """How long the try after this many waits; the first is longer than any one mail may take."""
    doubled: dt.timedelta = FIRST_PAUSE * 2 ** min(attempts, 10)
    return min(LONGEST_PAUSE, doubled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """One mail that is to go, and the messages that it stands for."""

    row: Row
    ids: list[UUID]
    mail: EmailMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What one service's messages are sent with."""

    db: Database
    settings: MailSettings
    recipient: Recipient

    def due(self) -> list[tuple[UUID, UUID]]:
        """Organisation and id of what is due. Raises Unavailable."""
        with self.db.background("messages") as work:
            return outbox.due(work)

    def send(self, carrier: Carrier, stop: threading.Event) -> int:
        """Send what is due now; returns how many mails went. Raises Gone, and Unavailable for a database."""
        found, went = self.due(), 0
        if not found:
            return 0
        with carrier.opened() as open_one:
            for org, message_id in found:
                if stop.is_set():
                    break
                went += self._one(open_one, org, message_id)
        return went

    def counted(self) -> dict[str, int]:
        """Figures over all organisations. Raises Unavailable."""
        with self.db.background("messages") as work:
            return outbox.counted(work)

    def tidy(self) -> None:
        """Forget what was delivered long ago. Raises Unavailable."""
        with self.db.background("messages") as work:
            outbox.tidy(work)

    def _one(self, open_one: Open, org: UUID, message_id: UUID) -> bool:
        claimed = self._claimed(org, message_id)
        if claimed is None:
            return False
        try:
            open_one.carry(claimed.mail)
        except NotTaken as refused:
            self._failed(org, claimed, refused.code, final=refused.final)
            return False
        except Gone as gone:
            self._failed(org, claimed, gone.code, final=False)
            raise
        self._ended(org, claimed, "sent", None)
        return True

    def _claimed(self, org: UUID, message_id: UUID) -> Claimed | None:
        """Ask once more whether it may go and to whom; a fault in that harms this message alone."""
        try:
            with self.db.background("messages", org=org) as work:
                row = outbox.take(work, message_id)
                return None if row is None else self._decided(work, row)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one bad record must not hold up all others
            log.warning("message waits", extra={"reason": type(error).__name__, "operation": "message.send"})
            self._postponed(org, message_id)
            return None

    def _decided(self, work: Work, row: Row) -> Claimed | None:
        said = self.recipient(work, row)
        if isinstance(said, Hold):
            outbox.hold(work, row, said.until)
        elif isinstance(said, Drop):
            _end(work, row, [row.id], "dropped", said.reason)
        else:
            return self._made(work, row, said)
        return None

    def _made(self, work: Work, row: Row, send: Send) -> Claimed | None:
        try:
            letter = mail.made(row.id, row.kind, send, self.settings, at=work.now)
        except ValueError:
            _end(work, row, [row.id], "dead", "address.invalid")
            return None
        others = [] if KINDS[row.kind].alone else outbox.same(work, row)
        ids = [row.id, *(each.id for each in others if self._goes_too(work, each))]
        outbox.claim(work, ids, work.now + pause_after(row.attempts))
        return Claimed(row=row, ids=ids, mail=letter)

    def _goes_too(self, work: Work, row: Row) -> bool:
        said = self.recipient(work, row)
        if isinstance(said, Drop):
            outbox.mark(work, [row.id], "dropped", said.reason)
        return isinstance(said, Send)

    def _failed(self, org: UUID, claimed: Claimed, code: str, *, final: bool) -> None:
        dead = final or claimed.row.attempts + 1 >= MOST_TRIES
        log.warning("message not taken", extra={"code": code, "attempt": claimed.row.attempts + 1})
        self._ended(org, claimed, "dead" if dead else "failed", code)

    def _ended(self, org: UUID, claimed: Claimed, state: str, reason: str | None) -> None:
        with self.db.background("messages", org=org) as work:
            _end(work, claimed.row, claimed.ids, state, reason)

    def _postponed(self, org: UUID, message_id: UUID) -> None:
        with self.db.background("messages", org=org) as work:
            row = outbox.take(work, message_id)
            if row is not None:
                outbox.claim(work, [row.id], work.now + pause_after(row.attempts))
                dead = row.attempts + 1 >= MOST_TRIES
                _end(work, row, [row.id], "dead" if dead else "failed", "record.fault")


def keep_sending(settings: Settings, service: str, stop: threading.Event, note: Note) -> None:
    """Send until stopped, while this process has the lock. Raises psycopg.Error, Unavailable and SettingsError."""
    carrier = carriers.carrier_of(settings.mail)
    with (
        psycopg.connect(settings.database_url(service), autocommit=True, connect_timeout=5) as lead,
        closing(Database(settings, service)) as db,
    ):
        sender = Sender(db=db, settings=settings.mail, recipient=recipient_of(service))
        _keep(sender, carrier, lead, stop, note)


def _keep(
    sender: Sender,
    carrier: Carrier | None,
    lead: psycopg.Connection[tuple[Any, ...]],
    stop: threading.Event,
    note: Note,
) -> None:
    note(sending=carrier is not None)
    counted_at, tidied_at, server_pause = 0.0, 0.0, 0.0
    while not stop.is_set():
        at = time.monotonic()
        if at - counted_at > COUNT_SECONDS:
            note(counted=sender.counted())
            counted_at = at
        if at - tidied_at > TIDY_SECONDS:
            sender.tidy()
            tidied_at = at
        row = lead.execute(LEAD, (LOCK,)).fetchone()
        if carrier is None or not (row and row[0]):
            stop.wait(POLL_SECONDS)
            continue
        server_pause = _round(sender, carrier, stop, server_pause, note)


def _round(sender: Sender, carrier: Carrier, stop: threading.Event, pause: float, note: Note) -> float:
    """One round; returns the pause after a server that was gone, which grows."""
    try:
        went = sender.send(carrier, stop)
    except Gone as gone:
        pause = min(300.0, pause * 2 or POLL_SECONDS)
        log.warning("no messages leave", extra={"code": gone.code, "seconds": pause})
        note(carrier=False)
        stop.wait(pause)
        return pause
    note(carrier=True, sent=went)
    if not went:
        stop.wait(POLL_SECONDS)
    return 0.0


def _end(work: Work, row: Row, ids: list[UUID], state: str, reason: str | None) -> None:
    outbox.mark(work, ids, state, reason)
    work.record(Entry(operation="message.send", object_type=row.object_type, object_id=row.object_id, outcome=state))
