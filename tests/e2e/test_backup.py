"""Backup and restore on a real network: what was acknowledged comes back readable; what does not fit is refused."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chassis.settings import SERVICES, Settings
from deploy.local import restore as restoring
from tests.support import readme
from tests.support.client import CENTRE, POLICE, Client, client, eventually
from tests.support.instances import new_folder
from tests.support.network import CLI, ROOT, Network, discard, environment, new_settings, start, tukiverkko
from tests.support.rows import rows

pytestmark = pytest.mark.slow
SECONDS = 120


@dataclass
class Kept:
    """A backup of a network that ran and was stopped; `sent` are the referrals that were acknowledged."""

    folder: Path
    secrets: Path
    sent: list[str]
    half: subprocess.CompletedProcess[str]
    positions: int


def sent(by: Client) -> str:
    answer = eventually(lambda: found if (found := by.post("/referrals", readme.referral())).status == 201 else None)
    return str(answer.body["id"])


def killed_half_way(network: Network, folder: Path) -> None:
    """Start a backup and kill it with -9 while it copies."""
    process = subprocess.Popen(
        (*CLI, "backup", str(folder)), cwd=ROOT, env=environment(network.settings), start_new_session=True
    )
    deadline = time.monotonic() + SECONDS
    while not list(folder.glob("cases/base/*.half")):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    """Referrals are sent before the backup, after it, and after its log was brought up; then the network stops."""
    network, place = start(new_settings()), new_folder()
    try:
        assert network.command("demo", "--seed-only").returncode == 0
        police, folder = client(network.settings, POLICE), place / "backup"
        ids = [sent(police) for _ in range(3)]
        killed_half_way(network, folder)
        half = tukiverkko(at_new_home(place), "restore", str(folder), "--secrets", str(network.settings.home))
        made = network.command("backup", str(folder), "--with-secrets", str(place / "secrets"), seconds=SECONDS)
        assert made.returncode == 0, made.stderr
        ids += [sent(police) for _ in range(3)]
        made = network.command("backup", str(folder), "--log-only", seconds=SECONDS)
        assert made.returncode == 0, made.stderr
        ids += [sent(police) for _ in range(3)]
        eventually(lambda: not pending(network.settings))
        positions = len(police.events())
        network.stop()
        yield Kept(folder, place / "secrets", ids, half, positions)
    finally:
        discard(network)
        shutil.rmtree(place, ignore_errors=True)


def at_new_home(place: Path) -> Settings:
    """Settings of a home that does not exist yet."""
    settings = new_settings()
    shutil.rmtree(settings.home)
    told = {**dict(settings.environment or {}), "TUKIVERKKO_HOME": str(place / f"home-{time.monotonic_ns()}")}
    return Settings.load(told)


def pending(settings: Settings) -> int:
    """Events that wait for the relay or for one before them."""
    query = "SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL) + (SELECT count(*) FROM inbox_waiting)"
    return sum(int(rows(settings, service, query)[0][0]) for service in SERVICES)


@pytest.fixture(scope="module")
def restored(kept: Kept) -> Iterator[Network]:
    """The network that came out of the backup, running."""
    place = new_folder()
    settings = at_new_home(place)
    made = tukiverkko(settings, "restore", str(kept.folder), "--secrets", str(kept.secrets), seconds=SECONDS)
    assert made.returncode == 0, made.stderr
    network = start(settings)
    try:
        yield network
    finally:
        discard(network)
        shutil.rmtree(place, ignore_errors=True)


def test_everything_acknowledged_is_there_and_can_be_read(kept: Kept, restored: Network) -> None:
    centre = client(restored.settings, CENTRE)
    for referral in kept.sent:
        read = centre.get(f"/referrals/{referral}")
        assert read.status == 200, referral
        assert read.body["person"] == readme.referral()["person"]
    assert restoring.keyless(restored.settings) == 0


def test_the_bus_comes_to_rest_and_goes_on_without_a_gap(kept: Kept, restored: Network) -> None:
    police = client(restored.settings, POLICE)
    told = restored.command("republish", "--since", "1d", seconds=SECONDS)
    assert told.returncode == 0, told.stderr
    eventually(lambda: not pending(restored.settings), seconds=90)
    assert [event["position"] for event in police.events()] == list(range(1, kept.positions + 1))
    later = sent(police)
    heard = eventually(lambda: [each for each in police.events(after=kept.positions) if each["subject"] == later])
    assert heard[0]["position"] == kept.positions + 1
    assert not rows(restored.settings, "subscriptions", "SELECT 1 FROM inbox_waiting")


def test_a_backup_that_was_killed_half_way_is_no_backup(kept: Kept) -> None:
    assert kept.half.returncode == 1
    assert "only a half one" in kept.half.stderr
    assert not list(kept.folder.glob("*/base/*.half"))  # the next backup removed it


def test_the_secrets_are_not_in_the_backup(kept: Kept) -> None:
    kek = (kept.secrets / "secrets" / "kek").read_bytes()
    assert not [path for path in kept.folder.rglob("*") if path.is_file() and kek.strip() in path.read_bytes()]
    assert (kept.secrets / "secrets" / "kek").stat().st_mode & 0o777 == 0o600
