"""What the tests of messages share: a database of referrals, confirmed addresses, and a sender at a real server."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
import pytest

from chassis.db import Database
from chassis.identity import Caller
from chassis.messages.carriers import carrier_of
from chassis.messages.recipients import recipient_of
from chassis.messages.sender import Sender
from chassis.requests import Call
from chassis.settings import Settings
from services.referrals import usecases
from services.referrals.schemas import notifications as schemas
from services.referrals.usecases import notifications
from tests.support.databases import root_url
from tests.support.mail import Post, mailing, post_office
from tests.support.referrals import CENTRE, POLICE, ROLES, new, safe_contact, seed
from tests.support.rows import rows

INTAKE, DESK = "intake@centre.example.org", "desk@police.example.org"
EMAIL = "somebody@mail.example.org"
safe = safe_contact
KEEPER = frozenset({*ROLES, "org_admin"})


@dataclass
class Rig:
    """One service's database and a mail server."""

    db: Database
    settings: Settings
    post: Post

    @property
    def sender(self) -> Sender:
        return Sender(db=self.db, settings=self.settings.mail, recipient=recipient_of("referrals"))

    def send(self) -> int:
        """One round of the sender."""
        carrier = carrier_of(self.settings.mail)
        assert carrier is not None
        return self.sender.send(carrier, threading.Event())

    def later(self) -> None:
        """Let all pauses be over."""
        self.run("UPDATE message SET not_before = not_before - interval '2 days' WHERE state IN ('queued', 'failed')")

    def run(self, query: str, parameters: tuple[Any, ...] = ()) -> None:
        with psycopg.connect(root_url(self.settings, "referrals"), autocommit=True) as connection:
            connection.execute(query.encode(), parameters)

    def states(self, kind: str | None = None) -> list[tuple[Any, ...]]:
        """State, reason and tries of every message, in order."""
        query = (
            "SELECT state, reason, attempts FROM message WHERE %s::text IS NULL OR kind = %s ORDER BY created_at, id"
        )
        return rows(self.settings, "referrals", query, (kind, kind))

    def put(self, by: Caller, *addresses: dict[str, Any]) -> dict[str, Any]:
        """The call behind PUT /referrals/notification-settings."""
        body = schemas.NewSettings().load({"addresses": list(addresses)})
        value: dict[str, Any] = notifications.save(self.db, call(by, body)).value
        return value

    def confirm(self, by: Caller, code: str) -> dict[str, Any]:
        value: dict[str, Any] = notifications.confirm(self.db, call(by, {"code": code})).value
        return value

    def hears(self, by: Caller, address: str, **more: Any) -> None:
        """Give an organisation a confirmed address, by the mail that it gets."""
        self.put(by, {"address": address, **more})
        self.send()
        self.confirm(by, code_in(self.post))
        self.post.taken.clear()
        self.post.raw.clear()

    def refer(self, **changes: Any) -> uuid.UUID:
        made: uuid.UUID = usecases.create(self.db, new(POLICE, **changes)).value["id"]
        return made

    def word(self, referral_id: uuid.UUID, kind: str = "news", by: Caller = CENTRE) -> dict[str, Any]:
        """The call behind POST /referrals/{id}/messages."""
        value: dict[str, Any] = notifications.message(
            self.db, call(by, {"kind": kind}, path={"referral_id": referral_id})
        ).value
        return value

    def delivery(self, by: Caller, referral_id: uuid.UUID) -> list[dict[str, Any]]:
        """The call behind GET /referrals/{id}/messages."""
        found = notifications.messages(self.db, call(by, {}, path={"referral_id": referral_id}))
        items: list[dict[str, Any]] = found.value["items"]
        return items

    def contact(self, referral_id: uuid.UUID, **changes: Any) -> None:
        """Change the receiver's copy of the contact, sealed as the service seals it."""
        query = "SELECT key_id, personal FROM receiver_case WHERE id = %s"
        ((key_id, personal),) = rows(self.settings, "referrals", query, (referral_id,))
        key = self.db.keys.fetch([key_id])[key_id]
        content = key.unseal("receiver_case|personal", referral_id, personal)
        content["contact"] = {**content["contact"], **changes}
        sealed = key.seal("receiver_case|personal", referral_id, content)
        self.run("UPDATE receiver_case SET personal = %s WHERE id = %s", (sealed, referral_id))


def call(by: Caller, body: dict[str, Any], *, path: dict[str, Any] | None = None) -> Call:
    keeper = Caller(by.subject, by.org_id, by.org_key, KEEPER, by.token_id)
    raw = orjson.dumps(body)
    return Call(
        route=f"{uuid.uuid4()}", operation="-", caller=keeper, request_id="r", body=body, raw=raw, path=path or {}
    )


def code_in(post: Post) -> str:
    """The code in the newest mail."""
    text = post.taken[-1][1].get_content()
    return str(text.partition(": ")[2].split()[0])


@pytest.fixture
def rig(service_database: Callable[..., Settings]) -> Iterator[Rig]:
    settings = service_database("referrals")
    with closing(Database(settings, "referrals")) as db, post_office() as post:
        seed(db)
        yield Rig(db, mailing(settings, f"smtp://127.0.0.1:{post.port}"), post)
