"""An institution answers by its link through the gateway: a scanner first, then a person with a plain browser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from chassis.settings import SERVICES
from gateway.pages.languages import LANGUAGES
from services.referrals.schemas import NEW_REFERRAL_EXAMPLE
from tests.support import canary_places
from tests.support.client import CENTRE, POLICE, client, eventually
from tests.support.network import Network

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NEXT = "2027-02-01"


@dataclass
class Case:
    """One referral, the link to it, and what its receiver sees."""

    demo: Network
    id: str
    path: str

    @property
    def state(self) -> str:
        state: str = client(self.demo.settings, CENTRE).get(f"/referrals/{self.id}").body["state"]
        return state

    def get(self, path: str, method: str = "GET", **headers: str) -> Any:
        return urllib3.request(method, self.demo.url + path, headers=headers, redirect=False, retries=False)

    def press(self, language: str = "en", headers: dict[str, str] | None = None, **fields: str) -> Any:
        body = urlencode({"token": self.path.removeprefix("/l/"), **fields})
        return urllib3.request(
            "POST", f"{self.demo.url}/{language}/l", body=body, headers={**FORM, **(headers or {})},
            redirect=False, retries=False,
        )  # fmt: skip


@pytest.fixture
def case(demo: Network) -> Case:
    police, centre = client(demo.settings, POLICE), client(demo.settings, CENTRE)
    body = {**NEW_REFERRAL_EXAMPLE, "person": {"name": "Demo Slaptasis", "birth_year": 1981}}
    sent = eventually(lambda: answer if (answer := police.post("/referrals", body)).status == 201 else None)
    made = centre.post(f"/referrals/{sent.body['id']}/links", {})
    assert made.status == 201, made.raw
    return Case(demo, sent.body["id"], made.body["path"])


def test_a_scanner_changes_nothing_and_a_button_does(case: Case) -> None:
    for _ in range(10):
        page = case.get(case.path, **{"Accept-Language": "lt"})
        assert page.status == 200, page.data
        for link in set(re.findall(r'(?:href|src|action)="(/[^"]*)"', page.data.decode())):
            case.get(link)
            case.get(link, "HEAD")
    assert case.get(case.path, "HEAD").status == 204
    assert case.get(case.path, **{"Sec-Purpose": "prefetch"}).status == 204
    assert case.state == "sent"
    html = page.data.decode()
    assert '<html lang="lt">' in html
    assert case.id[:8].upper() in html
    for told in ("Slaptasis", "1981", "violence", "Invented", POLICE, case.id):
        assert told not in html
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in page.headers
    done = case.press("lt", action="accept", responsible="Demo Darbuotoja", next_step_on=NEXT)
    assert (done.status, done.headers["Location"]) == (303, "/lt/l/done")
    assert case.get("/lt/l/done").status == 200
    assert case.state == "accepted"
    again = case.press("fi", action="decline", reason="no_capacity")
    assert again.status == 409
    assert "Tähän on jo vastattu" in again.data.decode()
    assert case.get(case.path).status == 409
    assert case.state == "accepted"


def test_what_is_missing_is_said_on_the_page_and_nothing_is_done(case: Case) -> None:
    page = case.press(action="accept", next_step_on="")
    assert page.status == 422
    assert "There is a problem" in page.data.decode()
    assert case.press(action="decline", reason="other").status == 422
    assert case.press(action="withdraw").status in {403, 404, 422}
    assert case.state == "sent"


def test_foreign_forms_and_unknown_tokens(case: Case) -> None:
    for headers in ({"Origin": "https://elsewhere.test"}, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}):
        assert case.press(headers=headers, action="acknowledge").status == 403
    for path in ("/l/x", "/lt/l/" + "A" * 43, "/fi/l/%22%3E%3Cscript%3E"):
        page = case.get(path)
        assert page.status == 404
        assert page.headers["Content-Type"].startswith("text/html")
        assert b"<script" not in page.data
    assert case.get("/referrals/internal/links/resolve", "POST").status in {404, 405}
    assert case.state == "sent"


def test_the_token_is_nowhere_in_clear(case: Case) -> None:
    """After looks and a press it is in no log, queue, database or file of the network."""
    token = case.path.removeprefix("/l/")
    for language in LANGUAGES:
        assert case.get(f"/{language}{case.path}").status == 200
    assert case.press(action="acknowledge").status == 303
    assert case.state == "received"
    settings = case.demo.settings
    places = [*canary_places.of_queues(settings), *canary_places.of_databases(settings)]
    places += [
        *canary_places.of_files(settings.home / "logs"),
        *canary_places.of_pages(canary_places.metrics_of(settings)),
    ]
    assert len(places) > len(SERVICES)
    assert [name for name, held in places if token.encode() in held] == []
    logged = case.demo.log_of("gateway")
    assert "GET /l/<token>" in logged or "GET /lt/l/<token>" in logged
