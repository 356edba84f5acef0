"""One-time links of institutions: looking changes nothing, exactly one answers, what moved or is old opens nothing."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.errors import Conflict, NotFound, Refused
from chassis.identity import Caller
from chassis.requests import Call
from chassis.settings import Settings
from services.referrals import usecases
from services.referrals.schemas import links as schemas
from services.referrals.schemas.transitions import EXAMPLES
from services.referrals.store import copies, legs
from services.referrals.store import links as store
from services.referrals.usecases import links
from tests.support.databases import root_url
from tests.support.referrals import CENTRE, OTHER, POLICE, go, look, new, seed

ANSWERS: dict[str, dict[str, Any]] = {
    "acknowledge": {},
    "accept": {"responsible": "Demo Darbuotoja", "next_step_on": "2027-01-11"},
    "decline": {"reason": "no_capacity"},
}
REACHED = {"acknowledge": "received", "accept": "accepted", "decline": "declined"}


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    yield database
    database.close()


def rows(at: Settings, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "referrals"), autocommit=True) as connection:
        cursor = connection.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []


def created(db: Database, **changes: object) -> uuid.UUID:
    made: uuid.UUID = usecases.create(db, new(**changes)).value["id"]
    return made


def making(by: Caller, referral: uuid.UUID, *, key: str | None = None) -> Call:
    path = {"referral_id": referral}
    return Call(
        route="POST links", operation="referral.link", caller=by, path=path, raw=b"{}", idempotency_key=key
    )  # fmt: skip


def made(db: Database, referral: uuid.UUID) -> str:
    path: str = links.make(db, making(CENTRE, referral)).value["path"]
    return path.removeprefix("/l/")


def shown(db: Database, token: str) -> dict[str, Any]:
    body = schemas.LinkHeld().load({"token": token})
    value: dict[str, Any] = links.resolve(db, Call(route="r", operation="link.resolve", body=body)).value
    return value


def answer(db: Database, token: str, action: str, **said: object) -> None:
    body = schemas.LinkAnswer().load({"token": token, "action": action, **ANSWERS[action], **said})
    links.answer(db, Call(route="a", operation="link.answer", body=body))


def state(db: Database, referral: uuid.UUID, by: Caller = CENTRE) -> str:
    found: str = usecases.read(db, look(by, referral)).value["state"]
    return found


@pytest.mark.parametrize("action", ANSWERS)
def test_each_answer_is_taken_once_in_the_name_of_the_link(db: Database, at: Settings, action: str) -> None:
    referral = created(db)
    token = made(db, referral)
    for _ in range(10):  # a scanner
        assert shown(db, token)["actions"] == ["acknowledge", "accept", "decline"]
    assert state(db, referral) == "sent"
    answer(db, token, action)
    assert state(db, referral) == REACHED[action]
    last = usecases.history(db, look(CENTRE, referral)).value["items"][-1]
    assert last["by_subject"].startswith("link:")
    for again in ANSWERS:
        with pytest.raises(Conflict, match=r"link\.answered"):
            answer(db, token, again)
    with pytest.raises(Conflict, match=r"link\.answered"):
        shown(db, token)
    operations = [row[0] for row in rows(at, "SELECT operation FROM audit WHERE operation LIKE 'link.%%'")]
    assert operations.count("link.answer") == 1
    assert operations.count("link.resolve") == 10


def test_it_shows_reference_urgency_and_term_and_nothing_of_the_person(db: Database) -> None:
    referral = created(db, respond_by="2027-01-04T12:00:00+02:00")
    value = shown(db, made(db, referral))
    assert set(value) == {"reference", "urgency", "respond_by", "actions", "reasons", "next_step_on", "expires_at"}
    assert value["reference"] == str(referral)[:8].upper()
    assert value["respond_by"].startswith("2027-01-04T")
    for told in ("Pavyzdys", "violence", "police", "Invented"):
        assert told not in repr(value)


def test_only_keyed_hashes_are_kept(db: Database, at: Settings) -> None:
    token = made(db, created(db))
    kept = repr(rows(at, "SELECT * FROM institution_link"))
    assert token not in kept
    for table in ("outbox", "audit", "request", "history"):
        assert token not in repr(rows(at, f"SELECT * FROM {table}"))


def test_a_repeat_of_the_making_does_not_tell_the_path_again(db: Database, at: Settings) -> None:
    referral = created(db)
    first = links.make(db, making(CENTRE, referral, key="once-1")).value
    # the claim is kept under the id of what was recorded
    again = links.make(db, making(CENTRE, referral, key="once-1")).value
    assert first["path"]
    assert again == {"path": None, "expires_at": None}
    assert len(rows(at, "SELECT 1 FROM institution_link")) == 1


def test_any_change_of_state_kills_it(db: Database) -> None:
    referral = created(db)
    token = made(db, referral)
    go(db, CENTRE, referral, "acknowledge")
    with pytest.raises(Conflict, match=r"link\.answered"):
        answer(db, token, "accept")
    second = made(db, referral)
    assert shown(db, second)["actions"] == ["accept", "decline"]
    go(db, POLICE, referral, "withdraw", **EXAMPLES["withdraw"])
    with pytest.raises(Conflict, match=r"link\.answered"):
        answer(db, second, "accept")
    assert state(db, referral) == "withdrawn"
    with pytest.raises(Conflict, match=r"link\.nothing_to_answer"):
        made(db, referral)


def test_seven_days_and_then_it_is_gone(db: Database, at: Settings) -> None:
    referral = created(db)
    token = made(db, referral)
    rows(at, "UPDATE institution_link SET expires_at = now() + interval '1 minute'")
    assert shown(db, token)
    assert links.forget_old(db) == 0
    rows(at, "UPDATE institution_link SET expires_at = now() - interval '1 second'")
    with pytest.raises(NotFound):
        shown(db, token)
    with pytest.raises(NotFound):
        answer(db, token, "accept")
    assert links.forget_old(db) == 1
    assert rows(at, "SELECT 1 FROM institution_link") == []
    assert state(db, referral) == "sent"


def test_the_term_is_seven_days(db: Database) -> None:
    expires: dt.datetime = shown(db, made(db, created(db)))["expires_at"]
    left = expires - clock.now()
    assert dt.timedelta(days=6, hours=23) < left <= dt.timedelta(days=7)


def test_a_row_that_was_moved_by_hand_opens_nothing(db: Database, at: Settings) -> None:
    first, second = created(db), created(db)
    token = made(db, first)
    rows(at, "UPDATE institution_link SET referral_id = %s", second)
    with pytest.raises(NotFound):
        answer(db, token, "accept")
    assert state(db, second) == "sent"


def test_unknown_tokens_and_organisations_that_left_find_nothing(db: Database, at: Settings) -> None:
    token = made(db, created(db))
    for wrong in ("x", token[:-1], token + "A", token.swapcase()):
        with pytest.raises(NotFound):
            shown(db, wrong)
    with db.background("test") as work:
        copy = {"key": "lt-kavkc", "type": "crisis_centre", "country": "LT", "status": "suspended", "version": 2}
        copies.keep_partner(work, {"org_id": CENTRE.org_id, **copy})
    with pytest.raises(NotFound):
        answer(db, token, "accept")


def test_who_makes_one(db: Database, at: Settings) -> None:
    referral = created(db)
    with pytest.raises(NotFound):
        links.make(db, making(OTHER, referral))
    with pytest.raises(Refused, match=r"wrong_side|not_allowed"):
        links.make(db, making(POLICE, referral))
    worker = Caller("person:test", CENTRE.org_id, "lt-kavkc", frozenset({"receiver_worker"}), "t")
    with pytest.raises(Refused, match="not_allowed"):
        links.make(db, making(worker, referral))
    rows(at, "UPDATE receiver_case SET restricted = true")
    with pytest.raises(Refused):
        links.make(db, making(CENTRE, referral))


def test_never_for_a_child_concern(db: Database, at: Settings) -> None:
    referral = created(db)
    token = made(db, referral)
    rows(at, "UPDATE leg SET kind = 'child_concern'")
    with pytest.raises(Conflict, match=r"link\.not_for_concern"):
        made(db, referral)
    assert token  # a leg never changes its kind; this one is only to see the guard


def race(db: Database, tokens: list[str]) -> list[str]:
    gate, outcomes = threading.Barrier(len(tokens)), []

    def press(token: str, action: str) -> None:
        gate.wait()
        try:
            answer(db, token, action)
            outcomes.append(action)
        except Conflict as error:
            outcomes.append(error.code)

    threads = [
        threading.Thread(target=press, args=(token, ("accept", "decline")[number % 2]))
        for number, token in enumerate(tokens)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.parametrize("several", [False, True])
def test_of_many_who_press_at_once_exactly_one_acts(db: Database, *, several: bool) -> None:
    for _ in range(5):
        referral = created(db)
        token = made(db, referral)
        tokens = [made(db, referral) if several else token for _ in range(8)]
        outcomes = race(db, tokens)
        assert len(outcomes) == 8
        assert outcomes.count("link.answered") == 7, outcomes
        assert len(usecases.history(db, look(CENTRE, referral)).value["items"]) == 3  # sent, received, the answer


UNLOCKED = """
CREATE OR REPLACE FUNCTION leg_locked(wanted uuid) RETURNS SETOF leg LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public AS $$
BEGIN
    RETURN QUERY SELECT l.* FROM leg AS l WHERE l.id = $1 AND acting_org() IN (l.sender_id, l.receiver_id);
END
$$
"""


def test_with_the_locks_off_two_act(db: Database, at: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the race above can be lost."""
    referral = created(db)
    token = made(db, referral)
    rows(at, UNLOCKED)
    monkeypatch.setattr(store, "LOCK", store.LOCK.replace("FOR UPDATE", ""))
    monkeypatch.setattr(legs, "OWN_CASE", legs.OWN_CASE.replace("FOR UPDATE", ""))
    both = threading.Barrier(2)
    monkeypatch.setattr(links, "guard", lambda *_: both.wait(5))
    assert sorted(race(db, [token, token])) == ["accept", "decline"]
