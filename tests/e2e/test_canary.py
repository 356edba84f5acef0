"""No fact about a person leaves the case stores: canaries in every field and in every wrong place, searched everywhere.

That each kind of place is really searched is shown by test_canary_found.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import uuid4

import amqp
import orjson
import psycopg
import pytest

from chassis.envelope import CONTENT_TYPE
from chassis.settings import SERVICES
from services.referrals.rules import csv_rows
from tests.e2e.test_spec_examples import PREPARE, READ, WITHOUT_IDS, Actors
from tests.integration.bus_rig import channel_of
from tests.support.canary import Canaries, found, hits, planted, texts
from tests.support.canary_places import everywhere, metrics_of, of_databases, of_files, of_pages, of_queues, tapping
from tests.support.client import CENTRE, POLICE, Answer, Client, client, eventually, exchange
from tests.support.network import Network
from tests.support.problems import head
from tests.support.proof import left
from tests.support.specification import OPERATIONS, PLANS

WRITES = sorted(PREPARE)
PLANTED = {name: sorted(texts(schema)) for name in WRITES if (schema := PLANS[name].body)}
MIB = 1 << 20


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

    def made(self, by: Client, name: str, /, **changes: Any) -> Answer:
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
        if name == "POST /referrals":
            body.pop("warning", None)  # it would have to be read before anybody acts; `good_requests` plants one
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


def test_no_canary_leaves_its_case(demo: Network) -> None:
    canaries = Canaries()
    actors = Planters(demo, canaries)
    with tapping(demo.settings), grant(demo):
        for step in (good_requests, good_files, reading, wrong_requests, wrong_heads, failing_statements):
            step(actors)
        eventually(lambda: not any(left(demo.settings).values()))
        readers = [client(demo.settings, POLICE), client(demo.settings, CENTRE)]
        assert hits(canaries.needles(), everywhere(demo, actors.answers, readers)) == []
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
        body = actors.body(name, changes)
        if name == "POST /referrals":
            warned(by, path, {**body, "external_ref": None, "warning": actors.canaries.text("warning")})
        answer = by.ask(operation.method, path, body, version=version)
        assert answer.status == operation.success, (name, answer.raw)


def warned(by: Client, path: str, body: dict[str, Any]) -> None:
    """One with a canary in the warning as well."""
    answer = by.post(path, body)
    assert answer.status == 201, answer.raw


def good_files(actors: Planters) -> None:
    """A file with its name, a table and a batch, good ones and refused ones; refusals repeat no value."""
    text, mark = actors.canaries.text, actors.canaries.mark.encode()
    police = actors.police
    made = actors.made(police, "POST /referrals").body["id"]
    named = {"Content-Type": "text/plain", "Content-Disposition": f'attachment; filename="{text("file name")}.txt"'}
    path = f"/referrals/{made}/attachments"
    kept = police.post(f"{path}?visibility=both", text("file").encode(), headers=named)
    assert kept.status == 201, kept.raw
    assert mark in actors.centre.get(f"{path}/{kept.body['id']}").raw
    row = csv_rows.template().replace(b"Demo Pavyzdys", text("cell").encode())
    table = {"Content-Type": "text/csv"}
    assert police.post("/referrals/import", row, headers=table).body["stored"] == 1
    lines = orjson.dumps(actors.body("POST /referrals", {}))
    assert police.post("/referrals/batch", lines, headers={"Content-Type": "application/x-ndjson"}).body["stored"] == 1
    refused = [
        police.post("/referrals/import", row.replace(b"1985", text("year").encode()), headers=table),
        police.post("/referrals/import", row.partition(b"\n")[2], headers=table),
        police.post(path, b"MZ" + text("program").encode() + b"\x00", headers=named),
        police.post(f"{path}?name={text('query')}", b"x", headers=named),
    ]
    assert [answer.status for answer in refused] == [200, 422, 422, 400]
    assert not any(mark in answer.raw for answer in refused)


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
        path = operation.path.format(**operation.never)
        body = operation.example
        values = [{**body, field: [text(f"{name} {field} list")]} for field in body if field != "units"]  # are keys
        values += [{**body, field: {"x": text(f"{name} {field} object")}} for field in body]
        values += [{**body, field: text(f"{name} {field}") * 300} for field in body]
        values += [{**body, "unknown": text(f"{name} unknown")}, [text(f"{name} list")], text(f"{name} text")]
        version = '"1"' if operation.needs_version else None
        for value in values:
            answer = by.ask(operation.method, path, value, version=version)
            proved = {401, 429} if name == "POST /access/sign-in" else set()  # whatever is written there is compared
            assert answer.status in {400, 403, 404, 409, 422} | proved, (name, value, answer.raw)
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
