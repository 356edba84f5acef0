"""Backup and restore on a real network: what was acknowledged comes back readable; what does not fit is refused."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from chassis import clock
from chassis.settings import KEYS_DATABASE, SERVICES, Settings
from deploy.local import apart, archive, backup
from deploy.local import restore as restoring
from deploy.local.archive import Shelf
from deploy.local.faults import LocalFault
from deploy.local.postgres import CASES, KEYS, superuser_url
from deploy.local.pruning import prune
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
    stolen: dict[str, Path]
    half: subprocess.CompletedProcess[str]
    positions: int

    def copy(self, to: Path) -> dict[str, Shelf]:
        shutil.copytree(self.folder, to, dirs_exist_ok=True)
        return archive.shelves(to, None)


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
        shutil.copytree(folder, place / "early")
        ids += [sent(police) for _ in range(3)]
        made = network.command("backup", str(folder), "--log-only", seconds=SECONDS)
        assert made.returncode == 0, made.stderr
        ids += [sent(police) for _ in range(3)]
        eventually(lambda: not pending(network.settings))
        positions = len(police.events())
        network.stop()
        yield Kept(folder, place / "secrets", ids, {"early": place / "early"}, half, positions)
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


def test_secrets_do_not_go_into_the_backup_they_open(kept: Kept, restored: Network, tmp_path: Path) -> None:
    with pytest.raises(LocalFault, match="Secrets do not go into the backup"):
        apart.copy_secrets(restored.settings, kept.folder / "secrets", archive.shelves(kept.folder, None))


def test_the_backup_of_another_network_is_left_alone(kept: Kept, restored: Network) -> None:
    """A restored network is the same one, so its mark is changed here."""
    shelf = archive.shelves(kept.folder, None)[CASES]
    with pytest.raises(LocalFault, match="another network"):
        base = shelf.newest()
        told = (base / "complete.json").read_text(encoding="utf-8")
        try:
            archive.write_whole(base, replace(archive.read_whole(base), network="1"))
            backup._refuse_foreign(restored.settings, shelf)
        finally:
            (base / "complete.json").write_text(told, encoding="utf-8")


def newest(shelves: dict[str, Shelf], store: str = CASES) -> Path:
    return shelves[store].newest()


def rewritten(shelves: dict[str, Shelf], store: str = CASES, **changes: object) -> None:
    base = newest(shelves, store)
    archive.write_whole(base, replace(archive.read_whole(base), **changes))  # type: ignore[arg-type]


def without_keys(shelves: dict[str, Shelf]) -> None:
    shutil.rmtree(shelves[KEYS].folder)


def cut_base(shelves: dict[str, Shelf]) -> None:
    path = newest(shelves) / "base.tar.gz"
    os.truncate(path, path.stat().st_size - 100)


def changed_base(shelves: dict[str, Shelf]) -> None:
    path = newest(shelves) / "base.tar.gz"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


def lost_piece(shelves: dict[str, Shelf]) -> None:
    pieces = shelves[CASES].pieces("00000001")
    (shelves[CASES].log / f"{pieces[-2]}.gz").unlink()


def cut_piece(shelves: dict[str, Shelf]) -> None:
    path = shelves[CASES].log / f"{shelves[CASES].pieces('00000001')[-1]}.gz"
    os.truncate(path, path.stat().st_size - 20)


def mixed_up(shelves: dict[str, Shelf]) -> None:
    rewritten(shelves, KEYS, network="4711")


def damaged_mark(shelves: dict[str, Shelf]) -> None:
    (newest(shelves) / "complete.json").write_text("{", encoding="utf-8")


DAMAGE: list[tuple[Callable[[dict[str, Shelf]], None], str]] = [
    (without_keys, "There is no backup of the keys"),
    (cut_base, "is missing or cut"),
    (changed_base, "was changed"),
    (lost_piece, "is missing in"),
    (cut_piece, "is damaged in"),
    (mixed_up, "two different networks"),
    (damaged_mark, "can not be read"),
    (lambda shelves: rewritten(shelves, format=2), "has the format 2"),
    (lambda shelves: rewritten(shelves, postgres=9), "was made by PostgreSQL 9"),
    (lambda shelves: rewritten(shelves, migrations=["referrals/9999_later.sql"]), "made by a newer version"),
]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that PostgreSQL's account may walk into."""
    folder = new_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def refused(kept: Kept, place: Path, shelves: dict[str, Shelf], *, secrets: Path | None = None, **more: object) -> str:
    """Why a restore refuses; nothing was made, and nothing was left."""
    settings, before = at_new_home(place), set(place.iterdir())
    with pytest.raises(LocalFault) as fault:
        restoring.restore(settings, shelves, secrets or kept.secrets, lambda *_: None, **more)  # type: ignore[arg-type]
    assert set(place.iterdir()) == before
    assert len(str(fault.value).splitlines()) == 1
    return str(fault.value)


@pytest.mark.parametrize(("damage", "why"), DAMAGE, ids=[f"{number}" for number in range(len(DAMAGE))])
def test_a_damaged_or_foreign_backup_is_refused(
    kept: Kept, place: Path, damage: Callable[[dict[str, Shelf]], None], why: str
) -> None:
    shelves = kept.copy(place / "copy")
    damage(shelves)
    assert why in refused(kept, place, shelves)


def test_a_key_store_older_than_the_case_stores_is_refused(kept: Kept, place: Path) -> None:
    shelves = kept.copy(place / "copy")
    old = archive.shelves(kept.stolen["early"], None)[KEYS]
    shelves[KEYS] = old
    why = refused(kept, place, shelves, skew=dt.timedelta(seconds=0.5))
    assert why.startswith("The key store is older than the case stores")


def test_a_cut_of_the_data_inside_is_found_by_postgres_own_list(kept: Kept, place: Path) -> None:
    """A base that fits its own digest, but not the list of files that PostgreSQL made."""
    shelves = kept.copy(place / "copy")
    base = newest(shelves)
    raw = bytearray(gzip.decompress((base / "base.tar.gz").read_bytes()))
    found = raw.index(b"PG_VERSION")
    at = raw.index(b"15\n", found)
    raw[at : at + 3] = b"14\n"
    (base / "base.tar.gz").write_bytes(gzip.compress(bytes(raw), 1))
    rewritten(shelves, sha256=archive.digest(base / "base.tar.gz"), bytes=(base / "base.tar.gz").stat().st_size)
    assert "is damaged" in refused(kept, place, shelves)


@pytest.mark.parametrize("name", ["kek", "db_postgres", "audit_key"])
def test_secrets_that_are_not_complete_are_refused(kept: Kept, place: Path, name: str) -> None:
    shutil.copytree(kept.secrets, place / "secrets")
    (place / "secrets" / "secrets" / name).unlink()
    assert name in refused(kept, place, archive.shelves(kept.folder, None), secrets=place / "secrets")


def test_another_key_encryption_key_is_refused(kept: Kept, place: Path) -> None:
    shutil.copytree(kept.secrets, place / "secrets")
    (place / "secrets" / "secrets" / "kek").write_text("ab" * 32, encoding="ascii")
    why = refused(kept, place, archive.shelves(kept.folder, None), secrets=place / "secrets")
    assert why.startswith("The secret kek is not the one")


def test_a_home_that_is_not_empty_is_refused_and_left_alone(kept: Kept, place: Path) -> None:
    settings = at_new_home(place)
    settings.home.mkdir()
    (settings.home / "mine").write_text("mine", encoding="ascii")
    with pytest.raises(LocalFault, match="not empty"):
        restoring.restore(settings, archive.shelves(kept.folder, None), kept.secrets, lambda *_: None)
    assert [path.name for path in settings.home.iterdir()] == ["mine"]


def test_a_destroyed_key_is_in_no_backup_that_is_kept_after_seven_days(restored: Network, place: Path) -> None:
    """Two backups, a key destroyed between them; a week later only the second remains, and it does not have the key."""
    shelves = archive.shelves(place / "backup", None)
    backup.back_up(restored.settings, shelves, lambda *_: None)
    (used,) = rows(restored.settings, "referrals", "SELECT key_id FROM sender_record LIMIT 1")
    with psycopg.connect(superuser_url(restored.settings, KEYS_DATABASE), autocommit=True) as keys:
        assert keys.execute("DELETE FROM referrals.data_key WHERE id = %s", used).rowcount == 1
    first = shelves[KEYS].newest()
    backup.back_up(restored.settings, shelves, lambda *_: None)
    assert shelves[KEYS].whole()[0] == first
    prune(shelves[KEYS], clock.now())  # what a backup in seven days does
    (left,) = shelves[KEYS].whole()
    assert left != first
    start_of_log = json.loads((left / "complete.json").read_text(encoding="utf-8"))["first"]
    assert min(shelves[KEYS].pieces("0000")) >= start_of_log
    assert len(shelves[CASES].whole()) == 2  # cases are kept longer
    secrets = place / "secrets"
    apart.copy_secrets(restored.settings, secrets, shelves)
    settings = at_new_home(place)
    done = restoring.restore(settings, shelves, secrets, lambda *_: None)
    assert done.without_key == 1
    assert done.keys_until >= done.cases_until - restoring.SKEW
