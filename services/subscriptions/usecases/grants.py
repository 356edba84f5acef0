"""Gives a partner system its own queue at the broker, gives it another password, and takes all of it back."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from urllib.parse import quote

from chassis import clock, topology
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import NotFound
from chassis.management import Management
from chassis.settings import Settings
from services.subscriptions import rules
from services.subscriptions.store import broker, grants

COMMAND = "command:grant"
PASSWORD_BYTES = 32
SUFFIX_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a partner is handed, once: the address holds the password, which nobody keeps."""

    id: uuid.UUID
    org_id: uuid.UUID
    org_key: str
    queue: str
    user: str
    streams: tuple[str, ...]
    amqp_url: str = field(repr=False)


def create_grant(db: Database, settings: Settings, *, org_key: str, name: str) -> Grant:
    """Make user, queue, bindings and rights at the broker, and keep and audit the grant.

    Raises Invalid for an unfit name, NotFound for an unknown organisation, and Conflict for one that is not active or
    has a grant of that name already.
    """
    rules.check_grant_name(name)
    partner = _partner(db, org_key)
    rules.check_active(partner.key, partner.status)
    user, password = topology.partner_queue_name(partner.key, name), secrets.token_urlsafe(PASSWORD_BYTES)
    with db.background(COMMAND, org=partner.org_id) as work:
        queue = f"{user}.{_unguessable(work, user)}"
        row = grants.GrantRow(id=clock.new_id(), org_id=partner.org_id, name=name, queue=queue, broker_user=user)
        if not grants.add(work, row):
            raise rules.already_granted(partner.key, name)
        _record(work, "grant.create", row)
        broker.admit(Management(settings), _user_of(row, password))
    return _handed(settings, row, partner.key, password)


def rotate_grant(db: Database, settings: Settings, *, org_key: str, name: str) -> Grant:
    """Give a grant a new password and end what is connected by the old one; queue and messages stay.

    Raises NotFound when there is no such grant.
    """
    partner = _partner(db, org_key)
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    with db.background(COMMAND, org=partner.org_id) as work:
        row = _living(work, partner, name)
        _record(work, "grant.rotate", row)
        management = Management(settings)
        broker.set_password(management, row.broker_user, password)
        broker.disconnect(management, row.broker_user)
    return _handed(settings, row, partner.key, password)


def revoke_grant(db: Database, settings: Settings, *, org_key: str, name: str) -> None:
    """End a grant: its connections, its user and its queue are gone. Raises NotFound when there is no such grant."""
    partner = _partner(db, org_key)
    with db.background(COMMAND, org=partner.org_id) as work:
        row = _living(work, partner, name)
        _record(work, "grant.revoke", row)
        grants.revoke(work, row.id)
        broker.expel(Management(settings), row.broker_user, row.queue)


def _partner(db: Database, org_key: str) -> grants.Partner:
    with db.view() as work:
        found = grants.partner(work, org_key)
    if found is None:
        raise NotFound("organisation.unknown", f"No organisation has the key {org_key!r}.")
    return found


def _living(work: Work, partner: grants.Partner, name: str) -> grants.GrantRow:
    row = grants.living(work, partner.org_id, name)
    if row is None:
        raise NotFound("grant.unknown", f"{partner.key} has no grant called {name!r}.")
    return row


def _unguessable(work: Work, user: str) -> str:
    # The broker tells everybody who knows a queue's name how many messages are in it; no right shuts that. Made from a
    # secret and not by chance, so that a grant that broke off half-way finds its queue again.
    return work.digest("partner_queue", user).hex()[:SUFFIX_DIGITS]


def _record(work: Work, operation: str, row: grants.GrantRow) -> None:
    work.record(Entry(operation=operation, object_type="grant", object_id=row.id, purpose="subscription"))


def _user_of(row: grants.GrantRow, password: str) -> broker.PartnerUser:
    keys = rules.binding_keys(row.org_id)
    return broker.PartnerUser(user=row.broker_user, password=password, queue=row.queue, org_id=row.org_id, keys=keys)


def _handed(settings: Settings, row: grants.GrantRow, org_key: str, password: str) -> Grant:
    scheme, _, place = settings.public_amqp_url.partition("://")
    return Grant(
        id=row.id,
        org_id=row.org_id,
        org_key=org_key,
        queue=row.queue,
        user=row.broker_user,
        streams=(rules.NETWORK, rules.stream_of(row.org_id)),
        amqp_url=f"{scheme}://{quote(row.broker_user, safe='')}:{password}@{place}/{quote(settings.vhost, safe='')}",
    )
