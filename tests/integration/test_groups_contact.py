"""Whether a contact is his, messages to men, notes: on a real database and through a real SMTP server."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from marshmallow import ValidationError

from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotFound
from chassis.messages.carriers import carrier_of
from chassis.messages.recipients import recipient_of
from chassis.messages.sender import Sender
from chassis.settings import Settings
from services.groups import schemas, usecases
from services.groups.schemas.reaching import NewMessage, NewNote
from services.groups.usecases import contact_checks, referred, remarks
from tests.support.databases import root_url
from tests.support.group_sessions import listed, session_step
from tests.support.group_staff import COORDINATOR, INTAKE, LEADER, STRANGER, group_with_intake, step
from tests.support.groups import PIN, call, opened, own, roster, sign_up
from tests.support.mail import Post, mailing, post_office

MAIL = {"channel": "email", "value": "man@example.org", "safe": "yes"}
PHONE = {"channel": "phone", "value": "+37060000001", "safe": "yes", "may_call": True}
SECRET = "It will rain on Tuesday"


@dataclass
class Rig:
    """A database of groups and a mail server."""

    db: Database
    settings: Settings
    post: Post

    def send(self) -> list[tuple[str, str, str]]:
        """One round of the sender: address, subject and text of each mail that went."""
        carrier = carrier_of(self.settings.mail)
        assert carrier is not None
        self.post.taken.clear()
        sender = Sender(db=self.db, settings=self.settings.mail, recipient=recipient_of("groups"))
        sender.send(carrier, threading.Event())
        return [(address, mail["Subject"], mail.get_content()) for address, mail in self.post.taken]

    def query(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(root_url(self.settings, "groups")) as connection:
            cursor = connection.execute(text.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def later(self, hours: int) -> None:
        """Let time pass for everything that is awaited, and for what was sent."""
        back = f"- interval '{hours} hours'"
        self.query(f"UPDATE sign_up SET contact_until = contact_until {back}, remind_at = remind_at {back}")
        self.query(f"UPDATE return_card SET told_until = told_until {back}")
        self.query(f"UPDATE message SET changed_at = changed_at {back}, created_at = created_at {back}")

    def confirm(self, man: dict[str, Any], digits: str | None) -> dict[str, Any]:
        """What he is answered who gives digits with his card."""
        body = schemas.ConfirmContact().load({"return_code": man["return_code"], "pin": PIN, "digits": digits})
        asked = call("confirm", None, body, path={"signup_id": man["signup_id"]})
        value: dict[str, Any] = contact_checks.confirm(self.db, asked).value
        return value


@pytest.fixture
def rig(service_database: Callable[..., Settings]) -> Iterator[Rig]:
    with post_office() as post:
        settings = mailing(service_database("groups"), f"smtp://127.0.0.1:{post.port}")
        with closing(Database(settings, "groups")) as db:
            yield Rig(db, settings, post)


def digits_in(text: str) -> str:
    found = re.search(r"\b([0-9]{6})\b", text)
    assert found is not None
    return found[1]


def full(rig: Rig) -> tuple[Any, dict[str, Any]]:
    """A group of two that is full, and one of its men."""
    group = opened(rig.db, capacity=2)
    first, _ = (sign_up(rig.db, group) for _ in range(2))
    return group, first


def test_the_digits_of_a_mail_confirm_and_no_word_of_it_says_what_about(rig: Rig) -> None:
    group, first = full(rig)
    man = sign_up(rig.db, group, contact=MAIL)
    assert (man["state"], man["contact_check"]["way"]) == ("waiting", "mail")
    assert "six digits" in man["next"]
    ((address, subject, text),) = rig.send()
    assert (address, subject) == (MAIL["value"], "Ar šis adresas jūsų?")
    assert not re.search("grup|vyr|tukiverkko|lt-kavkc|kriz", text.lower())
    own(rig.db, "withdraw", first)
    assert own(rig.db, "status", man)["state"] == "waiting", "a seat is free, and he is not offered it yet"
    with pytest.raises(Conflict, match=r"contact\.wrong_digits"):
        rig.confirm(man, "000000" if digits_in(text) != "000000" else "000001")
    answer = rig.confirm(man, digits_in(text))
    assert (answer["state"], answer["contact_check"]) == ("offered", None)
    assert rig.confirm(man, digits_in(text))["state"] == "offered", "a second click changes nothing"
    assert [(to, what) for to, what, _ in rig.send()] == [(MAIL["value"], "Žinutė jums")]


def test_offers_leave_out_who_is_not_confirmed_and_he_keeps_his_place(rig: Rig) -> None:
    group, first = full(rig)
    unconfirmed = sign_up(rig.db, group, contact=MAIL)
    behind = sign_up(rig.db, group)
    own(rig.db, "withdraw", first)
    assert own(rig.db, "status", behind)["state"] == "offered"
    assert own(rig.db, "status", unconfirmed)["place"] == 1
    (line,) = (each for each in roster(rig.db, group) if each["signup_id"] == unconfirmed["signup_id"])
    assert line["contact_check"] == "awaited"


def test_place_and_seat_count_from_receipt_and_lapse_after_three_days(rig: Rig) -> None:
    group = opened(rig.db, capacity=2)
    seated, other = sign_up(rig.db, group, contact=MAIL), sign_up(rig.db, group)
    waiting = sign_up(rig.db, group, contact={**MAIL, "value": "second@example.org"})
    assert (seated["state"], waiting["state"]) == ("confirmed", "waiting")
    assert "or the seat goes to somebody else" in seated["next"]
    assert "no seat is offered before" in waiting["next"]
    rig.later(73)
    usecases.sweep(rig.db)
    assert own(rig.db, "status", seated)["state"] == "confirmed", "the mail has not left yet: that is not his fault"
    rig.send()
    rig.later(71)
    usecases.sweep(rig.db)
    assert own(rig.db, "status", seated)["state"] == "confirmed"
    rig.later(2)
    usecases.sweep(rig.db)
    assert [own(rig.db, "status", man)["state"] for man in (seated, waiting, other)] == [
        "lapsed",
        "lapsed",
        "confirmed",
    ]
    told = rig.query("SELECT type FROM outbox WHERE type = 'signup.lapsed'")
    assert len(told) == 2
    assert rig.query("SELECT held, waiting FROM peer_group") == [(1, 0)]


def test_a_phone_is_confirmed_by_a_worker_and_ends_only_after_two_calls(rig: Rig) -> None:
    group, first = full(rig)
    man = sign_up(rig.db, group, contact=PHONE)
    assert man["contact_check"]["way"] == "call"
    assert rig.send() == []
    asked = call("calls", LEADER, {}, operation="call_list.read", path={"group_id": group})
    ((line),) = contact_checks.call_list(rig.db, asked).value["items"]
    assert (line["about"], line["alias"], line["attempts"]) == ("contact", "Demo", 0)
    assert PHONE["value"] not in str(line), "the number is a look of its own"
    with pytest.raises(NotFound):
        contact_checks.call_list(
            rig.db, call("calls", STRANGER, {}, operation="call_list.read", path={"group_id": group})
        )
    rig.later(100)
    usecases.sweep(rig.db)
    assert own(rig.db, "status", man)["state"] == "waiting", "nobody has rung yet"
    attempt = {"kind": "attempt", "day": "2026-11-26"}
    step(rig.db, "record_intake", group, man, INTAKE, attempt)
    own(rig.db, "withdraw", first)
    shown = step(rig.db, "confirm_contact", group, man, LEADER)
    assert (shown["contact_check"], shown["state"]) == ("confirmed", "offered")
    other = sign_up(rig.db, group, contact={**PHONE, "value": "+37060000002"})
    for _ in range(2):
        step(rig.db, "record_intake", group, other, INTAKE, attempt)
    usecases.sweep(rig.db)
    assert own(rig.db, "status", other)["state"] == "waiting", "two calls, and three days are not over"
    rig.later(73)
    usecases.sweep(rig.db)
    assert own(rig.db, "status", other)["state"] == "lapsed"


@pytest.mark.parametrize(
    "contact", [{**MAIL, "safe": "unknown"}, {**PHONE, "may_call": False}, {**PHONE, "safe": "no"}]
)
def test_a_channel_that_nobody_may_use_asks_for_nothing(rig: Rig, contact: dict[str, Any]) -> None:
    group, first = full(rig)
    man = sign_up(rig.db, group, contact=contact)
    assert man["contact_check"] is None
    assert "look in again with your code" in man["next"]
    own(rig.db, "withdraw", first)
    assert own(rig.db, "status", man)["state"] == "offered"
    assert rig.send() == []
    with pytest.raises(Conflict, match=r"signup\.no_contact"):
        step(rig.db, "confirm_contact", group, man, LEADER)
    twice = sign_up(rig.db, group, contact=contact)
    assert rig.query("SELECT count(*) FROM sign_up") == [(3,)]
    assert twice["contact_check"] is None


def test_who_signs_up_twice_sees_the_same_and_the_channel_on_file_is_told_once_a_day(rig: Rig) -> None:
    group, _ = full(rig)
    man = sign_up(rig.db, group, contact=MAIL)
    rig.confirm(man, digits_in(rig.send()[0][2]))
    second, third = (sign_up(rig.db, group, contact=MAIL) for _ in range(2))
    assert second["contact_check"] is not None
    same = ("state", "place", "has_seat", "next", "allowed_actions")
    fresh = sign_up(rig.db, group, contact={**MAIL, "value": "other@example.org"})
    assert {name: second[name] for name in same if name != "place"} == {
        name: fresh[name] for name in same if name != "place"
    }
    mails = rig.send()
    assert [(to, what) for to, what, _ in mails if to == MAIL["value"]] == [(MAIL["value"], "Žinutė jums")]
    with pytest.raises(Conflict, match=r"contact\.wrong_digits"):
        rig.confirm(second, "123456")
    assert rig.confirm(third, None)["contact_check"] is not None
    rig.later(73)
    assert own(rig.db, "status", second)["state"] == "lapsed", "as that of anybody who does not confirm"
    assert own(rig.db, "status", man)["state"] == "waiting"


def test_wrong_digits_are_counted_for_a_card_with_and_without_a_sign_up(rig: Rig) -> None:
    group, _ = full(rig)
    man = sign_up(rig.db, group, contact=MAIL)
    right = digits_in(rig.send()[0][2])
    twin = sign_up(rig.db, group, contact=MAIL)
    wrong = "111111" if right != "111111" else "222222"
    for card in (man, twin):
        for _ in range(10):
            with pytest.raises(Conflict, match=r"contact\.wrong_digits"):
                rig.confirm(card, wrong)
        with pytest.raises(Conflict, match=r"contact\.too_many_tries"):
            rig.confirm(card, right)
    step(rig.db, "confirm_contact", group, man, INTAKE)
    assert own(rig.db, "status", man)["contact_check"] is None


def test_the_digits_are_sent_again_once_an_hour(rig: Rig) -> None:
    group, _ = full(rig)
    man = sign_up(rig.db, group, contact=MAIL)
    first = rig.send()
    rig.confirm(man, None)
    assert rig.send() == []
    rig.later(1)
    rig.confirm(man, None)
    assert rig.send() == first, "the same digits: which mail he opens does not matter"


def test_a_worker_who_reached_him_signs_up_a_confirmed_contact(rig: Rig) -> None:
    group = group_with_intake(rig.db)
    body = {**schemas.FOR_HIM_EXAMPLE, "contact": MAIL, "contact_confirmed": True}
    loaded = schemas.SignUpForHim().load(body)
    asked = call("for him", INTAKE, loaded, operation="signup.create_for", path={"group_id": group})
    made = referred.sign_up_for_him(rig.db, asked).value
    assert made["contact_check"] is None
    assert rig.send() == []


def test_an_offer_is_reminded_of_once_at_half_of_its_time(rig: Rig) -> None:
    group, first = full(rig)
    man = sign_up(rig.db, group, contact=MAIL)
    rig.confirm(man, digits_in(rig.send()[0][2]))
    own(rig.db, "withdraw", first)
    assert [what for _, what, _ in rig.send()] == ["Žinutė jums"]
    usecases.sweep(rig.db)
    assert rig.send() == []
    rig.later(100)
    rig.query("UPDATE sign_up SET offer_until = now() + interval '1 hour' WHERE state = 'offered'")
    for _ in range(2):
        usecases.sweep(rig.db)
    assert [what for _, what, _ in rig.send()] == ["Priminimas"]
    assert len(rig.query("SELECT 1 FROM outbox WHERE type = 'signup.offer_reminded'")) == 1


def test_a_reminder_that_was_written_goes_to_nobody_who_has_answered(rig: Rig) -> None:
    group, first = full(rig)
    man = sign_up(rig.db, group, contact=MAIL)
    rig.confirm(man, digits_in(rig.send()[0][2]))
    own(rig.db, "withdraw", first)
    rig.send()
    rig.later(100)
    rig.query("UPDATE sign_up SET offer_until = now() + interval '1 hour' WHERE state = 'offered'")
    usecases.sweep(rig.db)
    own(rig.db, "accept_offer", man)
    assert rig.send() == []
    assert rig.query("SELECT reason FROM message WHERE kind = 'man.reminder'") == [("answered",)]


def test_a_moved_meeting_is_told_to_those_who_come(rig: Rig) -> None:
    group = opened(rig.db, capacity=2)
    man = sign_up(rig.db, group, contact=MAIL)
    rig.confirm(man, digits_in(rig.send()[0][2]))
    sign_up(rig.db, group, contact={**MAIL, "value": "other@example.org"})
    rig.send()
    first = listed(rig.db, group)[0]
    body = {"local_start": first["local_start"] + dt.timedelta(hours=1), "minutes": None}
    session_step(rig.db, "move", group, body, no=1, expected_version=first["version"])
    assert [(to, what) for to, what, _ in rig.send()] == [(MAIL["value"], "Žinutė jums")]


def test_a_message_waits_behind_the_card_and_the_mail_says_nothing_of_it(rig: Rig) -> None:
    group = opened(rig.db, capacity=2)
    man = sign_up(rig.db, group, contact=MAIL)
    other, waiting = sign_up(rig.db, group), sign_up(rig.db, group)
    rig.confirm(man, digits_in(rig.send()[0][2]))

    def write(by: Any, **body: Any) -> dict[str, Any]:
        loaded = NewMessage().load({"text": SECRET, **body})
        asked = call("write", by, loaded, operation="remark.write", path={"group_id": group}, idempotency_key="once")
        value: dict[str, Any] = remarks.write(rig.db, asked).value
        return value

    assert write(LEADER) == {"men": 2, "mailed": 1}
    assert write(LEADER) == {"men": 2, "mailed": 1}
    assert [each["text"] for each in own(rig.db, "status", man)["messages"]] == [SECRET]
    assert [each["text"] for each in own(rig.db, "status", other)["messages"]] == [SECRET]
    assert own(rig.db, "status", waiting)["messages"] == []
    ((to, _, text),) = rig.send()
    assert to == MAIL["value"]
    assert SECRET not in text
    with pytest.raises(NotFound):
        write(STRANGER)
    with pytest.raises(Invalid, match=r"signup\.unknown"):
        write(COORDINATOR, signup_ids=["00000000-0000-4000-8000-000000000001"])
    everything = rig.query("SELECT to_jsonb(r)::text FROM remark AS r")
    assert len(everything) == 2
    assert SECRET not in str(everything)


def test_a_note_is_for_staff_and_gone_after_thirty_days(rig: Rig) -> None:
    group = opened(rig.db, capacity=2)
    man = sign_up(rig.db, group)
    body = NewNote().load({"text": SECRET})
    asked = call("note", LEADER, body, operation="remark.note", path={"group_id": group, "signup_id": man["signup_id"]})
    assert [each["text"] for each in remarks.note(rig.db, asked).value["remarks"]] == [SECRET]
    assert own(rig.db, "status", man)["messages"] == []
    rig.query("UPDATE remark SET until = now()")
    assert step(rig.db, "read", group, man, LEADER)["remarks"] == []
    usecases.sweep(rig.db)
    assert rig.query("SELECT count(*) FROM remark") == [(0,)]
    with pytest.raises(ValidationError, match="between 1 and 500"):
        NewNote().load({"text": "x" * 501})


def test_the_place_is_told_a_day_before_to_a_confirmed_contact_only(rig: Rig) -> None:
    group = opened(rig.db, capacity=3, place_full="Laisvės al. 1")
    man, by_code = sign_up(rig.db, group, contact=MAIL), sign_up(rig.db, group)
    rig.query("UPDATE session SET starts_at = now() + interval '25 hours' WHERE no = 1")
    rig.confirm(man, digits_in(rig.send()[0][2]))
    assert own(rig.db, "status", man)["place_full"] is None
    rig.query("UPDATE session SET starts_at = now() + interval '23 hours' WHERE no = 1")
    other = sign_up(rig.db, group, contact={**MAIL, "value": "other@example.org"})
    assert own(rig.db, "status", man)["place_full"] == "Laisvės al. 1"
    assert [own(rig.db, "status", each)["place_full"] for each in (by_code, other)] == [None, None]


def test_nobody_is_flooded_through_us(rig: Rig) -> None:
    for _ in range(4):
        group = opened(rig.db, capacity=2)
        for _ in range(2):
            man = sign_up(rig.db, group, contact=MAIL)
            own(rig.db, "withdraw", man)
    assert len(rig.send()) == 5
    sign_up(rig.db, opened(rig.db), contact={**MAIL, "value": "other@example.org"})
    assert len(rig.send()) == 1
    rig.query("UPDATE contact_mailed SET day = day - 1")
    sign_up(rig.db, opened(rig.db), contact=MAIL)
    assert [to for to, _, _ in rig.send()] == [MAIL["value"]], "a new day"
    assert rig.query("SELECT count(*) FROM contact_mailed") == [(1,)]
    assert MAIL["value"] not in str(rig.query("SELECT c::text FROM contact_mailed AS c"))


def test_whoever_can_ask_him_sees_that_a_mail_reached_nobody(rig: Rig) -> None:
    group, _ = full(rig)
    sign_up(rig.db, group, contact=MAIL)
    rig.query("UPDATE message SET state = 'dead', reason = 'recipient.550'")
    assert [line["contact_check"] for line in roster(rig.db, group)] == ["none", "none", "undeliverable"]
