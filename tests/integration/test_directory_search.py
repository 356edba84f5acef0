"""Who serves this man, here, in his language, with places, under which conditions - and why each is among the found."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from chassis import clock
from chassis.db import Database
from chassis.envelope import NETWORK, Received
from chassis.errors import NotFound
from chassis.identity import Caller
from chassis.keyed_ids import id_of_key
from chassis.problems import BadQuery
from chassis.requests import Call
from chassis.settings import Settings
from services.directory import schemas, usecases
from services.directory.rules import words
from services.directory.usecases import reporting

PROGRAMME = "lt-kavkc-behaviour-change"
MONDAY_NOON = "2026-11-23T12:00:00+02:00"


@pytest.fixture
def db(service_database: Callable[..., Settings]) -> Iterator[Database]:
    with closing(Database(service_database("directory"), "directory")) as database:
        usecases.import_demo(database)
        yield database


def found(db: Database, *, caller: Caller | None = None, **query: Any) -> dict[str, Any]:
    call = Call(route="-", operation="-", caller=caller, query=schemas.ServiceQuery().load(query))
    value = usecases.services(db, call).value
    understood = schemas.UnderstoodView().dump(value["understood"] or {})
    return {"understood": understood, "items": schemas.ServiceView().dump(value["items"], many=True)}


def keys(db: Database, **query: Any) -> list[str]:
    return [each["key"] for each in found(db, **query)["items"]]


def imported(db: Database, **sections: Any) -> None:
    report = usecases.import_organisations(db, sections, dry_run=False, actor="import:file")
    assert report.ok, report


def offered(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "organisation": "lt-kavkc", "kind": "consultation", "names": {"en": key}, **more}


def told_of_a_group(db: Database, **more: Any) -> None:
    data = {
        "group_id": str(uuid.uuid4()), "organisation_id": str(id_of_key("organisation", "fi-miessakit")),
        "programme_key": "fi-miessakit-peer", "kind": "peer", "area_codes": ["fi-lahti"], "languages": ["fi"],
        "mode": "in_person", "capacity": 8, "accepting": True, "version": 1,
    }  # fmt: skip
    audience = more.pop("audience", NETWORK)
    data |= more
    with db.background("test") as work:
        received = Received(
            id=uuid.uuid4(), type="group.opened", version=1, source="groups", subject=uuid.UUID(data["group_id"]),
            audience=audience, sequence=1, time=clock.now(), data=data,
        )  # fmt: skip
        usecases.keep_group(work, received)


def test_who_serves_raseiniai_for_behaviour_change_in_lithuanian(db: Database) -> None:
    answer = found(db, question="who serves Raseiniai for behaviour change in Lithuanian")
    assert answer["understood"] == {
        "kind": "behaviour_change", "municipality": "raseiniai", "country": None, "language": "lt",
        "accepting": None, "open_now": False, "search": None, "place_known": True,
    }  # fmt: skip
    (only,) = answer["items"]
    assert (only["key"], only["fit"], only["languages"]) == (PROGRAMME, "licence", ["lt"])
    assert only["here"] == {
        "way": "licence", "by": [], "is_receiver": False,
        "contact": {"id": str(id_of_key("organisation", "lt-kavkc")), "key": "lt-kavkc"},
        "note": "the local organisations are not named on the page",
    }  # fmt: skip
    assert [each["code"] for each in only["why"]][:3] == ["licence", "kind", "language"]
    assert only["why"][0]["text"] == "The programme is run in Raseiniai under a licence."
    by_fields = found(db, municipality="LT:Raseiniai", kind="behaviour_change", language="lt")["items"]
    assert [(each["key"], each["here"]) for each in by_fields] == [(only["key"], only["here"])]
    assert keys(db, municipality="LT-38", kind="behaviour_change") == [PROGRAMME]
    assert keys(db, municipality="LT:19", kind="behaviour_change") == [PROGRAMME]  # the LAU code of Kaunas


def test_mens_group_in_finnish_near_lahti_accepting(db: Database) -> None:
    question = "men's group in Finnish near Lahti, accepting"
    assert found(db, question=question)["understood"]["place_known"] is False  # no list has the towns of Finland
    assert found(db, question=question)["items"] == []  # it has a waiting list, and no group says anything else
    told_of_a_group(db, languages=["sv"], accepting=False)
    told_of_a_group(db, audience=f"org:{id_of_key('organisation', 'fi-miessakit')}")  # its own business
    assert found(db, question=question)["items"] == []
    told_of_a_group(db)
    answer = found(db, question=question)
    understood = answer["understood"]
    assert (understood["municipality"], understood["language"], understood["place_known"]) == ("lahti", "fi", True)
    (only,) = answer["items"]
    assert (only["key"], only["fit"], only["accepting"], only["accepting_source"], only["groups_accepting"]) == (
        "fi-miesryhmat", "country", "open", "groups", 1,
    )  # fmt: skip
    assert only["here"]["is_receiver"]
    assert {each["code"] for each in only["why"]} >= {
        "country", "kind", "language_unknown", "groups_accepting", "group_here",
    }  # fmt: skip
    assert keys(db, question="miesryhmä suomeksi, Lahti, ottaa vastaan") == ["fi-miesryhmat"]


def test_an_older_word_of_a_group_changes_nothing_and_its_end_closes(db: Database) -> None:
    group = str(uuid.uuid4())
    told_of_a_group(db, group_id=group, version=2)
    told_of_a_group(db, group_id=group, version=1, accepting=False)
    assert keys(db, kind="peer_group", accepting="open") == ["fi-miesryhmat"]
    told_of_a_group(db, group_id=group, version=3, accepting=False)
    assert keys(db, kind="peer_group", accepting="open") == []


def test_an_organisation_that_closed_its_service_is_not_opened_by_a_group(db: Database) -> None:
    imported(db, services=[{**offered("fi-closed"), "organisation": "fi-miessakit", "accepting": "closed",
                            "kind": "peer_group"}])  # fmt: skip
    told_of_a_group(db)
    assert "fi-closed" not in keys(db, kind="peer_group", accepting="open")


def test_municipality_then_licence_then_county_then_country_then_remote(db: Database) -> None:
    imported(db, services=[
        offered("lt-here", coverage=["LT:Raseiniai"]), offered("lt-county", coverage=["LT:Kauno apskritis"]),
        offered("lt-land", coverage=["LT"]), offered("lt-phone", coverage=["LT:Vilnius"], channels=["phone"]),
        offered("lt-else", coverage=["LT:Vilnius"]), offered("lt-nowhere"),
    ])  # fmt: skip
    hits = found(db, municipality="Raseiniai", limit=50)["items"]
    fits = {each["key"]: each["fit"] for each in hits}
    assert [each["fit"] for each in hits] == sorted(
        (each["fit"] for each in hits),
        key=["municipality", "licence", "county", "country", "remote", "unknown"].index,
    )
    wanted = {"lt-here": "municipality", PROGRAMME: "licence", "lt-county": "county", "lt-land": "country",
              "lt-phone": "remote", "lt-nowhere": "unknown"}  # fmt: skip
    assert {key: fits.get(key) for key in wanted} == wanted
    assert "lt-else" not in fits


@pytest.mark.parametrize(
    ("query", "here"),
    [
        ({"age": 17}, False),
        ({"age": 18}, True),
        ({"age": 65}, False),
        ({"gender": "men"}, True),
        ({"gender": "women"}, False),
        ({"ordered": True}, False),
        ({"ordered": False}, True),
        ({"need": "loss"}, True),
        ({"need": "substance"}, False),
        ({"urgency": "urgent"}, True),
        ({"urgency": "crisis"}, False),
        ({"may_refer": "police"}, True),
        ({"may_refer": "school"}, False),
        ({"language": "sv"}, True),
        ({"language": "fi"}, False),
    ],
)
def test_conditions(db: Database, query: dict[str, Any], here: bool) -> None:  # noqa: FBT001 - a table of cases
    conditions = {"min_age": 18, "max_age": 64, "gender": "men", "order_accepted": False}
    imported(db, services=[
        offered("lt-made", eligibility=conditions, needs=["loss"], urgencies=["urgent"], languages=["sv"],
                referral={"who_may_refer": ["police"]}),
        offered("lt-silent", needs=["loss", "substance"], urgencies=["urgent", "crisis"]),
    ])  # fmt: skip
    got = keys(db, **query, limit=200)
    assert ("lt-made" in got) == here
    assert "lt-silent" in got  # what nobody said leaves nothing out


@pytest.mark.parametrize(
    ("moment", "open_", "opens"),
    [
        (MONDAY_NOON, True, None),
        ("2026-11-23T07:59:00+02:00", False, "2026-11-23T08:00:00+02:00"),
        ("2026-11-23T17:00:00+02:00", False, "2026-11-24T08:00:00+02:00"),
        ("2026-11-21T12:00:00+02:00", False, "2026-11-23T08:00:00+02:00"),
        ("2026-12-24T10:00:00+02:00", False, "2026-12-28T08:00:00+02:00"),  # three holidays, then a Sunday
        ("2027-01-01T10:00:00Z", False, "2027-01-04T08:00:00+02:00"),
    ],
)
def test_open_now_knows_local_time_and_holidays(
    db: Database,
    moment: str,
    open_: bool,  # noqa: FBT001 - a table of cases
    opens: str | None,
) -> None:
    assert (PROGRAMME in keys(db, open_at=moment, limit=200)) == open_
    imported(db, services=[offered("lt-night", schedules=[
        {"days": ["FR"], "opens": "20:00", "closes": "02:00"}])])  # fmt: skip
    assert ("lt-night" in keys(db, open_at="2026-11-28T01:30:00+02:00", limit=200)) is True
    assert ("lt-night" in keys(db, open_at="2026-11-28T02:00:00+02:00", limit=200)) is False
    if opens is not None:
        from services.directory.rules.opening import hours  # noqa: PLC0415 - the rule itself, beside what is found

        row = found(db, organisation="lt-kavkc", kind="behaviour_change")["items"][0]
        assert hours(row["schedules"], "LT", dt.datetime.fromisoformat(moment)).opens == dt.datetime.fromisoformat(
            opens
        )


def test_the_hours_decide_over_more_services_than_are_looked_at_at_once(db: Database) -> None:
    shut = [offered(f"lt-a{n}", coverage=["LT"]) for n in range(420)]
    imported(
        db,
        services=[
            *shut,
            offered("lt-zz", coverage=["LT"], schedules=[{"days": ["MO"], "opens": "10:00", "closes": "14:00"}]),
        ],
    )
    assert keys(db, organisation="lt-kavkc", kind="consultation", open_at=MONDAY_NOON) == ["lt-zz"]


def test_near_a_point_and_a_postcode(db: Database) -> None:
    place = {"organisation": "lt-kavkc", "country": "LT", "latitude": 54.9, "longitude": 23.9, "postal_code": "LT-44"}
    imported(
        db,
        locations=[{"key": "lt-a", **place}, {"key": "lt-b", **place, "latitude": 55.0, "postal_code": "LT-45"},
                   {"key": "lt-c", **place, "visibility": {"address": "partners"}}],
        services=[offered("lt-near", locations=["lt-a"]), offered("lt-far", locations=["lt-b"]),
                  offered("lt-hidden", locations=["lt-c"])],
    )  # fmt: skip
    assert keys(db, near="54.9,23.9", within=1000) == ["lt-near"]
    assert set(keys(db, postcode="LT-44", within=12_000)) == {"lt-near", "lt-far"}
    hit = next(each for each in found(db, near="54.9,23.9", within=12_000)["items"] if each["key"] == "lt-far")
    assert hit["metres"] == pytest.approx(11_119, abs=5)
    assert {"code": "near", "text": "11.1 km away."} in hit["why"]
    for wrong in ({"within": 5}, {"postcode": "LT-99", "within": 5}):
        with pytest.raises(BadQuery):
            found(db, **wrong)


def test_contacts_for_partners_and_named_ones_are_for_them_alone(db: Database) -> None:
    def seen(org: str | None, *roles: str) -> list[str]:
        caller = None
        if org is not None:
            caller = Caller("user:1", id_of_key("organisation", org), org, frozenset(roles or ("intake_worker",)), "t")
        rows = found(db, caller=caller, organisation="lt-kavkc", kind="consultation", open_at=MONDAY_NOON)["items"]
        rows = rows or found(db, caller=caller, organisation="lt-kavkc", kind="consultation")["items"]
        return [name for name in ("phones", "referral", "schedules") if rows[0][name]]

    imported(db, services=[offered(
        "lt-made", phones=[{"number": "+37037000001"}], referral={"promise_hours": 4},
        schedules=[{"days": ["MO"], "opens": "08:00", "closes": "16:00"}],
        visibility={"contacts": "partners", "referral": ["lt-police"], "hours": ["lt-probation"]},
    )])  # fmt: skip
    assert seen(None) == []
    assert seen("fi-miessakit") == ["phones"]
    assert seen("lt-police") == ["phones", "referral"]
    assert seen("lt-kavkc") == ["phones", "referral", "schedules"]
    assert seen("ee-ska", "network_admin") == ["phones", "referral", "schedules"]
    assert keys(db, open_at=MONDAY_NOON, organisation="lt-kavkc", kind="consultation") == []  # nor by asking for hours


@pytest.mark.parametrize(
    ("search", "key"),
    [
        ("programos", PROGRAMME),  # a case of the Lithuanian noun
        ("elgesi keit", PROGRAMME),  # beginnings, without diacritics
        ("väkivallan", "ee-violence-line"),
        ("miesryhmissä", "fi-miesryhmat"),
        ("мужские группы", "fi-miesryhmat"),
        ("mansgrupper", "fi-miesryhmat"),
        ("mannsgrupper", "fi-miesryhmat"),
        ("vyru grupes", "fi-miesryhmat"),
        ("Lyomaton", "fi-lyomaton-linja"),
        ("Lyömätton Linja", "fi-lyomaton-linja"),  # slips: no stem fits, letters do
        ("tugilin", "ee-violence-line"),
    ],
)
def test_words_in_eight_languages_with_and_without_diacritics_and_slips(db: Database, search: str, key: str) -> None:
    if search == "väkivallan":
        search = "vägivallast"
    assert key in keys(db, search=search)[:3]


def test_every_language_finds_a_kind_by_its_label_and_gives_its_reasons(db: Database) -> None:
    for language, label in words.labels("kind", "behaviour_change"):
        hits = found(db, search=label, municipality="LT:Kaunas", lang=language)["items"]
        assert hits[0]["key"] == PROGRAMME, language
        assert hits[0]["kind_name"] == label
        assert len({each["text"] for each in hits[0]["why"]}) == len(hits[0]["why"]) >= 3


@pytest.mark.parametrize("search", ["%", "_", "*", "\\", "'; DROP TABLE service; --", "(.*)", "& | !", ":*", "a" * 100])
def test_no_pattern_is_a_pattern(db: Database, search: str) -> None:
    assert keys(db, search=search) == []
    assert keys(db, question=search) in ([], keys(db))  # nothing but signs is no word: everything is shown


def test_the_pages_of_a_list_are_the_list(db: Database) -> None:
    query = {"country": "FI", "search": "support"}
    whole = keys(db, **query)
    pages, cursor = [], None
    while True:
        call = Call(
            route="-",
            operation="-",
            query=schemas.ServiceQuery().load({**query, "limit": 2, **({"cursor": cursor} if cursor else {})}),
        )
        value = usecases.services(db, call).value
        pages += [row["key"] for row in value["items"]]
        cursor = value["next"]
        if cursor is None:
            break
    assert pages == whole
    assert len(whole) > 3


def test_reports_on_the_network(db: Database) -> None:
    def asked(act: Any, shape: Any, query: Any = None, **path: str) -> Any:
        loaded = {} if query is None else query[0]().load(query[1])
        value = act(db, Call(route="-", operation="-", query=loaded, path=path)).value
        return shape.dump(value["items"], many=True) if "items" in value else shape.dump(value)

    members = asked(reporting.members, schemas.Membership(), (schemas.MembersQuery, {"network": "lt-lepta"}))
    assert [(each["organisation"], each["from"]) for each in members] == [("lt-kapvc", "2022-09-25")]
    for day, number in (("2022-09-24", 0), ("2022-09-25", 1)):
        query = (schemas.MembersQuery, {"network": "lt-lepta", "on": day})
        assert len(asked(reporting.members, schemas.Membership(), query)) == number
    at_raseiniai = (schemas.LicencesQuery, {"municipality": "LT:Raseiniai"})
    (licence,) = asked(reporting.licences, schemas.LicenceView(), at_raseiniai)
    assert (licence["programme"], licence["contact"], licence["by"]) == (PROGRAMME, "lt-kavkc", None)
    assert (
        asked(reporting.licences, schemas.LicenceView(), (schemas.LicencesQuery, {"municipality": "LT:Kaunas"})) == []
    )
    imported(
        db,
        facilitators=[{"code": "f-1", "organisation": "lt-kavkc", "programme": PROGRAMME, "from": "2026-01-01"}],
        indicators=[
            {"initiative": "nordic-baltic-mcc", "name": name, "unit": "number", "planned": 20, "source": source}
            for name, source in (
                ("Partners", "partners"),
                ("Trained", "facilitators"),
                ("Towns", "licensed_municipalities"),
            )
        ],
    )
    report = asked(reporting.initiative, schemas.InitiativeReport(), initiative="nordic-baltic-mcc")
    counted = {each["name"]: each["counted"] for each in report["indicators"] if each["source"]}
    assert counted == {"Partners": 23, "Trained": 1, "Towns": 4}
    assert (report["from"], report["to"], report["year"]) == ("2022-05-01", "2023-07-01", None)
    trained = (schemas.FacilitatorsQuery, {"programme": PROGRAMME, "on": "2026-02-01"})
    assert [each["code"] for each in asked(reporting.facilitators, schemas.Facilitator(), trained)] == ["f-1"]
    before = (schemas.FacilitatorsQuery, {"on": "2025-12-31"})
    assert asked(reporting.facilitators, schemas.Facilitator(), before) == []
    with pytest.raises(NotFound):
        asked(reporting.initiative, schemas.InitiativeReport(), initiative="none")
