"""The area queue on a real database: cards that say nothing of who it is, exactly one who takes it, and back again."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import psycopg
import pytest

from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotAllowed, NotFound, Refused
from chassis.identity import Caller
from chassis.keyed_ids import id_of_key
from chassis.settings import Settings
from services.referrals import usecases
from services.referrals.schemas.transitions import EXAMPLES
from services.referrals.store import copies
from services.referrals.usecases import area
from tests.support.databases import root_url
from tests.support.referrals import CENTRE, FAR, OTHER, POLICE, ask, expire_of, go, listing, look, new, seed

SECRET = "Kanarėlė Eilėje"
QUEUED = {"service": None, "area": "LT:Raseiniai", "language": "lt"}
ACCEPTORS = 32


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(replace(at, pool_size=16), "referrals")
    seed(database)
    yield database
    database.close()


def rows(at: Settings, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(root_url(at, "referrals"), autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def queued(db: Database, **changes: object) -> uuid.UUID:
    person = {"name": SECRET, "birth_year": 1985}
    made: uuid.UUID = usecases.create(db, new(person=person, reason=SECRET, **{**QUEUED, **changes})).value["id"]
    return made


def cards(db: Database, by: Caller) -> list[dict[str, object]]:
    found: list[dict[str, object]] = area.cards(db, listing(by)).value["items"]
    return found


def card_call(by: Caller, offer_id: object, *, key: str | None = None, **body: object):  # type: ignore[no-untyped-def]  # as ask
    call = ask(by, uuid.UUID(int=0), "card", key=key, **body)
    call.path = {"offer_id": offer_id}
    return call


def taken(db: Database, by: Caller, offer_id: object, action: str = "accept") -> dict[str, object]:
    found: dict[str, object] = area.take(db, card_call(by, offer_id, **EXAMPLES[action]), action).value
    return found


def test_a_card_goes_to_those_who_cover_the_area_and_says_nothing_of_who_it_is(db: Database, at: Settings) -> None:
    referral = queued(db)
    (card,) = cards(db, CENTRE)
    assert {name: card[name] for name in ("needs", "area", "age_band", "language", "urgency")} == {
        "needs": ["violence_own_use"],
        "area": "LT:Raseiniai",
        "age_band": "35_49",
        "language": "lt",
        "urgency": "urgent",
    }
    assert SECRET not in str(card)
    assert str(referral) not in str(card)
    assert len(cards(db, OTHER)) == 1  # says nothing of where it works, so the whole of its country
    assert not cards(db, FAR)  # another country
    with pytest.raises(NotFound):
        usecases.read(db, look(CENTRE, referral))
    seen = usecases.read(db, look(POLICE, referral)).value
    assert (seen["state"], seen["receiver"], seen["area"]) == ("sent", None, "LT:Raseiniai")
    told = rows(at, "SELECT type, audience FROM outbox ORDER BY no")
    assert sorted(told) == sorted(
        [
            ("referral.sent", f"org:{POLICE.org_id}"),
            ("area_offer.made", f"org:{CENTRE.org_id}"),
            ("area_offer.made", f"org:{OTHER.org_id}"),
        ]
    )
    assert str(referral) not in str(rows(at, "SELECT to_jsonb(o)::text FROM outbox AS o WHERE type LIKE 'area%'"))


@pytest.mark.parametrize("action", ["acknowledge", "accept"])
def test_who_takes_it_reads_all_and_the_others_hear_that_it_is_gone(db: Database, at: Settings, action: str) -> None:
    referral = queued(db)
    mine, theirs = cards(db, CENTRE)[0]["id"], cards(db, OTHER)[0]["id"]
    seen = taken(db, CENTRE, mine, action)
    assert (seen["id"], seen["side"]) == (referral, "receiver")
    assert seen["person"] == {"name": SECRET, "birth_year": 1985}
    assert usecases.read(db, look(POLICE, referral)).value["receiver"]["key"] == "lt-kavkc"
    with pytest.raises(Conflict) as late:
        taken(db, OTHER, theirs)
    assert late.value.code == "referral.taken"
    assert "kavkc" not in str(late.value)
    assert not cards(db, OTHER)
    assert rows(at, "SELECT count(*) FROM area_offer WHERE card IS NOT NULL OR key_id IS NOT NULL") == [(0,)]
    rows(at, "UPDATE area_offer SET closed_at = closed_at - interval '24 hours 1 second'")
    with pytest.raises(NotFound):
        taken(db, OTHER, theirs)
    closed = "SELECT audience, data->>'state' FROM outbox WHERE type = 'area_offer.closed'"
    assert sorted(rows(at, closed)) == sorted([(f"org:{CENTRE.org_id}", "taken"), (f"org:{OTHER.org_id}", "gone")])


def test_the_receivers_key_is_not_the_senders(db: Database, at: Settings) -> None:
    referral = queued(db)
    taken(db, CENTRE, cards(db, CENTRE)[0]["id"])
    both = "sender_record AS r JOIN receiver_case AS c USING (id)"
    assert rows(at, f"SELECT r.key_id = c.key_id FROM {both} WHERE r.id = '{referral}'") == [(False,)]


def test_nobody_takes_anothers_card_and_a_passed_one_is_gone(db: Database) -> None:
    queued(db)
    mine = cards(db, CENTRE)[0]["id"]
    with pytest.raises(NotFound):
        taken(db, OTHER, mine)
    assert area.passed(db, card_call(CENTRE, mine)).value["state"] == "passed"
    with pytest.raises(NotFound):
        area.card(db, card_call(CENTRE, mine))
    with pytest.raises(NotFound):
        taken(db, CENTRE, mine)
    assert len(cards(db, OTHER)) == 1


def test_a_candidate_can_not_end_the_leg(db: Database) -> None:
    referral = queued(db)
    for action in ("decline", "forward"):
        with pytest.raises((NotFound, NotAllowed)):
            go(db, CENTRE, referral, action, **EXAMPLES[action])


def test_a_refusal_after_taking_goes_back_to_the_queue_without_who_refused(db: Database, at: Settings) -> None:
    referral = queued(db, external_ref="A-7")
    taken(db, CENTRE, cards(db, CENTRE)[0]["id"], "acknowledge")
    go(db, CENTRE, referral, "decline", reason="no_capacity")
    assert usecases.read(db, look(POLICE, referral)).value["state"] == "declined"
    assert not cards(db, CENTRE)
    (card,) = cards(db, OTHER)
    seen = taken(db, OTHER, card["id"], "acknowledge")
    assert seen["id"] != referral
    assert rows(at, f"SELECT parent_id FROM leg WHERE id = '{seen['id']}'") == [(referral,)]
    assert len(rows(at, "SELECT DISTINCT episode_id FROM leg")) == 1
    with pytest.raises(Conflict) as acted:
        go(db, CENTRE, referral, "undo_decision", note="too late")
    assert acted.value.code == "referral.sender_acted"
    go(db, OTHER, seen["id"], "decline", reason="no_capacity")  # type: ignore[arg-type]
    assert rows(at, "SELECT count(*) FROM leg") == [(2,)]  # nobody is left; the sender decides
    assert usecases.read(db, look(POLICE, seen["id"])).value["state"] == "declined"  # type: ignore[arg-type]


def test_the_sender_takes_it_out_of_the_queue_and_puts_it_back(db: Database) -> None:
    referral = queued(db)
    mine = cards(db, CENTRE)[0]["id"]
    expire_of(db, POLICE, referral)
    assert not cards(db, CENTRE)
    go(db, POLICE, referral, "revive")
    assert [card["id"] for card in cards(db, CENTRE)] == [mine]
    go(db, POLICE, referral, "withdraw", reason="mistaken")
    assert not cards(db, CENTRE)
    with pytest.raises(Conflict):
        taken(db, CENTRE, mine)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"area": "SE:Umeå"}, "area.nobody"),
        ({"service_kind": "peer_group"}, "area.nobody"),
        ({"urgency": "crisis"}, "area.nobody"),
    ],
    ids=["another country", "another kind", "an urgency that nobody covers"],
)
def test_where_nobody_could_take_it_it_is_not_accepted(
    db: Database, at: Settings, changes: dict[str, str], code: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        queued(db, **changes)
    assert (refusal.value.code, refusal.value.fields[0].pointer) == (code, "/area")
    assert rows(at, "SELECT count(*) FROM leg") == [(0,)]


def crowd(db: Database) -> list[Caller]:
    """As many organisations as there are acceptors, each with a service in the area."""
    callers = []
    with db.background("test") as work:
        for number in range(ACCEPTORS):
            key = f"lt-crowd-{number}"
            org = id_of_key("organisation", key)
            partner = {"key": key, "type": "crisis_centre", "country": "LT", "status": "active", "version": 1}
            copies.keep_partner(work, {"org_id": org, **partner})
            service = {"key": f"{key}-help", "kind": "behaviour_change", "accepting": "open", "status": "published"}
            ids = {"service_id": id_of_key("service", f"{key}-help"), "org_id": org}
            copies.keep_service(work, {**ids, **service, "urgencies": ["urgent"], "version": 1})
            callers.append(replace(CENTRE, org_id=org, org_key=key, subject=f"client:test:{key}"))
    return callers


def race(db: Database, callers: list[Caller], offers: dict[str, object]) -> tuple[list[str], list[str]]:
    """All at once: who got it, and the codes that the others were told."""
    won: list[str] = []
    lost: list[str] = []
    start = threading.Barrier(len(callers))

    def run(caller: Caller) -> None:
        start.wait()
        try:
            taken(db, caller, offers[caller.org_key])
            won.append(caller.org_key)
        except Refused as refusal:
            lost.append(refusal.code)

    together([partial(run, caller) for caller in callers])
    return won, lost


def together(jobs: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_of_thirty_two_at_once_exactly_one_gets_it(db: Database, at: Settings) -> None:
    callers = crowd(db)
    for _ in range(3):
        referral = queued(db)
        offers = {caller.org_key: cards(db, caller)[0]["id"] for caller in callers}
        won, lost = race(db, callers, offers)
        assert len(won) == 1
        assert set(lost) <= {"referral.taken", "database.busy", "database.unavailable"}
        cases = rows(at, f"SELECT org_id FROM receiver_case WHERE id = '{referral}'")
        assert cases == [(id_of_key("organisation", won[0]),)]
        accepted = f"SELECT count(*) FROM outbox WHERE type = 'referral.accepted' AND aggregate_id = '{referral}'"
        assert rows(at, accepted) == [(1,)]  # the receiver's; the sender's scope says no more than received


def test_without_the_lock_several_get_it(db: Database, at: Settings) -> None:
    """The negative control: the same race with the lock taken out of the function oversells."""
    callers = crowd(db)[:8]
    source = str(rows(at, "SELECT pg_get_functiondef('area_taken'::regproc)")[0][0])
    assert "FOR UPDATE" in source
    first = "UPDATE leg AS l SET receiver_id"
    rows(at, source.replace("FOR UPDATE", "").replace(first, f"PERFORM pg_sleep(0.2);\n        {first}"))
    queued(db)
    offers = {caller.org_key: cards(db, caller)[0]["id"] for caller in callers}
    won: list[str] = []
    start = threading.Barrier(len(callers))

    def run(caller: Caller) -> None:
        with db.work(look(caller, uuid.UUID(int=0))) as work:
            start.wait()
            row = work.one("SELECT outcome FROM area_taken(%s)", (offers[caller.org_key],))
            if row and row["outcome"] == "taken":
                won.append(caller.org_key)

    together([partial(run, caller) for caller in callers])
    assert len(won) > 1
