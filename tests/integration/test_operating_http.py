"""The operators' routes of a real service process: what is parked, seen and decided over HTTP, each act recorded."""

from __future__ import annotations

import datetime as dt
import os
import re
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chassis import clock, db, operating
from chassis.http import plans_of
from chassis.identity import ensure_signing_key
from chassis.schema import Shape, unclassified
from chassis.settings import SERVICES, Settings
from deploy.generate import service_classes
from tests.integration.bus_rig import depth, until
from tests.integration.test_consumer import message
from tests.integration.test_parked import PARKED, park, rubbish
from tests.support.client import POLICE, Answer, Client, token
from tests.support.ports import free_base
from tests.support.rows import rows as seen

Make = Callable[..., Settings]
PATH = "/groups/parked"
AUDIT = "SELECT operation, subject, object_id, basis, outcome FROM audit WHERE operation LIKE 'parked.%%' ORDER BY no"
SUBJECT = "user:on-duty"


@contextmanager
def serving(settings: Settings, folder: Path, **extra: str) -> Iterator[str]:
    """The real process of groups; gives its address."""
    base, log = free_base(), folder / f"{uuid.uuid4().hex}.log"
    environment = {
        **os.environ,
        **(settings.environment or {}),
        "TUKIVERKKO_HOME": str(settings.home),
        "TUKIVERKKO_PORT": str(base),
        "TUKIVERKKO_POSTGRES_PORT": str(settings.postgres_port),
        "TUKIVERKKO_AMQP_PORT": str(settings.amqp_port),
        "TUKIVERKKO_VHOST": settings.vhost,
        **extra,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            (sys.executable, "-m", "chassis.launch", "groups"), env=environment, stdout=output, stderr=output
        )
    try:
        until(lambda: b"READY" in log.read_bytes() or process.poll() is not None)
        assert process.poll() is None, log.read_text(encoding="utf-8")
        yield replace(settings, port=base, environment=None).url_of("groups")
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        process.kill()
        process.wait()


@pytest.fixture
def settings_(vhost: Settings, service_database: Make) -> Settings:
    made = service_database("groups", into=vhost)
    ensure_signing_key(made.home)
    return made


@pytest.fixture
def operator(settings_: Settings, tmp_path: Path) -> Iterator[Client]:
    with serving(settings_, tmp_path) as url:
        yield Client(url, token(settings_, POLICE, {"operator"}, subject=SUBJECT))


def recorded(settings: Settings) -> list[tuple[Any, ...]]:
    return seen(settings, "groups", AUDIT)


def listed(operator: Client, query: str = "") -> list[dict[str, Any]]:
    answer = operator.get(PATH + query)
    assert answer.status == 200, answer.raw
    items: list[dict[str, Any]] = answer.body["items"]
    return items


def test_what_is_parked_is_listed_page_by_page(settings_: Settings, operator: Client) -> None:
    subjects = [str(uuid.uuid4()) for _ in range(5)]
    park(settings_, *(message(uuid.UUID(subject), 1) for subject in subjects))
    found, query = [], "?limit=2"
    while True:
        answer = operator.get(PATH + query)
        found += [item["subject"] for item in answer.body["items"]]
        if answer.body["next"] is None:
            break
        query = f"?limit=2&cursor={answer.body['next']}"
    assert found == subjects
    assert recorded(settings_) == [("parked.list", SUBJECT, None, None, "done")] * 3
    assert depth(settings_, PARKED) == 5
    assert operator.get(f"{PATH}?cursor=nonsense").status == 400
    assert operator.get(f"{PATH}?limit=201").status in {400, 422}


def test_one_is_shown_explained_and_without_its_content(settings_: Settings, operator: Client) -> None:
    park(settings_, rubbish(b"Jonas Jonaitis", message_id="Jonas"))
    (item,) = listed(operator)
    answer = operator.get(f"{PATH}/{item['id']}")
    assert answer.status == 200
    assert b"Jonas" not in answer.raw
    assert {name: answer.body[name] for name in item} == item
    assert (answer.body["waiting_behind"], answer.body["reason"]) == (0, "tries.used_up")
    assert answer.body["meaning"].endswith(".")
    assert answer.body["advice"].endswith(".")
    assert recorded(settings_)[-1] == ("parked.show", SUBJECT, uuid.UUID(item["id"]), None, "done")


def test_one_is_replayed_and_comes_back_and_is_dropped(settings_: Settings, operator: Client) -> None:
    park(settings_, rubbish(b"{no json"))
    (item,) = listed(operator)
    place = f"{PATH}/{item['id']}"
    first = operator.post(f"{place}/replay", {}, key="a-key")
    assert (first.status, first.body) == (200, {"id": item["id"], "act": "replayed"})
    until(lambda: [each["reason"] for each in listed(operator)] == ["event.no_json"])
    at = listed(operator)[0]["parked_at"]
    assert operator.post(f"{place}/replay", {}, key="a-key").body == first.body
    assert [each["parked_at"] for each in listed(operator)] == [at], "the repeated request did it again"
    dropped = operator.post(f"{place}/drop", {"reason": "publisher.fault"}, key="b-key")
    assert dropped.body == {"id": item["id"], "act": "dropped", "goes_on": None}
    assert operator.post(f"{place}/drop", {"reason": "publisher.fault"}, key="b-key").body == dropped.body
    assert operator.post(f"{place}/drop", {"reason": "another.one"}, key="b-key").status == 422
    assert operator.post(f"{place}/drop", {"reason": "publisher.fault"}).status == 404
    assert depth(settings_, PARKED) == 0
    acts = [row for row in recorded(settings_) if row[0] in {"parked.replay", "parked.drop"}]
    assert acts == [
        ("parked.replay", SUBJECT, uuid.UUID(item["id"]), "operator.replay", "asked"),
        ("parked.replay", SUBJECT, uuid.UUID(item["id"]), "operator.replay", "done"),
        ("parked.replay", SUBJECT, uuid.UUID(item["id"]), "operator.replay", "repeated"),
        ("parked.drop", SUBJECT, uuid.UUID(item["id"]), "publisher.fault", "done"),
        ("parked.drop", SUBJECT, uuid.UUID(item["id"]), "publisher.fault", "repeated"),
        ("parked.drop", SUBJECT, uuid.UUID(item["id"]), None, "refused:idempotency_key.reused"),
        ("parked.drop", SUBJECT, uuid.UUID(item["id"]), None, "refused:resource.not_found"),
    ]


def test_a_drop_tells_whether_the_stream_goes_on(settings_: Settings, operator: Client) -> None:
    subject, first, second = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    park(settings_, message(subject, 1, id=first), message(subject, 2, id=second))
    for event_id, goes_on in ((second, False), (first, True)):
        answer = operator.post(f"{PATH}/{event_id}/drop", {"reason": "publisher.fault"})
        assert (answer.status, answer.body["goes_on"]) == (200, goes_on)


def test_a_request_for_many_ends_before_its_own_transaction_is_cut() -> None:
    """It is idle while it replays; the last one may take the broker's whole patience for sending and for settling."""
    found = re.search(r"idle_in_transaction_session_timeout=(\d+)", db.LIMITS)
    assert found is not None
    longest = operating.REPLAY_SECONDS + 3 * operating.BROKER_SECONDS
    assert longest < int(found[1]) / 1000


def test_many_are_replayed_once_for_one_key(settings_: Settings, operator: Client) -> None:
    now = clock.now()
    park(settings_, *(rubbish(b"old %d" % number) for number in range(3)), at=now - dt.timedelta(days=1))
    park(settings_, *(rubbish(b"new %d" % number) for number in range(4)))
    since = {"since": (now - dt.timedelta(hours=1)).isoformat()}
    assert operator.post(f"{PATH}/replay", since, key="c-key").body == {"replayed": 4, "left": 0}
    assert operator.post(f"{PATH}/replay", since, key="c-key").body == {"replayed": None, "left": None}
    until(lambda: depth(settings_, PARKED) == 7)
    assert operator.post(f"{PATH}/replay", {"all": True}).body == {"replayed": 7, "left": 0}
    until(lambda: depth(settings_, PARKED) == 7)
    operations = [row[0] for row in recorded(settings_)]
    assert (operations.count("parked.replay"), operations.count("parked.replay_many")) == (11, 3)
    assert {row[1] for row in recorded(settings_)} == {SUBJECT}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"all": False},
        {"all": 1},
        {"all": "true"},
        {"since": "yesterday"},
        {"since": "2026-11-23T08:00:00"},
        {"all": True, "since": "2026-11-23T08:00:00Z"},
    ],
)
def test_what_is_to_be_replayed_is_never_guessed(bodies: Client, body: dict[str, Any]) -> None:
    answer = bodies.post(f"{PATH}/replay", body)
    assert (answer.status, answer.body["code"]) == (422, "body.invalid")


@pytest.fixture(scope="module")
def bodies(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A process without anything behind it: what is refused is refused before."""
    settings = request.getfixturevalue("settings")
    ensure_signing_key(settings.home)
    address = "postgresql://nobody@127.0.0.1:1/nothing"
    gone = {"TUKIVERKKO_AMQP_PORT": "1", "TUKIVERKKO_GROUPS_DATABASE_URL": address}
    with serving(settings, tmp_path_factory.mktemp("bodies"), **gone) as url:
        yield Client(url, token(settings, POLICE, {"operator"}, subject=SUBJECT))


def test_others_are_kept_out_and_what_is_not_there_is_not_found(settings_: Settings, operator: Client) -> None:
    park(settings_, message(uuid.uuid4(), 1))
    leader = Client(operator.url, token(settings_, POLICE, {"receiver_lead", "network_admin", "dpo", "auditor"}))
    for by, status in ((leader, 403), (Client(operator.url), 401)):
        assert by.get(PATH).status == status
        assert by.post(f"{PATH}/replay", {"all": True}).status == status
    missing = f"{PATH}/{uuid.uuid4()}"
    for answer in (operator.get(missing), operator.post(f"{missing}/replay", {}),
                   operator.post(f"{missing}/drop", {"reason": "a.b"})):  # fmt: skip
        assert (answer.status, answer.body["code"]) == (404, "resource.not_found")
    assert operator.post(f"{missing}/drop", {"reason": "A sentence."}).status == 422
    refused = [(operation, outcome.removeprefix("refused:")) for operation, *_, outcome in recorded(settings_)]
    barred, absent = "operation.not_allowed", "resource.not_found"
    assert refused == [
        ("parked.list", barred), ("parked.replay_many", barred), ("parked.show", absent), ("parked.replay", absent),
        ("parked.drop", absent), ("parked.drop", "body.invalid"),
    ]  # fmt: skip
    assert depth(settings_, PARKED) == 1


def test_systems_must_send_a_key(settings_: Settings, operator: Client) -> None:
    system = Client(operator.url, token(settings_, POLICE, {"operator"}))
    assert system.post(f"{PATH}/replay", {"all": True}, key="").status == 400


def assert_unavailable(answer: Answer, code: str) -> None:
    assert (answer.status, answer.body["code"]) == (503, code), answer.raw
    assert answer.headers["Retry-After"]


def test_without_the_broker_it_is_503_and_nothing_hangs(settings_: Settings, tmp_path: Path) -> None:
    """Also where something takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", free_base())) as silent:
        for port in (1, silent.getsockname()[1]):
            with serving(settings_, tmp_path, TUKIVERKKO_AMQP_PORT=str(port)) as url:
                operator = Client(url, token(settings_, POLICE, {"operator"}, subject=SUBJECT))
                assert_unavailable(operator.get(PATH), "broker.unavailable")
                assert_unavailable(operator.post(f"{PATH}/replay", {"all": True}), "broker.unavailable")
                assert_unavailable(operator.post(f"{PATH}/{uuid.uuid4()}/replay", {}), "broker.unavailable")
    assert recorded(settings_) == []


@pytest.mark.parametrize("service", service_classes(), ids=lambda service: service.name)
def test_every_service_has_the_operators_routes(service: Any) -> None:
    assert service.name in SERVICES
    assert {name: service.operations[name] for name in operating.OPERATIONS} == operating.OPERATIONS
    paths = {plan.name for _, plan in operating_plans(service)}
    base = f"/{service.name}/parked"
    one = f"{base}/<uuid:event_id>"
    assert paths == {f"GET {base}", f"GET {one}", f"POST {base}/replay", f"POST {one}/replay", f"POST {one}/drop"}


def operating_plans(service: Any) -> list[tuple[str, Any]]:
    return [(name, plan) for name, plan in plans_of(service) if plan.operation in operating.OPERATIONS]


def test_every_field_of_the_operators_shapes_has_a_class() -> None:
    shapes = [each for each in vars(operating).values() if isinstance(each, type) and issubclass(each, Shape)]
    assert len(shapes) > 5
    assert {f"{shape.__name__}.{name}" for shape in shapes for name in unclassified(shape)} == set()
