"""Files of a referral on real databases: a sealed copy for each party, who sees which, what is refused, what goes."""

from __future__ import annotations

import secrets
import socket
import struct
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from cryptography.exceptions import InvalidTag

from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotAllowed, NotFound, Unavailable
from chassis.identity import Caller
from chassis.scanning import Clamd, NoScanner, Scanner
from chassis.settings import Settings, SettingsError
from services.referrals import usecases
from services.referrals.usecases import area
from services.referrals.usecases import attaching as files
from tests.support.databases import root_url
from tests.support.files import PDF, attaching, of_file
from tests.support.persons import ERASE, ask
from tests.support.referrals import CENTRE, OTHER, POLICE, listing, move, new, seed
from tests.support.referrals import ask as request

MIB = 1 << 20
NAME = "Kanarėlė Vienas.pdf"
NONE = NoScanner()
PARTNER = replace(POLICE, subject="member:partner", roles=frozenset({"partner_safety"}))
WORKER = replace(CENTRE, subject="member:worker", roles=frozenset({"receiver_worker"}))
ACCEPTANCE = {"responsible": "Intake team", "next_step_on": "2026-12-01"}


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    yield database
    database.close()


@pytest.fixture
def referral(db: Database) -> uuid.UUID:
    made: uuid.UUID = usecases.create(db, new()).value["id"]
    return made


def plain(of: Caller) -> Caller:
    """Somebody who works on the case and does not look after the partner."""
    return replace(of, roles=of.roles - {"partner_safety"})


def rows(at: Settings, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "referrals"), autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def attached(db: Database, by: Caller, referral: uuid.UUID, content: bytes = PDF, **said: Any) -> uuid.UUID:
    made: uuid.UUID = files.attach(db, NONE, attaching(by, referral, content, **said)).value["id"]
    return made


def listed(db: Database, by: Caller, referral: uuid.UUID) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = files.listed(db, of_file(by, "attachments", referral)).value["items"]
    return items


def got(db: Database, by: Caller, referral: uuid.UUID, file: uuid.UUID, scanner: Scanner = NONE) -> bytes:
    content: bytes = files.download(db, scanner, of_file(by, "attachment", referral, file)).value
    return content


def test_each_party_has_a_sealed_copy_by_its_own_key(db: Database, at: Settings, referral: uuid.UUID) -> None:
    content = PDF.replace(b"trailer", b"% kanarele-turinys\ntrailer")
    file = attached(db, POLICE, referral, content, name=NAME)
    assert got(db, POLICE, referral, file) == got(db, CENTRE, referral, file) == content
    keys = rows(at, "SELECT org_id, key_id FROM attachment ORDER BY org_id")
    assert len({key for _, key in keys}) == len({org for org, _ in keys}) == 2
    for table in ("attachment", "attachment_piece", "audit", "outbox", "request"):
        dump = "".join(str(row) for row in rows(at, f"SELECT t::text FROM {table} AS t"))
        assert "Kanar" not in dump
        assert content.hex()[:40] not in dump
        assert b"kanarele-turinys".hex() not in dump


def test_it_is_listed_with_name_hash_and_owner(db: Database, referral: uuid.UUID) -> None:
    file = attached(db, POLICE, referral, name=NAME)
    mine, theirs = listed(db, POLICE, referral)[0], listed(db, CENTRE, referral)[0]
    assert (mine["id"], mine["name"], mine["media_type"], mine["size"]) == (file, NAME, "application/pdf", len(PDF))
    assert len(mine["sha256"]) == 64
    assert (mine["by"]["key"], mine["by_subject"]) == ("lt-police", POLICE.subject)
    assert (theirs["by"]["key"], theirs["by_subject"]) == ("lt-police", None)
    assert mine["scan"] == theirs["scan"] == "not_scanned"


def test_the_download_is_a_download(db: Database, referral: uuid.UUID) -> None:
    file = attached(db, POLICE, referral, name="Kanarėlė Vienas.pdf", classification="report")
    headers = files.download(db, NONE, of_file(CENTRE, "attachment", referral, file)).headers
    assert headers["Content-Security-Policy"].startswith("sandbox")
    assert headers["Content-Disposition"] == f'attachment; filename="report-{str(file)[:8]}.pdf"'
    assert headers["Content-Disposition"].isascii()


def test_a_foreign_organisation_finds_nothing(db: Database, referral: uuid.UUID) -> None:
    file = attached(db, POLICE, referral)
    second = usecases.create(db, new()).value["id"]
    for call in (of_file(OTHER, "attachment", referral, file), of_file(POLICE, "attachment", second, file)):
        with pytest.raises(NotFound):
            files.download(db, NONE, call)
    with pytest.raises(NotFound):
        files.listed(db, of_file(OTHER, "attachments", referral))
    with pytest.raises(NotFound):
        files.attach(db, NONE, attaching(OTHER, referral, b""))
    with pytest.raises(NotFound):
        files.remove(db, of_file(OTHER, "remove_attachment", referral, file))


def test_row_security_alone_hides_the_other_partys_copy(db: Database, at: Settings, referral: uuid.UUID) -> None:
    attached(db, POLICE, referral, visibility="own_org")
    count = "SELECT count(*) AS n FROM attachment AS a JOIN attachment_piece AS p ON p.attachment_id = a.id"
    for who, seen in ((POLICE, 1), (CENTRE, 0), (OTHER, 0)):
        with db.background("test", org=who.org_id) as work:
            assert work.all(count) == [{"n": seen}]
    with db.background("test") as work:
        assert work.all(count) == [{"n": 0}]


def test_own_files_stay_in_the_own_house(db: Database, at: Settings, referral: uuid.UUID) -> None:
    attached(db, CENTRE, referral, visibility="own_org")
    assert listed(db, POLICE, referral) == []
    told = rows(at, "SELECT audience FROM outbox WHERE type = 'referral.attached'")
    assert told == [(f"org:{CENTRE.org_id}",)]


def test_the_event_tells_ids_and_a_code_to_both(db: Database, at: Settings, referral: uuid.UUID) -> None:
    file = attached(db, POLICE, referral, name=NAME, classification="report")
    told = rows(at, "SELECT audience, data FROM outbox WHERE type = 'referral.attached' ORDER BY no")
    assert {audience for audience, _ in told} == {f"org:{POLICE.org_id}", f"org:{CENTRE.org_id}"}
    expected = {"attachment_id": str(file), "by_id": str(POLICE.org_id), "classification": "report"}
    assert all(data == expected for _, data in told)


def test_what_a_receiver_sends_back_is_feedback(db: Database) -> None:
    told_all = usecases.create(db, new(feedback_scope="full_report")).value["id"]
    with pytest.raises(Conflict, match="beyond_scope"):
        files.attach(db, NONE, attaching(CENTRE, told_all))
    usecases.accept(db, move(CENTRE, told_all, "accept", 1, **ACCEPTANCE))
    file = attached(db, CENTRE, told_all)
    assert got(db, POLICE, told_all, file) == PDF
    little = usecases.create(db, new(feedback_scope="attendance")).value["id"]
    usecases.accept(db, move(CENTRE, little, "accept", 1, **ACCEPTANCE))
    with pytest.raises(Conflict, match="beyond_scope"):
        files.attach(db, NONE, attaching(CENTRE, little))


def test_after_the_end_nothing_is_sent_any_more(db: Database, referral: uuid.UUID) -> None:
    usecases.withdraw(db, move(POLICE, referral, "withdraw", 1, reason="mistaken"))
    with pytest.raises(Conflict, match="referral_ended"):
        files.attach(db, NONE, attaching(POLICE, referral))
    assert attached(db, POLICE, referral, visibility="own_org")


def test_a_judgment_is_for_those_who_look_after_the_partner(db: Database, at: Settings, referral: uuid.UUID) -> None:
    file = attached(db, plain(POLICE), referral, classification="judgment")
    for by in (plain(POLICE), plain(CENTRE), WORKER):
        assert listed(db, by, referral) == []
        with pytest.raises(NotFound):
            got(db, by, referral, file)
    letter = attached(db, plain(POLICE), referral)
    assert [item["id"] for item in listed(db, PARTNER, referral)] == [file]
    assert got(db, PARTNER, referral, file) == PDF
    with pytest.raises(NotFound):
        got(db, PARTNER, referral, letter)
    with pytest.raises(Invalid, match="not_restricted"):
        files.attach(db, NONE, attaching(PARTNER, referral))
    own = "SELECT count(*) FROM attachment AS a WHERE a.restricted AND a.key_id IN (SELECT key_id FROM sender_record)"
    assert rows(at, own) == [(0,)]
    exported = ask(db, POLICE, "export", referral, reviewed="true")
    listed_files = [part for part in exported["parts"] if part["table"] == "attachment"]
    assert len(listed_files) == 1
    assert str(file) not in str(exported), "the audit of it is not in his copy either"


def test_nobody_is_on_both_sides(db: Database, referral: uuid.UUID) -> None:
    """Who has worked on the man's side opens no judgment, whatever his token says; and the other way round."""
    both = replace(POLICE, subject="member:both", units=frozenset())
    referral = usecases.create(db, new(both)).value["id"]
    file = attached(db, both, referral, classification="judgment")
    with pytest.raises(NotFound):
        got(db, replace(both, roles=frozenset({"partner_safety"})), referral, file)
    assert got(db, PARTNER, referral, file) == PDF
    letter = attached(db, both, referral)
    with pytest.raises(NotFound):
        got(db, replace(PARTNER, roles=frozenset({"sender_worker"})), referral, letter)


def test_an_export_lists_files_by_name_and_hash(db: Database, referral: uuid.UUID) -> None:
    attached(db, POLICE, referral, name=NAME)
    unread = ask(db, POLICE, "export", referral)
    read = ask(db, POLICE, "export", referral, reviewed="true")
    fields = [
        {field["name"]: field for part in each["parts"] if part["table"] == "attachment" for field in part["fields"]}
        for each in (unread, read)
    ]
    assert fields[0]["about.name"]["held_back"]
    assert fields[1]["about.name"]["value"] == NAME
    assert len(fields[1]["about.sha256"]["value"]) == 64
    assert not [part for part in read["parts"] if part["table"] == "attachment_piece"]
    assert any(field["value"] == "referral.attach" for part in read["parts"] for field in part["fields"])


def test_an_erasure_takes_the_own_copy_and_leaves_the_others(db: Database, at: Settings, referral: uuid.UUID) -> None:
    file = attached(db, POLICE, referral)
    secret = attached(db, POLICE, referral, classification="judgment")
    ask(db, CENTRE, "erase", referral, **ERASE)
    assert rows(at, "SELECT DISTINCT org_id FROM attachment") == [(POLICE.org_id,)]
    assert rows(at, "SELECT DISTINCT org_id FROM attachment_piece") == [(POLICE.org_id,)]
    assert got(db, POLICE, referral, file) == got(db, PARTNER, referral, secret) == PDF
    late = attached(db, POLICE, referral)
    assert rows(at, f"SELECT count(*) FROM attachment WHERE id = '{late}'") == [(1,)]
    key = rows(at, "SELECT key_id FROM attachment WHERE restricted")[0][0]
    ask(db, POLICE, "erase", referral, **ERASE)
    assert rows(at, "SELECT count(*) FROM attachment_piece") == [(0,)]
    assert db.keys.fetch([key]) == {}


def test_a_repeat_stores_nothing_twice(db: Database, at: Settings, referral: uuid.UUID) -> None:
    first = files.attach(db, NONE, attaching(POLICE, referral, key="k-1"))
    again = files.attach(db, NONE, attaching(POLICE, referral, key="k-1"))
    assert first.value["id"] == again.value["id"]
    assert first.location == again.location == f"/referrals/{referral}/attachments/{first.value['id']}"
    assert rows(at, "SELECT count(*) FROM attachment") == [(2,)]
    with pytest.raises(Invalid, match="reused"):
        files.attach(db, NONE, attaching(POLICE, referral, b"another text", name="a.txt", key="k-1"))


def test_every_download_is_on_record_with_the_file(db: Database, at: Settings, referral: uuid.UUID) -> None:
    file = attached(db, POLICE, referral)
    got(db, CENTRE, referral, file)
    audit = "SELECT operation, object_id, basis, org_id FROM audit ORDER BY at DESC LIMIT 1"
    assert rows(at, audit) == [("referral.attachment", referral, f"attachment:{file}", CENTRE.org_id)]


def test_the_largest_file_goes_in_and_comes_out(
    db: Database, at: Settings, referral: uuid.UUID, record_property: Callable[[str, str], None]
) -> None:
    content = PDF[:-6] + b"%" + secrets.token_hex(5 * MIB).encode()[: 10 * MIB - len(PDF) - 2] + b"\n%%EOF\n"
    file = attached(db, POLICE, referral, content)
    assert got(db, CENTRE, referral, file) == content
    pieces = rows(at, "SELECT count(*), max(octet_length(content)) FROM attachment_piece")
    assert pieces[0][0] >= 40
    assert pieces[0][1] <= 512 * 1024 + 28
    record_property("largest_file_bytes", str(len(content)))


def test_a_piece_that_was_swapped_or_lost_is_noticed(db: Database, at: Settings, referral: uuid.UUID) -> None:
    content = ("ą" * 600_000).encode()
    file = attached(db, POLICE, referral, content, name="a.txt")
    rows(at, "UPDATE attachment_piece SET no = no + 10")
    rows(at, "UPDATE attachment_piece SET no = 12 - no")
    with pytest.raises(InvalidTag):
        got(db, POLICE, referral, file)
    rows(at, "DELETE FROM attachment_piece WHERE no = 1")
    with pytest.raises((NotFound, InvalidTag)):
        got(db, POLICE, referral, file)


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ((b"MZ\x90\x00" + b"\x00" * 99, "a.pdf"), "kind_not_taken"),
        ((PDF, "a.exe"), "name_and_content"),
        ((b"", "a.pdf"), "empty"),
        ((PDF, None), "name_missing"),
    ],
)
def test_what_is_not_taken_leaves_nothing(
    db: Database, at: Settings, referral: uuid.UUID, file: tuple[bytes, str | None], code: str
) -> None:
    with pytest.raises(Invalid, match=code):
        files.attach(db, NONE, attaching(POLICE, referral, file[0], name=file[1]))
    assert rows(at, "SELECT count(*) FROM attachment") == [(0,)]


def test_a_referral_has_a_number_of_files_at_most(
    db: Database, referral: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.referrals.rules.attaching.MOST_FILES", 2)
    for _ in range(2):
        attached(db, POLICE, referral)
    with pytest.raises(Conflict, match="too_many"):
        files.attach(db, NONE, attaching(POLICE, referral))


def test_one_removes_what_nobody_else_has(db: Database, at: Settings, referral: uuid.UUID) -> None:
    own = attached(db, CENTRE, referral, visibility="own_org")
    shared = attached(db, POLICE, referral)
    call = of_file(CENTRE, "remove_attachment", referral, own, key="k-2")
    for _ in range(2):
        assert files.remove(db, call).value == {}
    assert [item["id"] for item in listed(db, CENTRE, referral)] == [shared]
    for by in (POLICE, CENTRE):
        with pytest.raises(Conflict, match="sent"):
            files.remove(db, of_file(by, "remove_attachment", referral, shared))
    assert rows(at, f"SELECT count(*) FROM attachment_piece WHERE attachment_id = '{own}'") == [(0,)]


def test_another_unit_needs_a_reason(db: Database) -> None:
    north = replace(POLICE, subject="member:north", units=frozenset({"north"}), roles=frozenset({"sender_worker"}))
    south = replace(north, subject="member:south", units=frozenset({"south"}))
    referral = usecases.create(db, new(north)).value["id"]
    file = attached(db, north, referral)
    with pytest.raises(NotAllowed, match="reason_needed"):
        got(db, south, referral, file)
    call = of_file(south, "attachment", referral, file)
    call.query["reason"] = "stand_in"
    assert files.download(db, NONE, call).value == PDF
    with pytest.raises(NotAllowed):
        files.attach(db, NONE, attaching(south, referral))


def test_a_draft_keeps_its_files_and_hands_them_over_when_it_is_sent(db: Database, at: Settings) -> None:
    draft = usecases.create(db, new(draft=True)).value["id"]
    shared, own = attached(db, POLICE, draft), attached(db, POLICE, draft, visibility="own_org")
    dropped = attached(db, POLICE, draft)
    files.remove(db, of_file(POLICE, "remove_attachment", draft, dropped))
    assert rows(at, "SELECT DISTINCT org_id FROM attachment") == [(POLICE.org_id,)]
    call = of_file(POLICE, "submit", draft)
    call.expected_version = 1
    usecases.submit(db, call)
    assert got(db, CENTRE, draft, shared) == PDF
    with pytest.raises(NotFound):
        got(db, CENTRE, draft, own)


def test_a_new_leg_takes_along_what_was_for_both(db: Database, referral: uuid.UUID) -> None:
    attached(db, POLICE, referral)
    attached(db, POLICE, referral, visibility="own_org")
    attached(db, POLICE, referral, classification="judgment")
    usecases.withdraw(db, move(POLICE, referral, "withdraw", 1, reason="wrong_recipient"))
    call = of_file(POLICE, "resend", referral)
    call.body = {"service": "lt-kavkc-behaviour-change", "receiver": None, "urgency": None}
    leg = usecases.resend(db, call).value["id"]
    (mine,), (theirs,) = listed(db, POLICE, leg), listed(db, CENTRE, leg)
    assert mine["id"] == theirs["id"]
    assert got(db, CENTRE, leg, theirs["id"]) == PDF


def test_two_at_once_and_an_erasure_meet_without_a_dead_end(db: Database, referral: uuid.UUID) -> None:
    failed: list[BaseException] = []

    def run(act: Callable[[], Any]) -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 -- whatever it is, the test shows it
            failed.append(error)

    acts: list[Callable[[], Any]] = [lambda: attached(db, POLICE, referral) for _ in range(6)]
    acts += [lambda: usecases.acknowledge(db, move(CENTRE, referral, "acknowledge", 1))]
    acts += [lambda: ask(db, CENTRE, "erase", referral, **ERASE)]
    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not [error for error in failed if not isinstance(error, NotFound)]
    assert len(listed(db, POLICE, referral)) == 6


@contextmanager
def clamd(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """A daemon that speaks clamd's INSTREAM: it reads the whole stream and gives the verdict of `answer`."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        listener.settimeout(0.2)
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection, connection.makefile("rb") as source:
                assert source.read(10) == b"zINSTREAM\0"
                content = b""
                while size := struct.unpack(">I", source.read(4))[0]:
                    content += source.read(size)
                connection.sendall(answer(content))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        thread.join()
        listener.close()


def test_a_scanner_decides(db: Database, at: Settings, referral: uuid.UUID) -> None:
    with clamd(lambda content: b"stream: Eicar FOUND\0" if b"evil" in content else b"stream: OK\0") as address:
        scanner = Clamd(address)
        with pytest.raises(Invalid, match="infected"):
            files.attach(db, scanner, attaching(POLICE, referral, b"evil text", name="a.txt"))
        assert rows(at, "SELECT count(*) FROM attachment") == [(0,)]
        good = files.attach(db, scanner, attaching(POLICE, referral)).value
        assert good["scan"] == "clean"
        before = attached(db, POLICE, referral, b"evil text of before", name="a.txt")
        with pytest.raises(Conflict, match="infected"):
            got(db, CENTRE, referral, before, scanner)
    with pytest.raises(Conflict, match="infected"):
        got(db, CENTRE, referral, before)
    assert got(db, CENTRE, referral, good["id"], scanner) == PDF


def test_what_no_scanner_has_seen_stays_in_quarantine(db: Database, referral: uuid.UUID) -> None:
    with clamd(lambda _: b"stream: OK\0") as address:
        pass
    away = Clamd(address)
    made = files.attach(db, away, attaching(POLICE, referral)).value
    assert made["scan"] == "quarantined"
    for scanner in (away, NONE):
        with pytest.raises(Unavailable, match="quarantined"):
            got(db, CENTRE, referral, made["id"], scanner)
    with clamd(lambda _: b"stream: OK\0") as address:
        assert got(db, CENTRE, referral, made["id"], Clamd(address)) == PDF
    with clamd(lambda _: b"INSTREAM size limit exceeded. ERROR\0") as address, pytest.raises(Unavailable):
        Clamd(address).scan(b"x")


@pytest.mark.parametrize("address", ["clamav:3310", "http://127.0.0.1:3310", "tcp://127.0.0.1", "unix://", "tcp://:1"])
def test_an_address_that_is_none_stops_the_start(address: str) -> None:
    with pytest.raises(SettingsError):
        Clamd(address)


def test_who_takes_a_referral_from_the_queue_of_an_area_gets_its_files(db: Database) -> None:
    queued = usecases.create(db, new(service=None, area="LT:Raseiniai")).value["id"]
    shared = attached(db, POLICE, queued)
    attached(db, POLICE, queued, visibility="own_org")
    with pytest.raises(NotFound):
        got(db, CENTRE, queued, shared)
    (card,) = area.cards(db, listing(CENTRE)).value["items"]
    call = request(CENTRE, uuid.UUID(int=0), "card", **ACCEPTANCE)
    call.path = {"offer_id": card["id"]}
    area.take(db, call, "accept")
    assert got(db, CENTRE, queued, shared) == PDF
    assert [item["id"] for item in listed(db, CENTRE, queued)] == [shared]
