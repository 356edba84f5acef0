"""A network to be broken: planted processes behind a proxy, a partner's grant, and a way back to the first state."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pika

from chassis.settings import Settings
from deploy.local import rabbit
from tests.chaos import snapshot
from tests.chaos.snapshot import Table
from tests.support import checker, proxy
from tests.support.breaking import struck, whole
from tests.support.client import CENTRE, eventually, org_id
from tests.support.databases import root_url
from tests.support.events import check_network
from tests.support.network import Network, discard, new_settings, planted, start
from tests.support.planting import orders
from tests.support.proof import Broker, Partner, left

AMQP, POSTGRES = 30, 31  # the proxies' ports behind the network's base
COPIES = "chaos.copies"
COPIES_KEPT = 400
LADDER, ASK_SECONDS = "0.3,0.6,1,2", "2"
QUIET_SECONDS = 60.0
GATE_SECONDS = 0.3
ALARM = """
vm_memory_monitor:set_vm_memory_high_watermark(0.0000001),
timer:sleep(%d),
vm_memory_monitor:set_vm_memory_high_watermark({absolute, "1GB"}).
"""


@dataclass
class Rig:
    """One network under test."""

    network: Network
    proxy: proxy.Handle
    control: Path
    ports: dict[str, int]
    partner: tuple[str, str] = ("", "")  # address and queue
    number: int = 0
    defective: bool = False  # since the rows were put back
    first: dict[str, list[Table]] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The network's."""
        return self.network.settings

    def order(self, **wanted: object) -> int:
        """Plant this and nothing else; returns the order's number."""
        self.number += 1
        self.defective |= "defect" in wanted
        orders.give(self.control, self.number, **wanted)
        return self.number

    def reader(self) -> Partner:
        """The partner, to whom everything of its two streams is due from now on."""
        own = ("network", f"org:{org_id(CENTRE)}")
        return Partner(*self.partner, checker.begins(root_url(self.settings, "subscriptions"), own))

    def starve(self, seconds: float) -> None:
        """Raise the broker's memory alarm for a while; the node itself ends it, whatever becomes of us."""
        server = rabbit.find_server()
        assert server is not None
        environment = rabbit.program(self.settings, server).env
        subprocess.run(
            [str(server.parent / "rabbitmqctl"), "eval", ALARM % (seconds * 1000)],
            env=environment,
            check=True,
            capture_output=True,
            timeout=60,
        )

    def fresh(self) -> None:
        """All sound, all quiet, all rows and queues as at the beginning."""
        self.order()
        for port in self.ports.values():
            self.proxy.order(port, proxy.PASS)
        whole(self.network)
        for service in self._stuck():  # it holds messages that no count shows; a killed one gives them back at once
            struck(self.network, service)
        whole(self.network)
        eventually(self._emptied, QUIET_SECONDS, 0.1)
        defective, self.defective = self.defective, False
        try:
            if not defective:
                check_network(self.settings)
        finally:
            snapshot.put_back(self.settings, self.first)
            self._purge()

    def _stuck(self) -> set[str]:
        found = left(self.settings)
        return {re.split("[ .]", name)[0] for name, count in found.items() if count and "unpublished" not in name}

    def _emptied(self) -> bool:
        """Purge until nothing comes any more."""
        for _ in range(2):
            self._purge()
            time.sleep(GATE_SECONDS)
            if any(count for name, count in left(self.settings).items() if not name.endswith(" waiting")):
                return False
        return True

    def _purge(self) -> None:
        broker = Broker(self.settings)
        with contextlib.closing(pika.BlockingConnection(pika.URLParameters(broker.address))) as connection:
            channel = connection.channel()
            for name in (*broker.queues(), COPIES, self.partner[1]):
                channel.queue_purge(name)


@contextlib.contextmanager
def running() -> Iterator[Rig]:
    """Start one, with the demo's directory in it; end it."""
    settings = new_settings(retry_ladder=LADDER, ask_after_seconds=ASK_SECONDS)
    ports = {"amqp": settings.port + AMQP, "postgres": settings.port + POSTGRES}
    ways = {ports["amqp"]: settings.amqp_port, ports["postgres"]: settings.postgres_port}
    control = settings.home / "orders.json"
    orders.give(control, 0)
    with contextlib.closing(proxy.Handle(ways)) as handle:
        network = start(settings, more=planted(control, ports))
        try:
            rig = Rig(network, handle, control, ports)
            _furnish(rig)
            yield rig
        finally:
            discard(network)


def _furnish(rig: Rig) -> None:
    seeded = rig.network.command("demo", "--seed-only")
    assert seeded.returncode == 0, seeded.stderr
    rig.partner = eventually(lambda: _granted(rig.network))
    with contextlib.closing(pika.BlockingConnection(pika.URLParameters(Broker(rig.settings).address))) as connection:
        channel = connection.channel()
        arguments = {"x-max-length": COPIES_KEPT, "x-overflow": "drop-head"}
        channel.queue_declare(COPIES, durable=True, arguments=arguments)
        channel.queue_bind(COPIES, "events", "#")
    eventually(lambda: not any(left(rig.settings).values()), QUIET_SECONDS)
    rig.first = snapshot.kept(rig.settings)


def _granted(network: Network) -> tuple[str, str] | None:
    made = network.command("grant", "create", "--org", CENTRE, "--name", "chaos")
    if made.returncode:
        return None  # subscriptions has not heard of the organisation yet
    found = dict(re.findall(r"^(\w+) +(\S.*)$", made.stdout, re.MULTILINE))
    return found["address"], found["queue"]
