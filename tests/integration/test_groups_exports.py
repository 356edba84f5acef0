"""Rosters as files and meetings in calendars, on a real database: aliases only, harmless cells, addresses that end."""

from __future__ import annotations

import csv
import datetime as dt
import io
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import icalendar
import psycopg
import pypdf
import pytest
from openpyxl import load_workbook

from chassis.db import Database
from chassis.errors import Conflict, NotFound
from chassis.identity import Caller
from chassis.settings import Settings
from services.groups import schemas
from services.groups.rules import exporting as rules
from services.groups.usecases import exporting, own_more
from tests.support.databases import root_url
from tests.support.group_season import season_step
from tests.support.group_sessions import attendance_step, entered, session_step, wall
from tests.support.group_staff import COORDINATOR, INTAKE, LEADER, STRANGER, group_with_intake
from tests.support.groups import OTHER, PIN, call, opened, own, sign_up

MAIL = {"channel": "email", "value": "man@example.org"}
SCHEDULE = {"start_on": "2027-03-22", "local_start": "18:00", "tz": "Europe/Vilnius", "sessions": 2}


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("groups")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "groups")
    yield database
    database.close()


def query(at: Settings, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "groups")) as connection:
        cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []


def exported(db: Database, name: str, group: uuid.UUID, by: Caller = LEADER) -> bytes:
    asked = call("export", by, path={"group_id": group}, operation="export.roster", query={"purpose": "print"})
    file: bytes = getattr(exporting, f"export_{name}")(db, asked)
    return file


def test_a_file_has_aliases_and_codes_and_each_is_on_record(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    came = sign_up(db, group, alias="Jonas", contact=MAIL)
    sign_up(db, group, alias="Petras")
    query(at, "UPDATE session SET starts_at = now() - interval '3 hours' WHERE no = 1")
    attendance_step(db, "enter", group, 1, entered({came["signup_id"]: "late"}))
    raw = exported(db, "csv", group)
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
    assert rows[0] == [*rules.HEAD, "1", "2"]
    assert rows[1:] == [
        ["1", "Jonas", "lt", "active", "100", "100", "L", ""],
        ["2", "Petras", "lt", "confirmed", "", "", "", ""],
    ]
    sheet = load_workbook(io.BytesIO(exported(db, "xlsx", group))).active
    assert [
        [str(cell) if cell is not None else "" for cell in row] for row in sheet.iter_rows(values_only=True)
    ] == rows
    assert b"man@example.org" not in raw
    (page,) = pypdf.PdfReader(io.BytesIO(exported(db, "pdf", group))).pages
    printed = page.extract_text()
    assert all(word in printed for word in ("Jonas", "Petras", "active", "100", str(group)[:8]))
    assert not [word for word in ("man@example.org", "Vyr", "Men", "lt-kavkc") if word in printed]
    assert query(at, "SELECT format, purpose, by_subject FROM export_made ORDER BY at") == [
        ("csv", "print", LEADER.subject), ("xlsx", "print", LEADER.subject), ("pdf", "print", LEADER.subject),
    ]  # fmt: skip
    told = query(at, "SELECT data->>'purpose_code' FROM outbox WHERE type = 'export.made'")
    assert told == [("print",)] * 3


@pytest.mark.parametrize("alias", ["=1+1", "+7", "-2", "@SUM(A1)"])
def test_no_cell_is_a_formula(db: Database, alias: str) -> None:
    group = opened(db)
    sign_up(db, group, alias=alias)
    cell = load_workbook(io.BytesIO(exported(db, "xlsx", group))).active["B2"]
    assert (cell.value, cell.data_type) == (f"'{alias}", "s")
    assert f",'{alias},".encode() in exported(db, "csv", group)


def test_only_the_groups_leaders_and_coordinators_take_a_roster_along(db: Database) -> None:
    group = opened(db)
    for outsider in (STRANGER, OTHER, INTAKE):
        with pytest.raises(NotFound):
            exported(db, "csv", group, outsider)
    assert exported(db, "csv", group, COORDINATOR)


def card(man: dict[str, Any], **more: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = schemas.Card().load({"return_code": man["return_code"], "pin": PIN})
    return {**loaded, **more}


def calendar_of(
    db: Database, man: dict[str, Any], name: str = "open_calendar", *, key: str | None = None
) -> str | None:
    body = card(man, **({"language": "fi"} if name == "open_calendar" else {}))
    path = {"signup_id": man["signup_id"]}
    asked = call("calendar", None, body, path=path, idempotency_key=key)
    found: str | None = getattr(own_more, name)(db, asked).value["path"]
    return found


def read(db: Database, path: str) -> list[icalendar.Event]:
    asked = call("GET /calendars/{token}", None, path={"token": path.rpartition("/")[2]})
    calendar = icalendar.Calendar.from_ical(exporting.read_calendar(db, asked))
    return [each for each in calendar.walk("VEVENT") if isinstance(each, icalendar.Event)]


def came(db: Database, at: Settings, man: dict[str, Any]) -> None:
    """He has been there, however that came about."""
    query(at, f"UPDATE sign_up SET state = 'active' WHERE id = '{man['signup_id']}'")


def test_a_man_has_the_meetings_in_his_calendar_without_place_and_name(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE, place_full="Street 1")
    man = sign_up(db, group)
    came(db, at, man)
    address = calendar_of(db, man)
    assert address is not None
    first = read(db, address)
    assert [each["dtstart"].dt.isoformat() for each in first] == [
        "2027-03-22T18:00:00+02:00",
        "2027-04-05T18:00:00+03:00",  # the day after Easter Monday's week, by summer time
    ]
    assert {str(each["summary"]) for each in first} == {"Tapaaminen"}
    assert not {"LOCATION", "DESCRIPTION", "ORGANIZER"} & {name for each in first for name in each}
    session_step(db, "move", group, {"local_start": wall("2027-03-23T19:00"), "minutes": 90}, no=1, expected_version=1)
    session_step(db, "cancel", group, no=2, expected_version=1)
    second = read(db, address)
    assert {str(each["uid"]) for each in second} == {str(each["uid"]) for each in first}
    assert [(int(each["sequence"]), str(each["status"])) for each in second] == [(1, "CONFIRMED"), (1, "CANCELLED")]
    assert second[0]["dtend"].dt - second[0]["dtstart"].dt == dt.timedelta(minutes=90)


def test_whether_a_contact_is_known_cannot_be_seen_by_a_calendar(db: Database) -> None:
    group = opened(db, schedule=SCHEDULE)
    for man in (sign_up(db, group, contact=MAIL), sign_up(db, group, contact=MAIL), sign_up(db, group)):
        with pytest.raises(Conflict, match=r"signup\.not_possible") as refused:
            calendar_of(db, man)
        assert "once you have spoken with a worker" in refused.value.detail


def test_an_address_ends_when_it_is_taken_back_replaced_or_he_leaves(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    man = sign_up(db, group)
    came(db, at, man)
    first = calendar_of(db, man)
    second = calendar_of(db, man)
    assert first is not None
    assert second is not None
    with pytest.raises(NotFound):
        read(db, first)
    assert len(read(db, second)) == 2
    calendar_of(db, man, "close_calendar")
    with pytest.raises(NotFound):
        read(db, second)
    third = calendar_of(db, man)
    own(db, "withdraw", man)
    assert third is not None
    with pytest.raises(NotFound):
        read(db, third)
    with pytest.raises(Conflict, match=r"signup\.not_possible"):
        calendar_of(db, man)


def test_a_second_click_gives_an_address_that_works(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    man = sign_up(db, group)
    came(db, at, man)
    calendar_of(db, man, key="click")
    address = calendar_of(db, man, key="click")  # only its hash is kept, so the first one cannot be told again
    assert address is not None
    assert len(read(db, address)) == 2
    assert calendar_of(db, man, "close_calendar", key="gone") is None
    assert calendar_of(db, man, "close_calendar", key="gone") is None


def test_a_leader_has_it_while_he_leads(db: Database) -> None:
    group = opened(db, schedule=SCHEDULE)
    asked = call("calendar", LEADER, {"language": "lt"}, path={"group_id": group}, operation="calendar.open")
    address = exporting.open_calendar(db, asked).value["path"]
    assert {str(each["summary"]) for each in read(db, address)} == {"Susitikimas"}
    season_step(db, "end", group, {"subject": LEADER.subject})
    with pytest.raises(NotFound):
        read(db, address)


def test_a_man_excuses_himself_by_his_card(db: Database) -> None:
    group = opened(db, schedule=SCHEDULE)
    man, again = sign_up(db, group, contact=MAIL), sign_up(db, group, contact=MAIL)
    for each in (man, again):  # a card without a sign-up behind it is answered alike
        body = card(each, session_no=1)
        answer = own_more.excuse(db, call("apology", None, body, path={"signup_id": each["signup_id"]})).value
        assert answer["state"] == "confirmed"
        with pytest.raises(NotFound):
            own_more.excuse(db, call("apology", None, card(each, session_no=9), path={"signup_id": each["signup_id"]}))
    line = attendance_step(db, "sheet", group, 1)["lines"][0]
    assert (line["code"], line["apology"]) == ("excused", True)
    waiting = sign_up(db, group_with_intake(db))
    with pytest.raises(Conflict, match=r"signup\.not_possible"):
        own_more.excuse(
            db, call("apology", None, card(waiting, session_no=1), path={"signup_id": waiting["signup_id"]})
        )
