"""The first administrator comes in by a command, works by cookie, invites the next one, and is out after sign-out."""

from __future__ import annotations

import re

from tests.support.browser import Browser, Visitor, signed_in
from tests.support.client import CENTRE, client, eventually
from tests.support.network import Network

LOGIN = "first@example.org"
INVITE = ("member", "invite", "--org", CENTRE, "--login", LOGIN, "--role", "org_admin", "--role", "receiver_lead")


def test_from_an_empty_machine_to_a_closed_session(demo: Network) -> None:
    said = eventually(lambda: ran.stdout if (ran := demo.command(*INVITE)).returncode == 0 else None)
    token = re.findall(r"^token +(\S+)$", said, re.MULTILINE)[0]
    assert f"{demo.url}/invitation#{token}" in said
    first = Visitor(Browser(demo.url), LOGIN).come_in(token)
    assert first.browser.post("/access/invitations/accept", {"token": token, "password": "x" * 12}).status == 404

    code = first.code()
    entered = first.browser.sign_in(LOGIN, code)
    assert entered.status == 200, entered.raw
    assert first.browser.get("/referrals/inbox").status == 200
    assert first.browser.get("/referrals/sent").status == 403  # a role that he does not have
    replayed = Browser(demo.url).sign_in(LOGIN, code)
    assert (replayed.status, replayed.body["code"]) == (401, "sign_in.refused")

    second = signed_in(first.browser)
    assert second.browser.get("/access/members").status == 403
    listed = demo.command("member", "list", "--org", CENTRE).stdout
    assert f"{LOGIN}  active  org_admin, receiver_lead" in listed
    assert demo.command("member", "disable", "--org", CENTRE, "--login", second.login).returncode == 0
    eventually(lambda: second.browser.get("/access/session").status == 401)  # by command: after five seconds at most

    stolen = Browser(demo.url, cookies=dict(first.browser.cookies), csrf_token=first.browser.csrf_token)
    assert stolen.get("/referrals/inbox").status == 200
    assert first.browser.post("/access/sign-out", {}).status == 204
    for by in (first.browser, stolen):
        assert by.get("/referrals/inbox").status == 401
    again = demo.command(*INVITE)
    assert (again.returncode, "member of your organisation already" in again.stderr) == (1, True)


def test_secrets_of_people_are_in_no_log(demo: Network) -> None:
    visitor = signed_in(client(demo.settings, CENTRE))
    secrets = (*visitor.browser.cookies.values(), visitor.browser.csrf_token, visitor.secret, visitor.login)
    for name in ("gateway", "access"):
        log = demo.log_of(name)
        assert not [secret for secret in (*secrets, *visitor.recovery) if secret in log]
