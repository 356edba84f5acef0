"""Backup and restore of the two stores: what comes back, and each reason to refuse, with nothing touched."""

from __future__ import annotations

import datetime as dt
import gzip
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex

import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.errors import NotFound
from chassis.settings import KEYS_DATABASE, Settings
from deploy.local import apart, archive, backup, pulse
from deploy.local import restore as restoring
from deploy.local.archive import Shelf
from deploy.local.faults import LocalFault
from deploy.local.postgres import CASES, KEYS, superuser_url
from deploy.local.pruning import prune
from services.referrals import usecases
from tests.support import persons
from tests.support.instances import new_folder
from tests.support.network import ROOT
from tests.support.referrals import CENTRE, look, new, seed
from tests.support.rows import rows
from tests.support.stores import running, settings_at

SECONDS = 120


def quiet(_what: str, _share: float) -> None:
    """Nobody looks."""


@dataclass
class Kept:
    """A backup of stores that ran and were stopped; `sent` are the referrals that were acknowledged."""

    place: Path
    sent: list[uuid.UUID]
    half: str

    @property
    def shelves(self) -> dict[str, Shelf]:
        return archive.shelves(self.place / "backup", None)

    @property
    def secrets(self) -> Path:
        return self.place / "secrets"

    def copy(self, to: Path) -> dict[str, Shelf]:
        """A copy of it that may be damaged, and that PostgreSQL's account may read."""
        return copy(self.place / "backup", to)


def copy(folder: Path, to: Path) -> dict[str, Shelf]:
    """A copy of a backup that PostgreSQL's account may read."""
    shutil.copytree(folder, to)
    copied = archive.shelves(to, None)
    for shelf in copied.values():
        shelf.folder.chmod(0o755)
        shelf.log.chmod(0o755)
        for path in shelf.log.iterdir():
            path.chmod(0o644)
    return copied


def sent(db: Database) -> uuid.UUID:
    made: uuid.UUID = usecases.create(db, new()).value["id"]
    return made


def killed_half_way(settings: Settings, folder: Path) -> None:
    """Start a backup and kill it with -9 while it copies."""
    command = (sys.executable, "-m", "deploy.local.cli", "backup", str(folder))
    environment = {**os.environ, **dict(settings.environment or {}), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + SECONDS
    while not list(folder.glob("cases/base/*.half")):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    """Referrals before the backup, after it, and after its log was brought up; then the stores stop."""
    place = new_folder()
    settings, folder = settings_at(place / "home"), place / "backup"
    shelves = archive.shelves(folder, None)
    try:
        with running(settings), closing(Database(settings, "referrals")) as db:
            seed(db)
            ids = [sent(db) for _ in range(3)]
            killed_half_way(settings, folder)
            with pytest.raises(LocalFault) as half:
                restoring.restore(settings_at(place / "never"), shelves, settings.home, quiet)
            backup.back_up(settings, shelves, quiet)
            apart.copy_secrets(settings, place / "secrets", shelves)
            shutil.copytree(folder, place / "early")
            ids += [sent(db) for _ in range(3)]
            backup.archive_log(settings, shelves, quiet)
            ids += [sent(db) for _ in range(3)]
            pulse.beat(settings)  # as the launcher does when the services have stopped
        yield Kept(place, ids, str(half.value))
    finally:
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that PostgreSQL's account may walk into."""
    folder = new_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_everything_acknowledged_comes_back_and_can_be_read(kept: Kept, place: Path) -> None:
    settings = settings_at(place / "home")
    done = restoring.restore(settings, kept.shelves, kept.secrets, quiet)
    assert done.without_key == 0
    with running(settings), closing(Database(settings, "referrals")) as db:
        for referral in kept.sent:
            read = usecases.read(db, look(CENTRE, referral)).value
            assert read["person"] == {"name": "Demo Pavyzdys", "birth_year": 1985}
        assert rows(settings, "referrals", "SELECT count(*) FROM leg") == [(len(kept.sent),)]
        sent(db)  # and it goes on


def test_a_backup_that_was_killed_half_way_is_no_backup(kept: Kept) -> None:
    assert "only a half one" in kept.half
    assert not list(kept.place.glob("backup/*/base/*.half"))  # the next backup removed it


def test_a_stopped_network_is_not_backed_up(kept: Kept, place: Path) -> None:
    with pytest.raises(LocalFault, match="needs the running network"):
        backup.back_up(settings_at(kept.place / "home"), archive.shelves(place / "backup", None), quiet)
    assert not (place / "backup").exists()


def test_the_log_alone_is_not_brought_where_pieces_are_missing(kept: Kept, place: Path) -> None:
    with pytest.raises(LocalFault, match="does not go to"):
        backup.archive_log(settings_at(kept.place / "home"), kept.copy(place / "copy"), quiet)


def test_the_secrets_are_not_in_the_backup_and_do_not_go_into_it(kept: Kept) -> None:
    kek = (kept.secrets / "secrets" / "kek").read_bytes().strip()
    files = [path for path in (kept.place / "backup").rglob("*") if path.is_file()]
    assert not [
        path for path in files if kek in (gzip.decompress if path.suffix == ".gz" else bytes)(path.read_bytes())
    ]
    assert (kept.secrets / "secrets" / "kek").stat().st_mode & 0o777 == 0o600
    with pytest.raises(LocalFault, match="Secrets do not go into the backup"):
        apart.copy_secrets(settings_at(kept.place / "home"), kept.place / "backup" / "secrets", kept.shelves)


def test_an_archived_piece_is_never_overwritten_and_nothing_is_kept_where_nobody_asked(kept: Kept, place: Path) -> None:
    script = kept.place / "home" / "postgres" / "archive.sh"
    (place / "piece").write_bytes(b"one")

    def archived(folder: Path) -> int:
        command = ("sh", str(script), str(place / "piece"), "0001", str(folder))
        return subprocess.run(command, check=False, capture_output=True).returncode

    assert archived(place) == 0
    assert sorted(path.name for path in place.iterdir()) == ["piece"]
    (place / "archive.path").write_text(str(place), encoding="utf-8")
    assert archived(place) == 0
    assert archived(place) == 0  # asked again after a crash
    (place / "piece").write_bytes(b"two")
    assert archived(place) != 0
    assert gzip.decompress((place / "0001.gz").read_bytes()) == b"one"


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


def refused(kept: Kept, place: Path, shelves: dict[str, Shelf], *, secrets: Path | None = None, **more: object) -> str:
    """Why a restore refuses; nothing was made, and nothing was left."""
    settings, before = settings_at(place / "home"), set(place.iterdir())
    with pytest.raises(LocalFault) as fault:
        restoring.restore(settings, shelves, secrets or kept.secrets, quiet, **more)  # type: ignore[arg-type]
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
    shelves[KEYS] = archive.shelves(kept.place / "early", None)[KEYS]
    why = refused(kept, place, shelves, skew=dt.timedelta(seconds=0.5))
    assert why.startswith("The key store is older than the case stores")


def test_a_cut_of_the_data_inside_is_found_by_postgres_own_list(kept: Kept, place: Path) -> None:
    """A base that fits its own digest, but not the list of files that PostgreSQL made."""
    shelves = kept.copy(place / "copy")
    base = newest(shelves)
    raw = bytearray(gzip.decompress((base / "base.tar.gz").read_bytes()))
    raw[raw.index(b"PG_VERSION") // 512 * 512 + 512] ^= 1  # the first byte behind the head of that file
    (base / "base.tar.gz").write_bytes(gzip.compress(bytes(raw), 1))
    rewritten(shelves, sha256=archive.digest(base / "base.tar.gz"), bytes=(base / "base.tar.gz").stat().st_size)
    assert "is damaged" in refused(kept, place, shelves)


@pytest.mark.parametrize("name", ["kek", "db_postgres", "audit_key"])
def test_secrets_that_are_not_complete_are_refused(kept: Kept, place: Path, name: str) -> None:
    shutil.copytree(kept.secrets, place / "secrets")
    (place / "secrets" / "secrets" / name).unlink()
    assert name in refused(kept, place, kept.shelves, secrets=place / "secrets")


def test_another_key_encryption_key_is_refused(kept: Kept, place: Path) -> None:
    shutil.copytree(kept.secrets, place / "secrets")
    (place / "secrets" / "secrets" / "kek").write_text(token_hex(32), encoding="ascii")
    why = refused(kept, place, kept.shelves, secrets=place / "secrets")
    assert why.startswith("The secret kek is not the one")


def test_a_home_that_is_not_empty_is_refused_and_left_alone(kept: Kept, place: Path) -> None:
    settings = settings_at(place / "home")
    settings.home.mkdir()
    (settings.home / "mine").write_text("mine", encoding="ascii")
    with pytest.raises(LocalFault, match="not empty"):
        restoring.restore(settings, kept.shelves, kept.secrets, quiet)
    assert [path.name for path in settings.home.iterdir()] == ["mine"]


@pytest.mark.slow
def test_a_destroyed_key_is_in_no_backup_that_is_kept_after_seven_days(kept: Kept, place: Path) -> None:
    """Two backups, a key destroyed between them: a week later only the second is left, and it does not have the key."""
    settings, shelves = settings_at(place / "home"), archive.shelves(place / "backup", None)
    restoring.restore(settings, kept.shelves, kept.secrets, quiet)
    with running(settings):
        backup.back_up(settings, shelves, quiet)
        (used,) = rows(settings, "referrals", "SELECT key_id FROM sender_record LIMIT 1")
        with psycopg.connect(superuser_url(settings, KEYS_DATABASE), autocommit=True) as keys:
            assert keys.execute("DELETE FROM referrals.data_key WHERE id = %s", used).rowcount == 1
        first = shelves[KEYS].newest()
        backup.back_up(settings, shelves, quiet)
    assert shelves[KEYS].whole()[0] == first
    prune(shelves[KEYS], clock.now())  # what the backup in seven days does
    (left,) = shelves[KEYS].whole()
    assert left != first
    assert min(shelves[KEYS].pieces("0000")) >= archive.read_whole(left).first
    assert len(shelves[CASES].whole()) == 2  # cases are kept longer
    again = settings_at(place / "again")
    assert restoring.restore(again, shelves, kept.secrets, quiet).without_key == 1


@pytest.mark.slow
def test_what_was_erased_after_the_backup_of_the_cases_is_erased_again(kept: Kept, place: Path) -> None:
    """Cases from before the erasure, keys and their ledger from after it."""
    settings, shelves = settings_at(place / "home"), archive.shelves(place / "backup", None)
    restoring.restore(settings, kept.shelves, kept.secrets, quiet)
    gone, *others = kept.sent
    with running(settings), closing(Database(settings, "referrals")) as db:
        backup.back_up(settings, shelves, quiet)
        early = copy(place / "backup", place / "early")
        assert persons.ask(db, CENTRE, "erase", gone, **persons.ERASE)["done_at"]
        backup.back_up(settings, shelves, quiet)
    again = settings_at(place / "again")
    mixed = {CASES: early[CASES], KEYS: shelves[KEYS]}
    assert restoring.restore(again, mixed, kept.secrets, quiet).erased_again == 1
    with running(again), closing(Database(again, "referrals")) as db:
        with pytest.raises(NotFound):
            usecases.read(db, look(CENTRE, gone))
        found = rows(again, "referrals", "SELECT personal, erased_at FROM receiver_case WHERE id = %s", (gone,))
        assert [(bytes(personal), at is not None) for personal, at in found] == [(b"", True)]
        assert usecases.read(db, look(CENTRE, others[0])).value["person"]["name"] == "Demo Pavyzdys"


@pytest.mark.slow
def test_a_log_that_can_not_be_read_ends_the_restore_and_not_the_log(kept: Kept, place: Path) -> None:
    """PostgreSQL takes a refused piece for the end of the log, and what came after it would be lost without a word."""
    shelves = kept.copy(place / "copy")
    newest_piece = shelves[CASES].log / f"{shelves[CASES].pieces('00000001')[-1]}.gz"
    newest_piece.chmod(0)
    if os.geteuid() == 0:
        assert "can not read" in refused(kept, place, shelves)
    else:
        assert "is damaged" in refused(kept, place, shelves)


def test_the_backup_of_another_network_is_left_alone(kept: Kept, place: Path) -> None:
    settings = settings_at(place / "home")
    with running(settings), pytest.raises(LocalFault, match="another network"):
        backup.back_up(settings, kept.copy(place / "copy"), quiet)
