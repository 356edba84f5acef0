"""The parts of the door that need no socket: reading, routing, JSON, headers, queueing."""

from __future__ import annotations

import io
import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Invalid, Malformed, NotFound, Refused, Unavailable
from chassis.http import Slots
from chassis.http.headers import client_address, deadline, file_name, idempotency_key, known_versions
from chassis.http.json_body import read_json
from chassis.http.places import Bodies
from chassis.http.reading import Disconnected, read_body, read_head
from chassis.http.table import Table
from chassis.problems import MethodNotAllowed

ID = "7d444840-9dc0-41d1-b245-5ffdce74fad2"


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    """Whatever comes, it is a head, a refusal or an end; nothing else is ever raised."""
    for start in (b"", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"GET / HTTP/1.1\r\n"):
        source = io.BytesIO(start + raw)
        try:
            head = read_head(source)
            read_body(source, head, 100)
        except (Refused, Disconnected):
            pass


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=10))
def test_chunks_add_up(pieces: list[bytes]) -> None:
    raw = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\nnext"
    head = read_head(io.BytesIO(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"))
    source = io.BytesIO(raw)
    assert read_body(source, head, 1000) == b"".join(pieces)
    assert source.read() == b"next"


def test_absolute_targets_and_repeated_lists_are_read() -> None:
    head = read_head(io.BytesIO(b"\r\nGET http://h/a?b=c HTTP/1.1\r\nHost: h\r\nAccept: a\r\naccept:b\r\n\r\n"))
    assert (head.path, head.query, head.headers["accept"]) == ("/a", "b=c", "a, b")


def table() -> Table[str]:
    made: Table[str] = Table()
    for method, template in (
        ("GET", "/groups"),
        ("POST", "/groups"),
        ("GET", "/groups/mine"),
        ("GET", "/groups/<uuid:group_id>"),
        ("GET", "/<string:language>/groups"),
        ("GET", "/groups/<uuid:group_id>/seats/<int:seat>"),
    ):
        made.add(method, template, f"{method} {template}")
    return made


@pytest.mark.parametrize(
    ("path", "target", "values"),
    [
        ("/groups", "GET /groups", {}),
        ("/groups/mine", "GET /groups/mine", {}),
        (f"/groups/{ID}", "GET /groups/<uuid:group_id>", {"group_id": uuid.UUID(ID)}),
        ("/s%C3%A5mi/groups", "GET /<string:language>/groups", {"language": "såmi"}),
        (
            f"/groups/{ID}/seats/4",
            "GET /groups/<uuid:group_id>/seats/<int:seat>",
            {"group_id": uuid.UUID(ID), "seat": 4},
        ),
    ],
)
def test_paths_find_their_endpoint(path: str, target: str, values: dict[str, object]) -> None:
    assert table().find("GET", path) == (target, values)
    assert table().find("HEAD", path) == (target, values)


@pytest.mark.parametrize("path", ["/", "/groups/", "/groups/x", "//groups", "/groups/{%7D", f"/groups/{ID}/seats/-4"])
def test_other_paths_find_nothing(path: str) -> None:
    with pytest.raises(NotFound):
        table().find("GET", path)


@pytest.mark.parametrize("path", ["/%ff/groups", "/a%00b/groups", "/a%0d%0a/groups"])
def test_unreadable_paths_are_refused(path: str) -> None:
    with pytest.raises(Malformed):
        table().find("GET", path)


def test_other_methods_are_named() -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        table().find("DELETE", "/groups")
    assert caught.value.allow == ("GET", "POST")


def test_one_template_takes_a_method_once() -> None:
    made = table()
    with pytest.raises(ValueError, match="twice"):
        made.add("GET", "/groups", "")


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_json_is_read_as_the_standard_library_reads_it(value: object) -> None:
    raw = json.dumps(value).encode()
    assert read_json(raw) == value


def test_repeated_members_are_found_at_any_depth() -> None:
    with pytest.raises(Invalid) as caught:
        read_json(b'{"a": [{"b": 1, "b" : 2}]}')
    assert caught.value.fields[0].pointer == "/b"


def test_header_values() -> None:
    assert known_versions('W/"3", "4" , "x"') == {3, 4}
    assert idempotency_key('"abc"', needed=True) == "abc"
    assert deadline("1500", 10.0, 5.0) == 11.5
    assert deadline("9000", 10.0, 5.0) == 15.0
    assert deadline("soon", 10.0, 5.0) == 15.0
    assert deadline("100", 10.0, None) is None


def test_a_full_queue_is_told_at_once() -> None:
    slots = Slots(1, 0)
    assert slots.take(1)
    with pytest.raises(Unavailable):
        slots.take(1)
    slots.give()
    assert slots.take(1)


@pytest.mark.parametrize(
    ("header", "proxies", "address"),
    [
        (None, 1, "192.0.2.1"),
        ("203.0.113.9", 0, "192.0.2.1"),  # nobody before us is trusted
        ("203.0.113.9", 1, "203.0.113.9"),
        ("198.51.100.7, 203.0.113.9", 1, "203.0.113.9"),  # what stands further left is the client's own claim
        ("198.51.100.7, 203.0.113.9", 2, "198.51.100.7"),
        ("203.0.113.9", 2, "192.0.2.1"),
        ("not an address", 1, "192.0.2.1"),
        ("2001:DB8::1", 1, "2001:db8::1"),
    ],
)
def test_the_client_is_who_trusted_proxies_have_seen(header: str | None, proxies: int, address: str) -> None:
    assert client_address(header, "192.0.2.1", proxies=proxies) == address


def test_a_name_of_a_file_is_read_from_its_header_only() -> None:
    assert file_name(None) is None
    assert file_name('attachment; filename="a b.pdf"') == "a b.pdf"
    assert file_name("attachment; filename=a.pdf") == "a.pdf"
    assert file_name("attachment; filename*=UTF-8''%C4%8Denas.pdf") == "čenas.pdf"
    unfit = ("", "inline", "attachment", 'attachment; filename="a"b"', "attachment; filename*=UTF-8''%FF", "a; b" * 400)
    for header in unfit:
        with pytest.raises(Malformed):
            file_name(header)


def test_large_bodies_have_places_and_nobody_has_all() -> None:
    """Eight times ten megabytes are the most that a process holds; small bodies need no place."""
    bodies, limit = Bodies(), 10 << 20
    large, small = {"content-length": str(5 << 20)}, {"content-length": "1000"}
    assert bodies.take("a", small, limit) is None
    assert bodies.take("a", {"content-length": str(11 << 20)}, limit) is None  # refused unread
    first, second = bodies.take("a", large, limit), bodies.take("a", {"transfer-encoding": "chunked"}, limit)
    assert first is not None
    assert second is not None
    with pytest.raises(Unavailable, match=r"body\.own_crowded"):
        bodies.take("a", large, limit)
    for other in ("b", "b", "c", "c", "d"):
        assert bodies.take(other, large, limit)
    assert bodies.hold("d")
    with pytest.raises(Unavailable, match=r"body\.crowded"):
        bodies.take("e", large, limit)
    first.give()
    assert bodies.take("e", large, limit)
