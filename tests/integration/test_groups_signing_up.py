"""Sign-ups on a real database: seats, queue, offers, codes, second sign-ups, walls between organisations, events."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from marshmallow import ValidationError

from chassis import clock
from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotFound, TooManyRequests
from chassis.schema import field_errors, unclassified
from chassis.sealing import DataKey, KeyStore
from chassis.settings import Settings
from chassis.work import Work
from services.groups import schemas, usecases
from services.groups.store import seats
from services.groups.usecases import signing_up
from tests.support.databases import root_url
from tests.support.groups import CENTRE, OTHER, PIN, call, new_group, opened, own, roster, sign_up

MAIL = {"channel": "email", "value": "kanarele.vienas@example.org", "safe": "yes"}
PROTECTED = ("programme", "peer_group", "leader_assignment", "participant", "sign_up", "return_card", "history")


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("groups")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "groups")
    yield database
    database.close()


def rows(at: Settings, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(root_url(at, "groups")) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def full(db: Database, seats: int = 2, **changes: Any) -> tuple[uuid.UUID, list[dict[str, Any]]]:
    group_id = opened(db, capacity=seats, **changes)
    return group_id, [sign_up(db, group_id) for _ in range(seats)]


def test_a_free_seat_is_given_at_once_with_two_events_and_two_history_rows(db: Database, at: Settings) -> None:
    group_id = opened(db)
    answer = sign_up(db, group_id)
    assert (answer["state"], answer["has_seat"], answer["place"]) == ("confirmed", True, None)
    assert len(answer["return_code"]) == 13
    told = rows(
        at, "SELECT type, audience, sequence, data->>'state' FROM outbox WHERE type LIKE 'signup.%' ORDER BY no"
    )
    audience = f"org:{CENTRE.org_id}"
    assert told == [("signup.received", audience, 1, "waiting"), ("signup.seated", audience, 2, "confirmed")]
    kept = rows(at, "SELECT no, transition, from_state, to_state FROM history WHERE sign_up_id IS NOT NULL ORDER BY no")
    assert kept == [(1, "sign_up", None, "waiting"), (2, "seat", "waiting", "confirmed")]
    assert rows(at, "SELECT held, waiting, queue_last FROM peer_group") == [(1, 0, 1)]
    assert rows(at, "SELECT audience FROM outbox WHERE type = 'group.opened'") == [("network",)]


def test_where_intake_is_required_a_seat_leads_to_intake(db: Database) -> None:
    assert sign_up(db, opened(db, kind="behaviour_change"))["state"] == "intake"


def test_a_withdrawal_offers_the_seat_to_the_head_in_the_same_transaction(db: Database, at: Settings) -> None:
    group_id, men = full(db)
    queue = [sign_up(db, group_id) for _ in range(3)]
    assert [man["place"] for man in queue] == [1, 2, 3]
    left = own(db, "withdraw", men[0])
    assert (left["state"], left["allowed_actions"]) == ("withdrawn", ())
    now = [own(db, "status", man) for man in queue]
    assert [(man["state"], man["place"]) for man in now] == [("offered", None), ("waiting", 1), ("waiting", 2)]
    hours = (now[0]["offer_until"] - clock.now()).total_seconds() / 3600
    assert 143 < hours < 144 + 24 * 6  # until 18:00 of a working day
    told = rows(
        at, "SELECT type, correlation_id, xmin FROM outbox WHERE type IN ('signup.withdrawn', 'signup.offered')"
    )
    assert {row[0] for row in told} == {"signup.withdrawn", "signup.offered"}
    assert len({row[2] for row in told}) == 1, "both were written by one transaction"
    assert rows(at, "SELECT held, waiting FROM peer_group") == [(2, 2)]


def test_an_offer_is_taken_or_passed_on(db: Database, at: Settings) -> None:
    group_id, men = full(db)
    first, second = sign_up(db, group_id), sign_up(db, group_id)
    own(db, "withdraw", men[0])
    assert own(db, "decline_offer", first)["state"] == "declined"
    assert own(db, "accept_offer", second)["state"] == "confirmed"
    with pytest.raises(Conflict) as refused:
        own(db, "accept_offer", second)
    assert refused.value.allowed == ("withdraw",)
    assert rows(at, "SELECT held, waiting FROM peer_group") == [(2, 0)]


def test_a_newcomer_waits_behind_an_offered_seat(db: Database) -> None:
    group_id, men = full(db)
    sign_up(db, group_id)
    own(db, "withdraw", men[0])
    assert sign_up(db, group_id)["place"] == 1


def test_an_offer_that_is_over_lapses_for_good_although_the_answer_is_no(db: Database, at: Settings) -> None:
    group_id, men = full(db)
    late, following = sign_up(db, group_id), sign_up(db, group_id)
    own(db, "withdraw", men[0])
    rows(at, "UPDATE sign_up SET offer_until = now() - interval '1 second' WHERE state = 'offered'")
    with pytest.raises(Conflict) as refused:
        own(db, "accept_offer", late)
    assert refused.value.code == "offer.passed"
    assert own(db, "status", late)["state"] == "lapsed"
    assert own(db, "status", following)["state"] == "offered"
    assert rows(at, "SELECT held, waiting FROM peer_group") == [(2, 0)]


def test_the_sweeper_lets_offers_lapse_where_nobody_asks_and_does_so_once(db: Database, at: Settings) -> None:
    group_id, men = full(db)
    sign_up(db, group_id)
    own(db, "withdraw", men[0])
    assert usecases.sweep(db) == 0
    rows(at, "UPDATE sign_up SET offer_until = now() - interval '1 second' WHERE state = 'offered'")
    assert usecases.sweep(db) == 1
    assert usecases.sweep(db) == 0
    assert rows(at, "SELECT held, waiting FROM peer_group") == [(1, 0)]
    assert rows(at, "SELECT count(*) FROM outbox WHERE type = 'signup.offer_lapsed'") == [(1,)]


def test_a_second_sign_up_with_one_contact_looks_like_the_first_and_holds_no_seat(db: Database, at: Settings) -> None:
    group_id = opened(db)
    first = sign_up(db, group_id, contact=MAIL)
    second = sign_up(db, group_id, contact={**MAIL, "value": " Kanarele.Vienas@Example.org "})
    assert {name: second[name] for name in ("state", "has_seat", "next")} == {
        name: first[name] for name in ("state", "has_seat", "next")
    }
    assert second.keys() == first.keys()
    assert second["return_code"] != first["return_code"]
    assert rows(at, "SELECT held, waiting, queue_last FROM peer_group") == [(1, 0, 1)]
    assert own(db, "status", second)["state"] == "confirmed"
    assert own(db, "withdraw", second)["state"] == "withdrawn"
    with pytest.raises(Conflict):
        own(db, "withdraw", second)
    assert own(db, "status", first)["state"] == "confirmed"
    assert rows(at, "SELECT count(*) FROM sign_up") == [(1,)]


def test_time_alone_tells_no_card_without_a_sign_up_from_one_with(db: Database, at: Settings) -> None:
    group_id, _ = full(db)
    first, second = sign_up(db, group_id, contact=MAIL), sign_up(db, group_id, contact=MAIL)
    assert (second["state"], second["place"]) == ("waiting", 2)
    rows(at, "UPDATE return_card SET created_at = created_at - interval '73 hours'")
    rows(at, "UPDATE sign_up SET waiting_since = waiting_since - interval '73 hours'")
    usecases.sweep(db)
    assert [own(db, "status", man)["state"] for man in (first, second)] == ["waiting", "waiting"]


def test_the_key_is_there_before_the_group_is_locked(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    group_id, order, take, lock = opened(db), list[str](), KeyStore.take, seats.lock_group

    def noted_take(self: KeyStore) -> DataKey:
        order.append("key")
        return take(self)

    def noted_lock(work: Work, wanted: uuid.UUID) -> seats.Group:
        order.append("lock")
        return lock(work, wanted)

    monkeypatch.setattr(KeyStore, "take", noted_take)
    monkeypatch.setattr(seats, "lock_group", noted_lock)
    for _ in "ab":
        sign_up(db, group_id, key="form-1")
    assert order == ["key", "lock", "lock"], "and the repeated request takes no key"


def test_who_has_left_may_come_again_with_the_same_contact(db: Database) -> None:
    group_id = opened(db)
    own(db, "withdraw", sign_up(db, group_id, contact=MAIL))
    assert own(db, "status", sign_up(db, group_id, contact=MAIL))["state"] == "confirmed"
    other = opened(db)
    assert sign_up(db, other, contact=MAIL)["state"] == "confirmed"


def test_wrong_code_wrong_pin_and_wrong_id_are_the_same_nothing(db: Database) -> None:
    group_id = opened(db)
    man, somebody = sign_up(db, group_id), sign_up(db, group_id)
    tries: list[Callable[[], object]] = [
        lambda: own(db, "status", {**man, "return_code": "00000000000"}),
        lambda: own(db, "status", man, pin="0000"),
        lambda: own(db, "withdraw", {**man, "signup_id": somebody["signup_id"]}),
        lambda: own(db, "withdraw", {**man, "signup_id": uuid.uuid4()}),
    ]
    for each in tries:
        with pytest.raises(NotFound) as refused:
            each()
        assert (refused.value.code, refused.value.detail) == (NotFound().code, NotFound().detail)


def test_wrong_pins_are_counted_and_shut_the_card_for_a_while_only(db: Database, at: Settings) -> None:
    man = sign_up(db, opened(db))
    for _ in range(3):
        with pytest.raises(NotFound):
            own(db, "status", man, pin="0000")
    with pytest.raises(TooManyRequests) as refused:
        own(db, "status", man)
    assert 0 < refused.value.retry_after <= 30
    rows(at, "UPDATE return_card SET blocked_until = now() - interval '1 second'")
    assert own(db, "status", man)["state"] == "confirmed"
    assert rows(at, "SELECT failures FROM return_card") == [(0,)]


def test_the_same_request_gets_the_same_code_and_no_second_seat(db: Database, at: Settings) -> None:
    group_id = opened(db)
    first = sign_up(db, group_id, key="form-1")
    again = sign_up(db, group_id, key="form-1")
    assert again == first
    assert rows(at, "SELECT held FROM peer_group") == [(1,)]
    with pytest.raises(Invalid):
        sign_up(db, group_id, key="form-1", alias="Other")
    assert sign_up(db, group_id, key="form-2")["return_code"] != first["return_code"]
    left = own(db, "withdraw", first, key="out")
    assert own(db, "withdraw", first, key="out") == left


def test_who_is_refused(db: Database) -> None:
    with pytest.raises(Invalid, match=r"group\.unknown"):
        sign_up(db, uuid.uuid4())
    with pytest.raises(Invalid, match=r"group\.unknown"):
        sign_up(db, new_group(db)["id"])
    group_id, _ = full(db, waitlist_limit=1)
    with pytest.raises(Invalid, match=r"signup\.language"):
        sign_up(db, group_id, language="fi")
    sign_up(db, group_id)
    with pytest.raises(Conflict, match=r"group\.queue_full"):
        sign_up(db, group_id)


def test_a_bad_contact_is_pointed_at() -> None:
    for contact in ({"channel": "phone", "value": "123"}, {"channel": "email", "value": "nobody"}):
        with pytest.raises(ValidationError) as refused:
            schemas.NewSignUp().load({**schemas.NEW_SIGN_UP_EXAMPLE, "contact": contact})
        (fault,) = field_errors(refused.value, schemas.NewSignUp())
        assert fault.code == contact["channel"]
        assert fault.pointer == "/contact/value"


def test_nothing_about_a_man_stands_in_clear(db: Database, at: Settings) -> None:
    group_id = opened(db)
    man = sign_up(db, group_id, alias="Kanarele Du", contact=MAIL)
    sign_up(db, group_id, contact=MAIL)
    for table in (*PROTECTED, "outbox", "audit", "request"):
        dump = "".join(str(row) for row in rows(at, f"SELECT to_jsonb(t)::text FROM {table} AS t"))
        assert "anarele" not in dump.lower()
        assert man["return_code"] not in dump
        assert man["return_code"].replace("-", "") not in dump


def test_the_roster_shows_aliases_in_order_to_its_own_organisation_only(db: Database) -> None:
    group_id, men = full(db, seats=2)
    sign_up(db, group_id, alias="Trečias", contact=MAIL)
    sign_up(db, group_id, alias="Ketvirtas")
    lines = roster(db, group_id)
    assert [(line["alias"], line["state"], line["place"]) for line in lines] == [
        ("Demo", "confirmed", None),
        ("Demo", "confirmed", None),
        ("Trečias", "waiting", 1),
        ("Ketvirtas", "waiting", 2),
    ]
    assert [line["reachable"] for line in lines] == [False, False, True, False]
    assert "contact" not in schemas.RosterLine().fields
    assert {line["signup_id"] for line in lines[:2]} == {man["signup_id"] for man in men}
    with pytest.raises(NotFound):
        roster(db, group_id, OTHER)


def test_another_organisation_sees_no_row_even_without_the_application_check(db: Database) -> None:
    sign_up(db, opened(db), contact=MAIL)
    for org in (OTHER.org_id, None):
        with db.background("test", org=org) as work:
            for table in PROTECTED:
                found = work.one(f"SELECT count(*) AS many FROM {table}")
                assert found == {"many": 0}, table
    with db.background("test", org=CENTRE.org_id) as work:
        for table in PROTECTED:
            assert work.one(f"SELECT 1 AS one FROM {table} LIMIT 1") == {"one": 1}, table


def test_the_demo_is_seeded_once_and_takes_its_example_for_ever(db: Database, at: Settings) -> None:
    for _ in range(2):
        assert usecases.seed_demo(db, CENTRE.org_id, CENTRE.org_key) == schemas.DEMO_GROUP
    assert rows(at, "SELECT state, held, capacity FROM peer_group") == [("open", 1, 16)]
    states = [sign_up(db, schemas.DEMO_GROUP)["state"] for _ in range(20)]
    assert states == ["confirmed"] * 15 + ["waiting"] * 5
    body = schemas.Card().load(schemas.CARD_EXAMPLE)
    shown = usecases.status(db, call("POST /signups/status", None, body)).value
    assert shown["state"] == "confirmed"
    assert isinstance(shown["signup_id"], uuid.UUID)


def test_history_and_events_agree(db: Database, at: Settings) -> None:
    group_id, men = full(db)
    for man in [sign_up(db, group_id) for _ in range(2)]:
        own(db, "withdraw", men.pop())
        own(db, "accept_offer", man)
    steps = rows(at, "SELECT sign_up_id, no, to_state FROM history WHERE sign_up_id IS NOT NULL ORDER BY 1, 2")
    told = (
        "SELECT aggregate_id, sequence::int, data->>'state' FROM outbox WHERE aggregate_type = 'signup' ORDER BY 1, 2"
    )
    assert rows(at, told) == steps


def test_every_field_has_its_class() -> None:
    shapes = [getattr(schemas, name) for name in schemas.__all__ if isinstance(getattr(schemas, name), type)]
    assert len(shapes) > 8
    assert [unclassified(shape) for shape in shapes] == [()] * len(shapes)


def test_a_helpline_signs_a_caller_up_reads_his_code_and_sees_nothing_of_him(db: Database, at: Settings) -> None:
    group = opened(db)
    helpline = replace(OTHER, roles=frozenset({"helpline_worker"}))
    body = schemas.NewSignUp().load({**schemas.NEW_SIGN_UP_EXAMPLE, "group_id": str(group), "pin": PIN})
    asked = call("hand over", helpline, body, operation="signup.hand_over", idempotency_key="k")
    made = signing_up.hand_over(db, asked).value
    assert "".join(word[0] for word in made["spoken"] if word[0].isupper()) == re.sub("[^A-Z]", "", made["return_code"])
    assert signing_up.hand_over(db, asked).value["signup_id"] == made["signup_id"]
    assert own(db, "status", made)["state"] == "confirmed"
    assert rows(at, "SELECT actor, by_subject FROM history WHERE sign_up_id IS NOT NULL AND no = 1") == [("man", None)]
    with pytest.raises(NotFound):
        roster(db, group, helpline)
