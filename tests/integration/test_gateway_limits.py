"""The gateway with small limits before a real service: 429 by the book, each asker by itself, life signs never."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.door_rig import ORG, Answer, Running, ask, base_port
from tests.integration.test_gateway import GATEWAY, SERVICE
from tests.integration.test_gateway import spec as spec  # noqa: PLC0414 - a fixture of another file

CALLERS, NETWORKS, FAILURES = 12, 8, 5


@pytest.fixture
def port(worker: str, spec: Path, tmp_path: Path) -> Iterator[int]:
    """A gateway that believes one proxy, so that each test comes from networks of its own."""
    base = base_port(worker, 4)
    folders = [tmp_path / name for name in ("gateway", "service")]
    for folder in folders:
        folder.mkdir()
    limits = {"caller_per_minute": CALLERS, "network_per_minute": NETWORKS, "failures_per_minute": FAILURES}
    gateway = Running(GATEWAY, [str(spec)], base=base, port=base, log=folders[0] / "log", trusted_proxies=1, **limits)
    service = Running(SERVICE, [], base=base, port=base + 1, log=folders[1] / "log")
    yield gateway.ready().port if service.ready() else 0
    gateway.end()
    service.end()


def come(port: int, path: str, *, from_: str = "192.0.2.1", by: str = "", method: str = "GET") -> Answer:
    token = f"Authorization: Bearer {by}\r\n" if by else ""
    return ask(port, method, path, headers=f"X-Forwarded-For: {from_}\r\n{token}")


def refused(answer: Answer, policy: str) -> None:
    assert (answer.status, answer.headers["content-type"]) == (429, "application/problem+json")
    assert answer.json["code"] == "requests.too_many"
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.headers["ratelimit"] == f'"{policy}";r=0;t={answer.headers["retry-after"]}'


def test_without_a_token_each_network_has_its_own(port: int) -> None:
    for _ in range(NETWORKS):
        answer = come(port, "/ping")
        assert answer.status == 200
        assert answer.headers["ratelimit-policy"] == f'"network";q={NETWORKS};w=60'
    refused(come(port, "/ping"), "network")
    refused(come(port, "/ping"), "network")
    assert come(port, "/ping", from_="192.0.2.2").status == 200
    assert come(port, "/ping", from_="2001:db8::1").status == 200
    assert come(port, "/groups", by="client:1|worker").status == 200  # who has a token is no part of his network
    for page in ("/health/live", "/health/ready", "/metrics"):
        assert come(port, page).status == 200
    assert b'requests_limited_total{policy="network"} 2.0' in come(port, "/metrics").body


def test_with_a_token_each_caller_has_its_own_wherever_it_comes_from(port: int) -> None:
    for number in range(CALLERS):
        answer = come(port, "/groups", by="client:1|worker", from_=f"192.0.2.{number}")
        assert answer.status == 200
        assert answer.headers["ratelimit-policy"] == f'"caller";q={CALLERS};w=60'
    refused(come(port, "/groups", by="client:1|worker", from_="198.51.100.1"), "caller")
    assert come(port, "/groups", by="client:2|worker").status == 200


def test_a_flood_of_bad_tokens_ends_with_429_and_shuts_out_no_good_one(port: int) -> None:
    statuses = [come(port, "/groups", by="bad").status for _ in range(FAILURES + 3)]
    assert statuses == [401] * FAILURES + [429] * 3
    refused(come(port, "/groups", by="bad"), "failures")
    refused(come(port, "/groups"), "failures")
    assert come(port, "/groups", by="client:1|worker").status == 200
    assert come(port, "/ping", from_="192.0.2.9").status == 200


def test_a_client_that_is_refused_again_and_again_is_slowed(port: int) -> None:
    """Without the role 403; the same caller with another token stays slowed, another caller does not."""
    path = f"/groups/{ORG}"
    assert [come(port, path, by="client:1|nobody").status for _ in range(FAILURES)] == [403] * FAILURES
    refused(come(port, path, by="client:1|worker"), "failures")
    assert come(port, path, by="client:2|worker").status == 200
