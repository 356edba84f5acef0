"""What tests of people share: an organisation in access, calls as the door would make them, a person who came in."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp

from chassis import clock
from chassis.db import Database
from chassis.envelope import Received
from chassis.identity import Caller, TokenVerifier
from chassis.keyed_ids import id_of_key
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from services.access.rules.sessions import DEVICE_COOKIE, SESSION_COOKIE
from services.access.usecases import documents, invitations, sessions, signing_in

KEY, OTHER = "lt-kavkc", "lt-police"
ORG, OTHER_ORG = (id_of_key("organisation", key) for key in (KEY, OTHER))
HOME, ELSEWHERE = "192.0.2.7", "198.51.100.9"
PASSWORD = "reeds along the quiet bay"
LOGIN = "leader@example.org"


def keep(database: Database, key: str = KEY, *, status: str = "active", version: int = 1) -> None:
    """Let access know an organisation."""
    values = {"key": key, "type": "crisis_centre", "country": "LT", "status": status, "version": version}
    told = Received(
        id=uuid.uuid4(), type="organisation.changed", version=1, source="directory",
        subject=id_of_key("organisation", key), audience="network", sequence=version, time=clock.now(),
        data=values,
    )  # fmt: skip
    with database.background("test") as work:
        documents.keep_organisation(work, told)


def admin(key: str = KEY, *, roles: tuple[str, ...] = ("org_admin",), subject: str | None = None) -> Caller:
    """An administrator of an organisation."""
    org = id_of_key("organisation", key)
    return Caller(subject or f"member:{uuid.uuid4()}", org, key, frozenset(roles), "t")


def ask(body: dict[str, Any] | None = None, **more: Any) -> Call:
    """A call as the door makes it."""
    operation = more.pop("operation", "test")
    return Call(route="POST /test", operation=operation, body=body or {}, **{"client_address": HOME, **more})


@dataclass
class Person:
    """Somebody who came in by an invitation, and the cookies of her browser."""

    database: Database
    settings: Settings
    login: str = LOGIN
    secret: str = ""
    recovery: list[str] = field(default_factory=list)
    cookies: dict[str, str] = field(default_factory=dict)

    def code(self, steps: int = 0) -> str:
        """The code of now, or of some steps later."""
        return pyotp.TOTP(self.secret).at(int(clock.now().timestamp()) + steps * 30)

    def sign_in(self, code: str | None, *, password: str = PASSWORD, address: str = HOME, org: str = KEY) -> Outcome:
        """Sign in and keep the cookie."""
        body = {"organisation": org, "login": self.login, "password": password, "code": code}
        outcome = signing_in.sign_in(self.database, ask(body, cookies=self.cookies, client_address=address))
        self.keep(outcome)
        return outcome

    def keep(self, outcome: Outcome) -> None:
        """Do with Set-Cookie what a browser does."""
        self.cookies = {**self.cookies, **cookies_of(outcome.headers.get("Set-Cookie", ""))}

    def token(self) -> dict[str, Any]:
        """What the gateway gets for the session."""
        call = ask({"session": self.cookies[SESSION_COOKIE]})
        value: dict[str, Any] = sessions.exchange(self.database, self.settings, call).value
        return value

    def caller(self) -> Caller:
        """Who she is to services."""
        return TokenVerifier(self.settings).verify(self.token()["token"])

    def ask(self, body: dict[str, Any] | None = None, **more: Any) -> Call:
        """A call of her session, as it comes through the gateway."""
        return ask(body, caller=self.caller(), cookies=self.cookies, **more)

    def without_device(self) -> Person:
        """The same person at another browser."""
        return Person(self.database, self.settings, self.login, self.secret, self.recovery)


def cookies_of(header: str) -> dict[str, str]:
    """Name and value of a Set-Cookie."""
    jar: SimpleCookie = SimpleCookie(header)
    return {name: jar[name].value for name in (SESSION_COOKIE, DEVICE_COOKIE) if name in jar}


def secret_of(uri: str) -> str:
    """What an authenticator takes from its picture."""
    return parse_qs(urlsplit(uri).query)["secret"][0]


def invited(database: Database, login: str = LOGIN, *, key: str = KEY, roles: tuple[str, ...] = ("org_admin",)) -> str:
    """The token of a fresh invitation."""
    made = invitations.invite_on_machine(
        database, org_key=key, login=login, name=None, wanted=roles, units=("evening",)
    )
    return made.token


def come_in(database: Database, settings: Settings, login: str = LOGIN, **more: Any) -> Person:
    """Invited, accepted, confirmed. The code of the step before this one is used up by that."""
    token, person = invited(database, login, **more), Person(database, settings, login)
    accepted = invitations.accept(database, ask({"token": token, "password": PASSWORD}))
    person.secret = secret_of(accepted.value["otpauth_uri"])
    confirmed = invitations.confirm(database, ask({"token": token, "code": person.code(-1)}))
    person.recovery = confirmed.value["recovery_codes"]
    return person
