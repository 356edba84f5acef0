"""Changes of the directory by two persons: what they need, when they count, who is kept out, two editors at once."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotAllowed, NotFound, Refused, Stale
from chassis.identity import Caller
from chassis.requests import Call
from chassis.settings import Settings
from services.directory import usecases
from services.directory.rules import approval
from services.directory.rules.approval import Person, Standing
from services.directory.usecases import approving, versions
from tests.integration.directory_rig import CENTRE, NETWORK, POLICE, Somebody
from tests.support.databases import root_url

PROGRAMME = "lt-kavkc-behaviour-change"
OLD_NUMBER, NEW_NUMBER = "+37037000001", "+37037000002"
WITHHELD = {"key": "lt-kavkc-shelter", "withheld": "safety_of_residents"}


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("directory")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "directory")
    usecases.import_demo(database)
    place = {
        "key": "lt-kavkc-shelter", "organisation": CENTRE, "country": "LT", "municipality": "Kaunas",
        "address_1": "Hiding Street 7",
    }  # fmt: skip
    phones = [{"number": OLD_NUMBER}]
    one = {"key": CENTRE, "type": "crisis_centre", "country": "LT", "names": {"en": "Centre"}, "phones": phones,
           "email": "old@centre.example"}  # fmt: skip
    report = usecases.import_organisations(
        database, {"locations": [place], "organisations": [one]}, dry_run=False, actor="test"
    )
    assert report.ok, report
    yield database
    database.close()


def rows(at: Settings, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "directory")) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.fixture
def first(db: Database) -> Somebody:
    return Somebody(db, "first", CENTRE, "org_admin")


@pytest.fixture
def second(db: Database) -> Somebody:
    return Somebody(db, "second", CENTRE, "org_admin")


@pytest.fixture
def keeper(db: Database) -> Somebody:
    return Somebody(db, "keeper", NETWORK, "network_admin")


@pytest.fixture
def other_keeper(db: Database) -> Somebody:
    return Somebody(db, "other-keeper", NETWORK, "network_admin")


@pytest.fixture
def stranger(db: Database) -> Somebody:
    return Somebody(db, "stranger", POLICE, "org_admin")


def languages(at: Settings) -> list[str]:
    found: list[str] = rows(at, f"SELECT languages FROM service WHERE key = '{PROGRAMME}'")[0][0]
    return found


def version(at: Settings, key: str = CENTRE) -> int:
    found: int = rows(at, f"SELECT version FROM organisation WHERE key = '{key}'")[0][0]
    return found


def test_what_was_last_approved_stays_until_a_second_person_agrees(
    at: Settings, first: Somebody, second: Somebody
) -> None:
    before = languages(at)
    made = first.propose("services", {"key": PROGRAMME, "languages": ["lt", "en"]})
    assert (made["state"], made["weight"], made["missing"]) == ("open", "plain", ("second_person",))
    assert made["changes"] == [{"field": "languages", "before": before, "after": ["lt", "en"]}]
    assert languages(at) == before
    assert made["allowed_actions"] == ["withdraw"]
    with pytest.raises(Conflict):
        first.approve(made)
    assert second.approve(made)["state"] == "applied"
    assert languages(at) == ["lt", "en"]
    noted = "SELECT field_name, previous_value, replacement_value, updated_by FROM metadata ORDER BY no DESC LIMIT 1"
    assert rows(at, noted) == [("languages", before, ["lt", "en"], "member:first")]
    assert rows(at, "SELECT type FROM outbox ORDER BY no DESC LIMIT 1") == [("service.changed",)]
    assert rows(at, "SELECT record FROM public_record WHERE mark = 'lt-kavkc-behaviour-change'")[0][0].count('"en"')


def test_fields_that_were_not_named_stay_and_null_empties(at: Settings, first: Somebody, second: Somebody) -> None:
    second.approve(first.propose("services", {"key": PROGRAMME, "url": "https://centre.example", "needs": ["anger"]}))
    query = (
        f"SELECT to_jsonb(s) - 'url' - 'needs' - 'version' - 'changed_at' FROM service AS s WHERE key = '{PROGRAMME}'"
    )
    before = rows(at, query)
    second.approve(first.propose("services", {"key": PROGRAMME, "url": None, "needs": None}, based_on=2))
    assert rows(at, f"SELECT url, needs FROM service WHERE key = '{PROGRAMME}'") == [(None, [])]
    assert rows(at, query) == before


def test_two_editors_at_once(at: Settings, first: Somebody, second: Somebody) -> None:
    one = first.propose("services", {"key": PROGRAMME, "languages": ["lt", "en"]})
    same = second.propose("services", {"key": PROGRAMME, "languages": ["lt", "ru"]})
    other = second.propose("services", {"key": PROGRAMME, "needs": ["anger"]})
    second.approve(one)
    with pytest.raises(Stale) as refused:
        first.approve(same)
    assert (refused.value.code, first.read(same)["conflicts"]) == ("proposal.overtaken", ["languages"])
    assert first.approve(other)["state"] == "applied"  # another field: both count
    assert languages(at) == ["lt", "en"]
    with pytest.raises(Stale):
        first.propose("services", {"key": PROGRAMME, "languages": ["lt"]}, based_on=1)


def test_a_field_that_was_sent_along_unchanged_takes_nothing_back(
    at: Settings, first: Somebody, second: Somebody
) -> None:
    made = first.propose("services", {"key": PROGRAMME, "languages": ["lt", "en"], "phones": []})
    assert made["weight"] == "plain"
    assert [change["field"] for change in made["changes"]] == ["languages"]
    line = {"key": PROGRAMME, "organisation": CENTRE, "kind": "behaviour_change", "names": {"en": "P"}}
    told = {**line, "languages": languages(at), "phones": [{"number": NEW_NUMBER}]}
    assert usecases.import_organisations(first.db, {"services": [told]}, dry_run=False, actor="test").ok
    assert second.approve(made)["state"] == "applied"
    assert rows(at, f"SELECT phones FROM service WHERE key = '{PROGRAMME}'") == [([{"number": NEW_NUMBER}],)]


def test_what_was_plain_while_an_organisation_was_joining_is_not_once_it_has_joined(
    first: Somebody, keeper: Somebody, other_keeper: Somebody
) -> None:
    given = {"organisations": [{**NEWCOMER, "status": "joining"}]}
    assert usecases.import_organisations(first.db, given, dry_run=False, actor="test").ok
    made = keeper.propose("organisations", {"key": "lt-newcomer", "email": "new@newcomer.example"})
    assert made["weight"] == "plain"
    given["organisations"][0]["status"] = "active"
    assert usecases.import_organisations(first.db, given, dry_run=False, actor="test").ok
    with pytest.raises(Stale):
        other_keeper.approve(made)


def test_two_approvals_in_the_same_moment_apply_once(
    at: Settings, first: Somebody, second: Somebody, keeper: Somebody
) -> None:
    made = first.propose("services", {"key": PROGRAMME, "languages": ["lt", "en"]})
    ended: list[object] = []

    def approve(who: Somebody) -> None:
        try:
            ended.append(who.approve(made, version=1)["state"])
        except Refused as refused:
            ended.append(refused.status)

    both = [threading.Thread(target=approve, args=(who,)) for who in (second, keeper)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert sorted(map(str, ended)) == ["412", "applied"]
    assert rows(at, f"SELECT version FROM service WHERE key = '{PROGRAMME}'") == [(2,)]


def test_a_new_number_waits_for_a_call_back_a_keeper_and_three_days(
    at: Settings, monkeypatch: pytest.MonkeyPatch, first: Somebody, second: Somebody, keeper: Somebody
) -> None:
    db = first.db
    made = first.propose("organisations", {"key": CENTRE, "phones": [{"number": NEW_NUMBER}]}, based_on=version(at))
    assert (made["weight"], made["missing"]) == ("guarded", ("call_back", "keeper"))
    with pytest.raises(Conflict):  # of the same house is not enough
        second.approve(made)
    assert keeper.read(made)["call_back_on"] == [OLD_NUMBER]
    for wrong in (NEW_NUMBER, None):
        with pytest.raises(Invalid):
            keeper.record(made, "call_back", wrong)
    assert keeper.record(made, "call_back", OLD_NUMBER)["missing"] == ("keeper",)
    waiting = keeper.approve(made)
    assert waiting["state"] == "waiting"
    assert waiting["due_at"] - clock.now() > approval.DELAY * 0.99
    assert approving.apply_due(db) == 0
    later = clock.now() + approval.DELAY
    monkeypatch.setattr(clock, "now", lambda: later)
    assert approving.apply_due(db) == 1
    assert rows(at, f"SELECT phones FROM organisation WHERE key = '{CENTRE}'") == [([{"number": NEW_NUMBER}],)]
    assert approving.apply_due(db) == 0


def test_a_guarded_change_is_stopped_while_it_waits(
    at: Settings, monkeypatch: pytest.MonkeyPatch, first: Somebody, second: Somebody, keeper: Somebody
) -> None:
    db = first.db
    made = first.propose("organisations", {"key": CENTRE, "email": "new@centre.example"}, based_on=version(at))
    keeper.record(made, "call_back", OLD_NUMBER)
    keeper.approve(made)
    assert second.act(approving.reject, made, reason="Nobody of us asked for this.")["state"] == "rejected"
    later = clock.now() + approval.DELAY
    monkeypatch.setattr(clock, "now", lambda: later)
    assert approving.apply_due(db) == 0
    assert rows(at, f"SELECT email FROM organisation WHERE key = '{CENTRE}'") == [("old@centre.example",)]


def test_what_was_changed_while_it_waited_is_not_overwritten(
    at: Settings, db: Database, monkeypatch: pytest.MonkeyPatch, first: Somebody, keeper: Somebody
) -> None:
    made = first.propose("organisations", {"key": CENTRE, "email": "new@centre.example"}, based_on=version(at))
    keeper.record(made, "call_back", OLD_NUMBER)
    keeper.approve(made)
    given = {"key": CENTRE, "type": "crisis_centre", "country": "LT", "names": {"en": "C"}, "email": "x@centre.example"}
    assert usecases.import_organisations(db, {"organisations": [given]}, dry_run=False, actor="test").ok
    later = clock.now() + approval.DELAY
    monkeypatch.setattr(clock, "now", lambda: later)
    assert approving.apply_due(db) == 0
    ended = keeper.read(made)
    assert (ended["state"], ended["ended_because"]) == ("overtaken", "email")
    assert rows(at, f"SELECT email FROM organisation WHERE key = '{CENTRE}'") == [("x@centre.example",)]


NEWCOMER = {
    "key": "lt-newcomer", "type": "crisis_centre", "country": "LT", "names": {"en": "Newcomer"},
    "phones": [{"number": "+37037000009"}],
}  # fmt: skip


def test_an_organisation_joins_by_two_keepers_and_three_papers(
    at: Settings, first: Somebody, keeper: Somebody, other_keeper: Somebody
) -> None:
    with pytest.raises(NotAllowed):
        first.propose("organisations", NEWCOMER, based_on=0)
    made = keeper.propose("organisations", NEWCOMER, based_on=0)
    assert made["missing"] == ("register_entry", "written_agreement", "call_back", "second_keeper")
    other_keeper.approve(made)
    keeper.record(made, "register_entry")
    other_keeper.record(made, "written_agreement")
    with pytest.raises(Invalid) as refused:  # a number found elsewhere, not the newcomer's word
        other_keeper.record(made, "call_back", "+37037000009")
    assert "elsewhere" in refused.value.detail
    assert rows(at, "SELECT count(*) FROM organisation WHERE key = 'lt-newcomer'") == [(0,)]
    assert other_keeper.record(made, "call_back", "+37037000008")["state"] == "applied"
    assert rows(at, "SELECT status FROM organisation WHERE key = 'lt-newcomer'") == [("active",)]
    assert rows(at, "SELECT type FROM outbox ORDER BY no DESC LIMIT 1") == [("organisation.registered",)]
    history = [(step["kind"], step["by_subject"]) for step in keeper.read(made)["steps"]]
    assert history == [
        ("approval", "member:other-keeper"), ("register_entry", "member:keeper"),
        ("written_agreement", "member:other-keeper"), ("call_back", "member:other-keeper"),
    ]  # fmt: skip


def test_one_that_came_in_by_import_joins_in_the_same_way_with_all_that_is_its_own(
    at: Settings, keeper: Somebody, other_keeper: Somebody
) -> None:
    line = {"key": "lt-newcomer-line", "organisation": "lt-newcomer", "kind": "helpline", "names": {"en": "Line"}}
    member = {"organisation": "lt-newcomer", "in": "lt-lva"}
    given = {"organisations": [{**NEWCOMER, "status": "joining"}], "services": [line], "memberships": [member]}
    report = usecases.import_organisations(keeper.db, given, dry_run=False, actor="test")
    assert (report.ok, report.events) == (True, 0)
    made = keeper.propose("organisations", {"key": "lt-newcomer", "status": "active"})
    assert made["missing"] == ("register_entry", "written_agreement", "call_back", "second_keeper")
    assert keeper.read(made)["call_back_on"] == []
    for kind in ("register_entry", "written_agreement"):
        keeper.record(made, kind)
    with pytest.raises(Invalid):
        keeper.record(made, "call_back", "+37037000009")
    keeper.record(made, "call_back", "+37037000008")
    other_keeper.approve(made)
    told = rows(at, "SELECT type FROM outbox ORDER BY no DESC LIMIT 3")
    assert told == [("membership.started",), ("service.published",), ("organisation.registered",)]


def test_a_suspension_takes_two_keepers_and_comes_at_once(
    at: Settings, first: Somebody, keeper: Somebody, other_keeper: Somebody
) -> None:
    made = keeper.propose("organisations", {"key": POLICE, "status": "suspended"})
    assert made["missing"] == ("second_keeper",)
    with pytest.raises(NotFound):
        first.approve(made, version=1)
    assert other_keeper.approve(made)["state"] == "applied"
    assert rows(at, f"SELECT status FROM organisation WHERE key = '{POLICE}'") == [("suspended",)]
    assert rows(at, f"SELECT count(*) FROM public_record WHERE mark = '{POLICE}'") == [(0,)]
    back = other_keeper.propose("organisations", {"key": POLICE, "status": "active"}, based_on=2)
    assert back["missing"] == ("call_back", "second_keeper")


def test_more_than_a_plain_approval_wants_the_second_factor_again(
    db: Database, keeper: Somebody, other_keeper: Somebody
) -> None:
    made = keeper.propose("organisations", {"key": POLICE, "status": "suspended"})
    stale = Somebody(db, "stale", NETWORK, "network_admin", proved=False)
    with pytest.raises(NotAllowed) as refused:
        stale.approve(made)
    assert refused.value.code == "step_up.required"
    assert other_keeper.approve(made)["state"] == "applied"


def test_an_address_is_hidden_at_once_and_given_back_by_two_of_its_own(
    at: Settings, first: Somebody, second: Somebody, keeper: Somebody
) -> None:
    first.propose("locations", {"key": "lt-kavkc-shelter", "address_1": "Hiding Street 7 B"})
    assert first.propose("locations", WITHHELD)["state"] == "applied"
    assert rows(at, "SELECT address_1, withheld FROM location WHERE key = 'lt-kavkc-shelter'") == [
        (None, "safety_of_residents")
    ]
    for table in ("metadata", "public_record", "location", "proposal", "proposal_step"):
        assert rows(at, f"SELECT count(*) FROM {table} AS t WHERE to_jsonb(t)::text LIKE '%Hiding Street%'") == [(0,)]
    back = {"key": "lt-kavkc-shelter", "withheld": None, "address_1": "Open Street 1"}
    with pytest.raises(NotAllowed):
        keeper.propose("locations", back, based_on=2)
    made = first.propose("locations", back, based_on=2)
    assert (made["weight"], made["missing"]) == ("lifting", ("own_second_person",))
    with pytest.raises(Conflict):
        keeper.approve(made)
    assert second.approve(made)["state"] == "applied"
    assert rows(at, "SELECT address_1 FROM location WHERE key = 'lt-kavkc-shelter'") == [("Open Street 1",)]


def test_nobody_proposes_or_sees_what_is_another_organisations(
    db: Database, first: Somebody, stranger: Somebody, keeper: Somebody
) -> None:
    with pytest.raises(NotAllowed):
        stranger.propose("services", {"key": PROGRAMME, "languages": ["ru"]})
    with pytest.raises(NotAllowed):  # nor takes over a service, nor gives one away
        stranger.propose("services", {"key": PROGRAMME, "organisation": POLICE})
    with pytest.raises(NotAllowed):
        first.propose("services", {"key": PROGRAMME, "organisation": POLICE})
    with pytest.raises(NotAllowed):  # what the network keeps
        first.propose("network_facts", {"fact": "We are many."}, based_on=0)
    with pytest.raises(NotAllowed):  # not even whether a guess is right
        stranger.propose("organisations", {"key": CENTRE, "email": "old@centre.example"}, based_on=2)
    made = first.propose("services", {"key": PROGRAMME, "languages": ["lt", "en"]})
    with pytest.raises(NotFound):
        stranger.read(made)
    assert [len(who.listed()) for who in (first, stranger, keeper)] == [1, 0, 1]
    machine = Somebody(db, "x", CENTRE, "org_admin")
    machine.caller = Caller("client:x", machine.caller.org_id, CENTRE, machine.caller.roles, "t")
    assert machine.read(made)["id"] == made["id"]
    with pytest.raises(NotAllowed):
        machine.approve(made)


@pytest.mark.parametrize(
    ("row", "pointer"),
    [
        ({"key": PROGRAMME, "languages": ["Lithuanian"]}, "/row/languages"),
        ({"key": PROGRAMME, "colour": "red"}, "/row/colour"),
        ({"key": PROGRAMME, "locations": ["lt-nowhere"]}, "/row/locations"),
        ({"key": PROGRAMME, "accepting": "open"}, "/row/accepting"),
        ({"key": PROGRAMME, "names": None}, "/row/names"),
        ({"key": ["a"]}, "/row"),
        ({}, "/row"),
    ],
)
def test_a_row_that_does_not_fit_is_told_by_field(first: Somebody, row: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        first.propose("services", row)
    assert [fault.pointer for fault in refused.value.fields] == [pointer]


def test_nothing_to_change_and_nothing_left_to_do(first: Somebody, second: Somebody) -> None:
    with pytest.raises(Invalid):
        first.propose("services", {"key": PROGRAMME})
    made = first.propose("services", {"key": PROGRAMME, "languages": ["lt", "en"]})
    assert first.act(approving.withdraw, made, reason="A slip.")["state"] == "withdrawn"
    with pytest.raises(Conflict):
        second.approve(made)
    with pytest.raises(NotFound):
        second.read({"id": uuid.uuid4()})


def test_who_changed_what_is_read_by_its_organisation_and_the_keepers(
    first: Somebody, second: Somebody, stranger: Somebody, keeper: Somebody
) -> None:
    second.approve(first.propose("services", {"key": PROGRAMME, "languages": ["lt", "en"]}))
    path, query = {"section": "services", "mark": PROGRAMME}, {"cursor": None, "limit": 1}

    def seen(who: Somebody) -> dict[str, Any]:
        call = Call(route="GET", operation="directory.history", caller=who.caller, path=path, query=query)
        value: dict[str, Any] = versions.history(who.db, call).value
        return value

    for who in (first, keeper):
        found = seen(who)
        assert [(line["field"], line["by"]) for line in found["items"]] == [("languages", "member:first")]
        assert found["next"] is not None
    with pytest.raises(NotFound):
        seen(stranger)


ONE, TWO = (Person(subject=name, org_id="own", keeper=False) for name in ("one", "two"))
KEEPS, KEEPS_TOO = (Person(subject=name, org_id="net", keeper=True) for name in ("k1", "k2"))


@pytest.mark.parametrize(
    ("weight", "proposer", "approvals", "lacks"),
    [
        ("plain", ONE, (), ("second_person",)),
        ("plain", ONE, (ONE,), ("second_person",)),
        ("plain", KEEPS, (ONE,), ()),
        ("guarded", ONE, (TWO,), ("call_back", "keeper")),
        ("guarded", KEEPS, (TWO,), ("call_back", "keeper")),
        ("guarded", KEEPS, (KEEPS_TOO,), ("call_back",)),
        ("standing", ONE, (), ("keeper",)),
        ("standing", ONE, (KEEPS,), ("second_keeper",)),
        ("standing", ONE, (KEEPS, KEEPS_TOO), ()),
        ("standing", KEEPS, (KEEPS,), ("second_keeper",)),
        ("lifting", ONE, (KEEPS,), ("own_second_person",)),
    ],
)
def test_what_is_missing(weight: str, proposer: Person, approvals: tuple[Person, ...], lacks: tuple[str, ...]) -> None:
    at = Standing(weight=weight, org_id="own", proposer=proposer, approvals=approvals)
    assert approval.missing(at) == lacks
