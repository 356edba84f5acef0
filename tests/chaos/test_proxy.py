"""The proxy does what a campaign believes of it: otherwise a partition would be none."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.support import proxy
from tests.support.ports import free_base

Echo = tuple[proxy.Handle, int]


@pytest.fixture
def echo() -> Iterator[Echo]:
    """A proxy before a server that says everything again."""
    base = free_base()
    server = socket.create_server((proxy.HOST, base + 1))

    def serve() -> None:
        while True:
            try:
                near, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=repeat, args=(near,), daemon=True).start()

    def repeat(near: socket.socket) -> None:
        with near:
            while piece := near.recv(1000):
                near.sendall(piece)

    threading.Thread(target=serve, daemon=True).start()
    with closing(proxy.Handle({base: base + 1})) as handle:
        yield handle, base
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def connected(port: int) -> socket.socket:
    return socket.create_connection((proxy.HOST, port), timeout=20)


def says(sock: socket.socket, text: bytes) -> bytes:
    sock.sendall(text)
    return sock.recv(1000)


def ends(sock: socket.socket) -> bool:
    try:
        return sock.recv(1000) == b""
    except ConnectionError:
        return True


def test_it_forwards(echo: Echo) -> None:
    with connected(echo[1]) as sock:
        assert says(sock, b"hello") == b"hello"


def test_a_cut_closes_what_is_open_and_refuses_what_is_new(echo: Echo) -> None:
    handle, port = echo
    with connected(port) as sock:
        assert says(sock, b"hello") == b"hello"
        handle.order(port, proxy.CUT)
        assert ends(sock)
    with connected(port) as sock:
        assert ends(sock)
    handle.order(port, proxy.PASS)
    with connected(port) as sock:
        assert says(sock, b"again") == b"again"


def test_a_silent_way_closes_nothing_and_gives_everything_afterwards(echo: Echo) -> None:
    handle, port = echo
    with connected(port) as sock:
        assert says(sock, b"hello") == b"hello"
        handle.order(port, proxy.HOLD)
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            says(sock, b"anybody?")
        handle.order(port, proxy.PASS)
        sock.settimeout(20)
        assert sock.recv(1000) == b"anybody?"


def test_a_slow_way_takes_its_time(echo: Echo) -> None:
    handle, port = echo
    handle.order(port, proxy.DELAY, 0.1)
    with connected(port) as sock:
        begun = time.monotonic()
        assert says(sock, b"hello") == b"hello"
        assert time.monotonic() - begun >= 0.2
