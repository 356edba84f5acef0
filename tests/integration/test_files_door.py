"""Files and tables at the door of a real process: sizes, places, memory, and nobody waits for another's table."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chassis.db import Database
from chassis.identity import ensure_signing_key, issue_token
from chassis.settings import Settings
from services.referrals import usecases
from tests.integration.feed_rig import begin, placed
from tests.support.client import Answer, Client
from tests.support.files import OCTETS, PDF
from tests.support.referrals import CENTRE, POLICE, new, seed
from tests.unit.test_csv_rows import file

MIB = 1 << 20
CSV = {"Content-Type": "text/csv"}


@dataclass
class Place:
    """The process and who asks it."""

    at: Settings
    pid: int
    police: Client
    centre: Client

    def referral(self) -> str:
        with closing(Database(self.at, "referrals")) as db:
            return str(usecases.create(db, new()).value["id"])

    def peak(self) -> int:
        """The most memory that the process has had, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) // 1024


@pytest.fixture
def place(
    vhost: Settings, service_database: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    at = service_database("referrals", into=placed(vhost))
    ensure_signing_key(at.home)
    with closing(Database(at, "referrals")) as db:
        seed(db)
    running = begin(at, tmp_path_factory.mktemp("log"), name="referrals")
    url = f"http://127.0.0.1:{running.port}"

    def asks(who: Any) -> Client:
        told = {"subject": who.subject, "org_id": who.org_id, "org_key": who.org_key, "roles": who.roles}
        return Client(url, issue_token(at, **told))

    try:
        yield Place(at, running.process.pid, asks(POLICE), asks(CENTRE))
    finally:
        running.end()


def attach(by: Client, referral: str, content: bytes) -> Answer:
    return by.post(f"/referrals/{referral}/attachments?visibility=both", content, headers=OCTETS)


def largest() -> bytes:
    return PDF[:-6] + b"%" + secrets.token_hex(5 * MIB).encode()[: 10 * MIB - len(PDF) - 2] + b"\n%%EOF\n"


def test_ten_mebibytes_and_no_more(place: Place, record_property: Callable[[str, str], None]) -> None:
    referral, content = place.referral(), largest()
    begun = time.perf_counter()
    made = attach(place.police, referral, content)
    record_property("attach_10_mib_seconds", f"{time.perf_counter() - begun:.2f}")
    assert made.status == 201, made.raw
    begun = time.perf_counter()
    got = place.centre.get(made.headers["Location"])
    record_property("download_10_mib_seconds", f"{time.perf_counter() - begun:.2f}")
    assert (got.status, got.kind) == (200, "application/octet-stream")
    assert got.raw == content
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Security-Policy"].startswith("sandbox")
    assert got.headers["Content-Disposition"].startswith('attachment; filename="other-')
    too_long = attach(place.police, referral, b"x" * 20_000_000)
    assert (too_long.status, too_long.body["code"]) == (413, "body.too_large")
    assert len(place.police.get(f"/referrals/{referral}/attachments").items) == 1


def test_a_crowd_of_large_files_is_put_off_and_the_memory_has_a_bound(
    place: Place, record_property: Callable[[str, str], None]
) -> None:
    referral, content = place.referral(), largest()
    before = place.peak()
    with ThreadPoolExecutor(12) as crowd:
        answers = [each.result() for each in [crowd.submit(attach, place.police, referral, content) for _ in range(12)]]
    made = [answer for answer in answers if answer.status == 201]
    assert made
    assert {answer.status for answer in answers} <= {201, 503}
    assert all(answer.body["code"] == "body.own_crowded" for answer in answers if answer.status == 503)
    with ThreadPoolExecutor(12) as crowd:
        paths = [made[0].headers["Location"]] * 12
        got = list(crowd.map(place.centre.get, paths))
    assert {answer.status for answer in got} <= {200, 503}
    assert all(answer.raw == content for answer in got if answer.status == 200)
    grown = place.peak() - before
    record_property("memory_grown_mib", str(grown))
    assert grown < 250
    assert attach(place.police, referral, content).status == 201, "the places are free again"


def test_nobody_waits_for_a_table_to_be_read(place: Place, record_property: Callable[[str, str], None]) -> None:
    raw, stop = file(*[{"urgency": "planned"}] * 500), threading.Event()
    slowest: list[float] = [0.0]

    def watch() -> None:
        while not stop.is_set():
            begun = time.perf_counter()
            assert place.centre.get("/health/live").status == 200
            slowest.append(time.perf_counter() - begun)

    watching = threading.Thread(target=watch)
    watching.start()
    begun = time.perf_counter()
    answer = place.police.post("/referrals/import?dry_run=true", raw, headers=CSV)
    seconds = time.perf_counter() - begun
    stop.set()
    watching.join()
    assert answer.status == 200, answer.raw
    assert answer.body["refused"] == 500
    record_property("dry_run_500_seconds", f"{seconds:.2f}")
    record_property("slowest_probe_beside_it_seconds", f"{max(slowest):.3f}")
    assert max(slowest) < 0.5
