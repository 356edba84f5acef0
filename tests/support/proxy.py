"""A TCP proxy of our own between processes and broker or database: it forwards, cuts, swallows or delays.

It runs as a process of its own, `python -m tests.support.proxy LISTEN:TARGET …`, obeys lines like `8401 cut` on its
standard input, and ends with it. Loopback only. One thread for each direction of a connection: whoever does not read
holds up nobody else.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

HOST = "127.0.0.1"
PIECE = 65536
PASS, CUT, HOLD, DELAY = "pass", "cut", "hold", "delay"
ROOT = Path(__file__).parents[2]


class Way:
    """One listening port and the connections that go through it."""

    def __init__(self, listen: int, target: int) -> None:
        self._target = target
        self._server = socket.create_server((HOST, listen), backlog=100)
        self._mode, self._delay = PASS, 0.0
        self._flows = threading.Event()
        self._flows.set()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def obey(self, mode: str, seconds: float) -> None:
        """Pass, cut (close all, refuse all), hold (nothing passes, nothing closes), delay (each piece by seconds)."""
        with self._lock:
            self._mode, self._delay = mode, seconds if mode == DELAY else 0.0
            doomed = list(self._open) if mode == CUT else []
        if mode == HOLD:
            self._flows.clear()
        else:
            self._flows.set()
        for each in doomed:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            near, _ = self._server.accept()
            threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            self._flows.wait()
            with socket.create_connection((HOST, self._target), timeout=2) as far:
                far.settimeout(None)
                with self._lock:
                    if self._mode == CUT:
                        return
                    self._open |= {near, far}
                back = threading.Thread(target=self._carry, args=(far, near), daemon=True)
                back.start()
                self._carry(near, far)
                back.join()
                with self._lock:
                    self._open -= {near, far}

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                self._flows.wait()
                if self._delay:
                    time.sleep(self._delay)
                sink.sendall(piece)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class Handle:
    """The proxy process as a test sees it."""

    def __init__(self, ways: dict[int, int]) -> None:
        """`ways` is listening port → target port."""
        pairs = [f"{listen}:{target}" for listen, target in ways.items()]
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            (sys.executable, "-m", "tests.support.proxy", *pairs),
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def order(self, listen: int, mode: str, seconds: float = 0.0) -> None:
        """Change what happens at a port; it is so when this returns."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{listen} {mode} {seconds}\n".encode("ascii"))
        self._process.stdin.flush()
        assert self._process.stdout.readline() == b"done\n"

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=10)


def main(arguments: list[str]) -> None:
    """Listen, say so, obey until the standard input ends."""
    ways = {}
    for pair in arguments:
        listen, target = map(int, pair.split(":"))
        ways[listen] = Way(listen, target)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        listen_text, mode, seconds = line.split()
        ways[int(listen_text)].obey(mode, float(seconds))
        sys.stdout.write("done\n")
        sys.stdout.flush()
    os._exit(0)  # its threads wait for sockets


if __name__ == "__main__":
    main(sys.argv[1:])
