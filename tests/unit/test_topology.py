"""What is declared is refused by no RabbitMQ from 3.10 to 4.3 and means the same on each.

RabbitMQ 4.x cannot be had on the machines that run these tests, so its rules are held here, by its own documents:
- rabbitmq.com/release-information/deprecated-features-list: classic queue mirroring went in 4.0; global_qos,
  transient_nonexcl_queues, ram nodes and metrics by the management plugin are deprecated since 2021.
- release notes of 4.3.0 (rabbitmq-server/release-notes/4.3.0.md): transient non-exclusive queues, global QoS and
  x-queue-master-locator are refused unless permitted; classic storage v1 is gone, and with it x-queue-mode of any value
  and x-queue-version 1; the keys of partition handling in rabbitmq.conf have no effect.
- release notes of 4.0.1: a quorum queue without x-delivery-limit gets 20; before there was none. A vhost may make
  another type of queue than classic where none is named.
- rabbitmq-server/discussions/18226: from 4.3 on basic.reject counts against the delivery limit, basic.nack does not.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from kombu.entity import Exchange, Queue

from chassis import topology
from chassis.definitions import definitions
from chassis.settings import SERVICES
from deploy.local import broker
from services.subscriptions.store.broker import queue_body

ROOT = Path(__file__).parents[2]
GONE_ARGUMENTS = frozenset({"x-queue-mode", "x-queue-version", "x-queue-master-locator", "x-max-in-memory-length"})
GONE_PREFIXES = ("x-ha-", "ha-")
GONE_KEYS = ("cluster_partition_handling", "deprecated_features", "queue_master_locator", "classic_queue", "lazy_queue")
KNOWN = {
    "x-queue-type", "x-delivery-limit", "x-overflow", "x-dead-letter-exchange", "x-dead-letter-routing-key",
    "x-dead-letter-strategy", "x-max-length", "x-max-length-bytes", "x-message-ttl",
}  # fmt: skip
"""Arguments that a quorum queue has on all of these versions."""


def queues() -> list[Queue]:
    """Every queue that is ever declared."""
    inner = [queue for service in SERVICES for queue in topology.service_queues(service, broker.FOLLOWS[service])]
    partner = queue_body()
    shape = {"durable": partner["durable"], "auto_delete": partner["auto_delete"]}
    return [*inner, Queue("partner.lt-police.main.0", **shape, queue_arguments=partner["arguments"])]


def faults(*, durable: bool, exclusive: bool, auto_delete: bool, arguments: dict[str, Any]) -> list[str]:
    """Why a queue would be refused by some version, or mean different things on two."""
    found = [] if durable and not exclusive and not auto_delete else ["transient"]
    found += [name for name in arguments if name in GONE_ARGUMENTS or name.startswith(GONE_PREFIXES)]
    found += [f"{name} is not known everywhere" for name in arguments if name not in KNOWN and name not in found]
    wanted = ("x-queue-type", "x-delivery-limit", "x-overflow")
    found += [f"{name} is left to the version" for name in wanted if name not in arguments]
    if arguments.get("x-queue-type", "quorum") != "quorum":
        found.append("no quorum queue")
    if "x-dead-letter-exchange" in arguments and "x-dead-letter-strategy" not in arguments:
        found.append("x-dead-letter-strategy is left to the version")
    if arguments.get("x-dead-letter-strategy") == "at-least-once" and arguments.get("x-overflow") != "reject-publish":
        found.append("at-least-once needs reject-publish")
    return found


def of(queue: Queue) -> dict[str, Any]:
    shape = {"durable": queue.durable, "exclusive": queue.exclusive, "auto_delete": queue.auto_delete}
    return {**shape, "arguments": queue.queue_arguments}


@pytest.mark.parametrize("queue", queues(), ids=lambda queue: queue.name)
def test_no_queue_is_refused_or_left_to_a_version(queue: Queue) -> None:
    assert faults(**of(queue)) == []
    # all stands among the arguments
    assert queue.expires is queue.message_ttl is queue.max_length is queue.max_priority is None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"durable": False}, "transient"),
        ({"exclusive": True}, "transient"),
        ({"auto_delete": True}, "transient"),
        ({"x-queue-mode": "lazy"}, "x-queue-mode"),
        ({"x-queue-version": 1}, "x-queue-version"),
        ({"x-queue-master-locator": "min-masters"}, "x-queue-master-locator"),
        ({"x-ha-policy": "all"}, "x-ha-policy"),
        ({"x-max-priority": 5}, "x-max-priority is not known everywhere"),
        ({"x-queue-type": "classic"}, "no quorum queue"),
        ({"x-queue-type": None}, "x-queue-type is left to the version"),
        ({"x-delivery-limit": None}, "x-delivery-limit is left to the version"),
        ({"x-overflow": None}, "x-overflow is left to the version"),
        ({"x-dead-letter-strategy": None}, "x-dead-letter-strategy is left to the version"),
        ({"x-overflow": "drop-head"}, "at-least-once needs reject-publish"),
    ],
)
def test_the_check_can_fail(change: dict[str, Any], fault: str) -> None:
    shape = of(topology.events_queue("groups", ["organisation"]))
    arguments = {**shape["arguments"], **{name: value for name, value in change.items() if name.startswith("x-")}}
    shape |= {name: value for name, value in change.items() if not name.startswith("x-")}
    shape["arguments"] = {name: value for name, value in arguments.items() if value is not None}
    assert fault in faults(**shape)


def test_exchanges_are_durable_and_of_the_kinds_that_every_version_has() -> None:
    shared: list[Exchange] = [topology.events_exchange(), topology.partners_exchange()]
    for exchange in [*shared, *map(topology.returns_exchange, SERVICES)]:
        assert exchange.durable
        assert not exchange.auto_delete
        assert exchange.type in {"topic", "direct"}
        assert not exchange.arguments


def test_the_exported_definitions_say_the_same_and_set_no_policy() -> None:
    passwords = dict.fromkeys(SERVICES, "not-a-secret")
    made = definitions(broker.FOLLOWS, broker.TELLS, passwords)
    assert not {"policies", "operator_policies", "parameters", "global_parameters"} & set(made)
    for queue in made["queues"]:
        shape = {name: queue[name] for name in ("durable", "auto_delete", "arguments")}
        assert faults(**shape, exclusive=False) == []


def test_no_code_asks_for_a_global_limit_and_none_gives_back_by_nack() -> None:
    """From 4.3 on the first is refused, and the second no longer counts against the delivery limit."""
    folders = ("chassis", "services", "gateway", "deploy", "docs/subscribe")
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"a_global=True|global_qos=True|apply_global=True|basic_nack\(", text), path
        for call in re.findall(r"basic_qos\(([^)]*)\)", text):
            assert "a_global=False" in call or "prefetch_count" in call, path


@pytest.mark.parametrize("place", ["deploy/rabbitmq.conf", "deploy/local/rabbit.py", "deploy/compose.yaml"])
def test_the_brokers_configuration_names_nothing_that_is_gone(place: str) -> None:
    text = (ROOT / place).read_text(encoding="utf-8")
    assert [key for key in GONE_KEYS if key in text] == []
