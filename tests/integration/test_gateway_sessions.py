"""The gateway with real access behind it: cookies become tokens, changes need their page, cookies go to access only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chassis.db import Database
from chassis.identity import TokenVerifier
from chassis.settings import Settings
from tests.integration.feed_rig import Running, begin, placed
from tests.support.browser import Browser
from tests.support.client import Client, token
from tests.support.people import KEY, ORG, PASSWORD, Person, come_in, keep

READ, WRITE, OPEN = "/referrals/inbox", "/referrals", "/groups"


@dataclass
class Behind:
    """What stands in the place of referrals and groups, and what came to it."""

    seen: list[dict[str, str]] = field(default_factory=list)
    servers: list[ThreadingHTTPServer] = field(default_factory=list)

    def listen(self, port: int) -> None:
        seen = self.seen

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                seen.append({name.lower(): value for name, value in self.headers.items()})
                self.send_response(200)
                self.send_header("Set-Cookie", "planted=1")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = answer  # noqa: N815 - names of the standard library

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()


@dataclass
class Front:
    settings: Settings
    database: Database
    access: Running
    gateway: Running
    behind: Behind

    @property
    def url(self) -> str:
        return self.settings.url_of("gateway")

    def browser(self, person: Person) -> Browser:
        """Somebody who signs in through the gateway."""
        made = Browser(self.url)
        answer = made.sign_in(person.login, person.code())
        assert answer.status == 200, answer.raw
        return made


@pytest.fixture
def front(vhost: Settings, service_database: Callable[..., Settings], tmp_path: Path) -> Iterator[Front]:
    settings = placed(service_database("access", into=vhost))
    database, behind, running = Database(settings, "access"), Behind(), []
    try:
        keep(database)
        behind.listen(settings.port_of("referrals"))
        behind.listen(settings.port_of("groups"))
        running.append(begin(settings, tmp_path, name="access"))
        running.append(begin(settings, tmp_path, name="gateway"))
        yield Front(settings, database, *running, behind)
    finally:
        for each in running:
            each.end()
        for server in behind.servers:
            server.shutdown()
            server.server_close()
        database.close()


def test_a_cookie_becomes_a_token_and_stays_with_access(front: Front) -> None:
    browser = front.browser(come_in(front.database, front.settings))
    answer = browser.get(READ)
    assert (answer.status, "Set-Cookie" in answer.headers) == (200, False)
    (seen,) = front.behind.seen
    assert "cookie" not in seen
    caller = TokenVerifier(front.settings).verify(seen["authorization"].removeprefix("Bearer "))
    assert (caller.org_key, caller.roles, caller.is_system) == (KEY, {"org_admin"}, False)
    session = browser.get("/access/session")
    assert (session.status, session.body["csrf_token"]) == (200, browser.csrf_token)
    assert browser.post("/access/internal/session-token", {"session": "x"}).status == 404
    assert browser.get(OPEN).status == 200  # a public page may know who asks
    assert front.behind.seen[-1]["authorization"] == seen["authorization"]
    for log in (front.gateway.log, front.access.log):
        text = log.read_text()
        assert not [secret for secret in (*browser.cookies.values(), browser.csrf_token, PASSWORD) if secret in text]


def test_a_change_needs_a_page_of_ours_and_the_token_of_the_session(front: Front) -> None:
    person = come_in(front.database, front.settings)
    other = come_in(front.database, front.settings, "other@example.org")
    browser, stranger = front.browser(person), front.browser(other)
    for changes in (
        {"Origin": None}, {"X-CSRF-Token": None}, {"Origin": "https://evil.example"},
        {"Origin": "null"}, {"X-CSRF-Token": stranger.csrf_token}, {"X-CSRF-Token": ""},
    ):  # fmt: skip
        for path in (WRITE, "/signups", "/access/sign-out"):
            answer = browser.post(path, {}, headers=changes)
            assert (answer.status, answer.body["code"]) == (403, "csrf.refused"), (path, changes)
    assert front.behind.seen == []
    assert browser.post(WRITE, {}).status == 200
    bearer = Client(front.url, token(front.settings, KEY))
    assert bearer.post(WRITE, {}).status == 200  # no browser sends that by itself


def test_after_sign_out_the_cookie_is_worth_nothing_at_once(front: Front) -> None:
    browser = front.browser(come_in(front.database, front.settings))
    thief = Browser(front.url, cookies=dict(browser.cookies), csrf_token=browser.csrf_token)
    assert thief.get(READ).status == 200  # so the gateway knows the session
    out = browser.post("/access/sign-out", {})
    assert (out.status, "Max-Age=0" in out.headers["Set-Cookie"]) == (204, True)
    answer = thief.get(READ)
    assert (answer.status, answer.body["code"]) == (401, "token.missing")
    assert thief.post(WRITE, {}).status == 401
    assert thief.get("/access/session").status == 401
    assert thief.get(OPEN).status == 200  # public pages go on, for nobody
    assert "authorization" not in front.behind.seen[-1]


def test_a_disabled_member_is_out_at_once_and_a_changed_one_changed(front: Front) -> None:
    browser = front.browser(come_in(front.database, front.settings, roles=("group_leader",)))
    admin = Client(front.url, token(front.settings, KEY, ["org_admin"]))
    member = browser.get("/access/session").body["member"]
    path = f"/access/members/{member['id']}"
    version = admin.get(path).version
    assert browser.get(path).status == 403
    given = admin.post(f"{path}/roles", {"roles": ["org_admin"], "units": []}, version=version)
    assert given.status == 200, given.raw
    assert browser.get(path).status == 200
    assert admin.post(f"{path}/disable", {}, version=given.version).status == 200
    assert browser.get(READ).status == 401


def test_without_access_a_cookie_gets_503_and_a_token_goes_on(front: Front) -> None:
    browser = front.browser(come_in(front.database, front.settings))
    assert browser.get(READ).status == 200
    front.access.end()
    unknown = Browser(front.url, cookies={"__Host-tukiverkko": "unknown-to-this-gateway"})
    for path in (READ, OPEN):
        answer = unknown.get(path)
        assert (answer.status, "Retry-After" in answer.headers) == (503, True)
    assert unknown.post(WRITE, {}).status == 503
    assert Client(front.url, token(front.settings, KEY)).get(READ).status == 200
    assert Client(front.url).get(OPEN).status == 200


def test_step_up_is_seen_by_the_next_request(front: Front) -> None:
    person = come_in(front.database, front.settings)
    browser = front.browser(person)
    with front.database._pool.connection() as connection:
        connection.execute("SELECT set_config('tukiverkko.org', %s, false)", (str(ORG),))
        connection.execute("UPDATE member_session SET proved_at = proved_at - interval '6 minutes'")
        connection.execute("SELECT set_config('tukiverkko.org', '', false)")
    refused = browser.post("/access/recovery-codes", {})
    assert (refused.status, refused.body["code"]) == (403, "step_up.required")
    assert browser.post("/access/step-up", {"code": person.recovery[0]}).status == 200
    made = browser.post("/access/recovery-codes", {})
    assert (made.status, len(made.body["recovery_codes"])) == (200, 10)
    device = browser.post("/access/devices", {})
    assert (device.status, "Max-Age=7776000" in device.headers["Set-Cookie"]) == (200, True)
    assert len(browser.get("/access/sessions").items) == 1
