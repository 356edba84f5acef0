"""Ten thousand guesses of ids by a valid client: slowed to nothing, on record, no hint, and nobody else is held up.

A network of its own with the limits that everybody has: tests that share a network would slow each other.
"""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Iterator
from uuid import uuid4

import pytest

from chassis.settings import Settings
from tests.support import readme
from tests.support.client import CENTRE, POLICE, THIRD, Client, client, eventually, token
from tests.support.network import OUT_OF_REACH, Network, discard, new_settings, start

GUESSES = 10_000
MOST_ANSWERED = 100
FOREIGN_EVERY = 20
WATCHED_EVERY = 500


@pytest.fixture(scope="module")
def own() -> Iterator[Network]:
    usual = Settings(home=new_settings().home)
    running = start(new_settings(**{name: str(getattr(usual, name)) for name in OUT_OF_REACH}))
    try:
        assert running.command("demo", "--seed-only").returncode == 0
        yield running
    finally:
        discard(running)


@pytest.fixture
def referral(own: Network) -> tuple[Client, str]:
    """A client of the police, and a referral of theirs."""
    police = client(own.settings, POLICE)
    made = eventually(lambda: found if (found := police.post("/referrals", readme.referral())).status == 201 else None)
    return police, made.body["id"]


def test_ten_thousand_guesses_come_to_nothing(own: Network, referral: tuple[Client, str]) -> None:
    police, real = referral
    centre = client(own.settings, CENTRE)
    bearer = {"Authorization": f"Bearer {token(own.settings, THIRD)}"}
    line = http.client.HTTPConnection(own.settings.host, own.settings.port, timeout=30)
    statuses: list[int] = []
    by_kind: dict[bool, Counter[tuple[int, str]]] = {True: Counter(), False: Counter()}
    begun = time.monotonic()
    for number in range(GUESSES):
        foreign = number % FOREIGN_EVERY == 0
        line.request("GET", f"/referrals/{real if foreign else uuid4()}", headers=bearer)
        answer = line.getresponse()
        body = json.loads(answer.read())
        statuses.append(answer.status)
        by_kind[foreign][answer.status, body["code"]] += 1
        if answer.status == 429:
            assert 1 <= int(answer.headers["Retry-After"]) <= 60
            assert answer.headers["RateLimit"].startswith('"failures";r=0;t=')
        if number % WATCHED_EVERY == 0:
            assert police.get(f"/referrals/{real}").status == 200
            assert centre.get(f"/referrals/{real}").status == 200
            assert police.post("/referrals", readme.referral()).status == 201
    line.close()
    known = {(404, "resource.not_found"), (429, "requests.too_many")}
    assert set(by_kind[True]) == set(by_kind[False]) == known  # an id that exists gets no other answer, then or later
    assert 429 in statuses[:MOST_ANSWERED]
    minutes = (time.monotonic() - begun) / 60
    assert statuses.count(404) <= own.settings.failures_per_minute * (1 + minutes) + 1
    on_record(own, most=2 + int(minutes))


def on_record(own: Network, *, most: int) -> None:
    """Who it was stands in the log once a minute, not once a guess; how often stands in the figures."""
    lines = [json.loads(each) for each in own.log_of("gateway").splitlines() if '"limit.reached"' in each]
    lines = [each for each in lines if each.get("subject") == f"client:test:{THIRD}"]  # not those of the other tests
    assert {each["reason"] for each in lines} == {"failures"}
    assert 1 <= len(lines) <= most
    figures = client(own.settings).get("/metrics").raw.decode()
    refused = [each for each in figures.splitlines() if each.startswith('requests_limited_total{policy="failures"}')]
    assert float(refused[0].split()[1]) > GUESSES * 0.9


def test_guesses_of_ids_that_change_things_are_slowed_too(own: Network, referral: tuple[Client, str]) -> None:
    """Another client of that organisation, by POST; afterwards its own right requests are slowed as well."""
    _, real = referral
    other = Client(own.url, token(own.settings, THIRD, subject="client:test:other"))
    accept = {"responsible": "A.", "next_step_on": "2027-01-11"}
    statuses = [other.post(f"/referrals/{uuid4()}/accept", accept, version='"1"').status for _ in range(MOST_ANSWERED)]
    assert statuses[0] == 404
    assert statuses[-1] == 429
    assert other.post(f"/referrals/{real}/accept", accept, version='"1"').status == 429
    assert other.get("/referrals/inbox").status == 429
    assert Client(own.url, token(own.settings, THIRD, subject="client:test:calm")).get("/referrals/inbox").status == 200


def test_guesses_of_return_codes_are_slowed_by_network(own: Network) -> None:
    """Nobody has a token there; institutions behind the same address go on."""
    man, police = client(own.settings), client(own.settings, POLICE)
    cards = [{"return_code": f"7K2M-9QXD-{number:03d}".replace("0", "2"), "pin": "2580"} for number in range(120)]
    statuses = [man.post("/signups/status", card).status for card in cards]
    assert statuses[0] == 404
    assert statuses[-1] == 429
    assert police.get("/referrals/sent").status == 200
    assert man.get("/health/live").status == 200
