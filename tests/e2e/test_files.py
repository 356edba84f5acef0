"""Files and tables through the whole network: limits of size, memory's places, downloads that no browser opens."""

from __future__ import annotations

import io
import secrets
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest

from services.referrals.rules import csv_rows
from services.referrals.schemas import NEW_REFERRAL_EXAMPLE
from tests.support.client import CENTRE, POLICE, THIRD, Answer, Client, client, eventually, exchange
from tests.support.files import OCTETS, PDF
from tests.support.network import Network
from tests.support.problems import head
from tests.support.rows import nothing_stored

MIB = 1 << 20
CSV = {"Content-Type": "text/csv"}
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(scope="module")
def police(demo: Network) -> Client:
    found = client(demo.settings, POLICE)
    eventually(lambda: found.post("/referrals", NEW_REFERRAL_EXAMPLE).status == 201)
    return found


@pytest.fixture
def referral(police: Client) -> str:
    made = police.post("/referrals", NEW_REFERRAL_EXAMPLE)
    assert made.status == 201
    return str(made.body["id"])


@pytest.fixture
def unchanged(demo: Network, referral: str) -> Iterator[None]:
    assert referral
    with nothing_stored(demo.settings):
        yield


def attach(by: Client, referral: str, content: bytes, *, name: str = "letter.pdf", **more: Any) -> Answer:
    headers = {**OCTETS, "Content-Disposition": f'attachment; filename="{name}"'}
    return by.post(f"/referrals/{referral}/attachments?visibility=both", content, headers=headers, **more)


def largest() -> bytes:
    return PDF[:-6] + b"%" + secrets.token_hex(5 * MIB).encode()[: 10 * MIB - len(PDF) - 2] + b"\n%%EOF\n"


def test_ten_mebibytes_go_in_and_come_out_as_a_download(demo: Network, police: Client, referral: str) -> None:
    content = largest()
    made = attach(police, referral, content)
    assert made.status == 201, made.raw
    assert made.headers["Location"] == f"/referrals/{referral}/attachments/{made.body['id']}"
    centre = client(demo.settings, CENTRE)
    got = centre.get(made.headers["Location"])
    assert (got.status, got.raw == content) == (200, True)
    assert got.kind == "application/octet-stream"
    assert got.headers["Content-Disposition"].startswith('attachment; filename="other-')
    assert got.headers["Content-Security-Policy"].startswith("sandbox")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Cache-Control"] == "no-store"
    assert client(demo.settings, THIRD).get(made.headers["Location"]).status == 404


def test_twenty_megabytes_are_too_many(demo: Network, police: Client, referral: str) -> None:
    with nothing_stored(demo.settings):
        answer = attach(police, referral, b"x" * 20_000_000)
    assert (answer.status, answer.body["code"]) == (413, "body.too_large")
    assert "10485760" in answer.body["detail"]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"MZ\x90\x00" + b"\x00" * 500, "letter.pdf"),
        (PDF, "letter.exe"),
        (b"#!/bin/sh\nrm -rf /\n", "letter.txt"),
    ],
)
def test_a_renamed_program_is_refused(police: Client, referral: str, content: bytes, name: str) -> None:
    answer = attach(police, referral, content, name=name)
    assert answer.status == 422
    assert answer.body["code"] in {"attachment.kind_not_taken", "attachment.name_and_content"}
    assert police.get(f"/referrals/{referral}/attachments").items == []


def test_a_zip_bomb_is_refused(police: Client, referral: str) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as into:
        for name in ("[Content_Types].xml", "word/document.xml"):
            into.writestr(name, b"\x00" * (200 * MIB))
    answer = attach(police, referral, bomb.getvalue(), name="letter.docx")
    assert (answer.status, answer.body["code"]) == (422, "attachment.bomb")


def test_a_name_is_needed_and_stands_in_no_address(police: Client, referral: str) -> None:
    plain = {"Content-Type": "application/octet-stream"}
    path = f"/referrals/{referral}/attachments"
    assert police.post(path, PDF, headers=plain).body["code"] == "attachment.name_missing"
    broken = {**plain, "Content-Disposition": "inline"}
    assert police.post(path, PDF, headers=broken).body["code"] == "content_disposition.malformed"
    assert police.post(f"{path}?filename=a.pdf", PDF, headers=OCTETS).body["code"] == "query.invalid"
    assert police.post(path, PDF, headers={**OCTETS, "Content-Type": "text/html"}).status == 415


def test_one_organisation_does_not_take_all_places_for_large_bodies(
    demo: Network, police: Client, referral: str
) -> None:
    """Ten at once: some are put off with Retry-After, none breaks, and another organisation still gets in."""
    content = largest()
    centre = client(demo.settings, CENTRE)
    with ThreadPoolExecutor(11) as crowd:
        mine = [crowd.submit(attach, police, referral, content) for _ in range(10)]
        other = crowd.submit(centre.post, "/referrals/batch", b"{}\n", headers=NDJSON)
        answers = [each.result() for each in mine]
    assert {answer.status for answer in answers} <= {201, 503}
    assert any(answer.status == 201 for answer in answers)
    for answer in answers:
        if answer.status == 503:
            assert answer.body["code"] == "body.own_crowded"
            assert answer.headers["Retry-After"]
    assert other.result().status == 200


def test_a_body_that_stops_in_the_middle_leaves_nothing(demo: Network, police: Client, referral: str) -> None:
    path = f"/referrals/{referral}/attachments"
    raw = head(police, f"Content-Length: {5 * MIB}", *(f"{k}: {v}" for k, v in OCTETS.items()), path=path)
    exchange(demo.settings, raw + PDF, seconds=0.5)
    assert police.get(path).items == []
    assert attach(police, referral, PDF).status == 201


def test_a_batch_and_a_table_are_answered_for_each(police: Client) -> None:
    good, bad = orjson.dumps(NEW_REFERRAL_EXAMPLE), orjson.dumps({**NEW_REFERRAL_EXAMPLE, "role": "zq"})
    nothing = police.post("/referrals/batch", good + b"\n" + bad, headers=NDJSON)
    assert [item["status"] for item in nothing.body["items"]] == [424, 422]
    rest = police.post("/referrals/batch?mode=rest", b"[" + good + b"," + bad + b"]")
    assert [item["status"] for item in rest.body["items"]] == [201, 422]
    template = police.get("/referrals/import/template.csv")
    assert (template.status, template.raw) == (200, csv_rows.template())
    dry = police.post("/referrals/import?dry_run=true", template.raw, headers=CSV)
    assert [(item["row"], item["outcome"]) for item in dry.body["items"]] == [(2, "valid")]
    stored = police.post("/referrals/import", template.raw, headers=CSV)
    assert police.get(f"/referrals/{stored.body['items'][0]['id']}").body["state"] == "sent"


@pytest.mark.usefixtures("unchanged")
def test_a_table_that_is_none_is_refused_as_a_whole(police: Client) -> None:
    cell = csv_rows.template() + b'lt;"' + b"x" * (9 * MIB) + b'"\r\n'
    for raw, code in (
        (cell, "import.malformed"),
        ("šeši".encode("cp1257"), "import.encoding"),
        (b"name;x\r\n1;2\r\n", "import.header"),
    ):
        answer = police.post("/referrals/import", raw, headers=CSV)
        assert (answer.status, answer.body["code"]) == (422, code)
    assert police.post("/referrals/import", csv_rows.template()).status == 415
    assert police.post("/referrals/import", b"x" * (11 * MIB), headers=CSV).status == 413
