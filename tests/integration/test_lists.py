"""Work lists and reports on a real database: filters, counts, order, and no small number."""

from __future__ import annotations

import csv
import datetime as dt
import io
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.errors import NotAllowed
from chassis.settings import Settings
from services.referrals import usecases
from services.referrals.rules.reporting import CONVERSION, OVERDUE, REASONS, TIMES, told
from services.referrals.schemas.transitions import EXAMPLES
from services.referrals.usecases import reporting
from tests.support.databases import root_url
from tests.support.referrals import CENTRE, POLICE, ask, decide, expire, go, listing, new, seed

LEAD = replace(CENTRE, subject="member:lead")


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    yield database
    database.close()


def run(at: Settings, query: str) -> None:
    with psycopg.connect(root_url(at, "referrals"), autocommit=True) as connection:
        connection.execute(query.encode())


def created(db: Database, **changes: object) -> uuid.UUID:
    made: uuid.UUID = usecases.create(db, new(**changes)).value["id"]
    return made


def ids(outcome: object) -> list[uuid.UUID]:
    return [line["id"] for line in outcome.value["items"]]  # type: ignore[attr-defined]


def test_filters_go_together(db: Database) -> None:
    urgent, standard, taken = created(db), created(db, urgency="standard"), created(db)
    go(db, CENTRE, taken, "accept", **EXAMPLES["accept"])
    usecases_assign(db, taken, unit="north", worker="member:anna")
    assert ids(usecases.inbox(db, listing(CENTRE))) == [taken, standard, urgent]
    assert ids(usecases.inbox(db, listing(CENTRE, state=["sent"]))) == [standard, urgent]
    assert ids(usecases.inbox(db, listing(CENTRE, state=["sent", "accepted"], urgency="urgent"))) == [taken, urgent]
    assert ids(usecases.inbox(db, listing(CENTRE, worker="member:anna"))) == [taken]
    assert ids(usecases.inbox(db, listing(replace(CENTRE, subject="member:anna"), worker="me"))) == [taken]
    assert ids(usecases.inbox(db, listing(CENTRE, unit="north"))) == [taken]
    assert not ids(usecases.inbox(db, listing(CENTRE, unit="south")))
    assert ids(usecases.inbox(db, listing(CENTRE, **{"with": "lt-police"}))) == [taken, standard, urgent]
    assert not ids(usecases.inbox(db, listing(CENTRE, **{"with": "lt-probation"})))
    assert not ids(usecases.sent(db, listing(POLICE, since=clock.now() + dt.timedelta(hours=1))))
    assert len(ids(usecases.sent(db, listing(POLICE, until=clock.now() + dt.timedelta(hours=1))))) == 3


def usecases_assign(db: Database, referral: uuid.UUID, **place: str) -> None:
    from services.referrals.usecases import rights  # noqa: PLC0415 - the name stands for another room above

    rights.assign(db, decide(LEAD, referral, "assign", **place))


def test_what_is_overdue_comes_by_how_long_it_is(db: Database, at: Settings) -> None:
    first, second, third = created(db), created(db), created(db)
    run(at, f"UPDATE receiver_case SET due_at = now() - interval '2 hours' WHERE id = '{first}'")
    run(at, f"UPDATE receiver_case SET due_at = now() - interval '2 days' WHERE id = '{second}'")
    assert ids(usecases.overdue(db, listing(CENTRE))) == [second, first]
    page = usecases.overdue(db, listing(CENTRE, limit=1)).value
    assert [line["id"] for line in page["items"]] == [second]
    assert ids(usecases.overdue(db, listing(CENTRE, limit=1, cursor=page["next"]))) == [first]
    assert ids(usecases.inbox(db, listing(CENTRE, overdue=True))) == [second, first]
    assert third not in ids(usecases.overdue(db, listing(CENTRE)))
    assert not ids(usecases.overdue(db, listing(POLICE, side="sender")))


def test_each_side_sees_where_it_has_the_ball(db: Database) -> None:
    waits, asked, late, taken = created(db), created(db), created(db), created(db)
    go(db, CENTRE, asked, "acknowledge")
    go(db, CENTRE, asked, "request_info", **EXAMPLES["request_info"])
    expire(db, late)
    go(db, CENTRE, taken, "accept", **EXAMPLES["accept"])
    assert ids(usecases.awaiting_me(db, listing(CENTRE))) == [waits]
    assert ids(usecases.awaiting_me(db, listing(POLICE, side="sender"))) == [late, asked]
    worker = replace(POLICE, roles=frozenset({"sender_worker"}))
    with pytest.raises(NotAllowed):
        usecases.awaiting_me(db, listing(worker, side="receiver"))


def test_the_waiting_list_is_a_queue(db: Database) -> None:
    first, second = created(db), created(db)
    for referral in (second, first):
        go(db, CENTRE, referral, "accept", **EXAMPLES["accept"])
        go(db, CENTRE, referral, "waitlist", **EXAMPLES["waitlist"])
    assert ids(usecases.waiting_list(db, listing(CENTRE))) == [second, first]


def test_counts_are_of_what_is_open(db: Database, at: Settings) -> None:
    mine, other, gone = created(db), created(db), created(db)
    go(db, CENTRE, gone, "decline", reason="no_capacity")
    usecases_assign(db, mine, worker=CENTRE.subject)
    run(at, f"UPDATE receiver_case SET due_at = now() - interval '2 hours' WHERE id = '{other}'")
    found = usecases.counts(db, listing(replace(CENTRE, roles=frozenset({"receiver_worker"})))).value["items"]
    assert found == [{"side": "receiver", "state": "sent", "count": 2, "overdue": 1, "mine": 1, "nobodys": 1}]


PERIOD = {"side": "receiver", "since": dt.date(2026, 1, 1), "until": dt.date(2028, 1, 1), "by": "organisation"}


def report_call(by: object, **changes: object):  # type: ignore[no-untyped-def]  # a Call, as ask makes it
    call = ask(by, uuid.UUID(int=0), "report")  # type: ignore[arg-type]
    call.query = {**PERIOD, **changes}
    return call


def test_a_report_counts_and_says_no_small_number(db: Database, at: Settings) -> None:
    for number in range(12):
        referral = created(db)
        if number < 7:
            go(db, CENTRE, referral, "accept", **EXAMPLES["accept"])
        else:
            go(db, CENTRE, referral, "decline", reason="no_capacity" if number < 11 else "out_of_area")
    (line,) = reporting.report(db, report_call(LEAD), CONVERSION).value["lines"]
    assert (line["group"], line["total"], line["accepted"], line["declined"]) == ("lt-police", 12, 7, 5)
    assert (line["received"], line["completed"]) == (None, None)  # all of them, and nobody
    reasons = reporting.report(db, report_call(LEAD), REASONS).value["lines"]
    assert [(each["reason"], each["total"]) for each in reasons] == [("no_capacity", None), ("out_of_area", None)]
    times = reporting.report(db, report_call(LEAD), TIMES).value["lines"]
    assert {each["state"] for each in times} == {"sent", "received"}
    assert all(each["total"] == 12 for each in times)
    assert reporting.report(db, report_call(LEAD), OVERDUE).value["lines"]
    assert not reporting.report(
        db, report_call(LEAD, since=dt.date(2025, 1, 1), until=dt.date(2026, 1, 1)), CONVERSION
    ).value["lines"]
    table = list(csv.DictReader(io.StringIO(reporting.table(db, report_call(LEAD), CONVERSION).decode())))
    assert (table[0]["group"], table[0]["accepted"], table[0]["received"]) == ("lt-police", "7", "")


def test_a_report_is_for_leads_of_that_side_and_about_their_own_rows(db: Database) -> None:
    created(db)
    with pytest.raises(NotAllowed):
        reporting.report(
            db, report_call(replace(CENTRE, roles=frozenset({"receiver_lead"})), side="sender"), CONVERSION
        )
    (line,) = reporting.report(db, report_call(replace(POLICE, subject="member:l"), side="sender"), CONVERSION).value[
        "lines"
    ]
    assert (line["group"], line["total"]) == ("lt-kavkc", None)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([9, 8], [9, 8]),
        ([9, 4], [None, None]),
        ([20, 9, 4], [20, None, None]),
        ([20, 4, 3], [20, None, None]),
        ([4], [None]),
    ],
)
def test_a_reason_that_is_left_out_can_not_be_worked_out(counts: list[int], expected: list[int | None]) -> None:
    rows = [
        {"group": "a", "transition": "decline", "reason": f"r{place}", "total": count}
        for place, count in enumerate(counts)
    ]
    assert [line["total"] for line in told(REASONS, rows)] == expected
