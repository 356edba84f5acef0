"""Real door and gateway processes, and a client that sends exactly the bytes it is given."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.support.network import OUT_OF_REACH

# The test process itself must not import eventlet, which objects to every later fork: constants live here.
SECRET = "free text about a person"
ORG = UUID("00000000-0000-4000-8000-000000000001")
FIRST_PORT = 22000
WORKER = "Authorization: Bearer user:1|worker\r\n"
SYSTEM = "Authorization: Bearer client:1|worker\r\n"


def base_port(worker: str, number: int) -> int:
    """A port base that no other test process uses: ten ports per rig, a hundred per process."""
    place = int(worker[2:]) + 1 if worker.startswith("gw") else 0
    return FIRST_PORT + 100 * place + 10 * number


class Running:
    """A started process with its log."""

    def __init__(
        self, module: str, arguments: list[str], *, base: int, port: int, log: Path, **settings: object
    ) -> None:
        self.port = port
        self.log = log
        environment = {**os.environ, "TUKIVERKKO_PORT": str(base), "TUKIVERKKO_HOME": str(log.parent)}
        told = {**OUT_OF_REACH, **settings}
        environment.update({f"TUKIVERKKO_{name.upper()}": str(value) for name, value in told.items()})
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments], env=environment, stdout=output, stderr=subprocess.STDOUT
            )

    def ready(self) -> Running:
        for _ in range(200):
            if b"READY" in self.log.read_bytes():
                return self
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def end(self) -> float:
        """SIGTERM; returns how long the end took."""
        start = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return time.monotonic() - start

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    closed: bool = False

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def connect(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=12)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def ask(port: int, method: str, target: str, *, headers: str = "", body: bytes = b"") -> Answer:
    """One request on a connection of its own."""
    length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
    with connect(port) as sock:
        sock.sendall(f"{method} {target} HTTP/1.1\r\nHost: x\r\n{length}{headers}\r\n".encode() + body)
        return read(sock, head_only=method == "HEAD")


def post(port: int, target: str, value: Any, *, headers: str = WORKER) -> Answer:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return ask(port, "POST", target, headers=headers + "Content-Type: application/json\r\n", body=body)


def send(port: int, raw: bytes) -> Answer:
    with connect(port) as sock:
        sock.sendall(raw)
        return read(sock)


def read(sock: socket.socket, *, head_only: bool = False) -> Answer:
    """Read one answer to its end."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = sock.recv(65536)
        assert piece, f"closed without an answer: {got!r}"
        got += piece
    top, _, body = got.partition(b"\r\n\r\n")
    first, *rest = top.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    status = int(first.split(" ")[1])
    if head_only or status in {204, 304}:
        return Answer(status, headers, b"")
    if headers.get("transfer-encoding") == "chunked":
        return Answer(status, headers, _chunks(sock, body))
    while len(body) < int(headers["content-length"]):
        body += sock.recv(65536)
    return Answer(status, headers, body)


def _chunks(sock: socket.socket, body: bytes) -> bytes:
    while not body.endswith(b"0\r\n\r\n"):
        piece = sock.recv(65536)
        assert piece, f"a stream was cut off: {body!r}"
        body += piece
    return b"".join(re.findall(rb"[0-9a-f]+\r\n(.+?)\r\n(?=[0-9a-f]+\r\n)", body, re.DOTALL))
