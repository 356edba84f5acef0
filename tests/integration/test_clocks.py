"""Clocks on a real database: what runs for whom, what the sweeper does once, what is true without it."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotFound
from chassis.identity import Caller
from chassis.requests import Call
from chassis.settings import Settings
from services.referrals import usecases
from services.referrals.rules.clock_table import BY_CODE
from services.referrals.rules.feedback import SCOPES
from services.referrals.schemas import clocks as shapes
from services.referrals.schemas.transitions import SHAPES, Resending
from services.referrals.store import copies, legs
from services.referrals.usecases import area, clock_settings, clocks, reviewing, sweeping, tasks
from services.referrals.views import clocks as views
from tests.support.databases import root_url
from tests.support.referrals import CENTRE, OTHER, POLICE, SERVICE_ID, listing, look, move, new, seed

ACCEPTANCE = {"responsible": "Intake team", "next_step_on": "2026-12-01"}
ALLOWED = {
    "none": set[str](),
    "received_only": {"C1", "C5", "C7"},
    "attendance": {"C1", "C2", "C4", "C5", "C6", "C7"},
    "attendance_and_completion": {"C1", "C2", "C4", "C5", "C6", "C7"},
    "completion_and_goals": {"C1", "C5", "C7"},
    "full_report": {"C1", "C2", "C4", "C5", "C6", "C7"},
}
SHIFT = """
UPDATE clock SET started_at = started_at - %(by)s::interval, due_at = due_at - %(by)s::interval,
       steps = (SELECT coalesce(array_agg(s - %(by)s::interval ORDER BY s), '{}') FROM unnest(steps) AS s)
"""


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    yield database
    database.close()


def rows(at: Settings, query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "referrals")) as connection:
        found = connection.execute(query.encode(), parameters)
        return found.fetchall() if found.description else []


def pass_time(at: Settings, days: int) -> None:
    """Let so many days go by: everything that the clocks know lies further back."""
    rows(at, SHIFT, {"by": f"{days} days"})


def created(db: Database, **changes: object) -> uuid.UUID:
    made: uuid.UUID = usecases.create(db, new(**changes)).value["id"]
    return made


def seen(db: Database, by: Caller, referral: uuid.UUID) -> dict[str, dict[str, Any]]:
    """The clocks of one side, without that of the legal basis, which runs beside all others."""
    return {each: flag for each, flag in all_seen(db, by, referral).items() if each != "C9"}


def all_seen(db: Database, by: Caller, referral: uuid.UUID) -> dict[str, dict[str, Any]]:
    return {each["clock"]: each for each in usecases.read(db, look(by, referral)).value["clocks"]}


def asked(db: Database, by: Caller, *, done: bool = False) -> list[tuple[str, str, str]]:
    page = tasks.listed(db, listing(by, done=done, kind=None)).value
    return [(each["side"], each["kind"], each["for_role"]) for each in page["items"]]


def request(by: Caller, body: dict[str, Any], path: dict[str, Any] | None = None) -> Call:
    raw = orjson.dumps(body, default=str)
    return Call(route="-", operation="-", caller=by, request_id="r", body=body, raw=raw, path=path or {})


def in_days(days: int) -> dt.datetime:
    return clock.now() + dt.timedelta(days=days)


def test_a_new_referral_runs_two_clocks_on_both_sides_and_one_of_them_acts(db: Database, at: Settings) -> None:
    referral = created(db)
    assert set(seen(db, POLICE, referral)) == set(seen(db, CENTRE, referral)) == {"C1", "C7"}
    acting = rows(at, "SELECT org_id, code FROM clock WHERE act_at IS NOT NULL AND code = 'C7'")
    assert acting == [(CENTRE.org_id, "C7")]
    for table in ("sender_record", "receiver_case"):
        assert rows(at, f"SELECT due_clock, due_at IS NOT NULL FROM {table}") == [("C1", True)]


def test_what_is_overdue_is_so_without_anybody_saying_it(db: Database, at: Settings) -> None:
    referral = created(db, ordered=True, order_reference="X-1")
    assert not seen(db, CENTRE, referral)["C1"]["overdue"]
    pass_time(at, 30)
    first = seen(db, CENTRE, referral)["C1"]
    assert (first["overdue"], first["warning"], first["turn"]) == (True, "passed", "receiver")


def test_a_whole_case_moves_the_clocks_of_each_side_by_what_it_may_know(db: Database, at: Settings) -> None:
    referral = created(db)  # police with consent: received_only
    usecases.acknowledge(db, move(CENTRE, referral, "acknowledge", 1))
    assert (set(seen(db, CENTRE, referral)), set(seen(db, POLICE, referral))) == ({"C2"}, set())
    usecases.move(db, move(CENTRE, referral, "request_info", 2, question="When?"), "request_info")
    assert set(seen(db, CENTRE, referral)) == {"C2", "C5", "C7"}
    assert set(seen(db, POLICE, referral)) == {"C5", "C7"}
    assert seen(db, CENTRE, referral)["C2"]["paused"]
    usecases.move(db, move(POLICE, referral, "provide_info", 3, answer="Monday."), "provide_info")
    assert not seen(db, CENTRE, referral)["C2"]["paused"]
    usecases.accept(db, move(CENTRE, referral, "accept", 4, **ACCEPTANCE))
    assert (set(seen(db, CENTRE, referral)), set(seen(db, POLICE, referral))) == ({"C3", "C4"}, set())
    usecases.move(db, move(CENTRE, referral, "end", 5, reason="moved"), "end")
    assert rows(at, "SELECT count(*) FROM clock") == [(0,)]
    assert rows(at, "SELECT due_at, due_clock FROM receiver_case") == [(None, None)]


WALK: list[tuple[Caller, str, dict[str, Any]]] = [
    (CENTRE, "acknowledge", {}),
    (CENTRE, "start_assessment", {"assessor": "Intake team", "planned_on": "2027-01-15"}),
    (CENTRE, "hold", {"reason": "health", "review_on": "2027-01-11"}),
    (CENTRE, "resume", {}),
    (CENTRE, "accept", ACCEPTANCE),
    (CENTRE, "undo_decision", {"note": "Invented."}),
    (CENTRE, "waitlist", {"expected_on": None, "review_on": "2026-12-22"}),
    (CENTRE, "offer_place", {"place": "Autumn group", "answer_by": "2026-12-10T12:00:00+02:00"}),
    (POLICE, "hold", {"reason": "health", "review_on": "2027-01-11"}),
    (POLICE, "resume", {}),
    (CENTRE, "start", {"started_on": "2026-12-14", "how": "first_session"}),
    (CENTRE, "return_to_list", {"text": "Invented.", "review_on": "2027-01-11"}),
    (CENTRE, "start", {"started_on": "2026-12-14", "how": "first_session"}),
    (CENTRE, "end", {"reason": "moved"}),
    (CENTRE, "reopen", {"note": "Invented."}),
]


@pytest.mark.parametrize("scope", SCOPES)
def test_at_every_step_of_a_long_case_each_side_has_the_clocks_of_its_own_state(db: Database, scope: str) -> None:
    referral = created(db, feedback_scope=scope)
    for by, action, body in WALK:
        seen = usecases.read(db, look(by, referral)).value
        if by is POLICE and action not in seen["allowed_actions"]:
            continue  # he may not know of the state that he could pause
        version = seen["version"]
        usecases.move(db, move(by, referral, action, version, **body), action)
        for party in (POLICE, CENTRE):
            shown = usecases.read(db, look(party, referral)).value
            for each in shown["clocks"]:
                row = BY_CODE[each["clock"]]
                assert shown["state"] in (row.pauses if each["paused"] else row.runs), (action, each)
        codes = {each["clock"] for each in usecases.read(db, look(POLICE, referral)).value["clocks"]}
        assert codes <= ALLOWED[scope] | {"C9"} | ({"C8"} if action == "hold" and by == POLICE else set()), action


def test_a_referral_that_is_passed_on_or_sent_again_has_clocks_of_its_own(db: Database, at: Settings) -> None:
    first = created(db)
    usecases.move(db, move(CENTRE, first, "decline", 1, reason="no_capacity"), "decline")
    call = request(POLICE, Resending().load({"service": "lt-kavkc-behaviour-change"}), {"referral_id": first})
    again = usecases.resend(db, call).value["id"]
    assert rows(at, "SELECT DISTINCT referral_id FROM clock") == [(again,)]
    assert set(seen(db, CENTRE, again)) == set(seen(db, POLICE, again)) == {"C1", "C7"}


def test_a_draft_has_no_clock_until_it_is_sent(db: Database, at: Settings) -> None:
    draft = created(db, draft=True)
    assert seen(db, POLICE, draft) == {}
    usecases.submit(db, move(POLICE, draft, "submit", 1))
    assert set(seen(db, CENTRE, draft)) == {"C1", "C7"}
    other = created(db, draft=True)
    usecases.discard(db, move(POLICE, other, "discard", 1))
    assert rows(at, "SELECT DISTINCT referral_id FROM clock") == [(draft,)]


def test_contact_and_attendance_answer_their_clocks(db: Database) -> None:
    referral = created(db, feedback_scope="attendance")
    usecases.accept(db, move(CENTRE, referral, "accept", 1, **ACCEPTANCE))
    assert set(seen(db, CENTRE, referral)) == {"C3", "C4", "C6"}
    assert set(seen(db, POLICE, referral)) == {"C4", "C6"}
    before = seen(db, POLICE, referral)["C6"]["started_at"]
    with db.background("test", org=CENTRE.org_id) as work:
        leg = legs.lock_leg(work, referral, CENTRE.org_id)
        clocks.contacted(work, leg)
        clocks.updated(work, leg)
    assert set(seen(db, CENTRE, referral)) == {"C4", "C6"}
    assert seen(db, POLICE, referral)["C6"]["started_at"] > before


def test_reminded_once_twice_and_taken_back_the_third_time(db: Database, at: Settings) -> None:
    referral = created(db)
    steps = rows(at, "SELECT steps FROM clock WHERE act_at IS NOT NULL AND code = 'C7'")[0][0]
    before, after = dt.timedelta(minutes=-1), dt.timedelta(minutes=1)
    assert sweeping.sweep(db, at=steps[0] + before) == 0
    assert sweeping.sweep(db, at=steps[0] + after) == 1
    assert (asked(db, CENTRE), asked(db, POLICE)) == ([("receiver", "answer_late", "unit")], [])
    assert sweeping.sweep(db, at=steps[1] + after) == 1
    assert asked(db, POLICE) == [("sender", "no_answer", "lead")]
    assert ("receiver", "no_answer", "coordinator") in asked(db, CENTRE)
    assert sweeping.sweep(db, at=steps[1] + after) == 0
    assert rows(at, "SELECT state FROM leg") == [("sent",)]
    assert sweeping.sweep(db, at=steps[2] + after) == 1
    assert rows(at, "SELECT state, last_transition FROM leg") == [("expired", "expire")]
    assert asked(db, POLICE) == [("sender", "taken_back", "unit")]
    assert asked(db, CENTRE) == []
    told = rows(at, "SELECT type, audience FROM outbox ORDER BY no DESC LIMIT 2")
    assert set(told) == {("referral.expired", f"org:{party.org_id}") for party in (POLICE, CENTRE)}
    operations = [row[0] for row in rows(at, "SELECT operation FROM audit WHERE operation = 'referral.clocks'")]
    assert len(operations) == 3
    assert usecases.read(db, look(POLICE, referral)).value["allowed_actions"] != []


def test_sweeping_twice_or_late_does_what_sweeping_once_in_time_does(db: Database, at: Settings) -> None:
    created(db)
    for _ in range(2):
        sweeping.sweep(db, at=in_days(60))
    assert rows(at, "SELECT kind FROM task") == [("taken_back",)]  # nobody is asked for what is over
    assert rows(at, "SELECT count(*) FROM history WHERE transition = 'expire'") == [(2,)]


def test_two_sweepers_at_once_are_one(db: Database, at: Settings) -> None:
    for _ in range(6):
        created(db)
    ready, done = threading.Barrier(2), []

    def run() -> None:
        ready.wait()
        done.append(sweeping.sweep(db, at=in_days(60)))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(done) == 6
    assert rows(at, "SELECT count(*) FROM task") == [(6,)]
    assert rows(at, "SELECT count(*) FROM history WHERE transition = 'expire'") == [(12,)]


def test_a_sweeper_that_dies_in_between_leaves_whole_referrals(
    db: Database, at: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        created(db)
    taken = []

    def dies(work: object, leg: legs.Leg) -> None:
        taken.append(leg.id)
        if len(taken) == 2:
            raise KeyboardInterrupt
        usecases.moving.expire(work, leg)  # type: ignore[attr-defined]

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(sweeping, "expire", dies)
        sweeping.sweep(db, at=in_days(60))
    assert rows(at, "SELECT state, count(*) FROM leg GROUP BY 1 ORDER BY 1") == [("expired", 1), ("sent", 2)]
    assert rows(at, "SELECT count(*) FROM task") == [(1,)]
    assert sweeping.sweep(db, at=in_days(60)) == 2
    assert rows(at, "SELECT DISTINCT state FROM leg") == [("expired",)]


def test_one_that_can_not_be_done_keeps_no_other_waiting(
    db: Database, at: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [created(db) for _ in range(4)]
    monkeypatch.setattr(sweeping, "AT_ONCE", 2)
    true = usecases.moving.expire  # type: ignore[attr-defined]

    def fails(work: object, leg: legs.Leg) -> None:
        if leg.id in made[:2]:
            raise RuntimeError
        true(work, leg)

    monkeypatch.setattr(sweeping, "expire", fails)
    assert sweeping.sweep(db, at=in_days(60)) == 2
    assert rows(at, "SELECT count(*) FROM leg WHERE state = 'sent'") == [(2,)]


@pytest.mark.parametrize("change", [{"ordered": True, "order_reference": "X-1"}, {"urgency": "crisis"}])
def test_what_must_not_be_forgotten_rings_both_leads_twice_and_never_expires(
    db: Database, at: Settings, change: dict[str, Any]
) -> None:
    if "urgency" in change:
        with db.background("test") as work:
            service = {"key": "lt-kavkc-behaviour-change", "kind": "behaviour_change", "accepting": "open"}
            rest = {"urgencies": ["crisis"], "status": "published", "version": 2}
            copies.keep_service(work, {"service_id": SERVICE_ID, "org_id": CENTRE.org_id, **service, **rest})
    referral = created(db, **change)
    first = rows(at, "SELECT steps FROM clock WHERE act_at IS NOT NULL AND code = 'C7'")[0][0][0]
    sweeping.sweep(db, at=first)
    assert asked(db, POLICE) == [("sender", "telephone_now", "lead")]
    assert asked(db, CENTRE) == [("receiver", "telephone_now", "lead")]
    for _ in range(2):
        sweeping.sweep(db, at=in_days(300))
    assert rows(at, "SELECT count(*) FROM task WHERE kind = 'telephone_now'") == [(4,)]
    assert rows(at, "SELECT state FROM leg") == [("sent",)]
    usecases.acknowledge(db, move(CENTRE, referral, "acknowledge", 1))
    assert rows(at, "SELECT count(*) FROM task WHERE done_at IS NULL AND kind = 'telephone_now'") == [(0,)]


def test_after_its_time_an_answer_finds_it_expired_without_any_sweeper(db: Database, at: Settings) -> None:
    referral = created(db)
    pass_time(at, 60)
    with pytest.raises(Conflict) as refused:
        usecases.accept(db, move(CENTRE, referral, "accept", 1, **ACCEPTANCE))
    assert "expired" in refused.value.detail
    assert rows(at, "SELECT state, last_transition FROM leg") == [("expired", "expire")]
    assert sweeping.sweep(db) == 0


@pytest.mark.parametrize("by", [POLICE, CENTRE])
def test_after_its_time_a_look_finds_it_expired_without_any_sweeper(db: Database, at: Settings, by: Caller) -> None:
    referral = created(db)
    pass_time(at, 60)
    assert usecases.read(db, look(by, referral)).value["state"] == "expired"
    usecases.move(db, move(POLICE, referral, "revive", 2), "revive")
    assert {code: each["overdue"] for code, each in seen(db, CENTRE, referral).items()} == {"C1": False, "C7": False}
    assert rows(at, "SELECT revived FROM leg") == [(1,)]


def answered(db: Database, referral: uuid.UUID) -> str:
    try:
        usecases.accept(db, move(CENTRE, referral, "accept", 1, **ACCEPTANCE))
    except Conflict:
        return "refused"
    return "accepted"


@pytest.mark.parametrize("turn", range(5))
def test_an_answer_and_the_recall_at_once_end_in_one_of_them(db: Database, at: Settings, turn: int) -> None:
    """At the very moment: whoever has the lock first; never both."""
    referral, ready, taken = created(db), threading.Barrier(2), []

    def answer() -> None:
        ready.wait()
        taken.append(answered(db, referral))

    def recall() -> None:
        ready.wait()
        sweeping.sweep(db, at=in_days(60))

    threads = [threading.Thread(target=each) for each in (answer, recall)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    state = rows(at, "SELECT state FROM leg")[0][0]
    assert (state, taken) in [("accepted", ["accepted"]), ("expired", ["refused"])]


def test_a_sender_who_wants_to_hear_nothing_is_asked_nothing(db: Database, at: Settings) -> None:
    referral = created(db, feedback_scope="none")
    assert seen(db, POLICE, referral) == {}
    steps = rows(at, "SELECT steps FROM clock WHERE act_at IS NOT NULL AND code = 'C7'")[0][0]
    sweeping.sweep(db, at=steps[1])
    assert asked(db, POLICE) == []
    assert len(asked(db, CENTRE)) == 2


def test_who_waits_is_asked_for_again_and_a_review_starts_anew(db: Database, at: Settings) -> None:
    referral = created(db)
    usecases.acknowledge(db, move(CENTRE, referral, "acknowledge", 1))
    waitlist = move(CENTRE, referral, "waitlist", 2, expected_on=None, review_on="2026-12-22")
    usecases.move(db, waitlist, "waitlist")
    assert set(seen(db, CENTRE, referral)) == {"C8"}
    sweeping.sweep(db, at=in_days(60))
    assert asked(db, CENTRE) == [("receiver", "review_due", "unit")]
    with pytest.raises(Conflict):
        reviewing.review(db, request(replace(POLICE, roles=frozenset({"sender_worker"})), {"review_on": None},
                                     {"referral_id": referral}))  # fmt: skip
    before = seen(db, CENTRE, referral)["C8"]["started_at"]
    reviewing.review(db, request(CENTRE, {"review_on": None}, {"referral_id": referral}))
    assert seen(db, CENTRE, referral)["C8"]["started_at"] > before
    assert asked(db, CENTRE) == []
    assert asked(db, CENTRE, done=True) == [("receiver", "review_due", "unit")]
    other = created(db)
    with pytest.raises(Conflict):
        reviewing.review(db, request(CENTRE, {"review_on": None}, {"referral_id": other}))


def test_the_end_of_a_consent_is_seen_and_told_by_both_sides_from_its_half(db: Database, at: Settings) -> None:
    """A consent of the police counts for a year; each side has its own clock and its own tasks."""
    referral = created(db)
    usecases.accept(db, move(CENTRE, referral, "accept", 1, **ACCEPTANCE))
    year = in_days(365).date()
    for by in (POLICE, CENTRE):
        legal = all_seen(db, by, referral)["C9"]
        assert legal["due_at"] == dt.datetime.combine(
            year + dt.timedelta(1), dt.time(), tzinfo=ZoneInfo("Europe/Vilnius")
        )
        assert (legal["overdue"], legal["warning"]) == (False, None)
    assert rows(at, "SELECT valid_until FROM leg") == [(year,)]
    for days, kinds in ((170, []), (190, ["legal_half"]), (300, ["legal_half", "legal_near"])):
        for _ in range(2):
            sweeping.sweep(db, at=in_days(days))
        assert sorted(kind for _, kind, _ in asked(db, POLICE)) == kinds
        assert sorted(kind for _, kind, _ in asked(db, CENTRE)) == kinds
    usecases.move(db, move(CENTRE, referral, "end", 3, reason="moved"), "end")
    assert asked(db, CENTRE) == []
    assert rows(at, "SELECT count(*) FROM clock") == [(0,)]


def test_an_order_without_an_end_has_no_legal_clock(db: Database) -> None:
    referral = created(db, ordered=True, order_reference="X-1")
    assert "C9" not in all_seen(db, CENTRE, referral)


def test_a_task_is_done_once_by_whom_it_is_for(db: Database, at: Settings) -> None:
    created(db, ordered=True, order_reference="X-1")
    sweeping.sweep(db, at=in_days(60))
    lead, worker = (replace(CENTRE, roles=frozenset({role})) for role in ("receiver_lead", "intake_worker"))
    assert asked(db, worker) == []
    page = tasks.listed(db, listing(lead, done=False, kind=None)).value["items"]
    assert [each["overdue"] for each in page] == [False, False]
    first = tasks.listed(db, listing(lead, done=False, kind="telephone_now", limit=1)).value
    rest = tasks.listed(db, listing(lead, done=False, kind=None, limit=1, cursor=first["next"])).value
    assert [each["id"] for each in (*first["items"], *rest["items"])] == [each["id"] for each in page]
    assert rest["next"] is None
    wanted = {"task_id": page[0]["id"]}
    for stranger in (worker, POLICE, OTHER):
        with pytest.raises(NotFound):
            tasks.done(db, request(stranger, {}, wanted))
    assert tasks.done(db, request(lead, {}, wanted)).value["done_by"] == lead.subject
    with pytest.raises(Conflict):
        tasks.done(db, request(lead, {}, wanted))
    assert len(asked(db, lead)) == 1


def test_tasks_of_a_closed_case_are_its_members_only(db: Database, at: Settings) -> None:
    referral = created(db)
    sweeping.sweep(db, at=rows(at, "SELECT steps FROM clock WHERE act_at IS NOT NULL AND code = 'C7'")[0][0][0])
    north, south = (
        replace(CENTRE, roles=frozenset({"intake_worker"}), units=frozenset({u})) for u in ("north", "south")
    )
    rows(at, "UPDATE receiver_case SET unit = 'north'")
    assert (len(asked(db, north)), asked(db, south)) == (1, [])
    assert len(asked(db, replace(south, roles=frozenset({"receiver_lead"})))) == 1
    task = tasks.listed(db, listing(north, done=False, kind=None)).value["items"][0]["id"]
    with pytest.raises(NotFound):
        tasks.done(db, request(south, {}, {"task_id": task}))
    rows(at, "UPDATE receiver_case SET restricted = true")
    assert asked(db, north) == []
    rows(
        at, "INSERT INTO case_member VALUES (%s, %s, %s, 'named', 'x', now())", (CENTRE.org_id, referral, north.subject)
    )
    assert len(asked(db, north)) == 1


def test_other_parts_of_the_house_give_tasks_too(db: Database, at: Settings) -> None:
    referral = created(db)
    for _ in range(2):
        with db.background("test", org=CENTRE.org_id) as work:
            work.now = dt.datetime(2026, 11, 26, 9, tzinfo=dt.UTC)
            tasks.add(work, CENTRE.org_id, referral, "signup_ended", in_days(7))
    assert asked(db, CENTRE) == [("receiver", "signup_ended", "unit")]


def setting(by: Caller = CENTRE, **changes: Any) -> Call:
    return request(by, shapes.NewSetting().load({**shapes.SETTING_EXAMPLE, **changes}))


def test_a_service_s_own_figure_counts_for_what_starts_from_then_on(db: Database, at: Settings) -> None:
    before = created(db, urgency="standard")
    due = seen(db, CENTRE, before)["C1"]["due_at"]
    answer = clock_settings.set_one(db, setting(clock="C1", amount=1)).value
    assert [(each["clock"], each["amount"], each["service"]["key"]) for each in answer["settings"]] == [
        ("C1", 1, "lt-kavkc-behaviour-change")
    ]
    later = {"clock": "C1", "amount": 4, "effective_on": str(in_days(30).date())}
    clock_settings.set_one(db, setting(**later))
    assert seen(db, CENTRE, before)["C1"]["due_at"] == due
    after = created(db, urgency="standard")
    assert seen(db, CENTRE, after)["C1"]["due_at"] < due
    assert seen(db, POLICE, after)["C1"]["due_at"] == seen(db, CENTRE, after)["C1"]["due_at"]
    elsewhere = created(db, urgency="standard", service=None, receiver="lt-kavkc")
    assert seen(db, CENTRE, elsewhere)["C1"]["due_at"] >= due
    assert len(clock_settings.settings(db, request(CENTRE, {})).value["settings"]) == 2
    assert clock_settings.settings(db, request(OTHER, {})).value["settings"] == []


def test_a_figure_beyond_its_limits_or_of_another_s_service_is_refused(db: Database) -> None:
    for call, code in (
        (setting(amount=11), "clock.beyond_limits"),
        (setting(clock="C7"), "clock.not_settable"),
        (setting(effective_on="2026-01-01"), "clock.wrong_day"),
        (setting(OTHER), "service.unknown"),
    ):
        with pytest.raises(Invalid) as refused:
            clock_settings.set_one(db, call)
        assert refused.value.code == code


def test_a_crisis_without_cover_at_night_names_who_answers(db: Database) -> None:
    with db.background("test") as work:
        service = {"key": "lt-kavkc-behaviour-change", "kind": "behaviour_change", "accepting": "open"}
        rest = {"urgencies": [], "status": "published", "version": 2}
        copies.keep_service(work, {"service_id": SERVICE_ID, "org_id": CENTRE.org_id, **service, **rest})
    warned = usecases.create(db, new(urgency="crisis")).value["warnings"]
    assert [each["code"] for each in warned] == ["crisis.no_round_the_clock"]
    assert "112" in warned[0]["text"]
    assert "116 123" in warned[0]["text"]
    assert usecases.create(db, new()).value["warnings"] == []


def test_planned_counts_from_the_day_before_which_he_can_not_come(db: Database, at: Settings) -> None:
    with db.background("test") as work:
        service = {"key": "lt-kavkc-behaviour-change", "kind": "behaviour_change", "accepting": "open"}
        rest = {"urgencies": ["planned"], "status": "published", "version": 2}
        copies.keep_service(work, {"service_id": SERVICE_ID, "org_id": CENTRE.org_id, **service, **rest})
    referral = created(db, urgency="planned", not_before="2027-03-01", feedback_scope="attendance")
    assert usecases.read(db, look(CENTRE, referral)).value["not_before"] == "2027-03-01"
    usecases.accept(db, move(CENTRE, referral, "accept", 1, **ACCEPTANCE))
    assert seen(db, CENTRE, referral)["C3"]["due_at"] == dt.datetime(2027, 3, 1, 16, tzinfo=dt.UTC)
    assert seen(db, POLICE, referral)["C4"]["due_at"] == dt.datetime(2027, 3, 16, 16, tzinfo=dt.UTC)  # 11 March is off


MANY = """
WITH made AS (
    INSERT INTO leg (id, episode_id, kind, sender_id, receiver_id, urgency, ordered, state, feedback_scope, created_at,
                     changed_at)
    SELECT gen_random_uuid(), gen_random_uuid(), 'ordinary', %(sender)s, %(receiver)s, 'urgent', false, 'sent',
           'attendance', now(), now() FROM generate_series(1, 100000) RETURNING id, random() AS at
)
INSERT INTO clock (org_id, referral_id, code, turn, started_at, due_at, steps, acts)
SELECT %(receiver)s, id, 'C7', 'receiver', now(), now() + at * '30 days'::interval,
       ARRAY[now() - '1 day'::interval + at * '10 days'::interval, now() + at * '20 days'::interval], true
  FROM made
"""


def test_among_a_hundred_thousand_clocks_the_due_ones_are_found_by_the_index(
    db: Database, at: Settings, record_property: Callable[[str, object], None]
) -> None:
    with psycopg.connect(root_url(at, "referrals"), autocommit=True) as connection:
        connection.execute(MANY.encode(), {"sender": POLICE.org_id, "receiver": CENTRE.org_id})
        connection.execute(b"ANALYZE clock")
        plan = "\n".join(
            row[0]
            for row in connection.execute(
                b"""EXPLAIN SELECT c.act_at, c.org_id, c.referral_id FROM clock AS c WHERE c.act_at <= now()
                    AND (c.act_at, c.org_id, c.referral_id) > ('1970-01-01', '00000000-0000-0000-0000-000000000000',
                    '00000000-0000-0000-0000-000000000000')
                    ORDER BY c.act_at, c.org_id, c.referral_id LIMIT 200"""
            )
        )
    assert "clock_act" in plan
    assert "Seq Scan" not in plan
    assert "Sort" not in plan
    spent = []
    for _ in range(20):
        with db.background("test") as work:
            started = clock.now()
            sweeping.store.due(work, sweeping.store.BEGINNING, 200)
            spent.append((clock.now() - started).total_seconds() * 1000)
    record_property("sweep_question_ms", f"{sorted(spent)[10]:.2f}")
    assert sorted(spent)[10] < 50
    assert views.running  # what lists go by stands in the rows themselves; the index is in the migration


QUEUED: dict[str, Any] = {"service": None, "area": "LT:Raseiniai", "language": "lt"}


def card_of(db: Database, by: Caller, action: str = "acknowledge", **body: Any) -> Call:
    offer = area.cards(db, listing(by)).value["items"][0]["id"]
    return replace(request(by, SHAPES[action]().load(body)), path={"offer_id": offer})


def test_in_an_area_queue_the_sender_s_row_sees_to_the_recall(db: Database, at: Settings) -> None:
    referral = created(db, **QUEUED)
    assert set(seen(db, POLICE, referral)) == {"C1", "C7"}
    assert rows(at, "SELECT org_id, code FROM clock WHERE act_at IS NOT NULL AND code = 'C7'") == [
        (POLICE.org_id, "C7")
    ]
    sweeping.sweep(db, at=in_days(60))
    assert rows(at, "SELECT state FROM leg") == [("expired",)]
    assert area.cards(db, listing(CENTRE)).value["items"] == []
    assert asked(db, POLICE) == [("sender", "taken_back", "unit")]


def test_a_card_is_taken_too_late_without_any_sweeper(db: Database, at: Settings) -> None:
    created(db, **QUEUED)
    call = card_of(db, CENTRE)
    pass_time(at, 60)
    with pytest.raises(Conflict):
        area.take(db, call, "acknowledge")
    assert rows(at, "SELECT state FROM leg") == [("expired",)]


@pytest.mark.parametrize("scope", ["attendance", "none"])
def test_what_was_taken_from_a_queue_runs_for_its_receiver(db: Database, at: Settings, scope: str) -> None:
    referral = created(db, **QUEUED, feedback_scope=scope, urgency="standard", not_before="2027-03-01")
    area.take(db, card_of(db, CENTRE), "acknowledge")
    assert set(seen(db, CENTRE, referral)) == {"C2"}
    assert rows(at, "SELECT not_before FROM receiver_case") == [(dt.date(2027, 3, 1),)]
    usecases.move(db, move(CENTRE, referral, "request_info", 2, question="When?"), "request_info")
    pass_time(at, 6)  # over the question's first reminder, and beyond what the queue's own clock would have allowed
    sweeping.sweep(db)
    assert rows(at, "SELECT state FROM leg") == [("info_requested",)]
    assert rows(at, "SELECT code, org_id FROM clock WHERE act_at <= now() AND code <> 'C9'") == []


def test_a_refusal_after_taking_starts_the_clocks_of_the_next_leg(db: Database, at: Settings) -> None:
    """In the queue again, for whoever else is there."""
    referral = created(db, **QUEUED)
    area.take(db, card_of(db, CENTRE), "acknowledge")
    usecases.decline(db, move(CENTRE, referral, "decline", 2, reason="no_capacity"))
    again = rows(at, "SELECT id FROM leg WHERE parent_id = %s", (referral,))[0][0]
    assert set(seen(db, POLICE, again)) == {"C1", "C7"}
    assert rows(at, "SELECT DISTINCT referral_id FROM clock") == [(again,)]
