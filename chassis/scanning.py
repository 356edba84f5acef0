"""Virus scanners behind one interface: none, or clamd (INSTREAM) over TCP or a local socket.

The content goes to the scanner and nowhere else; what it answers is a verdict, of which only the code is kept.
"""

from __future__ import annotations

import socket
import struct
from contextlib import closing
from typing import Protocol
from urllib.parse import urlsplit

from chassis.errors import Unavailable
from chassis.settings import SettingsError

NOT_SCANNED, CLEAN, INFECTED = "not_scanned", "clean", "infected"
SECONDS = 10.0
PIECE = 65536
LONGEST_ANSWER = 4096


class Scanner(Protocol):
    """Whatever can say whether a file is clean."""

    looks: bool
    """Whether it looks at all: what it has not seen stays in quarantine."""

    def scan(self, content: bytes) -> str:
        """The verdict. Raises Unavailable when there is none for now."""


class NoScanner:
    """No scanner is set up: nothing is looked at, and everybody is told so."""

    looks = False

    def scan(self, content: bytes) -> str:  # noqa: ARG002 -- the signature of all scanners
        """No verdict."""
        return NOT_SCANNED


class Clamd:
    """The daemon of ClamAV."""

    looks = True

    def __init__(self, address: str) -> None:
        """`tcp://host:port` or `unix:///path`. Raises SettingsError for anything else."""
        parts = urlsplit(address)
        if not (parts.scheme == "tcp" and parts.hostname and parts.port) and not (
            parts.scheme == "unix" and parts.path
        ):
            message = f"TUKIVERKKO_SCANNER is {address!r}; expected tcp://host:port or unix:///path."
            raise SettingsError(message)
        self._parts = parts

    def scan(self, content: bytes) -> str:
        """Clean or infected. Raises Unavailable when clamd is away, too slow, or could not look."""
        try:
            with closing(self._connected()) as connection:
                answer = _asked(connection, content)
        except OSError as error:
            raise Unavailable("scanner.unavailable", "The virus scanner does not answer.", retry_after=60) from error
        if answer.endswith(b" OK"):
            return CLEAN
        if answer.endswith(b" FOUND"):
            return INFECTED
        raise Unavailable("scanner.undecided", "The virus scanner could not look at the file.", retry_after=60)

    def _connected(self) -> socket.socket:
        if self._parts.scheme == "tcp":
            place = (self._parts.hostname or "", self._parts.port or 0)
            return socket.create_connection(place, timeout=SECONDS)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(SECONDS)
        connection.connect(self._parts.path)
        return connection


def scanner_of(address: str) -> Scanner:
    """The scanner of the setting. Raises SettingsError."""
    return Clamd(address) if address else NoScanner()


def _asked(connection: socket.socket, content: bytes) -> bytes:
    connection.sendall(b"zINSTREAM\0")
    for at in range(0, len(content), PIECE):
        piece = content[at : at + PIECE]
        connection.sendall(struct.pack(">I", len(piece)) + piece)
    connection.sendall(struct.pack(">I", 0))
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < LONGEST_ANSWER:
        got = connection.recv(LONGEST_ANSWER)
        if not got:
            break
        answer += got
    return answer.rstrip(b"\0\n")
