"""A person's browser before the gateway, and how she comes in over HTTP."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import pyotp

from tests.support.client import CENTRE, Answer, Client
from tests.support.people import PASSWORD, cookies_of, secret_of


@dataclass
class Browser(Client):
    """Sends its cookies with everything, and with a change what a page of ours adds; a header None is left out."""

    cookies: dict[str, str] = field(default_factory=dict)
    csrf_token: str = ""

    def ask(self, method: str, path: str, body: object = None, *, headers: Any = None, **more: Any) -> Answer:
        """One request, and its cookies kept."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        page = {} if method == "GET" else {"Origin": self.url, "X-CSRF-Token": self.csrf_token}
        sent = {"Cookie": cookie, **page, **(headers or {})}
        sent = {name: value for name, value in sent.items() if value is not None}
        answer = super().ask(method, path, body, headers=sent, **more)
        self.cookies |= cookies_of(answer.headers.get("Set-Cookie", ""))
        return answer

    def sign_in(self, login: str, code: str | None, *, org: str = CENTRE) -> Answer:
        """Sign in and remember the CSRF token."""
        body = {"organisation": org, "login": login, "password": PASSWORD, "code": code}
        answer = self.post("/access/sign-in", body)
        if answer.status == 200:
            self.csrf_token = answer.body["csrf_token"]
        return answer


@dataclass
class Visitor:
    """Somebody who was invited; codes of her authenticator, and her browser."""

    browser: Browser
    login: str
    secret: str = ""
    recovery: list[str] = field(default_factory=list)

    def code(self, steps: int = 0) -> str:
        """The code of now, or of some steps later."""
        return pyotp.TOTP(self.secret).at(int(time.time()) + steps * 30)

    def come_in_half(self, token: str) -> None:
        """Accept an invitation and set the authenticator up."""
        accepted = self.browser.post("/access/invitations/accept", {"token": token, "password": PASSWORD})
        assert accepted.status == 200, accepted.raw
        self.secret = secret_of(accepted.body["otpauth_uri"])

    def come_in(self, token: str) -> Visitor:
        """Accept and confirm an invitation; the code of the step before this one is used up by that."""
        self.come_in_half(token)
        confirmed = self.browser.post("/access/invitations/confirm", {"token": token, "code": self.code(-1)})
        assert confirmed.status == 200, confirmed.raw
        self.recovery = confirmed.body["recovery_codes"]
        return self


def invited(by: Client, **changes: Any) -> tuple[Visitor, Answer]:
    """Somebody new whom an administrator invited over HTTP, and the answer with her token."""
    login = f"{uuid.uuid4().hex[:10]}@example.org"
    answer = by.post("/access/members", {"login": login, "roles": ["group_leader"], **changes})
    assert answer.status == 201, answer.raw
    return Visitor(Browser(by.url), answer.body["member"]["login"]), answer


def signed_in(by: Client, **changes: Any) -> Visitor:
    """Somebody new who has signed in."""
    visitor, answer = invited(by, **changes)
    visitor.come_in(answer.body["token"])
    entered = visitor.browser.sign_in(visitor.login, visitor.code())
    assert entered.status == 200, entered.raw
    return visitor
