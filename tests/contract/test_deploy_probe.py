"""The health check of a container says yes, no, or how it is used."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deploy import probe
from tests.support.ports import free_base


class Page(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/health/ready" else 404)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> int:
    found = free_base()
    monkeypatch.setenv("TUKIVERKKO_PORT", str(found))
    return found


@pytest.fixture
def answering(base: int, request: pytest.FixtureRequest) -> Iterator[None]:
    server = HTTPServer(("127.0.0.1", base + 2), type("Answer", (Page,), {"status": request.param}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.usefixtures("answering")
@pytest.mark.parametrize(("answering", "code"), [(200, 0), (503, 1)], indirect=["answering"])
def test_it_says_what_the_process_says(code: int) -> None:
    assert probe.main(["referrals"]) == code


@pytest.mark.usefixtures("base")
def test_it_says_no_where_nobody_listens() -> None:
    assert probe.main(["relay"]) == 1


@pytest.mark.parametrize("arguments", [[], ["stranger"], ["relay", "gateway"]])
def test_it_takes_the_name_of_one_process(arguments: list[str]) -> None:
    assert probe.main(arguments) == 2
