"""Texts that would be commands somewhere else, in every field, query, path and header of the whole specification.

They are refused, or kept as the texts they are: never a fault of ours, never a row of a refused request, never a line
of somebody's choice in a log or a header.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import orjson
import pytest
from marshmallow import Schema, fields

from chassis.settings import SERVICES
from chassis.tracing import FIELDS
from tests.e2e.test_spec_examples import PREPARE, Actors
from tests.support.canary import Canaries, planted
from tests.support.client import POLICE, Client, client, eventually, exchange
from tests.support.network import Network
from tests.support.problems import OURS, head
from tests.support.rows import counts, nothing_stored
from tests.support.specification import OPERATIONS, PLANS

MARK = "zqinject"
HOSTILE = {
    "quote": f"{MARK}' OR '1'='1",
    "statement": f"{MARK}'; DROP TABLE leg CASCADE; --",
    "dollars": f"$$; SELECT pg_sleep(60); $$ {MARK}",
    "backslash": f"{MARK}\\'; TRUNCATE audit; --",
    "parameters": f"%s %(key)s $1 {{app}} {{0.__class__}} {MARK}",
    "union": f"{MARK}%' UNION SELECT personal FROM receiver_case --",
    "markup": f"<script>alert('{MARK}')</script>",
    "lookup": f"${{jndi:ldap://127.0.0.1/{MARK}}}",
    "path": f"../../../../etc/passwd/{MARK}",
    "json": f'{MARK}"}},"level":"error","event":"forged',
    "formula": f"=cmd|' /C {MARK}'!A0",
}
CONTROLS = {
    "null": f"{MARK}\0x",
    "line": f'{MARK}\n{{"level":"error","event":"forged"}}',
    "return": f"{MARK}!\r\nX-Evil: 1",  # in a raw head these are two lines, of which the first is no request id
    "escape": f"{MARK}\x1b[31m\x1b]0;forged\x07",
    "next line": f"{MARK}\x85x",
    "turned": f"{MARK}\u202ex",
    "surrogate": f"{MARK}\ud800",
}
DATABASES = ("referrals", "groups", "directory", "subscriptions", "access")
SIGN_IN = "POST /access/sign-in"
WRITES = sorted(name for name, each in OPERATIONS.items() if each.has_body)
WITH_OBJECTS = [name for name in sorted(PREPARE) if "/parked" not in name]
READS = sorted(name for name, each in OPERATIONS.items() if each.method == "GET" and each.service != "gateway")
WITH_PLACES = sorted(name for name, each in OPERATIONS.items() if each.places)
OWN_FIELDS = frozenset({"time", "service", "level", "event", "logger"}) | FIELDS


@pytest.fixture(scope="module")
def actors(demo: Network) -> Iterator[Actors]:
    found = Actors(demo)
    example = OPERATIONS["POST /referrals"].example
    eventually(lambda: found.police.post("/referrals", example).status == 201)
    yield found
    found.tidy()


@pytest.fixture(scope="module", autouse=True)
def nothing_breaks(demo: Network) -> Iterator[None]:
    """All tables are there afterwards, and no row of the audit is gone."""
    before = {name: counts(demo.settings, name) for name in DATABASES}
    yield
    for name in DATABASES:
        after = counts(demo.settings, name)
        assert set(after) == set(before[name])
        assert after["audit"] >= before[name]["audit"]


def asker(actors: Actors, name: str) -> Client:
    return actors.man if OPERATIONS[name].public else actors.police


def path_of(name: str) -> str:
    return OPERATIONS[name].path.format(**OPERATIONS[name].never)


def places(schema: Schema, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The way to every field of a body, nested ones too."""
    for attribute, field in schema.load_fields.items():
        name = field.data_key or attribute
        yield (*at, name)
        if isinstance(field, fields.Nested):
            yield from places(field.schema, (*at, name))


def replaced(name: str, place: tuple[str, ...], value: object) -> Any:
    body = copy.deepcopy(OPERATIONS[name].example)
    inside = body
    for step in place[:-1]:
        if not isinstance(inside.get(step), dict):
            inside[step] = {}
        inside = inside[step]
    inside[place[-1]] = value
    return body


def also(name: str) -> frozenset[int]:
    """How a sign-in refuses: whatever is written there is only compared, and too many tries are slowed."""
    if name == "POST /referrals/legal-templates":
        return frozenset({409})  # the name is in use from the first of them on
    return frozenset({401, 429}) if name == SIGN_IN else frozenset()


@pytest.mark.parametrize("name", WRITES)
def test_no_text_in_a_field_is_more_than_a_text(actors: Actors, name: str) -> None:
    schema, by = PLANS[name].body, asker(actors, name)
    assert schema is not None
    version = '"1"' if OPERATIONS[name].needs_version else None
    for place in places(schema):
        for value in HOSTILE.values():
            answer = by.ask(OPERATIONS[name].method, path_of(name), replaced(name, place, value), version=version)
            assert answer.status in {200, 201, 403, 404, 422, *also(name)}, (place, value, answer.raw)
            OPERATIONS[name].check(answer)
            if answer.status not in {200, 201}:
                assert MARK.encode() not in answer.raw
                assert not any(word in answer.raw for word in OURS)


@pytest.mark.parametrize("name", WRITES)
def test_control_characters_are_stored_nowhere(demo: Network, actors: Actors, name: str) -> None:
    """Written as JSON escapes, so that they are text when the field is looked at; texts of lines may have lines."""
    schema, by, operation = PLANS[name].body, asker(actors, name), OPERATIONS[name]
    assert schema is not None
    version = '"1"' if operation.needs_version else None
    with nothing_stored(demo.settings, operation.service):
        for place in places(schema):
            for kind, value in CONTROLS.items():
                if place[-1] in {"description", "obligations", "reason", "text", "warning"} and kind in {
                    "line",
                    "return",
                }:
                    continue
                raw = orjson.dumps(replaced(name, place, MARK)).replace(
                    f'"{MARK}"'.encode(), ascii_json(value)
                )  # a lone surrogate is no text to orjson
                answer = by.ask(operation.method, path_of(name), raw, version=version)
                assert answer.status in {400, 403, 404, 422, *also(name)}, (place, kind, answer.status, answer.raw)
                assert MARK.encode() not in answer.raw


def ascii_json(text: str) -> bytes:
    return b'"' + b"".join(b"\\u%04x" % ord(sign) for sign in text) + b'"'


def texts_of(value: Any) -> list[str]:
    """Every text in a JSON value."""
    if isinstance(value, dict | list):
        return [text for inner in (value.values() if isinstance(value, dict) else value) for text in texts_of(inner)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_what_is_accepted_comes_back_as_it_was(actors: Actors, kind: str) -> None:
    """On real things: every free text of every write route at once, then read by those who may."""
    value, accepted = HOSTILE[kind], 0
    for name in WITH_OBJECTS:
        by, where, changes, version = PREPARE[name](actors)
        operation, schema = OPERATIONS[name], PLANS[name].body
        assert schema is not None
        canaries = Canaries()
        canaries.text = lambda _where: value  # type: ignore[method-assign]
        kept = (*changes, "return_code", "alias", "external_ref", "contact", "legal_basis")
        body = planted(schema, {**operation.example, **changes}, canaries, name, kept=kept)
        answer = by.ask(operation.method, operation.path.format(**where), body, version=version)
        operation.check(answer)
        assert answer.status == operation.success, (name, answer.raw)
        accepted += value in texts_of(body)
        if name == "POST /referrals":
            shown = actors.police.get(f"/referrals/{answer.body['id']}")
            assert value in texts_of(shown.body)
    assert accepted >= 4


@pytest.mark.parametrize("name", READS)
def test_no_query_is_more_than_a_text(actors: Actors, name: str) -> None:
    operation, by = OPERATIONS[name], actors.centre
    for parameter in (each["name"] for each in operation.parameters if each["in"] == "query"):
        for value in (*HOSTILE.values(), *CONTROLS.values()):
            text = quote(value.encode("utf-8", "surrogatepass"), safe="")
            answer = by.get(f"{path_of(name)}?{parameter}={text}")
            assert answer.status in {200, 400, 404}, (parameter, value, answer.raw)
            assert answer.status == 200 or MARK.encode() not in answer.raw


@pytest.mark.parametrize("name", WITH_PLACES)
def test_no_path_is_more_than_a_text(actors: Actors, name: str) -> None:
    operation = OPERATIONS[name]
    by = actors.man if operation.public else actors.centre
    version = '"1"' if operation.needs_version else None
    for value in (*HOSTILE.values(), *CONTROLS.values()):
        for text in (value, f"{uuid4()}{value}"):
            encoded = quote(text.encode("utf-8", "surrogatepass"), safe="")
            path = operation.path.format(**dict.fromkeys(operation.places, encoded))
            body = operation.example if operation.has_body else None
            answer = by.ask(operation.method, path, body, version=version)
            assert answer.status in {400, 404}, (value, answer.raw)
            assert MARK.encode() not in answer.raw


SMUGGLED = b"GET /referrals/sent HTTP/1.1\r\nHost: gateway\r\nX-Smuggled: zqinject\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked"
UNCLEAR = {
    "length and chunks": (CHUNKED, f"Content-Length: {len(SMUGGLED)}"),
    "chunks and length": (f"Content-Length: {len(SMUGGLED)}", CHUNKED),
    "chunks twice": (CHUNKED, CHUNKED),
    "chunks and identity": ("Transfer-Encoding: chunked, identity",),
    "identity and chunks": ("Transfer-Encoding: identity, chunked",),
    "another coding": ("Transfer-Encoding: xchunked",),
    "a coding with a tab": ("Transfer-Encoding: \x0bchunked",),
    "a coding in quotes": ('Transfer-Encoding: "chunked"',),
    "a space before the colon": ("Transfer-Encoding : chunked",),
    "a folded coding": ("Transfer-Encoding:\r\n chunked",),
    "a line without a colon": ("Transfer-Encoding chunked",),
    "lengths in a list": ("Content-Length: 5, 5",),
    "two equal lengths": ("Content-Length: 5", "Content-Length: 5"),
    "a length in hex": ("Content-Length: 0x5",),
    "a length with a sign": ("Content-Length: -5",),
    "a length with a line": ("Content-Length: 1_0",),
    "a length of other digits": ("Content-Length: \u00b2",),
    "an empty length": ("Content-Length:",),
    "a null": ("X-A: a\x00b",),
    "a bare return": ("X-A: a\rContent-Length: 5",),
    "a bare line end": ("X-A: a\nContent-Length: 5",),
    "a folded line": ("X-A: a\r\n\tContent-Length: 5",),
    "a name with a space": ("X A: b",),
    "no name": (": b",),
    "two hosts": ("Host: other",),
    "two tokens": ("Authorization: Bearer other",),
}


@pytest.mark.parametrize("kind", sorted(UNCLEAR))
def test_nothing_is_smuggled_behind_an_unclear_head(demo: Network, actors: Actors, kind: str) -> None:
    """One answer and the end of the connection; what follows is never read as a request of its own."""
    with nothing_stored(demo.settings):
        answer = exchange(demo.settings, kept_alive(head(actors.police, *UNCLEAR[kind])) + b"0\r\n\r\n" + SMUGGLED)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answer.lower()
    assert MARK.encode() not in answer


def kept_alive(raw: bytes) -> bytes:
    return raw.replace(b"Connection: close\r\n", b"")


def test_a_body_that_looks_like_a_request_is_a_body(demo: Network, actors: Actors) -> None:
    """The control: with a clear head there are two requests and two answers, and what was the body stays one."""
    first = head(actors.police, f"Content-Length: {len(SMUGGLED)}", "Content-Type: application/json")
    again = head(actors.police, method="GET", path="/referrals/sent")
    answer = exchange(demo.settings, kept_alive(first) + SMUGGLED + again)
    assert answer.count(b"HTTP/1.1 ") == 2
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"HTTP/1.1 200 " in answer


@pytest.mark.parametrize("kind", sorted({**HOSTILE, **CONTROLS}))
@pytest.mark.parametrize(
    "name",
    ["X-Request-Id", "traceparent", "Idempotency-Key", "If-None-Match", "User-Agent", "X-Forwarded-For", "Cookie"],
)
def test_no_header_is_more_than_a_text(demo: Network, actors: Actors, name: str, kind: str) -> None:
    value = {**HOSTILE, **CONTROLS}[kind].encode("utf-8", "surrogatepass").decode("latin-1")
    answer = exchange(demo.settings, head(actors.police, f"{name}: {value}", method="GET", path="/referrals/sent"))
    assert answer.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 400 ")), answer
    top = answer.partition(b"\r\n\r\n")[0].lower()
    assert MARK.encode() not in top
    assert b"evil" not in top


def test_each_line_of_each_log_is_one_of_ours(demo: Network, actors: Actors) -> None:
    """After all of this and whatever other tests did: valid JSON, allow-listed fields, no sign that steers a screen."""
    asked = client(demo.settings, POLICE)
    for value in (*HOSTILE.values(), *CONTROLS.values()):
        text = quote(value.encode("utf-8", "surrogatepass"), safe="")
        asked.get(f"/{text}?{text}={text}")
    for name in ("gateway", *SERVICES, "relay", "sender"):
        for line in demo.log_of(name).splitlines():
            if line.startswith("READY "):
                continue
            written = orjson.loads(line)
            assert set(written) <= OWN_FIELDS, line
            assert MARK not in line
            assert "forged" not in line
            assert line.isprintable()
