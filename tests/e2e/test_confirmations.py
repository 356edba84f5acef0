"""An organisation confirms its entries through the gateway, by the link of a mail and with a plain browser."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import urllib3

from chassis.db import Database
from chassis.settings import SERVICES
from services.directory.usecases import confirming
from tests.support import canary_places
from tests.support.client import THIRD, client, org_id
from tests.support.network import Network

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def get(demo: Network, path: str, method: str = "GET", **headers: str) -> Any:
    return urllib3.request(method, demo.url + path, headers=headers, redirect=False, retries=False)


def press(demo: Network, **fields: str) -> Any:
    body = urlencode(fields)
    return urllib3.request("POST", f"{demo.url}/lt/v", body=body, headers=FORM, redirect=False, retries=False)


def link(demo: Network) -> str:
    """The path in the mail that THIRD would get, as the sender makes it."""
    database = Database(demo.settings, "directory")
    try:
        with database.background("test") as work:
            return confirming.mailed_path(work, org_id(THIRD))
    finally:
        database.close()


def test_a_scanner_confirms_nothing_and_a_button_does(demo: Network) -> None:
    path = link(demo)
    token = path.removeprefix("/v/")
    for _ in range(3):
        page = get(demo, path, **{"Accept-Language": "lt"})
        assert page.status == 200, page.data
        for other in set(re.findall(r'(?:href|src|action)="(/[^"]*)"', page.data.decode())):
            get(demo, other)
            get(demo, other, "HEAD")
    html = page.data.decode()
    assert '<html lang="lt">' in html
    assert grades(demo) == {"D"}
    (seen,) = set(re.findall(r'name="seen" value="([^"]*)"', html))
    wrong = press(demo, token=token, seen=seen, answer="wrong", text="")
    assert wrong.status == 422
    done = press(demo, token=token, seen=seen, answer="correct")
    assert (done.status, done.headers["Location"]) == (303, "/lt/v/done")
    assert get(demo, "/lt/v/done").status == 200
    assert grades(demo) == {"A"}
    assert press(demo, token=token, seen=seen, answer="correct").status == 409
    assert get(demo, "/v/there-was-none").status == 404
    settings = demo.settings
    places = [*canary_places.of_queues(settings), *canary_places.of_databases(settings)]
    places += [*canary_places.of_files(settings.home / "logs")]
    assert len(places) > len(SERVICES)
    assert [name for name, held in places if token.encode() in held] == []
    assert "GET /v/<token>" in demo.log_of("gateway")


def grades(demo: Network) -> set[str]:
    services = client(demo.settings).get(f"/directory/services?organisation={THIRD}").items
    assert services
    return {service["grade"] for service in services}
