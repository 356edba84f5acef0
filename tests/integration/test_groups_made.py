"""Programmes and groups on a real database: made, opened, shown to everybody and to their own organisation."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.envelope import Received
from chassis.errors import Conflict, Invalid, NotFound, Stale
from chassis.identity import Caller
from chassis.settings import Settings
from services.groups import schemas, usecases
from services.groups.usecases import programmes
from tests.support.databases import root_url
from tests.support.groups import CENTRE, OTHER, PIN, call, new_group, opened, roster, sign_up

QUERY = {"cursor": None, "limit": 50, "country": None, "language": None, "area": None, "kind": None}


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("groups")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "groups")
    yield database
    database.close()


def listed(db: Database, **query: object) -> dict[str, object]:
    value: dict[str, object] = usecases.list_groups(db, call("GET /groups", None, query={**QUERY, **query})).value
    return value


def read(db: Database, group_id: uuid.UUID, by: object = None) -> dict[str, object]:
    asked = call("GET /groups/{group_id}", by, path={"group_id": group_id})  # type: ignore[arg-type]
    return dict(schemas.GroupView().dump(usecases.read_group(db, asked).value))


def programme(db: Database, by: Caller = CENTRE, **changes: object) -> dict[str, object]:
    body = schemas.NewProgramme().load({**schemas.NEW_PROGRAMME_EXAMPLE, **changes})
    return dict(programmes.create(db, call("POST /programmes", by, body)).value)


def test_a_programme_takes_the_defaults_of_its_kind(db: Database) -> None:
    peer, change = programme(db), programme(db, kind="behaviour_change")
    assert (peer["intake"], peer["retention_days"], peer["partner_step"]) == ("none", 30, False)
    assert (change["intake"], change["retention_days"], change["partner_step"]) == ("required", 180, True)
    assert str(change["key"]).startswith("lt-kavkc-behaviour-change-")
    programme(db, key="own-key")
    with pytest.raises(Conflict):
        programme(db, key="own-key")
    with pytest.raises(Invalid):
        programme(db, mandated="only")
    asked = call("GET /programmes", CENTRE, query={"cursor": None, "limit": 2})
    first = programmes.listed(db, asked).value
    asked.query = {"cursor": first["next"], "limit": 2}
    second = programmes.listed(db, asked).value
    assert [item["key"] for item in first["items"] + second["items"]] == ["own-key", change["key"], peer["key"]]
    asked.caller = OTHER
    assert programmes.listed(db, asked).value["items"] == []


def test_a_key_of_another_organisation_is_neither_in_the_way_nor_told_of(db: Database) -> None:
    programme(db, OTHER, key="lt-kavkc-peer", kind="course")
    programme(db, OTHER, key="own-key")
    programme(db, key="own-key")
    assert new_group(db)["programme"]["key"] == "lt-kavkc-peer"
    assert new_group(db)["programme"]["kind"] == "peer"
    with pytest.raises(Conflict, match=r"programme\.key_taken"):
        programme(db, key="own-key")


def test_an_organisation_with_a_long_key_has_a_default_programme_of_each_kind(db: Database) -> None:
    long = replace(CENTRE, org_key="lt-" + "k" * 61)
    kinds = [new_group(db, long, kind=kind)["programme"]["kind"] for kind in ("peer", "course")]
    assert kinds == ["peer", "course"]


def test_only_group_staff_sees_the_inner_view_of_its_own_organisation(db: Database) -> None:
    group_id, draft = opened(db, place_full="Slaptoji g. 1"), new_group(db)["id"]
    page = read(db, group_id)
    other_staff = replace(CENTRE, roles=frozenset({"referrals"}))
    assert read(db, group_id, other_staff) == page
    with pytest.raises(NotFound):
        read(db, draft, other_staff)
    for role in ("group_coordinator", "org_admin", "intake_worker"):
        assert "place_full" in read(db, group_id, replace(CENTRE, roles=frozenset({role})))


LEADER = replace(CENTRE, subject="user:demo-leader-1", roles=frozenset({"group_leader"}))


def test_a_leader_sees_inside_own_groups_only_and_a_system_inside_all(db: Database) -> None:
    own, draft = opened(db, place_full="Slaptoji g. 1"), new_group(db, leaders=[{"subject": "user:x"}])["id"]
    other = opened(db, place_full="Slaptoji g. 2", leaders=[{"subject": "user:x"}, {"subject": "user:y"}])
    assert "place_full" in read(db, own, LEADER)
    assert read(db, other, LEADER) == read(db, other)
    with pytest.raises(NotFound):
        read(db, draft, LEADER)
    for refused in (other, draft):
        with pytest.raises(NotFound):
            roster(db, refused, LEADER)
    assert roster(db, own, LEADER) == []
    assert "place_full" in read(db, other, replace(LEADER, subject="client:desk"))


@pytest.mark.parametrize(
    ("begins", "ends", "leads"), [("-2 days", "1 hour", True), ("-2 days", "-1 second", False), ("1 hour", None, False)]
)
def test_a_substitute_leads_from_the_begin_to_the_end(
    db: Database, at: Settings, begins: str, ends: str | None, *, leads: bool
) -> None:
    group_id = opened(db)
    change = """UPDATE leader_assignment SET role = 'substitute', from_at = now() + %s::interval,
                to_at = now() + %s::interval WHERE group_id = %s AND subject = %s"""
    with psycopg.connect(root_url(at, "groups")) as connection:
        connection.execute(change, (begins, ends, group_id, LEADER.subject))
    if leads:
        assert roster(db, group_id, LEADER) == []
    else:
        with pytest.raises(NotFound):
            roster(db, group_id, LEADER)


def test_only_a_draft_has_a_version_to_compare_because_men_come_and_go_without_one(db: Database) -> None:
    draft = new_group(db)["id"]
    asked = call("GET /groups/{group_id}", CENTRE, path={"group_id": draft})
    assert usecases.read_group(db, asked).version == 1
    made = schemas.NewGroup().load(schemas.NEW_GROUP_EXAMPLE)
    assert usecases.create_group(db, call("POST /groups", CENTRE, made)).version == 1
    opening = call("POST /groups/{group_id}/open", CENTRE, path={"group_id": draft}, expected_version=1)
    assert usecases.open_group(db, opening).version is None
    before = usecases.read_group(db, asked)
    sign_up(db, draft)
    after = usecases.read_group(db, asked)
    assert (before.value["held"], after.value["held"]) == (0, 1)
    assert (before.version, after.version) == (None, None)


def test_a_draft_is_seen_by_its_own_organisation_only(db: Database) -> None:
    group = new_group(db, place_full="Slaptoji g. 1")
    assert read(db, group["id"], CENTRE)["allowed_actions"] == ["open", "cancel"]
    for by in (None, OTHER):
        with pytest.raises(NotFound):
            read(db, group["id"], by)
    with pytest.raises(NotFound):
        usecases.open_group(
            db, call("POST /groups/{group_id}/open", OTHER, path={"group_id": group["id"]}, expected_version=1)
        )


def test_an_open_group_is_public_without_its_full_address_and_counts(db: Database) -> None:
    group_id = opened(db, place_full="Slaptoji g. 1")
    page = read(db, group_id)
    assert not {"place_full", "held", "waiting", "leaders"} & set(page)
    assert (page["accepting"], page["seat_at_once"], page["schedule"]["local_start"]) == (True, True, "18:00")  # type: ignore[index]
    assert read(db, group_id, OTHER) == page
    inner = read(db, group_id, CENTRE)
    assert (inner["place_full"], inner["held"], len(inner["leaders"])) == ("Slaptoji g. 1", 0, 2)  # type: ignore[arg-type]
    assert {name: inner[name] for name in page} == page


def test_what_is_missing_is_named_and_a_stale_version_is_refused(db: Database) -> None:
    group = new_group(db, leaders=[{"subject": "user:a"}], schedule=None, place_public=None)
    asked = call("POST /groups/{group_id}/open", CENTRE, path={"group_id": group["id"]}, expected_version=1)
    with pytest.raises(Conflict) as refused:
        usecases.open_group(db, asked)
    assert all(word in refused.value.detail for word in ("2 leaders", "schedule", "place"))
    asked.expected_version = 2
    with pytest.raises(Stale):
        usecases.open_group(db, asked)
    with pytest.raises(Conflict):
        usecases.open_group(db, call("-", CENTRE, path={"group_id": opened(db)}, expected_version=2))


def test_bad_groups_are_refused(db: Database) -> None:
    with pytest.raises(Invalid):
        new_group(db, programme="no-such")
    with pytest.raises(Invalid):
        new_group(db, capacity=17)
    with pytest.raises(Conflict, match="leader_twice"):
        new_group(db, leaders=[{"subject": "user:a"}, {"subject": "user:a"}])


def test_the_list_filters_and_pages_and_hides_support_pairs(db: Database) -> None:
    lithuanian, finnish = opened(db), opened(db, country="FI", languages=["fi", "sv"], areas=["fi-091"])
    pair = opened(db, kind="support_pair", capacity=2)
    assert [item["id"] for item in listed(db)["items"]] == [finnish, lithuanian]  # type: ignore[attr-defined]
    for query in ({"country": "FI"}, {"language": "sv"}, {"area": "fi-091"}):
        assert [item["id"] for item in listed(db, **query)["items"]] == [finnish]  # type: ignore[attr-defined]
    assert listed(db, kind="course")["items"] == []
    first = listed(db, limit=1)
    assert [item["id"] for item in listed(db, limit=1, cursor=first["next"])["items"]] == [lithuanian]  # type: ignore[attr-defined]
    with pytest.raises(NotFound):
        read(db, pair)


def test_a_leader_sees_the_roster_of_his_own_group_only(db: Database) -> None:
    leader = replace(CENTRE, subject="user:demo-leader-1", roles=frozenset({"group_leader"}))
    own_group, other_group = opened(db), opened(db, leaders=[{"subject": "user:x"}, {"subject": "user:y"}])
    assert roster(db, own_group, leader) == []
    with pytest.raises(NotFound):
        roster(db, other_group, leader)


def told_of_the_centre(db: Database, version: int, *, key: str = "lt-kavkc", status: str = "active") -> None:
    copy = {"key": key, "type": "crisis_centre", "country": "LT", "status": status, "version": version}
    event = Received(
        id=clock.new_id(),
        type="organisation.changed",
        version=1,
        source="directory",
        subject=CENTRE.org_id,
        audience="network",
        sequence=version,
        time=clock.now(),
        data=copy,
    )
    with db.background("test") as work:
        usecases.keep_organisation(work, event)


def test_the_copy_of_the_directory_gives_the_key_and_never_goes_back(db: Database) -> None:
    group_id = opened(db)
    assert read(db, group_id)["organisation"]["key"] is None  # type: ignore[index]
    for version, key in ((2, "lt-kavkc"), (1, "lt-older")):
        told_of_the_centre(db, version, key=key)
    assert read(db, group_id)["organisation"] == {"id": str(CENTRE.org_id), "key": "lt-kavkc"}


def test_groups_of_a_suspended_organisation_are_not_found_and_take_nobody_until_it_is_back(db: Database) -> None:
    group_id = opened(db)
    man = sign_up(db, group_id)
    told_of_the_centre(db, 2, status="suspended")
    with pytest.raises(NotFound):
        read(db, group_id)
    with pytest.raises(Invalid) as refused:
        sign_up(db, group_id)
    assert refused.value.code == "group.unknown"
    card = usecases.status(db, call("POST /signups/status", None, {"return_code": man["return_code"], "pin": PIN}))
    assert card.value["state"] == "confirmed"  # he keeps his card
    told_of_the_centre(db, 3)
    assert sign_up(db, group_id)["state"] == "confirmed"


def test_the_same_request_makes_one_group(db: Database) -> None:
    body = schemas.NewGroup().load(schemas.NEW_GROUP_EXAMPLE)
    made = [
        usecases.create_group(db, call("POST /groups", CENTRE, body, idempotency_key="g-1")).value["id"] for _ in "ab"
    ]
    assert made[0] == made[1]
