"""Certificates on a real database: issued once, verified offline by the published key, printed, and gone with a man."""

from __future__ import annotations

import base64
import datetime as dt
import io
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import psycopg
import pytest
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import OKPKey
from pypdf import PdfReader

from chassis.db import Database
from chassis.errors import Conflict, NotFound
from chassis.settings import Settings
from services.groups.rules import certificate_pdf
from services.groups.usecases import certificates
from tests.support.databases import root_url
from tests.support.group_sessions import attendance_step, entered
from tests.support.group_staff import LEADER, STRANGER, step
from tests.support.groups import OTHER, call, opened, sign_up

SCHEDULE = {"start_on": "2027-02-01", "local_start": "18:00", "tz": "Europe/Vilnius", "sessions": 2}


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


def done(db: Database, at: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    """The places of a man who has finished, and himself."""
    group = opened(db, schedule=SCHEDULE)
    man = sign_up(db, group, alias="Kanarėlė")
    query(at, "UPDATE session SET starts_at = now() - interval '3 hours'")
    for no, code in ((1, "present"), (2, "excused")):
        attendance_step(db, "enter", group, no, entered({man["signup_id"]: code}))
    step(db, "complete", group, man, LEADER, {"decided_on": dt.date(2027, 2, 10)})
    return {"group_id": group, "signup_id": man["signup_id"]}, man


def issued(db: Database, path: dict[str, Any], by: Any = LEADER, **parts: Any) -> dict[str, Any]:
    value: dict[str, Any] = certificates.issue(
        db, call("issue", by, path=path, operation="certificate.issue", **parts)
    ).value
    return value


def test_a_certificate_is_verified_offline_and_says_nothing_else(db: Database, at: Settings) -> None:
    path, _ = done(db, at)
    made = issued(db, path)
    published = certificates.keys(db).value["items"]
    key = OKPKey.import_key(published[0]["key"])
    assert "d" not in published[0]["key"]
    opened_ = jws.deserialize_compact(made["signed"], key, algorithms=["Ed25519"])
    assert opened_.protected["kid"] == key.kid
    content = orjson.loads(opened_.payload)
    assert content == made["content"]
    assert content == {
        "version": 1,
        "reference": made["reference"],
        "organisation": {"key": str(LEADER.org_id), "names": {}},
        "programme": content["programme"],
        "from": "2027-02-01",
        "to": "2027-02-01",
        "held": 2,
        "attended": 1,
        "decision": "completed",
        "decided_on": "2027-02-10",
    }
    head, _, signature = made["signed"].split(".")
    other = base64.urlsafe_b64encode(orjson.dumps({**content, "attended": 2})).decode().rstrip("=")
    forged = f"{head}.{other}.{signature}"
    with pytest.raises(BadSignatureError):
        jws.deserialize_compact(forged, key, algorithms=["Ed25519"])


def test_it_is_issued_once_and_signed_by_one_key_of_the_organisation(db: Database, at: Settings) -> None:
    first, second = done(db, at)[0], done(db, at)[0]
    assert issued(db, first) == issued(db, first)
    assert issued(db, second)["reference"] != issued(db, first)["reference"]
    assert len(certificates.keys(db).value["items"]) == 1
    assert query(at, "SELECT count(*) FROM outbox WHERE type = 'certificate.issued'") == [(2,)]
    assert query(at, "SELECT private::text LIKE '%' || 'OKP' || '%' FROM certificate_key") == [(False,)]


def test_without_a_decision_there_is_none(db: Database) -> None:
    group = opened(db, schedule=SCHEDULE)
    path = {"group_id": group, "signup_id": sign_up(db, group)["signup_id"]}
    with pytest.raises(Conflict, match=r"certificate\.not_completed"):
        issued(db, path)
    with pytest.raises(NotFound):
        certificates.read(db, call("read", LEADER, path=path, operation="certificate.read"))


def test_others_get_none(db: Database, at: Settings) -> None:
    path, _ = done(db, at)
    for outsider in (STRANGER, OTHER):
        with pytest.raises(NotFound):
            issued(db, path, outsider)


@pytest.mark.parametrize("language", sorted(certificate_pdf.TEXTS))
def test_the_printed_page_says_the_same_in_each_language(db: Database, at: Settings, language: str) -> None:
    path, _ = done(db, at)
    made = issued(db, path)
    asked = call("print", LEADER, path=path, operation="certificate.read", query={"language": language})
    pdf = certificates.printed(db, asked)
    reader = PdfReader(io.BytesIO(pdf))
    assert len(reader.pages) == 1
    text = reader.pages[0].extract_text()
    words = certificate_pdf.TEXTS[language]
    for expected in (made["reference"], words["title"], words["completed"], words["held"], "2027-02-01"):
        assert expected in text
    assert "Kanarėlė" not in text


def test_every_language_has_every_word() -> None:
    wanted = set(certificate_pdf.TEXTS["en"])
    assert {language: set(words) for language, words in certificate_pdf.TEXTS.items()} == dict.fromkeys(
        certificate_pdf.TEXTS, wanted
    )
    assert set(certificate_pdf.TEXTS) == {"en", "lt", "lv", "et", "fi", "sv", "nb", "ru"}
