"""One whole network by the launcher: start, restarts, refusals, and an end that leaves nothing behind."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chassis.settings import Settings
from deploy.local.folders import database_account
from deploy.local.ports import OFFSETS
from tests.support.events import check_network
from tests.support.network import Network, discard, new_settings, start, tukiverkko

EVERYTHING = {
    "postgres",
    "rabbitmq",
    "epmd",
    "keystore",
    "gateway",
    "relay",
    "sender",
    "directory",
    "referrals",
    "groups",
    "access",
    "subscriptions",
}


def processes_of(home: Path, base: int) -> list[str]:
    """Command lines of all processes that belong to a home or to its ports, whoever their parent is."""
    found = []
    marks = (f"{home}/", f"-port {base + OFFSETS['epmd']}")
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            environment = (folder / "environ").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if line and (any(mark in line for mark in marks) or f"TUKIVERKKO_HOME={home}\0" in environment):
            found.append(line)
    return found


def test_status_shows_every_process_serving(network: Network) -> None:
    told = json.loads(network.command("status", "--json").stdout)
    assert told["phase"] == "running"
    assert {line["name"] for line in told["processes"]} == EVERYTHING
    assert all(line["ready"] and line["alive"] for line in told["processes"])
    assert (told["database"], told["broker"]) == ("answers", "answers")
    assert network.command("status").returncode == 0


def test_only_the_loopback_listens(network: Network) -> None:
    base = network.settings.port
    listening = {}
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            address, port = row.split()[1].split(":")
            if row.split()[3] == "0A" and int(port, 16) in range(base, base + 40):
                listening[int(port, 16) - base] = address
    loopbacks = {"0100007F", "00000000000000000000000001000000"}  # epmd adds ::1 by itself
    assert set(listening) == set(OFFSETS.values())
    assert set(listening.values()) <= loopbacks


@pytest.mark.parametrize("name", ["referrals", "relay", "sender", "gateway", "epmd", "postgres", "rabbitmq"])
def test_a_killed_process_comes_back(network: Network, name: str) -> None:
    pid = network.line(name).pid
    killed = network.kill(name)
    while network.line(name).pid in {0, pid}:
        assert time.monotonic() - killed < 5, "the supervisor must start it again within five seconds"
        time.sleep(0.02)
    network.until_back(name, pid)
    assert network.line(name).restarts >= 1


def test_a_second_start_in_the_same_home_is_refused(network: Network) -> None:
    refused = network.command("up")
    assert refused.returncode == 1
    assert refused.stderr.startswith("tukiverkko: A network already runs in")
    assert refused.stderr.count("\n") == 1


def test_a_log_that_does_not_exist_names_those_that_do(network: Network) -> None:
    refused = network.command("logs", "nobody")
    assert refused.returncode == 1
    assert "referrals" in refused.stderr


@pytest.fixture
def settings() -> Iterator[Settings]:
    """A home and ports of a network that is not to start."""
    made = new_settings()
    yield made
    shutil.rmtree(made.home)


@pytest.fixture
def own_network() -> Iterator[Network]:
    """A network that a test may end."""
    running = start(new_settings())
    yield running
    discard(running)


def test_an_end_is_whole_and_quick_and_the_second_start_too(own_network: Network) -> None:
    settings = own_network.settings
    assert own_network.stop() < 15
    assert own_network.supervisor.returncode == 0
    assert processes_of(settings.home, settings.port) == []
    begun = time.monotonic()
    own_network.supervisor = start(settings).supervisor
    assert time.monotonic() - begun < 60  # 8 s on an idle machine; the gate shares its cores with other tests
    own_network.supervisor.kill()  # the hardest end of all: nothing may linger, and the next start must work
    own_network.supervisor.wait(5)
    own_network.supervisor = start(settings).supervisor
    assert own_network.command("status").returncode == 0
    check_network(settings)
    assert own_network.command("down").returncode == 0
    assert own_network.supervisor.wait(5) == 0
    assert processes_of(settings.home, settings.port) == []


def test_a_taken_port_is_one_sentence_and_starts_nothing(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.port + OFFSETS["groups"]))
        taken.listen()
        refused = tukiverkko(settings, "up")
    assert refused.returncode == 1
    assert f"Port {settings.port + OFFSETS['groups']} (groups) is taken" in refused.stderr
    assert processes_of(settings.home, settings.port) == []


def test_no_permission_is_one_sentence(settings: Settings) -> None:
    environment = {**(settings.environment or {}), "TUKIVERKKO_HOME": "/proc/nothing"}
    refused = tukiverkko(replace(settings, environment=environment), "up")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(("name", "value"), [("TUKIVERKKO_PORT", "eighty"), ("TUKIVERKKO_PORT", "40000")])
def test_an_unfit_setting_is_one_sentence(settings: Settings, name: str, value: str) -> None:
    refused = tukiverkko(replace(settings, environment={**(settings.environment or {}), name: value}), "status")
    assert refused.returncode == 1
    assert name in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_missing_package_is_one_sentence(settings: Settings, tmp_path: Path) -> None:
    if database_account() is not None:
        pytest.skip("root would install the package; tests/unit/test_local_packages.py covers the sentence")
    environment = {**(settings.environment or {}), "TUKIVERKKO_POSTGRES_BIN": str(tmp_path)}
    refused = tukiverkko(replace(settings, environment=environment), "up")
    assert refused.returncode == 1
    assert "compose.yaml" in refused.stderr
