"""No fact about a person leaves the case stores: canaries in every field and in every wrong place, searched everywhere.

The first part shows that each kind of place is really searched: what is put there by hand is found.
"""

from __future__ import annotations

import base64
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import uuid4

import amqp
import orjson
import psycopg
import pytest

from chassis.envelope import CONTENT_TYPE
from chassis.settings import SERVICES
from tests.e2e.test_spec_examples import PREPARE, READ, WITHOUT_IDS, Actors
from tests.integration.bus_rig import channel_of
from tests.support.canary import Canaries, forms, hits, planted, texts
from tests.support.canary_places import (
    TAP,
    everywhere,
    metrics_of,
    of_databases,
    of_feeds,
    of_files,
    of_heads,
    of_pages,
    of_processes,
    of_queues,
    of_running_statements,
    tap,
    untap,
)
from tests.support.client import CENTRE, POLICE, Answer, Client, client, eventually, exchange, org_id
from tests.support.databases import root_url
from tests.support.network import Network
from tests.support.problems import head
from tests.support.proof import left
from tests.support.specification import OPERATIONS, PLANS

WRITES = sorted(PREPARE)
PLANTED = {name: sorted(texts(PLANS[name].body)) for name in WRITES}
MIB = 1 << 20


@pytest.fixture
def tapped(demo: Network) -> Iterator[Network]:
    tap(demo.settings)
    yield demo
    untap(demo.settings)


def found(canaries: Canaries, places: Any) -> set[str]:
    """In which places it was found."""
    return {hit.split(": ")[0] for hit in hits(canaries.needles(), places)}


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


def test_a_message_put_into_an_exchange_or_queue_is_found(tapped: Network) -> None:
    settings, canaries = tapped.settings, Canaries()
    with channel_of(settings) as channel:
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
    address = root_url(demo.settings, "referrals").replace("tukiverkko_referrals", name)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE canary (a {kind})".encode())
        try:
            value: str | bytes = canaries.text("row")
            connection.execute("INSERT INTO canary VALUES (%s)", (value if kind == "text" else value.encode(),))
            assert found(canaries, of_databases(demo.settings)) == {f"database {name}"}
            connection.execute("CHECKPOINT")
            assert any(place.startswith("file ") for place in found(canaries, of_files(folder_of(demo))))
        finally:
            connection.execute("DROP TABLE canary")


def folder_of(demo: Network) -> Any:
    recorded = demo.settings.home / "postgres.path"
    return type(recorded)(recorded.read_text().strip()) if recorded.exists() else demo.settings.home / "postgres"


def test_a_statement_with_a_value_in_it_is_found(demo: Network) -> None:
    canaries = Canaries()
    with psycopg.connect(root_url(demo.settings, "groups")) as connection:
        connection.execute(f"SELECT '{canaries.text('statement')}'".encode())
        assert found(canaries, of_running_statements(demo.settings)) == {"statement of a session"}


@pytest.mark.parametrize("place", ["logs/referrals.log", "logs/postgres.log", "up.log", "run/left.behind"])
def test_a_line_in_a_file_is_found(demo: Network, place: str) -> None:
    canaries, path = Canaries(), demo.settings.home / place
    with path.open("ab") as file:
        file.write(orjson.dumps({"event": "canary", "level": "info", "who": canaries.text("line")}) + b"\n")
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
    assert sum(b"# TYPE" in text for _, text in of_pages(metrics_of(demo.settings))) == len(SERVICES) + 2


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


class Planters(Actors):
    """Who plays as in the examples, with canaries in every field about a person; each answer is kept."""

    def __init__(self, demo: Network, canaries: Canaries) -> None:
        super().__init__(demo)
        self.canaries = canaries
        self.answers: list[Answer] = []
        self.police, self.centre, self.man = map(self.watched, (self.police, self.centre, self.man))

    def watched(self, by: Client) -> Client:
        ask = by.ask

        def keep(*arguments: Any, **named: Any) -> Answer:
            self.answers.append(ask(*arguments, **named))
            return self.answers[-1]

        by.ask = keep  # type: ignore[method-assign]
        return by

    def made(self, by: Client, name: str, **changes: Any) -> Answer:
        answer = by.post(OPERATIONS[name].path, self.body(name, changes))
        assert answer.status == 201, answer.raw
        if code := answer.body.get("return_code"):
            self.canaries.codes.add(code)
        return answer

    def body(self, name: str, changes: dict[str, Any]) -> dict[str, Any]:
        schema = PLANS[name].body
        assert schema is not None
        body = planted(
            schema, {**OPERATIONS[name].example, **changes}, self.canaries, name, kept=(*changes, "return_code")
        )
        assert not schema.validate(body), (name, body, schema.validate(body))
        return body


def test_there_is_something_to_plant() -> None:
    """The walk over the classes finds the fields that people write into; a new one comes in by itself."""
    assert {"person.name", "contact.value", "reason", "order_reference", "external_ref"} <= set(
        PLANTED["POST /referrals"]
    )
    assert {"alias", "contact.value"} <= set(PLANTED["POST /signups"])
    assert PLANTED["POST /referrals/{referral_id}/decline"] == ["text"]
    assert PLANTED["POST /referrals/{referral_id}/accept"] == ["responsible"]
    assert sum(map(len, PLANTED.values())) >= 10


@contextmanager
def grant(demo: Network) -> Iterator[None]:
    """A partner's queue, in which the events of an institution wait for it."""
    made = demo.command("grant", "create", "--org", CENTRE, "--name", "canary")
    assert made.returncode == 0, made.stderr
    yield
    assert demo.command("grant", "revoke", "--org", CENTRE, "--name", "canary").returncode == 0


def test_no_canary_leaves_its_case(tapped: Network) -> None:
    canaries = Canaries()
    actors = Planters(tapped, canaries)
    with grant(tapped):
        for step in (good_requests, reading, wrong_requests, wrong_heads, failing_statements):
            step(actors)
        eventually(lambda: not any(left(tapped.settings).values()))
        readers = [client(tapped.settings, POLICE), client(tapped.settings, CENTRE)]
        assert hits(canaries.needles(), everywhere(tapped, actors.answers, readers)) == []
    assert len(canaries.where) > 100
    assert len(canaries.codes) > 5
    assert {answer.status for answer in actors.answers} >= {200, 201, 400, 401, 404, 405, 413, 415, 422}
    actors.tidy()


def good_requests(actors: Planters) -> None:
    """Every write route of the specification, with what it needs before it: accept, decline, withdraw, offers."""
    for name in WRITES:
        by, places, changes, version = PREPARE[name](actors)
        operation = OPERATIONS[name]
        path = operation.path.format(**places)
        answer = by.ask(operation.method, path, actors.body(name, changes), version=version)
        assert answer.status == operation.success, (name, answer.raw)


def reading(actors: Planters) -> None:
    """Rosters, cases, histories and lists; those who may see a canary see it, so it is really stored."""
    shown = b""
    for name in READ:
        by, places, _, _ = READ[name](actors)
        shown += by.get(OPERATIONS[name].path.format(**places)).raw
    for name in (each for each in WITHOUT_IDS if OPERATIONS[each].service != "gateway"):
        for by in (actors.police, actors.centre):
            by.get(OPERATIONS[name].path)
    newest = actors.made(actors.man, "POST /signups").body["group_id"]
    shown += actors.centre.get(f"/groups/{newest}/roster").raw
    assert actors.canaries.mark.encode() in shown


def wrong_requests(actors: Planters) -> None:
    """Each write route refuses canaries in wrong fields, types, queries, paths and keys; an error repeats no value."""
    text = actors.canaries.text
    for name in WRITES:
        operation = OPERATIONS[name]
        by = actors.man if operation.public else actors.police
        path = operation.path.format(**{place: uuid4() for place in operation.places})
        body = operation.example
        values = [{**body, field: [text(f"{name} {field} list")]} for field in body]
        values += [{**body, field: {"x": text(f"{name} {field} object")}} for field in body]
        values += [{**body, field: text(f"{name} {field}") * 300} for field in body]
        values += [{**body, "unknown": text(f"{name} unknown")}, [text(f"{name} list")], text(f"{name} text")]
        version = '"1"' if operation.needs_version else None
        for value in values:
            answer = by.ask(operation.method, path, value, version=version)
            assert answer.status in {400, 403, 404, 409, 422}, (name, value, answer.raw)
            assert actors.canaries.mark.encode() not in answer.raw, (name, value, answer.raw)
        ask = partial(by.ask, operation.method, version=version)
        refused = [
            ask(path, f'{{"reason": "{text(f"{name} broken JSON")}'.encode()),
            ask(path, orjson.dumps({**body, "x": text(f"{name} too long") + "x" * MIB})),
            ask(path, b"a=1", headers={"Content-Type": f"text/{text(f'{name} media type')}"}),
            ask(f"{path}?who={text(f'{name} query')}", body),
            ask(f"{path}/{text(f'{name} path')}", body),
            ask(f"/{text(f'{name} first of path')}{path}", body),
            by.ask("DELETE", f"{path}?q={text(f'{name} method')}", body),
        ]
        assert all(400 <= answer.status < 500 for answer in refused), [answer.status for answer in refused]
        assert not any(actors.canaries.mark.encode() in answer.raw for answer in refused)
        ask(path, body, key=text(f"{name} key"))
        by.ask("GET", f"{operation.path.split('{', maxsplit=1)[0]}{text(f'{name} id')}")


HEADERS = (
    "User-Agent", "Referer", "Cookie", "Origin", "From", "X-Forwarded-For", "X-Client-Address", "X-Deadline-Ms",
    "Accept-Language", "Accept", "traceparent", "tracestate", "baggage", "If-None-Match", "If-Match", "Last-Event-ID",
    "X-Unknown", "Content-Type", "Authorization",
)  # fmt: skip


def wrong_heads(actors: Planters) -> None:
    """Canaries in every header, on requests that are answered and on ones that are not; lookups by free text."""
    text, mark = actors.canaries.text, actors.canaries.mark.encode()
    for name in HEADERS:
        for value in (text(name), f"{text(name)} and more", f'"{text(name)}"'):
            for path in ("/referrals/sent", "/directory/organisations", "/nothing", f"/referrals/{uuid4()}"):
                actors.police.ask("GET", path, headers={name: value})
            actors.police.ask("POST", "/referrals", OPERATIONS["POST /referrals"].example, headers={name: value})
    actors.police.ask("GET", "/referrals/sent", headers={"X-Request-Id": f"{text('request id')} Name"})
    actors.man.get(f"/directory/organisations?search={text('search')}")
    actors.man.get(f"/directory/services?search={text('search')}&organisation={text('place')}")
    actors.man.get(f"/directory/organisations/{text('key')}")
    good = actors.made(actors.police, "POST /referrals")
    example, key = actors.body("POST /referrals", {}), text("a good key")
    assert actors.police.post("/referrals", example, key=key).status == 201
    assert actors.police.post("/referrals", example, key=key).status == 201
    assert actors.police.post("/referrals", {**example, "reason": text("again")}, key=key).status == 422
    assert good.status == 201
    for line in (f"GET /{text('line')}", f"{text('method').upper()} / HTTP/1.1", f"GET / HTTP/1.1\r\n{text('bad')}"):
        assert mark not in exchange(actors.settings, f"{line}\r\n\r\n".encode())
    raw = head(actors.police, f"Content-Length: 900\r\nX: {text('cut off')}") + text("half a body").encode()
    exchange(actors.settings, raw, seconds=0.5)


FAILING: tuple[tuple[str, Callable[[str], tuple[Any, ...]]], ...] = (
    ("SELECT %s::uuid", lambda text: (text,)),
    ("SELECT %s::text::int", lambda text: (text,)),
    ("INSERT INTO partner (org_id, key, type, country, status, version) VALUES (%s, %s, NULL, 'LT', %s, 1)",
     lambda text: (uuid4(), text, text)),
    ("INSERT INTO leg (id, state) VALUES (%s, %s)", lambda text: (uuid4(), text)),
    ("SELECT set_config(%s, 'x', true)", lambda text: (text,)),
)  # fmt: skip


def failing_statements(actors: Planters) -> None:
    """Statements that the database refuses with a person's text among their values: its log keeps none of it."""
    for role in ("app", "owner"):
        with psycopg.connect(actors.settings.database_url("referrals", role), autocommit=True) as connection:
            for statement, values in FAILING:
                with pytest.raises(psycopg.Error):
                    connection.execute(statement.encode(), values(actors.canaries.text(statement)))
            with pytest.raises(psycopg.Error):
                connection.execute(f"SELECT {actors.canaries.text('syntax')}".encode())


@pytest.mark.parametrize("service", SERVICES)
def test_a_poisonous_message_leaves_nothing_behind(demo: Network, service: str) -> None:
    """What breaks its contract is parked, shown without its content and dropped; until then it is in its queue only."""
    settings, canaries, event_id = demo.settings, Canaries(), str(uuid4())
    with channel_of(settings) as channel:
        rubbish = amqp.Message(
            orjson.dumps({"id": event_id, "type": canaries.text("type"), "data": {"name": canaries.text("name")}}),
            message_id=event_id,
            content_type=CONTENT_TYPE,
            delivery_mode=2,
            application_headers={"who": canaries.text("header")},
        )
        channel.basic_publish(rubbish, f"{service}.events", f"{service}.events")
    operator = client(settings, CENTRE)
    path = f"/{service}/parked/{event_id}"
    eventually(lambda: operator.get(path).status == 200)
    shown = [operator.get(path), operator.get(f"/{service}/parked")]
    assert not any(canaries.mark.encode() in answer.raw for answer in shown)
    assert found(canaries, of_queues(settings)) == {f"queue {service}.events.parked"}
    assert eventually(lambda: operator.post(f"{path}/drop", {"reason": "test"}).status == 200)
    assert not found(canaries, of_queues(settings))
    assert not found(canaries, of_databases(settings))
    assert not found(canaries, of_files(settings.home / "logs"))
    assert not found(canaries, of_pages(metrics_of(settings)))
