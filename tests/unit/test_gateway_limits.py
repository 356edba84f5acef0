"""Who is counted as one asker, and what each is told."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
import uuid
from pathlib import Path

import pytest

from chassis.errors import TooManyRequests
from chassis.identity import Caller
from chassis.problems import problem_of
from chassis.settings import Settings
from gateway.limits import WINDOW_SECONDS, Limits, asker_of, network_of

SMALL = Settings(home=Path("unused"), caller_per_minute=5, network_per_minute=4, failures_per_minute=3)
HOME = network_of("192.0.2.7")


def caller(subject: str = "client:1", org: int = 1) -> Caller:
    return Caller(subject, uuid.UUID(int=org), "lt-test", frozenset(), "t")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("2001:db8:1:2fa::9", "2001:db8:1:200::/56"),
        ("fe80::1%eth0", "fe80::/56"),
        ("", "unknown"),
        ("a\nb", "unknown"),
    ],
)
def test_a_network_is_one_house(address: str, network: str) -> None:
    assert network_of(address) == ("network", network)


def test_a_new_token_or_role_makes_no_new_caller() -> None:
    assert asker_of(caller()) == asker_of(dataclasses.replace(caller(), token_id="u", roles=frozenset({"dpo"})))
    assert len({asker_of(caller(subject, org)) for subject in ("client:1", "client:2") for org in (1, 2)}) == 4


@pytest.mark.parametrize(("asker", "most"), [(asker_of(caller()), 5), (HOME, 4)])
def test_each_asker_has_a_count_of_its_own(asker: tuple[str, ...], most: int) -> None:
    limits = Limits(SMALL)
    for number in range(most):
        told = dict(limits.admit(asker, "r"))
        assert told["RateLimit-Policy"] == f'"{asker[0]}";q={most};w=60'
        assert told["RateLimit"].startswith(f'"{asker[0]}";r={most - number - 1};t=')
    with pytest.raises(TooManyRequests) as refused:
        limits.admit(asker, "r")
    assert 1 <= refused.value.retry_after <= 60
    limits.admit(asker_of(caller("client:2")), "r")
    limits.admit(network_of("192.0.2.8"), "r")
    assert limits.refused == {asker[0]: 1}


@pytest.mark.parametrize("status", [401, 403, 404])
def test_answers_to_guesses_are_counted(status: int) -> None:
    limits, me = Limits(SMALL), asker_of(caller())
    for _ in range(3):
        limits.admit(me, "r")
        limits.note(me, status)
    with pytest.raises(TooManyRequests):
        limits.admit(me, "r")
    limits.admit(HOME, "r")


@pytest.mark.parametrize("status", [200, 201, 304, 409, 412, 422, 429, 500, 503])
def test_other_answers_are_not(status: int) -> None:
    limits, me = Limits(SMALL), asker_of(caller())
    for _ in range(5):
        limits.admit(me, "r")
        limits.note(me, status)


def test_the_refusal_says_when_to_come_again() -> None:
    limits = Limits(SMALL)
    with pytest.raises(TooManyRequests) as refused:
        for _ in range(5):
            limits.admit(HOME, "r")
    headers = dict(problem_of(refused.value, "r").headers)
    assert headers["RateLimit"] == f'"network";r=0;t={headers["Retry-After"]}'


def test_counting_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    limits, started = Limits(SMALL), []
    monkeypatch.setattr(threading.Thread, "start", started.append)
    limits.admit(HOME, "r")
    limits.note(HOME, 404)
    assert started == []


def test_the_counts_of_those_who_do_not_come_again_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    limits, begun, real = Limits(SMALL), time.monotonic(), time.time()
    for number in range(1000):
        limits.admit(network_of(f"10.0.{number // 256}.{number % 256}"), "r")
    assert len(limits._counts.storage) == 1000
    later = 2 * WINDOW_SECONDS + 1.0
    monkeypatch.setattr(time, "monotonic", lambda: begun + later)
    monkeypatch.setattr(time, "time", lambda: real + later)
    limits.admit(HOME, "r")
    assert len(limits._counts.storage) == len(limits._counts.expirations) == len(limits._counts.locks) == 1


def test_one_line_says_who_and_no_address_of_one_person(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    limits = Limits(SMALL)
    for asker in (HOME, network_of("2001:db8:1:2fa::9"), asker_of(caller())):
        for _ in range(20):
            with contextlib.suppress(TooManyRequests):
                limits.admit(asker, "r")
    lines = capfdbinary.readouterr().out.splitlines()
    assert len(lines) == 3
    assert b'"network":"192.0.2.0/24"' in lines[0]
    assert b'"network":"2001:db8:1::/48"' in lines[1]
    assert b'"subject":"client:1"' in lines[2]
