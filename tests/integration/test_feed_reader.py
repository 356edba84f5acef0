"""The partners' reader when the line or its own work fails, against a server that cuts answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.integration.bus_rig import until
from tests.integration.test_feed_samples import READER, Reader, ended, failing
from tests.support.ports import free_base

EVENT = {"type": "eu.tukiverkko.referral.sent.v1", "time": "2026-03-02T09:14:05Z", "subject": "x", "position": 7}


class Cutting(BaseHTTPRequestHandler):
    """Cuts its first answer to each stream, gives one event then, and nothing more."""

    cut: set[str] = set()

    def do_GET(self) -> None:
        stream = "network" if "stream=network" in self.path else "org"
        event = {**EVENT, "stream": stream}
        body = json.dumps({"events": [event] if "after=0" in self.path else [], "next": 7}).encode()
        whole = stream in self.cut
        self.cut.add(stream)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not whole:
            self.wfile.write(body[:5])
            return
        if "after=0" not in self.path:
            threading.Event().wait(0.2)
        self.wfile.write(body)

    def log_message(self, *_told: Any) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    Cutting.cut = set()
    with ThreadingHTTPServer(("127.0.0.1", free_base()), Cutting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_cut_answer_is_told_and_asked_for_again(port: int, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("any")
    reader = Reader(f"http://127.0.0.1:{port}/events", token, tmp_path / "state.json")
    try:
        until(lambda: len(reader.events()) == 2)
        assert len([line for line in reader.lines if "no answer from the feed (IncompleteRead)" in line]) == 2
        assert {"org begins at position 7", "network begins at position 7"} <= set(reader.lines)
    finally:
        reader.stop()


def test_an_error_of_the_partners_own_work_ends_the_reader_loudly(port: int, tmp_path: Path) -> None:
    told = {"PARTNER_FEED_URL": f"http://127.0.0.1:{port}/events", "PARTNER_TOKEN": "any"}
    status, words = ended(failing(READER, tmp_path), PARTNER_STATE=str(tmp_path / "state.json"), **told)
    assert status == 1
    assert "ConnectionResetError: of my own" in words
