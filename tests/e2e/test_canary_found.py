"""The search for canaries really searches: what is put by hand into each kind of place and form is found there."""

from __future__ import annotations

import base64
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import uuid4

import amqp
import orjson
import psycopg
import pytest

from chassis.settings import SERVICES
from deploy.local.folders import database_account, postgres_folder
from deploy.local.postgres import CASES, KEYS, superuser_url
from tests.integration.bus_rig import channel_of
from tests.support.canary import Canaries, forms, found, hits
from tests.support.canary_places import (
    TAP,
    metrics_of,
    of_databases,
    of_feeds,
    of_files,
    of_heads,
    of_pages,
    of_processes,
    of_queues,
    of_running_statements,
    tapping,
)  # fmt: skip
from tests.support.client import Answer, client, eventually, org_id
from tests.support.databases import root_url
from tests.support.network import Network


@pytest.mark.parametrize("form", sorted(forms("kn0123456789abcd")))
def test_every_form_is_recognised(form: str) -> None:
    mark, text = "kn0123456789abcd", "before kn0123456789abcdx0001 behind"
    wrapped = {
        "plain": text.encode(),
        "upper case": text.upper().encode(),
        "hex": text.encode().hex().encode(),
        "HEX": text.encode().hex().upper().encode(),
        "utf-16": text.encode("utf-16"),
        "backwards": text.encode()[::-1],
        **{f"base64 {shift}": base64.b64encode(text[(1 - shift) % 3 :].encode()) for shift in range(3)},
    }
    assert hits({form: forms(mark)[form]}, [("here", wrapped[form])])
    assert not hits(forms(mark), [("here", b"kn0123456789abc")])


def test_a_message_put_into_an_exchange_or_queue_is_found(demo: Network) -> None:
    settings, canaries = demo.settings, Canaries()
    with tapping(settings), channel_of(settings) as channel:
        through = amqp.Message(b"{}", message_id=str(uuid4()), application_headers={"who": canaries.text("header")})
        channel.basic_publish(through, "partners", "canary")
        eventually(lambda: found(canaries, of_queues(settings)) == {f"queue {TAP}"})
        parked = amqp.Message(canaries.text("body").encode())
        channel.queue_declare("canary.parked", durable=True, auto_delete=False)
        channel.basic_publish(parked, "", "canary.parked")
        eventually(lambda: found(canaries, of_queues(settings)) == {f"queue {TAP}", "queue canary.parked"})
        channel.queue_delete("canary.parked")


@pytest.mark.parametrize("service", ["referrals", "keys"])
@pytest.mark.parametrize("kind", ["text", "bytea"])
def test_a_row_is_found(demo: Network, service: str, kind: str) -> None:
    canaries, name = Canaries(), f"tukiverkko_{service}"
    store = postgres_folder(demo.settings.home, database_account(), KEYS if service == "keys" else CASES)
    with psycopg.connect(superuser_url(demo.settings, name), autocommit=True) as connection:
        connection.execute(f"CREATE TABLE canary (a {kind})".encode())
        try:
            value: str | bytes = canaries.text("row")
            connection.execute("INSERT INTO canary VALUES (%s)", (value if kind == "text" else value.encode(),))
            assert found(canaries, of_databases(demo.settings)) == {f"database {name}"}
            connection.execute("CHECKPOINT")
            assert any(place.startswith("file ") for place in found(canaries, of_files(store)))
        finally:
            connection.execute("DROP TABLE canary")


def test_a_statement_with_a_value_in_it_is_found(demo: Network) -> None:
    canaries = Canaries()
    with psycopg.connect(root_url(demo.settings, "groups")) as connection:
        connection.execute(f"SELECT '{canaries.text('statement')}'".encode())
        assert found(canaries, of_running_statements(demo.settings)) == {"statement of a session"}


@pytest.mark.parametrize("place", ["logs/referrals.log", "logs/postgres.log", "up.log", "run/left.behind"])
def test_a_line_in_a_file_is_found(demo: Network, place: str) -> None:
    canaries, path = Canaries(), demo.settings.home / place
    with path.open("ab") as file:
        # A field that a line may have: the log stays as it is for whoever reads all of it afterwards.
        file.write(orjson.dumps({"event": "canary", "level": "info", "route": canaries.text("line")}) + b"\n")
    assert found(canaries, of_files(demo.settings.home)) == {f"file {place}"}


def test_a_page_of_figures_is_found() -> None:
    canaries = Canaries()
    text = f'http_requests_total{{route="{canaries.text("label")}"}} 1.0'.encode()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.handle_request).start()
        url = f"http://127.0.0.1:{server.server_port}/metrics"
        assert found(canaries, of_pages([url])) == {f"page {url}".split(": ")[0]}


def test_all_processes_have_their_figures_read(demo: Network) -> None:
    beside = ("gateway", "relay", "sender")
    pages = of_pages(metrics_of(demo.settings))
    assert sum(b"# TYPE" in text for _, text in pages) == len(SERVICES) + len(beside)


@pytest.mark.parametrize("part", ["cmdline", "environ"])
def test_a_child_of_a_process_is_found(part: str) -> None:
    canaries = Canaries()
    text = canaries.text(part)
    command = ["/bin/sh", "-c", f": {text if part == 'cmdline' else ''}; sleep 20 & wait"]
    environment = {"WHO": text} if part == "environ" else {}
    with subprocess.Popen(command, env={"PATH": "/usr/bin:/bin", **environment}) as shell:
        try:
            eventually(lambda: f"{part} of process {shell.pid}" in found(canaries, of_processes([shell.pid])))
            family = {name.rsplit(" ", 1)[1] for name, _ in of_processes([shell.pid])}
            assert len(family) == 2
        finally:
            for pid in sorted(map(int, family), reverse=True):
                subprocess.run(["/bin/kill", str(pid)], check=True)


def test_an_event_of_the_feed_is_found(demo: Network) -> None:
    canaries, nobody = Canaries(), "zz-canary"
    me = org_id(nobody)
    event = {"id": str(uuid4()), "type": "x", "who": canaries.text("event")}
    with psycopg.connect(root_url(demo.settings, "subscriptions"), autocommit=True) as connection:
        connection.execute("INSERT INTO stream VALUES (%s, %s, 1)", (f"org:{me}", uuid4()))
        row = (f"org:{me}", me, uuid4(), orjson.dumps(event))
        connection.execute(
            "INSERT INTO journal (stream, position, org_id, event_id, type, body, recorded_at)"
            " VALUES (%s, 1, %s, %s, 'x', %s, now())", row
        )  # fmt: skip
        try:
            assert found(canaries, of_feeds([client(demo.settings, nobody)])) == {"feed org"}
        finally:
            connection.execute("DELETE FROM journal WHERE org_id = %s", (me,))
            connection.execute("DELETE FROM stream WHERE name = %s", (f"org:{me}",))


def test_an_address_in_a_header_is_found() -> None:
    canaries = Canaries()
    answer = Answer(201, {"Location": f"/persons/{canaries.text('path')}"}, b"")
    assert found(canaries, of_heads([answer])) == {"header of an answer 201"}
