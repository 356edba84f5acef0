"""Exchanges, queues and rights: what the definitions make is what the services declare, and nobody may do more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import amqp
import pytest
from amqp.exceptions import AccessRefused

from chassis import rights, topology
from chassis.link import Link
from chassis.settings import SERVICES, Settings, SettingsError
from deploy.local import broker
from services.subscriptions.store.broker import queue_body
from tests.integration.bus_rig import channel_of

ROOT = Path(__file__).parent.parent.parent
DECLARES = re.compile(r"\b(Exchange|Queue)\(|\.(exchange|queue)_declare\(|\.queue_bind\(|x-queue-type|x-dead-letter")


@pytest.mark.parametrize("service", SERVICES)
def test_declaring_what_the_definitions_made_is_no_conflict(vhost: Settings, service: str) -> None:
    link = Link(vhost.amqp_url(service), name="test")
    for _ in range(2):
        link.open()
        topology.declare_service(link.connection, service, ["organisation", "referral"])  # type: ignore[arg-type]
        link.close()


def test_only_topology_declares() -> None:
    """Trap 13: a second place would sooner or later say it differently."""
    files = [path for folder in ("chassis", "services", "gateway", "deploy") for path in (ROOT / folder).rglob("*.py")]
    guilty = [path.name for path in files if path.name != "topology.py" and DECLARES.search(path.read_text("utf-8"))]
    assert guilty == []


def test_every_inner_queue_is_a_quorum_queue_with_all_its_arguments(vhost: Settings) -> None:
    queues: Any = broker.manage(vhost, "GET", f"queues/{vhost.vhost}", None)
    assert len(queues) == len(SERVICES) * 6
    for queue in queues:
        arguments = queue["arguments"]
        assert (queue["type"], arguments["x-overflow"]) == ("quorum", "reject-publish")
        if not queue["name"].endswith(".parked"):
            assert arguments["x-dead-letter-strategy"] == "at-least-once"
            assert arguments["x-delivery-limit"] == topology.DELIVERY_LIMIT


def test_every_topic_exchange_has_a_row_for_every_user(vhost: Settings) -> None:
    """Trap 10: without a row the broker allows every key."""
    exchanges: Any = broker.manage(vhost, "GET", f"exchanges/{vhost.vhost}", None)
    rows: Any = broker.manage(vhost, "GET", f"vhosts/{vhost.vhost}/topic-permissions", None)
    topics = {exchange["name"] for exchange in exchanges if exchange["type"] == "topic"}
    held = {(row["user"], row["exchange"]) for row in rows}
    assert {(service, exchange) for service in SERVICES for exchange in topics} <= held


@pytest.mark.parametrize(
    ("user", "exchange", "key"),
    [
        ("referrals", "partners", "network.group.opened"),
        ("directory", "", "groups.events"),
        ("directory", "groups.events", "groups.events"),
        ("directory", "amq.topic", "x.y"),
        ("directory", "events", "Not A Key"),
        ("subscriptions", "partners", "everyone.group.opened"),
    ],
)
def test_publishing_elsewhere_is_refused(vhost: Settings, user: str, exchange: str, key: str) -> None:
    with channel_of(vhost, user) as channel, pytest.raises(AccessRefused):
        channel.basic_publish(amqp.Message("x"), exchange, key)


@pytest.mark.parametrize("queue", ["groups.events", "groups.events.parked", "groups.events.retry.1"])
def test_reading_anothers_queue_is_refused(vhost: Settings, queue: str) -> None:
    with channel_of(vhost, "referrals") as channel, pytest.raises(AccessRefused):
        channel.basic_get(queue)


def test_making_other_queues_is_refused(vhost: Settings) -> None:
    with channel_of(vhost, "referrals") as channel, pytest.raises(AccessRefused):
        channel.queue_declare("referrals.own", durable=True)


def test_a_partner_binds_its_own_keys_only(vhost: Settings) -> None:
    org, other, user = uuid4(), uuid4(), f"partner-{uuid4().hex[:8]}"
    password, queue = "a-password-of-a-test-only-1234", f"partner.lt-kavkc.main.{org.hex[:16]}"
    with channel_of(vhost) as channel:
        channel.queue_declare(queue, **queue_body())
    _make_partner(vhost, user, password, queue, org)
    try:
        for key in ("network.#", f"org.{org}.#", f"org.{org}.referral.*", "network.group.opened"):
            assert _binds(vhost, (user, password), queue, "partners", key)
        for exchange, key in (
            ("partners", "#"),
            ("partners", "org.*.#"),
            ("partners", f"org.{other}.#"),
            ("partners", "*.*.*"),
            ("partners", "network#"),
            ("events", "network.group"),
            ("amq.topic", "network.#"),
            ("groups.events", "groups.events"),
        ):
            assert not _binds(vhost, (user, password), queue, exchange, key), (exchange, key)
    finally:
        broker.manage(vhost, "DELETE", f"users/{user}", None)


def _make_partner(vhost: Settings, user: str, password: str, queue: str, org: UUID) -> None:
    broker.manage(vhost, "PUT", f"users/{user}", {"password_hash": rights.password_hash(password), "tags": ""})
    broker.manage(vhost, "PUT", f"permissions/{vhost.vhost}/{user}", rights.partner_permissions(queue))
    for row in rights.partner_topic_permissions(user, org, vhost.vhost):
        broker.manage(vhost, "PUT", f"topic-permissions/{vhost.vhost}/{user}", row)


def _binds(vhost: Settings, login: tuple[str, str], queue: str, exchange: str, key: str) -> bool:
    with amqp.Connection(f"127.0.0.1:{vhost.amqp_port}", *login, virtual_host=vhost.vhost) as connection:
        try:
            connection.channel().queue_bind(queue, exchange, key)
        except AccessRefused:
            return False
    return True


@pytest.mark.parametrize("text", ["5", "5,60,900", "5,60,900,x", "5,60,900,7200,9"])
def test_a_ladder_of_another_length_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="TUKIVERKKO_RETRY_LADDER"):
        topology.retry_ladder({"TUKIVERKKO_RETRY_LADDER": text})


def test_a_step_that_the_broker_cannot_hold_is_refused() -> None:
    """An expiration above 2^32 ms closes the channel, with every try."""
    assert topology.retry_ladder({"TUKIVERKKO_RETRY_LADDER": "5,60,900,2000000"})[-1] == 2_000_000_000 < 2**32
    with pytest.raises(SettingsError, match="no step above 2000000 seconds"):
        topology.retry_ladder({"TUKIVERKKO_RETRY_LADDER": "5,60,900,2000001"})


def test_the_ladder_of_the_design() -> None:
    assert topology.retry_ladder({}) == (5_000, 60_000, 900_000, 7_200_000)
