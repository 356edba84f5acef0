"""What the gateway keeps of a session, and for how long."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chassis.errors import NotAllowed, Unavailable
from chassis.http import Head, Request
from gateway.routes import Target
from gateway.sessions import COOKIE, Sessions

URL = "https://network.example"


class Reply:
    """An answer of access."""

    def __init__(self, status: int, token: str = "t") -> None:
        self.status = status
        self._body = json.dumps({"token": token, "csrf_token": "c"}).encode()

    def read(self, **_: Any) -> bytes:
        return self._body

    def release_conn(self) -> None:
        """Nothing is held."""


class Backend:
    """Access as far as the gateway sees it; counts how often it is asked."""

    def __init__(self, status: int = 200) -> None:
        self.asked, self.status = 0, status
        self.meanwhile: Callable[[], None] = lambda: None

    def ask(self, *_: Any, **__: Any) -> Reply:
        self.asked += 1
        self.meanwhile()
        return Reply(self.status, f"t{self.asked}")


def target(service: str = "referrals", *, public: bool = False) -> Target:
    return Target(service, "GET", "/x", public, 0, "normal")


def request(method: str = "GET", **headers: str) -> Request:
    given = {"cookie": f"other=1; {COOKIE}=abc", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Request(Head(method, "/x", "", modern=True, headers=given), lambda _limit: b"", 0.0)


def made(backend: Backend) -> Sessions:
    return Sessions(backend, f"{URL}/under/a/path")  # type: ignore[arg-type]


def test_access_is_asked_once_for_a_while_and_again_after_a_change_there() -> None:
    backend = Backend()
    sessions = made(backend)
    assert [sessions.authorization(request(), target()) for _ in range(2)] == ["Bearer t1"] * 2
    sessions.forget(target("referrals"), "POST")
    sessions.forget(target("access"), "GET")
    assert sessions.authorization(request(), target()) == "Bearer t1"
    sessions.forget(target("access"), "POST")
    assert sessions.authorization(request(), target()) == "Bearer t2"


def test_an_answer_that_was_under_way_during_a_sign_out_is_not_kept() -> None:
    backend = Backend()
    sessions = made(backend)
    backend.meanwhile = lambda: sessions.forget(target("access"), "POST")
    sessions.authorization(request(), target())
    backend.meanwhile, backend.status = (lambda: None), 404
    assert sessions.authorization(request(), target()) is None


def test_whoever_brings_a_token_or_signs_in_needs_no_session() -> None:
    backend = Backend()
    sessions = made(backend)
    assert sessions.authorization(request(authorization="Bearer x"), target()) == "Bearer x"
    assert sessions.authorization(request("POST"), target("access", public=True)) is None
    assert sessions.authorization(request(cookie="a=1"), target()) is None
    assert sessions.authorization(request(cookie=f"{COOKIE}={'x' * 201}"), target()) is None
    assert backend.asked == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_change_needs_both_headers(method: str) -> None:
    sessions = made(Backend())
    good = {"origin": URL, "x_csrf_token": "c"}
    assert sessions.authorization(request(method, **good), target()) == "Bearer t1"
    bad = [{"origin": f"{URL}.evil"}, {"origin": "null"}, {"x_csrf_token": "d"}, {"x_csrf_token": ""}]
    missing: list[dict[str, str]] = [{name: good[name]} for name in good]
    for headers in [good | each for each in bad] + missing + [{}]:
        with pytest.raises(NotAllowed, match=r"csrf\.refused"):
            sessions.authorization(request(method, **headers), target())


def test_trouble_at_access_is_said_and_never_taken_for_a_dead_session() -> None:
    for status in (500, 503, 401, 429):
        with pytest.raises(Unavailable):
            made(Backend(status)).authorization(request(), target())
    assert made(Backend(404)).authorization(request(), target()) is None
