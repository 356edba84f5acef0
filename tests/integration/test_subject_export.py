"""The export of one record: complete for one's own organisation, silent about others', careful with third parties."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from chassis import clock
from chassis.classes import classes_of
from chassis.db import Database
from chassis.errors import NotAllowed, NotFound
from chassis.settings import Settings
from services.referrals import usecases
from tests.support import groups, persons
from tests.support.persons import ERASE, ask
from tests.support.referrals import CENTRE, OTHER, POLICE, look, move, new, seed
from tests.support.rows import rows

ACCEPTANCE = {"responsible": "Demo worker", "next_step_on": "2026-12-01"}


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    yield database
    database.close()


def facts(export: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every field by "table.name"; of tables with several rows the last."""
    return {f"{part['table']}.{each['name']}": each for part in export["parts"] for each in part["fields"]}


def accepted(db: Database) -> Any:
    key = usecases.create(db, new(external_ref="A-1")).value["id"]
    usecases.read(db, look(CENTRE, key))
    usecases.accept(db, move(CENTRE, key, "accept", 1, **ACCEPTANCE))
    return key


def test_a_person_proves_himself_anew_before_anything_is_handed_out_or_erased(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = accepted(db)
    fresh = persons.officer(CENTRE)
    for proved in (None, int(clock.now().timestamp()) - 301):
        monkeypatch.setattr(persons, "officer", lambda _of, proved=proved: replace(fresh, proved_at=proved))
        for act, body in (("export", {}), ("erase", ERASE), ("hold", {"reference": "Order 7", "review_in_days": 90})):
            with pytest.raises(NotAllowed) as refused:
                ask(db, CENTRE, act, key, **body)
            assert refused.value.code == "step_up.required"
    monkeypatch.undo()
    assert ask(db, CENTRE, "export", key)["parts"]


def test_it_holds_the_row_the_history_the_handling_and_the_audit(db: Database) -> None:
    key = accepted(db)
    export = ask(db, CENTRE, "export", key)
    assert {part["table"] for part in export["parts"]} == {"receiver_case", "history", "audit", "clock"}
    shown = facts(export)
    assert shown["receiver_case.personal.person.name"]["value"] == "Demo Pavyzdys"
    assert shown["receiver_case.personal.person.name"]["class"] == "sealed"
    assert shown["receiver_case.personal.role"]["class"] == "offence"
    assert shown["receiver_case.handling.next_step_on"]["value"] == "2026-12-01"
    assert shown["receiver_case.state"]["value"] == "accepted"
    assert [part for part in export["parts"] if part["table"] == "history"] != []
    done = [
        f["value"]
        for part in export["parts"]
        if part["table"] == "audit"
        for f in part["fields"]
        if f["name"] == "operation"
    ]
    assert done == ["referral.read", "referral.accept"]


def test_no_column_of_the_record_is_left_out(db: Database) -> None:
    key = accepted(db)
    for by, table in ((POLICE, "sender_record"), (CENTRE, "receiver_case")):
        shown = facts(ask(db, by, "export", key))
        for column in classes_of("referrals")[table]:
            assert any(name.startswith(f"{table}.{column}") for name in shown), column


def test_what_may_speak_of_others_is_held_back_until_an_officer_answers_for_it(db: Database, at: Settings) -> None:
    key = accepted(db)
    careful, reviewed = (ask(db, CENTRE, "export", key, **query) for query in ({}, {"reviewed": "true"}))
    held = {name for name, each in facts(careful).items() if each["held_back"]}
    assert {
        "receiver_case.personal.reason",
        "receiver_case.handling.responsible",
        "history.details.responsible",
        "history.by_subject",
        "audit.subject",
    } == held
    assert all(facts(careful)[name]["value"] is None for name in held)
    assert "Invented case" not in str(careful)
    assert not [name for name, each in facts(reviewed).items() if each["held_back"]]
    assert "Invented case" in facts(reviewed)["receiver_case.personal.reason"]["value"]
    asked = "SELECT basis FROM audit WHERE operation = 'person.export' ORDER BY no"
    assert rows(at, "referrals", asked) == [("held_back",), ("reviewed",)]


def test_a_keyed_hash_is_never_handed_out(db: Database) -> None:
    key = accepted(db)
    shown = facts(ask(db, POLICE, "export", key, reviewed="true"))["sender_record.external_ref_mac"]
    assert shown["value"] is None
    assert "keyed hash" in shown["held_back"]


def test_other_controllers_are_named_and_not_read(db: Database) -> None:
    key = accepted(db)
    for by, other, role in ((POLICE, CENTRE, "receiver"), (CENTRE, POLICE, "sender")):
        export = ask(db, by, "export", key, reviewed="true")
        assert export["other_controllers"] == [{"id": str(other.org_id), "key": other.org_key, "role": role}]
    assert "Demo worker" not in str(ask(db, POLICE, "export", key, reviewed="true"))
    assert "A-1" not in str(ask(db, CENTRE, "export", key, reviewed="true"))


def test_a_held_record_is_exported_with_its_hold_and_an_erased_one_is_gone(db: Database) -> None:
    key = accepted(db)
    ask(db, CENTRE, "hold", key, reference="Order 7", review_in_days=90)
    export = ask(db, CENTRE, "export", key)
    assert export["held_since"]
    assert facts(export)["legal_hold.reference.text"]["held_back"]
    assert facts(ask(db, CENTRE, "export", key, reviewed="true"))["legal_hold.reference.text"]["value"] == "Order 7"
    ask(db, CENTRE, "release", key)
    ask(db, CENTRE, "erase", key, **ERASE)
    with pytest.raises(NotFound):
        ask(db, CENTRE, "export", key)
    with pytest.raises(NotFound):
        ask(db, OTHER, "export", key)


def test_a_sign_up_is_exported_by_its_id(service_database: Callable[..., Settings]) -> None:
    at = service_database("groups")
    database = Database(at, "groups")
    contact = {"channel": "email", "value": "demo@example.org", "safe": "yes"}
    man = groups.sign_up(database, groups.opened(database), contact=contact)
    shown = facts(ask(database, groups.CENTRE, "export", man["signup_id"]))
    assert shown["participant.personal.alias"]["value"] == "Demo"
    assert shown["participant.personal.contact.value"]["value"] == "demo@example.org"
    assert shown["sign_up.state"]["value"] == "confirmed"
    assert {name.partition(".")[0] for name in shown} == {
        "participant", "sign_up", "return_card", "history", "message",
    }  # fmt: skip
    assert man["return_code"] not in str(shown)
    with pytest.raises(NotFound):
        ask(database, groups.OTHER, "export", man["signup_id"])
    database.close()
