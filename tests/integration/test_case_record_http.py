"""The record's routes at the door of a real process: documented answers, caching of codes, the page to print."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chassis.db import Database
from chassis.identity import ensure_signing_key
from chassis.settings import Settings
from services.referrals.rules import reasons
from tests.integration.feed_rig import begin, placed
from tests.support.client import CENTRE, POLICE, THIRD, Answer, Client, token
from tests.support.referrals import seed
from tests.support.rows import rows
from tests.support.specification import OPERATIONS

ROWS = "SELECT operation, outcome FROM audit WHERE request_id = %s"
ONE = "/referrals/{referral_id}"
OURS = sorted(
    name
    for name, each in OPERATIONS.items()
    if each.path.startswith(ONE)
    and each.path.removeprefix(ONE).partition("/")[2].partition("/")[0]
    in {"notes", "contact-attempts", "sessions", "risk", "drop-out", "amend", "record", "copy", "warning"}
)


class Door:
    """One process of referrals, and who asks it."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.settings = settings
        self.police, self.centre, self.third = (Client(url, token(settings, org)) for org in (POLICE, CENTRE, THIRD))
        self.anybody = Client(url)
        self.url = url

    def by(self, org: str, roles: frozenset[str]) -> Client:
        return Client(self.url, token(self.settings, org, roles))

    def referral(self, **changes: Any) -> str:
        made = self.police.post("/referrals", {**OPERATIONS["POST /referrals"].example, **changes})
        assert made.status == 201, made.raw
        found: str = made.body["id"]
        return found

    def in_hand(self) -> str:
        made = self.referral()
        accepted = self.centre.post(
            f"/referrals/{made}/accept",
            OPERATIONS["POST /referrals/{referral_id}/accept"].example,
            version='"1"',
        )
        assert accepted.status == 200, accepted.raw
        return made

    def ask(self, by: Client, name: str, referral: str, **changes: Any) -> Answer:
        operation = OPERATIONS[name]
        body = {**operation.example, **changes} if operation.has_body else None
        version = '"1"' if operation.needs_version else None
        return by.ask(operation.method, operation.path.format(referral_id=referral), body, version=version)


@pytest.fixture
def door(
    vhost: Settings, service_database: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    made = placed(service_database("referrals", into=vhost))
    ensure_signing_key(made.home)
    db = Database(made, "referrals")
    seed(db)
    db.close()
    running = begin(made, tmp_path_factory.mktemp("log"), name="referrals")
    try:
        yield Door(made, f"http://127.0.0.1:{running.port}")
    finally:
        running.end()


def test_every_route_answers_as_documented_leaves_one_row_and_hides_what_is_foreign(door: Door) -> None:
    assert len(OURS) == 11
    for name in OURS:
        referral = door.referral() if name.endswith("/amend") else door.in_hand()
        by = door.police if name.endswith("/amend") else door.centre
        operation = OPERATIONS[name]
        for _ in range(2 if not operation.needs_version else 1):
            done = door.ask(by, name, referral)
            assert done.status == 200, (name, done.raw)
            operation.check(done)
            assert left(door, done) == [(operation.operation, "done")], name
        foreign, never = door.ask(door.third, name, referral), door.ask(door.third, name, str(uuid.uuid4()))
        assert (foreign.status, never.status) == (404, 404), name
        assert [row[1] for row in left(door, foreign)] == ["refused:resource.not_found"]
        barred = door.ask(door.by(CENTRE, frozenset({"network_coordinator"})), name, referral)
        assert barred.status == 403, (name, barred.raw)
        assert door.ask(door.anybody, name, referral).status == 401


def left(door: Door, answer: Answer) -> list[tuple[Any, ...]]:
    return rows(door.settings, "referrals", ROWS, (answer.headers["X-Request-Id"],))


def test_codes_are_read_by_anybody_and_kept(door: Door) -> None:
    first = door.anybody.get("/referrals/reason-codes?list=decline&lang=fi")
    assert first.status == 200
    OPERATIONS["GET /referrals/reason-codes"].check(first)
    assert first.headers["Cache-Control"] == "public, max-age=3600"
    assert [each["code"] for each in first.body["codes"]] == list(reasons.known("decline"))
    assert first.body["codes"][0]["labels"] == {"fi": "Ei vapaita paikkoja"}
    again = door.anybody.ask(
        "GET", "/referrals/reason-codes?list=decline&lang=fi", headers={"If-None-Match": first.version}
    )
    assert (again.status, again.raw) == (304, b"")
    other = door.anybody.get("/referrals/reason-codes?list=decline&lang=sv")
    assert other.version != first.version
    everything = door.police.get("/referrals/reason-codes").body["codes"]
    assert len(everything) == len(reasons.REASONS)
    assert all(tuple(each["labels"]) == reasons.LANGUAGES for each in everything)
    assert door.anybody.get("/referrals/reason-codes?on=2020-01-01").body["codes"] == []
    for wrong in ("list=zz", "lang=zz", "on=never", "x=1"):
        assert door.anybody.get(f"/referrals/reason-codes?{wrong}").status == 400


def test_the_page_is_html_that_fetches_nothing_and_is_kept_nowhere(door: Door) -> None:
    page = door.police.get(f"/referrals/{door.referral()}/copy/print?lang=lv")
    assert (page.status, page.kind) == (200, "text/html")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    text = page.raw.decode("utf-8")
    assert "Jūsu nosūtījuma kopija" in text
    assert "DEMO" in text


def test_a_wrong_body_says_where(door: Door) -> None:
    referral = door.in_hand()
    for name, changes, pointer in (
        ("notes", {"visibility": "named"}, "/named"),
        ("contact-attempts", {"channel": "smoke"}, "/channel"),
        ("contact-attempts", {"channel": "phone"}, "/channel"),
        ("contact-attempts", {"attempted_at": "2126-01-01T00:00:00Z"}, "/attempted_at"),
        ("sessions", {"minutes": 0}, "/minutes"),
        ("risk", {"risks": {"mood": "yes"}}, "/risks/mood"),
        ("drop-out", {"reason": "moved"}, "/reason"),
    ):
        answer = door.ask(door.centre, f"POST /referrals/{{referral_id}}/{name}", referral, **changes)
        assert answer.status == 422, (name, answer.raw)
        assert answer.body["errors"][0]["pointer"] == pointer
