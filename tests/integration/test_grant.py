"""Grants on a real broker: what a partner's user may do, and every act that is refused (bus.md section 5)."""

from __future__ import annotations

import contextlib
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import amqp
import pika
import psycopg
import pytest
import urllib3
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPConnectionError, ChannelClosedByBroker

from chassis import topology
from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotFound
from chassis.management import Management
from chassis.settings import Settings
from services.subscriptions.store.broker import MOST_CHANNELS, MOST_CONNECTIONS, exchanges
from services.subscriptions.usecases import Grant, create_grant, revoke_grant, rotate_grant
from tests.integration.bus_rig import channel_of, depth, relaying, taken, until
from tests.integration.subscriptions_rig import connected, journal, know, received
from tests.integration.test_parked import command
from tests.support.databases import root_url

REFUSED, NOT_FOUND = 403, 404
Act = Callable[[BlockingChannel], object]


@pytest.fixture
def subscriptions(vhost: Settings, service_database: Callable[..., Settings]) -> Settings:
    return service_database("subscriptions", into=vhost)


@pytest.fixture
def database(subscriptions: Settings) -> Iterator[Database]:
    made = Database(subscriptions, "subscriptions")
    yield made
    made.close()


@pytest.fixture
def grants(subscriptions: Settings, database: Database) -> Iterator[tuple[Grant, Grant]]:
    """Grants of two organisations; users belong to the whole broker, so their names are this test's own."""
    own = [f"lt-{uuid.uuid4().hex[:8]}" for _ in range(2)]
    for key in own:
        know(database, key)
    made = [create_grant(database, subscriptions, org_key=key, name="main") for key in own]
    yield made[0], made[1]
    for grant in made:
        Management(subscriptions).delete("users", grant.user)


def is_cut(connection: pika.BlockingConnection) -> bool:
    """Whether the broker ends a connection within ten seconds."""
    deadline = time.monotonic() + 10
    with contextlib.suppress(AMQPConnectionError):
        while time.monotonic() < deadline:
            connection.process_data_events(0.1)
    return bool(connection.is_closed)


def open_channels(connection: pika.BlockingConnection, count: int) -> None:
    """Open that many."""
    for _ in range(count):
        connection.channel()


def refused(grant: Grant, act: Act) -> bool:
    """Whether the broker forbids it."""
    with connected(grant) as connection:
        channel = connection.channel()
        try:
            act(channel)
            connection.process_data_events(0.2)
        except ChannelClosedByBroker as closed:
            return bool(closed.reply_code == REFUSED)
        return False


def published(grant: Grant, exchange: str, key: str) -> bool:
    """Whether the broker takes a message."""

    def act(channel: BlockingChannel) -> None:
        channel.confirm_delivery()
        channel.basic_publish(exchange, key, b"{}")

    return not refused(grant, act)


def test_the_partner_reads_what_is_meant_for_it_and_nothing_else(
    subscriptions: Settings, database: Database, grants: tuple[Grant, Grant]
) -> None:
    mine, theirs = grants
    told = [received(f"org:{mine.org_id}"), received("network"), received(f"org:{theirs.org_id}"), received("")]
    with relaying(subscriptions, "subscriptions"):
        journal(database, *told)
        until(lambda: depth(subscriptions, mine.queue) == 2 and depth(subscriptions, theirs.queue) == 2)
    with connected(mine) as connection:
        channel = connection.channel()
        taken = [channel.basic_get(mine.queue, auto_ack=True) for _ in range(3)]
    assert [properties and properties.message_id for _, properties, _ in taken] == [
        str(told[0].id),
        str(told[1].id),
        None,
    ]
    headers = {name for _, properties, _ in taken if properties for name in properties.headers or ()}
    assert headers <= {"x-delivery-count"}  # the broker's own


def test_binding_is_open_for_its_own_keys_only(subscriptions: Settings, grants: tuple[Grant, Grant]) -> None:
    mine, theirs = grants
    with connected(mine) as connection:
        channel = connection.channel()
        channel.queue_bind(mine.queue, "partners", f"org.{mine.org_id}.referral.*")
        channel.queue_bind(mine.queue, "partners", "network.group.opened")
    foreign = (
        "#",
        "*.#",
        "org.#",
        "org.*.#",
        f"org.{theirs.org_id}.#",
        f"org.{theirs.org_id}.referral.sent",
        "*.*.*.*",
        "",
    )
    for key in foreign:
        assert refused(mine, lambda channel, key=key: channel.queue_bind(mine.queue, "partners", key)), key  # type: ignore[misc]
    for exchange in (
        "events",
        "referrals.events",
        "amq.topic",
        "amq.direct",
        "amq.fanout",
        "amq.headers",
        "amq.rabbitmq.trace",
    ):
        assert refused(mine, lambda channel, name=exchange: channel.queue_bind(mine.queue, name, "network.#")), exchange  # type: ignore[misc]
    assert refused(mine, lambda channel: channel.queue_bind(theirs.queue, "partners", "network.#"))


def test_exchanges_and_queues_of_others_are_shut(grants: tuple[Grant, Grant]) -> None:
    mine, theirs = grants
    acts: list[Act] = [
        lambda channel: channel.exchange_bind("partners", "events", "#"),
        lambda channel: channel.exchange_bind("amq.fanout", "partners", "#"),
        lambda channel: channel.exchange_bind("events", "partners", f"org.{mine.org_id}.#"),
        lambda channel: channel.basic_get(theirs.queue),
        lambda channel: channel.basic_get("referrals.events"),
        lambda channel: channel.basic_consume("referrals.events.parked", lambda *_: None),
        lambda channel: channel.queue_purge(theirs.queue),
        lambda channel: channel.queue_delete(mine.queue),
        lambda channel: channel.queue_declare("mine", durable=True),
        lambda channel: channel.queue_declare("", exclusive=True),
        lambda channel: channel.exchange_declare("mine"),
        lambda channel: channel.exchange_declare(mine.queue),
        lambda channel: channel.exchange_delete("partners"),
        lambda channel: channel.exchange_bind("partners", "partners", f"org.{mine.org_id}.#"),
        lambda channel: channel.exchange_unbind("partners", "events", "#"),
        lambda channel: channel.queue_unbind(theirs.queue, "partners", "network.#"),
        lambda channel: channel.queue_delete(theirs.queue),
        lambda channel: channel.queue_declare(mine.queue, durable=True, arguments={"x-queue-type": "classic"}),
        lambda channel: channel.basic_consume(theirs.queue, lambda *_: None),
        lambda channel: channel.basic_get("subscriptions.events"),
        lambda channel: channel.basic_get("subscriptions.events.retry.1"),
    ]
    for number, act in enumerate(acts):
        assert refused(mine, act), number


def test_what_a_partner_does_to_its_own_queue_harms_nobody_else(
    subscriptions: Settings, database: Database, grants: tuple[Grant, Grant]
) -> None:
    """The broker counts unbinding and purging as reading and binding; the feed gives back what is gone by them."""
    mine, theirs = grants
    with relaying(subscriptions, "subscriptions"):
        journal(database, received("network"))
        until(lambda: depth(subscriptions, mine.queue) == 1 and depth(subscriptions, theirs.queue) == 1)
        with connected(mine) as connection:
            channel = connection.channel()
            channel.queue_purge(mine.queue)
            channel.queue_unbind(mine.queue, "partners", "network.#")
        journal(database, received("network"), received(f"org:{mine.org_id}"))
        until(lambda: depth(subscriptions, theirs.queue) == 2 and depth(subscriptions, mine.queue) == 1)


def test_other_virtual_hosts_and_the_management_are_shut(subscriptions: Settings, grants: tuple[Grant, Grant]) -> None:
    mine, _ = grants
    address = pika.URLParameters(mine.amqp_url)
    for vhost in ("/", "tukiverkko"):
        address.virtual_host = vhost
        with pytest.raises(AMQPConnectionError):
            pika.BlockingConnection(address)
    asked = urllib3.make_headers(basic_auth=f"{mine.user}:{address.credentials.password}")
    for path in ("overview", "queues", f"queues/{subscriptions.vhost}/{mine.queue}", "definitions", "users"):
        answer = urllib3.request("GET", f"{subscriptions.management_url}/api/{path}", headers=asked)
        assert answer.status == 401, path


def test_a_revoked_grant_ends_all_its_connections_and_its_consumers(
    subscriptions: Settings, database: Database, grants: tuple[Grant, Grant]
) -> None:
    mine, theirs = grants
    with ExitStack() as stack:
        opened = [stack.enter_context(connected(mine)) for _ in range(MOST_CONNECTIONS)]
        other = stack.enter_context(connected(theirs))
        for each in opened:
            each.channel().basic_consume(mine.queue, lambda *_: None)
        revoke_grant(database, subscriptions, org_key=mine.org_key, name="main")
        assert all(is_cut(each) for each in opened)
        other.process_data_events(0.1)
        assert other.is_open
    with pytest.raises(AMQPConnectionError), connected(mine):
        pass


def test_how_much_waits_for_another_cannot_be_guessed(grants: tuple[Grant, Grant]) -> None:
    """The broker checks no right when a queue is asked for by name; so the name is a secret, and its user's is none."""
    mine, theirs = grants
    with connected(mine) as connection:
        assert connection.channel().queue_declare(theirs.queue, passive=True).method.message_count == 0  # as it is
    assert theirs.queue.startswith(f"{theirs.user}.")
    assert len(theirs.queue) - len(theirs.user) == 17
    with connected(mine) as connection:
        with pytest.raises(ChannelClosedByBroker) as closed:
            connection.channel().queue_declare(theirs.user, passive=True)
        assert closed.value.reply_code == NOT_FOUND


def test_a_partner_publishes_nowhere(grants: tuple[Grant, Grant]) -> None:
    mine, theirs = grants
    places = [
        ("partners", f"org.{mine.org_id}.referral.sent"),
        ("partners", "network.a.b"),
        ("events", "referral.sent"),
    ]
    places += [
        ("", mine.queue),
        ("", theirs.queue),
        ("", "referrals.events"),
        ("amq.fanout", ""),
        ("referrals.events", "x"),
        ("partners", ""),
        ("partners", f"org.{theirs.org_id}.referral.sent"),
        ("", "subscriptions.events"),
        ("", "amq.rabbitmq.reply-to"),
        ("amq.topic", "network.group.opened"),
        ("amq.direct", mine.queue),
        ("amq.headers", ""),
    ]
    for exchange, key in places:
        assert not published(mine, exchange, key), (exchange, key)


def test_no_more_connections_and_channels_than_allowed(grants: tuple[Grant, Grant]) -> None:
    mine, _ = grants
    with ExitStack() as stack:
        for _ in range(MOST_CONNECTIONS):
            stack.enter_context(connected(mine))
        with pytest.raises(AMQPConnectionError):
            stack.enter_context(connected(mine))
    with connected(mine) as connection, pytest.raises(AMQPConnectionError):
        open_channels(connection, MOST_CHANNELS + 1)


def test_channels_are_counted_over_all_connections(grants: tuple[Grant, Grant]) -> None:
    mine, _ = grants
    half = MOST_CHANNELS // 2
    with connected(mine) as one, connected(mine) as other:
        open_channels(one, half)
        open_channels(other, MOST_CHANNELS - half)
        with pytest.raises(AMQPConnectionError):
            open_channels(other, 1)


def test_every_exchange_of_the_vhost_has_a_row_for_the_partner(
    subscriptions: Settings, grants: tuple[Grant, Grant]
) -> None:
    """Trap 10: the broker allows every topic of an exchange without a row."""
    management = Management(subscriptions)
    for grant in grants:
        rows = {row["exchange"]: row for row in management.get("topic-permissions", subscriptions.vhost, grant.user)}
        assert set(exchanges(management)) <= set(rows)
        assert {name for name, row in rows.items() if row["read"] != "^$"} == {"partners"}
        assert all(row["write"] == "^$" for row in rows.values())
        (rights,) = management.get("users", grant.user, "permissions")
        assert rights["vhost"] == subscriptions.vhost
        assert rights["configure"] == "^$"


def test_a_second_grant_of_one_name_is_refused_and_others_are_not(
    subscriptions: Settings, database: Database, grants: tuple[Grant, Grant]
) -> None:
    mine, _ = grants
    with pytest.raises(Conflict, match=r"grant\.exists") as told:
        create_grant(database, subscriptions, org_key=mine.org_key, name="main")
    assert "rotate" in told.value.detail
    second = create_grant(database, subscriptions, org_key=mine.org_key, name="second")
    assert second.user == f"partner.{mine.org_key}.second"
    revoke_grant(database, subscriptions, org_key=mine.org_key, name="second")
    with connected(mine):
        pass


def test_refusals_leave_nothing_at_the_broker(subscriptions: Settings, database: Database) -> None:
    know(database, "lt-shut", status="suspended")
    for key, name, error in (("lt-none", "main", NotFound), ("lt-shut", "main", Conflict), ("lt-shut", "a.b", Invalid)):
        with pytest.raises(error):
            create_grant(database, subscriptions, org_key=key, name=name)
    users = [row["name"] for row in Management(subscriptions).get("users")]
    assert not [name for name in users if "lt-shut" in name or "lt-none" in name]


def test_the_password_is_nobodys_but_the_partners(subscriptions: Settings, grants: tuple[Grant, Grant]) -> None:
    mine, _ = grants
    password = pika.URLParameters(mine.amqp_url).credentials.password
    assert len(password) >= 43
    assert password not in repr(mine)
    with psycopg.connect(root_url(subscriptions, "subscriptions")) as connection:
        rows = connection.execute(
            "SELECT g::text FROM partner_grant AS g UNION ALL SELECT a::text FROM audit AS a"
        ).fetchall()
    assert len(rows) == 4
    assert not [row for row in rows if password in row[0]]


def test_rotating_ends_the_old_password_and_keeps_the_queue(
    subscriptions: Settings, database: Database, grants: tuple[Grant, Grant]
) -> None:
    mine, _ = grants
    with relaying(subscriptions, "subscriptions"):
        journal(database, received(f"org:{mine.org_id}"))
        until(lambda: depth(subscriptions, mine.queue) == 1)
    with connected(mine) as old:
        again = rotate_grant(database, subscriptions, org_key=mine.org_key, name="main")
        assert is_cut(old)
    with pytest.raises(AMQPConnectionError), connected(mine):
        pass
    with connected(again) as connection:
        assert connection.channel().basic_get(again.queue, auto_ack=True)[0] is not None


def test_revoking_ends_connections_user_and_queue(
    subscriptions: Settings, database: Database, grants: tuple[Grant, Grant]
) -> None:
    mine, _ = grants
    with connected(mine) as old:
        revoke_grant(database, subscriptions, org_key=mine.org_key, name="main")
        assert is_cut(old)
    assert Management(subscriptions).get("queues", subscriptions.vhost, mine.queue) is None
    with pytest.raises(NotFound, match=r"grant\.unknown"):
        revoke_grant(database, subscriptions, org_key=mine.org_key, name="main")
    create_grant(database, subscriptions, org_key=mine.org_key, name="main")


def test_a_partners_queue_is_limited_in_bytes_too(
    subscriptions: Settings, database: Database, grants: tuple[Grant, Grant], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made with a small limit, where a queue of another version lies that a grant left which broke off half-way."""
    mine, _ = grants
    revoke_grant(database, subscriptions, org_key=mine.org_key, name="main")
    left = {"durable": True, "arguments": {"x-queue-type": "quorum", "x-max-length": 7}}
    Management(subscriptions).put("queues", subscriptions.vhost, mine.queue, body=left)
    monkeypatch.setattr(topology, "PARTNER_QUEUE_BYTES", 20_000)
    create_grant(database, subscriptions, org_key=mine.org_key, name="main")
    with channel_of(subscriptions) as channel:
        for number in range(60):
            told = amqp.Message(b"%2d" % number + b"\xff" * 998, delivery_mode=2)
            channel.basic_publish(told, topology.PARTNERS, f"org.{mine.org_id}.referral.sent")
    until(lambda: 0 < depth(subscriptions, mine.queue) <= 20)
    newest = [int(bytes(each.body)[:2]) for each in taken(subscriptions, mine.queue)]
    assert newest == list(range(60 - len(newest), 60))  # the oldest were cut


def test_the_commands_make_rotate_and_revoke(subscriptions: Settings, database: Database) -> None:
    key = f"lt-{uuid.uuid4().hex[:8]}"
    know(database, key)

    def ran(act: str, code: int = 0) -> str:
        with command(subscriptions, "grant", act, "--org", key, "--name", "cli") as process:
            said, complaint = process.communicate(timeout=60)
            assert process.returncode == code, (said, complaint)
            return said.decode()

    def address(said: str) -> str:
        return dict(re.findall(r"^(\w+) +(\S.*)$", said, re.MULTILINE))["address"]

    def enters(url: str) -> bool:
        with contextlib.suppress(AMQPConnectionError):
            pika.BlockingConnection(pika.URLParameters(url)).close()
            return True
        return False

    try:
        first = address(ran("create"))
        assert enters(first)
        second = address(ran("rotate"))
        assert enters(second)
        assert not enters(first)
        assert "its queue is gone" in ran("revoke")
        assert not enters(second)
        ran("rotate", code=1)
    finally:
        Management(subscriptions).delete("users", topology.partner_queue_name(key, "cli"))
