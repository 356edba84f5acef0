"""What the tests of the feed share: the real process, clients on plain sockets, and events put into the journal."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path

from chassis.identity import issue_token
from chassis.settings import Settings
from tests.integration.door_rig import Answer, ask
from tests.support.ports import free_base

ROOT = Path(__file__).parents[2]
ORG, OTHER = uuid.uuid4(), uuid.uuid4()


def bearer(settings: Settings, org: uuid.UUID = ORG, *, seconds: int = 600, roles: str = "subscriber") -> str:
    """The header of a partner's token."""
    told = {"subject": "client:test", "org_id": org, "org_key": "lt-test", "roles": frozenset(roles.split())}
    return f"Authorization: Bearer {issue_token(settings, seconds=seconds, **told)}\r\n"  # type: ignore[arg-type]


@dataclass
class Running:
    """A process of subscriptions, or of the gateway before it."""

    settings: Settings
    port: int
    process: subprocess.Popen[bytes]
    log: Path
    org: uuid.UUID = ORG  # who asks when nobody else is named

    def get(self, path: str) -> Answer:
        """One request and its whole answer."""
        return ask(self.port, "GET", path, headers=bearer(self.settings, self.org))

    def end(self) -> float:
        """SIGTERM; returns how long the end took."""
        started = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return time.monotonic() - started


def placed(settings: Settings) -> Settings:
    """The same settings with ports that nobody uses."""
    return replace(settings, port=free_base())


def begin(
    settings: Settings,
    folder: Path,
    *arguments: str,
    name: str = "subscriptions",
    module: str = "tests.integration.feed_process",
) -> Running:
    """Start a process and wait until it serves."""
    log = folder / f"{name}-{uuid.uuid4().hex[:6]}.log"
    told = {
        **(settings.environment or {}),
        "TUKIVERKKO_HOME": str(settings.home),
        "TUKIVERKKO_PORT": str(settings.port),
        "TUKIVERKKO_AMQP_HOST": settings.amqp_host,
        "TUKIVERKKO_AMQP_PORT": str(settings.amqp_port),
        "TUKIVERKKO_VHOST": settings.vhost,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, name, *arguments],
            env={**os.environ, **told},
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
        )
    deadline = time.monotonic() + 30
    while b"READY" not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    return Running(settings, settings.port_of(name), process, log)


FRAME = re.compile(rb"[0-9a-f]+\r\n(.*?)\r\n(?=[0-9a-f]+\r\n|\Z)", re.DOTALL)


@dataclass
class Client:
    """A client that waits, on a plain socket."""

    sock: socket.socket
    got: bytearray = field(default_factory=bytearray)
    closed: bool = False

    def pump(self) -> None:
        """Take what is there, without waiting for more."""
        while not self.closed and select.select([self.sock], [], [], 0)[0]:
            piece = self.sock.recv(65536)
            self.closed = not piece
            self.got += piece

    def until(self, *words: bytes, seconds: float = 10.0) -> bytes:
        """Read until all these words have come; returns everything so far."""
        deadline = time.monotonic() + seconds
        while not all(word in self.got for word in words):
            assert time.monotonic() < deadline, (words, bytes(self.got))
            assert not self.closed, (words, bytes(self.got))
            select.select([self.sock], [], [], 0.05)
            self.pump()
        return bytes(self.got)

    def until_closed(self, seconds: float = 10.0) -> bytes:
        """Read to the end of the connection."""
        deadline = time.monotonic() + seconds
        while not self.closed:
            assert time.monotonic() < deadline, bytes(self.got)
            select.select([self.sock], [], [], 0.05)
            self.pump()
        return bytes(self.got)

    @property
    def status(self) -> int:
        """The status of the answer, 0 while none has come."""
        return int(self.got[9:12]) if len(self.got) > 12 else 0

    @property
    def body(self) -> bytes:
        """What the chunks held."""
        return b"".join(FRAME.findall(bytes(self.got).partition(b"\r\n\r\n")[2]))

    @property
    def messages(self) -> list[tuple[int, str, bytes]]:
        """The server-sent events so far: id, type and data; what has no data is only an id."""
        found = re.findall(rb"id: (\d+)\n(?:event: ([^\n]*)\ndata: ([^\n]*)\n)?\n", self.body)
        return [(int(number), kind.decode(), data) for number, kind, data in found]

    @property
    def ids(self) -> list[int]:
        """The positions of the events so far."""
        return [number for number, _, data in self.messages if data]


def open_client(
    running: Running, path: str, *, org: uuid.UUID | None = None, headers: str = "", token: str = ""
) -> Client:
    """Ask and do not wait for the answer."""
    sock = socket.create_connection(("127.0.0.1", running.port), timeout=10)
    top = f"GET {path} HTTP/1.1\r\nHost: x\r\n{token or bearer(running.settings, org or running.org)}{headers}\r\n"
    sock.sendall(top.encode())
    return Client(sock)
