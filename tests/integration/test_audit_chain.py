"""The chains of the audit: every committed row is linked once, and whatever is done to rows or links is found."""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.rows import dict_row

from chassis import audit, clock, heads, relay, verify
from chassis.audit import Entry
from chassis.chain import NO_ORGANISATION, START, Sealer, link_hash, top_mac
from chassis.db import Database
from chassis.identity import Caller
from chassis.relay import store
from chassis.requests import Call
from chassis.settings import Settings
from deploy.local.cli import main
from tests.integration.bus_rig import until
from tests.support.databases import owner_url, root_url

ONE, TWO = (Caller(f"member:{n}", uuid.UUID(int=n), f"org-{n}", frozenset(), f"t{n}") for n in (1, 2))


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    yield database
    database.close()


@pytest.fixture
def root(at: Settings) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """The attacker: superuser, with the triggers off."""
    with psycopg.connect(root_url(at, "referrals"), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


def key_of(at: Settings, name: str) -> bytes:
    return bytes.fromhex(at.secret(name))


def write(db: Database, caller: Caller | None, count: int = 1) -> None:
    for _ in range(count):
        call = Call(route="GET /x", operation="x", caller=caller, request_id="r-1")
        with db.work(call) as work:
            work.record(Entry(operation="referral.read", object_type="referral", object_id=uuid.uuid4()))


def seal(at: Settings) -> int:
    with store.connect(at.database_url("referrals")) as connection:
        sealer, total = Sealer(connection, key_of(at, "chain_key")), 0
        while done := sealer.seal():
            total += done
        return total


def check(at: Settings, expected: verify.Heads | None = None) -> verify.Report:
    keys = {name: key_of(at, name) for name in ("audit_key", "chain_key")}
    return verify.verify(owner_url(at, "referrals"), heads=expected, **keys)


def kinds(at: Settings, expected: verify.Heads | None = None) -> list[tuple[str, int | None]]:
    return [(fault.kind, fault.audit_no) for fault in check(at, expected).faults]


@pytest.fixture
def filled(at: Settings, db: Database) -> Settings:
    """Three rows of one organisation, two of another and one of nobody, mixed: numbers 1 to 6."""
    for caller in (ONE, TWO, ONE, None, TWO, ONE):
        write(db, caller)
    assert seal(at) == 6
    assert check(at).faults == []
    return at


def test_each_organisation_has_a_chain_and_rows_of_nobody_have_one(
    filled: Settings, root: psycopg.Connection[tuple[Any, ...]]
) -> None:
    rows = root.execute("SELECT chain, seq, audit_no, no FROM audit_link ORDER BY no").fetchall()
    assert [row[2:] for row in rows] == [(n, n) for n in range(1, 7)]
    places = {each: [seq for chained, seq, *_ in rows if chained == each] for each in {row[0] for row in rows}}
    assert places == {ONE.org_id: [1, 2, 3], TWO.org_id: [1, 2], NO_ORGANISATION: [1]}
    assert root.execute("SELECT count(*) FROM audit_pending").fetchone() == (0,)


def test_a_row_that_commits_late_is_linked_once(at: Settings, db: Database) -> None:
    """Numbers are given before the commit, so the first number may come last (architecture.md trap 9)."""
    late = threading.Event()
    begun = threading.Event()

    def slow() -> None:
        with psycopg.connect(at.database_url("referrals")) as connection:
            row = audit.row_of(
                Entry(operation="x", object_type="x", object_id=None), None, actor="slow", at=clock.now(),
                key=key_of(at, "audit_key"),
            )  # fmt: skip
            connection.execute(f"SELECT audit_append({', '.join(f'%({name})s' for name in row)})".encode(), row)
            begun.set()
            late.wait(20)

    thread = threading.Thread(target=slow)
    thread.start()
    assert begun.wait(10)
    write(db, ONE, 3)
    assert seal(at) == 3
    late.set()
    thread.join()
    assert seal(at) == 1
    assert seal(at) == 0
    report = check(at)
    assert (report.rows, report.faults) == (4, [])


def test_two_sealers_at_once_link_every_row_once(at: Settings, db: Database) -> None:
    """One leads; should two believe so for a moment, the second one's links fail as a whole."""
    write(db, ONE, 5)
    with store.connect(at.database_url("referrals")) as first, store.connect(at.database_url("referrals")) as second:
        one, two = (Sealer(each, key_of(at, "chain_key")) for each in (first, second))
        assert one.leads()
        assert not two.leads()
        assert one.seal() == 5
        two._no, two._heads[ONE.org_id] = 0, (0, START)
        write(db, ONE)
        with pytest.raises(psycopg.errors.UniqueViolation):
            two.seal()
        assert one.seal() == 1
    assert check(at).faults == []


def test_the_process_may_neither_change_nor_read_nor_link_by_hand(filled: Settings) -> None:
    tries = (
        "DELETE FROM audit_link", "UPDATE audit_top SET no = 1", "SELECT * FROM audit_link", "SELECT * FROM audit",
        "INSERT INTO audit_pending VALUES (99)", "TRUNCATE audit_link",
    )  # fmt: skip
    for query in tries:
        with (
            psycopg.connect(filled.database_url("referrals"), autocommit=True) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(query.encode())


@pytest.mark.parametrize(
    "query",
    ["DELETE FROM audit_link", "UPDATE audit_link SET seq = 9", "TRUNCATE audit_link", "DELETE FROM audit_top"],
)
def test_not_even_the_owner_changes_a_link_without_taking_the_triggers_off(filled: Settings, query: str) -> None:
    with (
        psycopg.connect(owner_url(filled, "referrals"), autocommit=True) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="final"),
    ):
        connection.execute(query.encode())


Root = psycopg.Connection[tuple[Any, ...]]


def delete(root: Root) -> None:
    root.execute("DELETE FROM audit WHERE no = 3")


def delete_with_link(root: Root) -> None:
    root.execute("DELETE FROM audit WHERE no = 3")
    root.execute("DELETE FROM audit_link WHERE audit_no = 3")


def edit(root: Root) -> None:
    root.execute("UPDATE audit SET subject = 'member:9' WHERE no = 3")


def move_in_time(root: Root) -> None:
    root.execute("UPDATE audit SET at = at - interval '1 day' WHERE no = 3")


def hand_over(root: Root) -> None:
    root.execute("UPDATE audit SET org_id = NULL WHERE no = 3")


def swap(root: Root) -> None:
    columns = ", ".join((*audit.FIELDS, "mac"))
    swapped = f"UPDATE audit AS a SET ({columns}) = (SELECT {columns} FROM kept AS b WHERE b.no = 4 - a.no)"
    root.execute("CREATE TEMP TABLE kept AS SELECT * FROM audit WHERE no IN (1, 3)")
    root.execute(f"{swapped} WHERE a.no IN (1, 3)".encode())


def swap_links(root: Root) -> None:
    root.execute("UPDATE audit_link SET audit_no = 99 WHERE audit_no = 1")
    root.execute("UPDATE audit_link SET audit_no = 1 WHERE audit_no = 3")
    root.execute("UPDATE audit_link SET audit_no = 3 WHERE audit_no = 99")


def cut_rows(root: Root) -> None:
    root.execute("DELETE FROM audit WHERE no >= 5")
    root.execute("DELETE FROM audit_link WHERE audit_no >= 5")


def cut_and_tell(root: Root) -> None:
    cut_rows(root)
    root.execute("UPDATE audit_top SET no = 4")


def take_the_mark(root: Root) -> None:
    cut_rows(root)
    root.execute("DELETE FROM audit_top")


def repeat(root: Root) -> None:
    root.execute(
        "INSERT INTO audit OVERRIDING SYSTEM VALUE SELECT 90, id, at - interval '1 hour', org_id, subject, token_id,"
        " operation, object_type, object_id, purpose, basis, request_id, outcome, mac FROM audit WHERE no = 3"
    )


@pytest.mark.parametrize(
    ("attack", "found"),
    [
        (delete, ("row.deleted", 3)),
        (delete_with_link, ("link.missing", 4)),
        (edit, ("row.changed", 3)),
        (move_in_time, ("row.changed", 3)),
        (hand_over, ("row.changed", 3)),
        (swap, ("row.replaced", 1)),
        (swap_links, ("row.replaced", 3)),
        (cut_rows, ("end.cut", None)),
        (cut_and_tell, ("top.forged", None)),
        (take_the_mark, ("top.missing", None)),
        (repeat, ("row.unsealed", 90)),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_a_superuser_does_is_found(
    filled: Settings, root: Root, attack: Callable[[Root], None], found: tuple[str, int | None]
) -> None:
    attack(root)
    assert kinds(filled)[0] == found


def test_a_forged_row_that_waits_for_its_link_is_found_after_it_was_linked(filled: Settings, root: Root) -> None:
    repeat(root)
    root.execute("INSERT INTO audit_pending VALUES (90)")
    assert seal(filled) == 1
    assert kinds(filled) == [("row.changed", 90)]


def test_a_row_that_was_taken_before_its_link_is_named(at: Settings, db: Database, root: Root) -> None:
    write(db, ONE, 2)
    root.execute("DELETE FROM audit WHERE no = 1")
    seal(at)
    assert kinds(at) == [("row.lost", 1)]


def test_rows_without_a_link_are_named_after_some_seconds(
    at: Settings, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(db, ONE)
    assert check(at).faults == []
    monkeypatch.setattr(verify, "UNSEALED_AFTER", dt.timedelta(0))
    (fault,) = check(at).faults
    assert (fault.kind, fault.audit_no, fault.chain) == ("row.unsealed", 1, ONE.org_id)


def made_anew(root: Root, audit_key: bytes, chain_key: bytes) -> None:
    """The whole chain of one organisation without its second row, all hashes and the mark made again."""
    root.execute("DELETE FROM audit WHERE no = 3")
    with root.cursor(row_factory=dict_row) as cursor:
        cursor.execute("SET timezone = 'UTC'")
        rows = cursor.execute("SELECT * FROM audit ORDER BY no").fetchall()
        root.execute("DELETE FROM audit_link")
        ends: dict[uuid.UUID, tuple[int, bytes]] = {}
        for no, row in enumerate(rows, start=1):
            row["mac"] = audit.mac_of(audit.canonical(row), audit_key)
            chained = row["org_id"] or NO_ORGANISATION
            seq, before = ends.get(chained, (0, START))
            made = link_hash(chain_key, before, chained.bytes, (no, seq + 1, row["no"]), row["mac"])
            ends[chained] = (seq + 1, made)
            root.execute("UPDATE audit SET mac = %s WHERE no = %s", (row["mac"], row["no"]))
            root.execute(
                "INSERT INTO audit_link VALUES (%s, %s, %s, %s, %s, now())", (no, chained, seq + 1, row["no"], made)
            )
        now = clock.now()
        root.execute(
            "UPDATE audit_top SET no = %s, at = %s, mac = %s", (len(rows), now, top_mac(chain_key, len(rows), now))
        )


def exported(at: Settings) -> dict[tuple[uuid.UUID, int], bytes]:
    found = {"referrals": verify.heads_of(owner_url(at, "referrals"))}
    text = heads.written(key_of(at, "chain_key"), found, at=clock.now())
    return heads.read(key_of(at, "chain_key"), text)["referrals"]


def test_a_chain_made_anew_without_the_keys_is_found(filled: Settings, root: Root) -> None:
    made_anew(root, b"a" * 32, b"b" * 32)
    assert {kind for kind, _ in kinds(filled)} == {"row.replaced", "top.forged"}


def test_the_key_of_the_services_alone_is_not_enough_to_make_a_chain_anew(filled: Settings, root: Root) -> None:
    made_anew(root, key_of(filled, "audit_key"), b"b" * 32)
    assert {kind for kind, _ in kinds(filled)} == {"row.replaced", "top.forged"}


def test_a_chain_made_anew_with_all_keys_is_found_by_exported_heads_only(filled: Settings, root: Root) -> None:
    before = exported(filled)
    assert check(filled, before).faults == []
    made_anew(root, key_of(filled, "audit_key"), key_of(filled, "chain_key"))
    assert check(filled).faults == []  # this is why heads are kept elsewhere
    faults = check(filled, before).faults
    assert {(fault.kind, fault.chain) for fault in faults} >= {
        ("head.missing", ONE.org_id),
        ("head.differs", TWO.org_id),
    }


def test_an_audit_that_was_wiped_looks_new_but_for_exported_heads(filled: Settings, root: Root) -> None:
    before = exported(filled)
    for table in ("audit", "audit_link", "audit_top", "audit_pending"):
        root.execute(f"DELETE FROM {table}".encode())
    assert check(filled).faults == []
    assert {kind for kind, _ in kinds(filled, before)} == {"head.missing"}


def test_rows_that_came_later_do_not_disturb_the_comparison_with_heads(filled: Settings, db: Database) -> None:
    before = exported(filled)
    write(db, ONE, 2)
    seal(filled)
    assert check(filled, before).faults == []


def test_a_file_of_heads_that_was_changed_is_refused(filled: Settings) -> None:
    text = heads.written(
        key_of(filled, "chain_key"), {"referrals": verify.heads_of(owner_url(filled, "referrals"))}, at=clock.now()
    )
    changed = json.loads(text)
    changed["heads"].pop()
    for bad in (json.dumps(changed).encode(), b"[]", b"nothing", text.replace(b'"seq": 3', b'"seq": 2')):
        with pytest.raises(heads.BadHeads):
            heads.read(key_of(filled, "chain_key"), bad)


def test_the_sealer_of_the_relay_links_within_moments_and_without_a_broker(at: Settings, db: Database) -> None:
    no_broker = {**(at.environment or {}), "TUKIVERKKO_AMQP_URL": "amqp://x:y@127.0.0.1:1/none"}
    stop = threading.Event()
    moved = Settings(**{**at.__dict__, "environment": no_broker})
    thread = threading.Thread(target=relay.run, args=(moved, ["referrals"], stop), kwargs={"health_port": 0})
    thread.start()
    try:
        write(db, ONE, 3)
        until(lambda: check(at).rows == 3, 20)
        write(db, None)
        until(lambda: check(at).rows == 4, 20)
    finally:
        stop.set()
        thread.join(15)
    assert check(at).faults == []


@contextmanager
def environment(at: Settings) -> Iterator[dict[str, str]]:
    yield {
        **{name: value for name, value in os.environ.items() if not name.startswith("TUKIVERKKO_")},
        **(at.environment or {}),
        "TUKIVERKKO_HOME": str(at.home),
        "TUKIVERKKO_POSTGRES_PORT": str(at.postgres_port),
    }


def test_the_commands_say_it_in_plain_words(
    filled: Settings, root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, real = owner_url(filled, "referrals"), Settings.database_url
    monkeypatch.setattr(
        Settings, "database_url", lambda self, of, role="app": owner if role == "owner" else real(self, of, role)
    )
    monkeypatch.setattr("deploy.local.commands.audit.SERVICES", ("referrals",))
    out, rows = tmp_path / "heads.json", tmp_path / "rows.ndjson"
    with environment(filled) as env:
        run = CliRunner(env=env)
        assert run.invoke(main, ["audit", "export", "--heads", str(out)]).exit_code == 0
        fine = run.invoke(main, ["audit", "verify", "--service", "referrals", "--heads", str(out)])
        assert (fine.exit_code, fine.output) == (0, "referrals: 6 rows linked, all fit\n")
        written = run.invoke(main, ["audit", "export", "--org", str(ONE.org_id), str(rows)])
        assert written.exit_code == 0, written.output
        assert [json.loads(line)["seq"] for line in rows.read_text().splitlines()] == [1, 2, 3]
        assert oct(rows.stat().st_mode & 0o777) == "0o600"
        last = root.execute("SELECT operation, subject, object_id FROM audit ORDER BY no DESC LIMIT 1").fetchone()
        assert last == ("audit.export", "command:audit", ONE.org_id)
        edit(root)
        broken = run.invoke(main, ["audit", "verify", "--service", "referrals"])
    assert broken.exit_code == 1
    assert f"row 3 of organisation {ONE.org_id} was changed" in broken.output


def test_every_field_of_a_row_is_covered_by_its_hash(at: Settings, root: Root) -> None:
    query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'audit'"
    columns = {name for (name,) in root.execute(query)}
    assert columns == {*audit.FIELDS, "no", "mac"}
    for name in audit.FIELDS:
        assert name in verify.ROWS


def test_a_field_with_a_separator_is_refused() -> None:
    row = dict.fromkeys(audit.FIELDS, "x") | {"subject": "a\x1fb"}
    with pytest.raises(ValueError, match="control"):
        audit.canonical(row)
