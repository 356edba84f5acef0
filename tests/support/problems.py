"""What every refusal of the network looks like, and raw requests that provoke one."""

from __future__ import annotations

from typing import Any

from tests.support.client import Answer, Client

PROBLEM = "application/problem+json"
MEMBERS = {"type", "title", "status", "detail", "code", "instance"}
OURS = (b"Traceback", b"psycopg", b"marshmallow", b"File ", b"Error(")


def problem(answer: Answer, status: int, code: str) -> dict[str, Any]:
    """Assert that it is this problem, and nothing that tells about our inside."""
    assert (answer.status, answer.kind) == (status, PROBLEM), answer.raw
    body: dict[str, Any] = answer.body
    assert (body["status"], body["code"]) == (status, code), body
    assert set(body) >= MEMBERS
    assert body["instance"] == answer.headers["X-Request-Id"]
    for word in OURS:
        assert word not in answer.raw
    return body


def head(by: Client, *lines: str, path: str = "/referrals", method: str = "POST") -> bytes:
    """The head of a raw request; the caller adds the body."""
    first = f"{method} {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nAuthorization: Bearer {by.token}\r\n"
    return (first + "".join(f"{line}\r\n" for line in lines) + "\r\n").encode("latin-1")


def framed(pieces: list[bytes]) -> bytes:
    """A chunked body."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
