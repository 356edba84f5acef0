"""Many referrals at once on a real database: each for itself, all or the rest by choice, and nothing twice."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import psycopg
import pytest

from chassis.db import Database
from chassis.errors import Invalid, Malformed, Unavailable
from chassis.identity import Caller
from chassis.requests import Call
from chassis.settings import Settings
from services.referrals import schemas, usecases
from services.referrals.usecases import importing, opening
from tests.support.databases import root_url
from tests.support.referrals import CENTRE, POLICE, look, seed
from tests.unit.test_csv_rows import file

NDJSON = "application/x-ndjson"
GOOD = schemas.NEW_REFERRAL_EXAMPLE
SECRET = "Kanarelesuverte"


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    yield database
    database.close()


def rows(at: Settings, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "referrals"), autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def legs(at: Settings) -> int:
    return int(rows(at, "SELECT count(*) FROM leg")[0][0])


def call(
    raw: bytes,
    kind: str = NDJSON,
    *,
    by: Caller = POLICE,
    key: str | None = "k-1",
    rest: bool = False,
    dry: bool = False,
) -> Call:
    return Call(
        route="POST /referrals/batch",
        operation="referral.batch",
        caller=by,
        request_id="r-1",
        raw=raw,
        media_type=kind,
        query={"mode": "rest" if rest else "all_or_nothing", "dry_run": dry},
        idempotency_key=key,
    )


def lines(*changes: dict[str, Any]) -> bytes:
    return b"\n".join(orjson.dumps({**GOOD, **each}) for each in changes)


def statuses(value: dict[str, Any]) -> list[int]:
    return [item["status"] for item in value["items"]]


def test_lines_and_an_array_say_the_same(db: Database, at: Settings) -> None:
    one = importing.batch(db, call(lines({}, {}) + b"\n")).value
    other = importing.batch(db, call(orjson.dumps([GOOD, GOOD]), "application/json", key="k-2")).value
    assert (one["stored"], other["stored"], legs(at)) == (2, 2, 4)
    assert statuses(one) == statuses(other) == [201, 201]
    for item in one["items"] + other["items"]:
        assert usecases.read(db, look(CENTRE, item["id"])).value["state"] == "sent"


def test_each_has_its_own_rows_events_and_audit(db: Database, at: Settings) -> None:
    value = importing.batch(db, call(lines({}, {}, {}))).value
    ids = {item["id"] for item in value["items"]}
    assert {row[0] for row in rows(at, "SELECT object_id FROM audit WHERE operation = 'referral.create'")} == ids
    assert rows(at, "SELECT count(*) FROM outbox WHERE type = 'referral.sent'") == [(6,)]


def bad_rows() -> tuple[bytes, set[int]]:
    """Five hundred of which three are wrong, each in its own way."""
    changes: list[dict[str, Any]] = [{} for _ in range(500)]
    changes[7] = {"role": SECRET}
    changes[250] = {"service": f"no-{SECRET}"}
    changes[499] = {"person": {"name": SECRET, "birth_year": 1}}
    return lines(*changes), {7, 250, 499}


def test_three_bad_ones_of_five_hundred_stop_all_unless_the_rest_is_wanted(
    db: Database, at: Settings, record_property: Callable[[str, str], None]
) -> None:
    raw, bad = bad_rows()
    begun = time.perf_counter()
    nothing = importing.batch(db, call(raw)).value
    record_property("check_500_seconds", f"{time.perf_counter() - begun:.2f}")
    assert (nothing["stored"], nothing["refused"], legs(at)) == (0, 3, 0)
    assert {item["index"] for item in nothing["items"] if item["status"] == 422} == bad
    assert {item["status"] for item in nothing["items"]} == {422, 424}
    begun = time.perf_counter()
    rest = importing.batch(db, call(raw, rest=True)).value
    record_property("store_497_seconds", f"{time.perf_counter() - begun:.2f}")
    assert (rest["stored"], rest["refused"], legs(at)) == (497, 3, 497)
    assert {item["index"] for item in rest["items"] if item["status"] == 422} == bad
    pointers = {item["index"]: item["problem"]["errors"][0]["pointer"] for item in rest["items"] if item["problem"]}
    assert pointers == {7: "/role", 250: "/service", 499: "/person/birth_year"}
    assert SECRET not in repr([item["problem"] for item in rest["items"]])


def test_a_repeat_creates_nothing_twice_and_answers_the_same(db: Database, at: Settings) -> None:
    raw = lines({}, {"external_ref": "A-1"}, {})
    first = importing.batch(db, call(raw)).value
    again = importing.batch(db, call(raw)).value
    assert first == again
    assert legs(at) == 3


def test_a_repeat_after_a_crash_in_the_middle_stores_what_is_missing(
    db: Database, at: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, create = lines(*[{}] * 6), opening.create
    done: list[Any] = []

    def failing(db: Database, one: Call) -> Any:
        if len(done) == 3:
            message = "gone"
            raise Unavailable("database.unavailable", message)
        done.append(create(db, one))
        return done[-1]

    monkeypatch.setattr(opening, "create", failing)
    broken = importing.batch(db, call(raw)).value
    assert statuses(broken) == [201] * 3 + [503] * 3
    monkeypatch.setattr(opening, "create", create)
    whole = importing.batch(db, call(raw)).value
    assert statuses(whole) == [201] * 6
    assert [item["id"] for item in whole["items"][:3]] == [item["id"] for item in broken["items"][:3]]
    assert legs(at) == 6


def test_without_a_key_the_own_reference_keeps_from_storing_twice(db: Database, at: Settings) -> None:
    raw = lines({"external_ref": "A-1"}, {"external_ref": "A-2"})
    first = importing.batch(db, call(raw, key=None)).value
    again = importing.batch(db, call(raw, key=None)).value
    assert first == again
    assert legs(at) == 2
    changed = importing.batch(db, call(lines({"external_ref": "A-1", "reason": "Other"}), key=None)).value
    assert changed["items"][0]["problem"]["code"] == "idempotency_key.reused"


def test_the_same_key_with_another_item_is_refused_for_that_item(db: Database, at: Settings) -> None:
    importing.batch(db, call(lines({}, {})))
    value = importing.batch(db, call(lines({}, {"reason": "Another"}), rest=True)).value
    assert [item["problem"] and item["problem"]["code"] for item in value["items"]] == [None, "idempotency_key.reused"]
    assert legs(at) == 2


def test_one_reference_twice_in_one_request_is_one_fault(db: Database, at: Settings) -> None:
    value = importing.batch(db, call(lines({"external_ref": "A-1"}, {"external_ref": "A-1"}), rest=True)).value
    assert [item["status"] for item in value["items"]] == [201, 422]
    assert value["items"][1]["problem"]["code"] == "batch.reference_repeated"
    assert legs(at) == 1


def test_a_dry_run_stores_nothing_and_says_what_would_be(db: Database, at: Settings) -> None:
    value = importing.batch(db, call(lines({}, {"urgency": "planned"}), dry=True, rest=True)).value
    assert [item["outcome"] for item in value["items"]] == ["valid", "refused"]
    assert value["items"][1]["problem"]["code"] == "service.urgency_not_covered"
    assert (value["stored"], legs(at)) == (0, 0)
    assert statuses(importing.batch(db, call(lines({}, {}))).value) == [201, 201]


def test_drafts_may_come_in_many_too(db: Database) -> None:
    value = importing.batch(db, call(lines({"draft": True}, {"draft": True, "reason": "x"}))).value
    assert value["stored"] == 2
    assert usecases.read(db, look(POLICE, value["items"][0]["id"])).value["state"] == "draft"


def test_one_line_that_is_no_json_is_one_fault(db: Database, at: Settings) -> None:
    value = importing.batch(db, call(lines({}) + b'\n{"a":1,"a":2}\n{"broken\n[]\n', rest=True)).value
    assert statuses(value) == [201, 422, 400, 422]
    assert legs(at) == 1


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"", NDJSON),
        (b"{}\n" * 501, NDJSON),
        (b"[]", "application/json"),
        (b"{}", "application/json"),
        (b"[", "application/json"),
    ],
)
def test_what_is_no_batch_is_refused_as_a_whole(db: Database, raw: bytes, kind: str) -> None:
    with pytest.raises((Invalid, Malformed)):
        importing.batch(db, call(raw, kind))


def test_two_equal_batches_at_once_store_each_once(db: Database, at: Settings) -> None:
    raw = lines(*[{"external_ref": f"R-{number}"} for number in range(20)])
    told: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: told.append(importing.batch(db, call(raw, rest=True)).value)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert legs(at) == 20
    assert len(told) == 4
    for value in told:
        assert set(statuses(value)) <= {201, 409}
    assert statuses(importing.batch(db, call(raw)).value) == [201] * 20


def test_when_the_time_is_over_the_rest_waits_for_a_repeat(db: Database, at: Settings) -> None:
    late = call(lines({}, {}), rest=True)
    late.deadline = time.monotonic() + 0.5
    assert statuses(importing.batch(db, late).value) == [504, 504]
    assert legs(at) == 0


def test_a_table_is_stored_like_a_batch(db: Database, at: Settings) -> None:
    raw = file({}, {"role": SECRET}, {"service": "no-such"}, delimiter=";", bom=True)
    value = importing.table(db, call(raw, "text/csv", rest=True)).value
    assert [(item["row"], item["status"]) for item in value["items"]] == [(2, 201), (3, 422), (4, 422)]
    assert [item["problem"]["errors"][0]["pointer"] for item in value["items"][1:]] == ["/role", "/service"]
    assert SECRET not in repr(value)
    shown = usecases.read(db, look(CENTRE, value["items"][0]["id"])).value
    assert shown["person"] == {"name": "Kanarėlė Vienas", "birth_year": 1985}
    again = importing.table(db, call(raw, "text/csv", rest=True)).value
    assert again == value
    assert legs(at) == 1


def test_refusals_are_on_record(db: Database, at: Settings) -> None:
    importing.batch(db, call(lines({"service": "no-such"}), rest=True))
    found = rows(at, "SELECT operation, outcome FROM audit ORDER BY at")
    assert found == [("referral.create", "refused:service.unknown"), ("referral.batch", "done")]


def test_an_id_is_of_the_callers_organisation_alone(db: Database) -> None:
    """The same key of another client is another request."""
    one = importing.batch(db, call(lines({}))).value["items"][0]["id"]
    other = importing.batch(db, call(lines({}), by=POLICE.__class__(
        "client:other", POLICE.org_id, POLICE.org_key, POLICE.roles, "t9"))).value["items"][0]["id"]  # fmt: skip
    assert isinstance(one, uuid.UUID)
    assert one != other
