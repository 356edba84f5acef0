"""Messages on a real database through a real SMTP server: who hears of what, and what stands in the mail."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from chassis import clock
from chassis.errors import Conflict, NotFound
from chassis.messages.wording import LANGUAGES
from services.referrals import usecases
from services.referrals.store import legs
from services.referrals.usecases import notifying
from tests.integration.messages_rig import DESK, EMAIL, INTAKE, Rig, rig, safe
from tests.support.mail import SENDER
from tests.support.referrals import CENTRE, OTHER, POLICE, look, move
from tests.support.rows import rows

__all__ = ["rig"]
WORDS = ("pavyzdys", "1985", "violence", "lt-police", "lt-kavkc", "police", "referral", "invented")


def test_a_new_referral_is_told_to_the_receiver_and_says_nothing(rig: Rig) -> None:
    rig.hears(CENTRE, INTAKE, language="lt")
    rig.hears(POLICE, DESK)
    referral = rig.refer()
    assert rig.send() == 1
    ((address, mail),) = rig.post.taken
    assert address == INTAKE
    assert (mail["From"], mail["To"]) == (f"Tukiverkko <{SENDER}>", INTAKE)
    assert mail["Subject"] == "Tukiverkko: yra naujienų"
    text = mail.get_content().replace("\r\n", "\n")
    assert "https://tukiverkko.example.org\n" in text
    assert str(referral) not in rig.post.raw[0].decode()
    assert set(mail.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Language", "Content-Type",
        "Content-Transfer-Encoding", "MIME-Version",
    }  # fmt: skip
    whole = rig.post.raw[0].decode().lower() + text.lower()
    assert not [word for word in WORDS if word in whole]
    assert mail["Message-ID"] == f"<{rig.delivery(CENTRE, referral)[0]['id']}@tukiverkko.example.org>"
    assert rig.delivery(POLICE, referral) == []


def test_delivery_is_shown_to_its_own_organisation_only(rig: Rig) -> None:
    rig.hears(CENTRE, INTAKE)
    referral = rig.refer()
    assert [(each["kind"], each["to"], each["state"]) for each in rig.delivery(CENTRE, referral)] == [
        ("organisation.new", "organisation", "queued")
    ]
    rig.send()
    shown = rig.delivery(CENTRE, referral)[0]
    assert (shown["state"], shown["attempts"]) == ("sent", 1)
    assert shown["sent_at"] is not None
    assert INTAKE not in str(shown)
    usecases.move(rig.db, move(CENTRE, referral, "acknowledge", 1), "acknowledge")
    assert rig.delivery(CENTRE, referral)[0]["state"] == "acknowledged", "who got it has acted"
    with pytest.raises(NotFound):
        rig.delivery(OTHER, referral)
    for org in (None, POLICE.org_id, OTHER.org_id):
        with rig.db.background("test", org=org) as work:
            assert work.all("SELECT 1 FROM message WHERE object_id = %s", (referral,)) == []


def test_the_sender_hears_within_his_scope_and_nobody_of_his_own_acts(rig: Rig) -> None:
    rig.hears(POLICE, DESK)
    rig.hears(CENTRE, INTAKE)
    silent = rig.refer(feedback_scope="none")
    told = rig.refer(feedback_scope="attendance", ordered=False)
    for referral in (silent, told):
        usecases.move(rig.db, move(CENTRE, referral, "acknowledge", 1), "acknowledge")
    assert rig.delivery(POLICE, silent) == []
    assert [each["kind"] for each in rig.delivery(POLICE, told)] == ["organisation.changed"]
    question = {"question": "Which day?", "fields": ["contact"]}
    usecases.move(rig.db, move(CENTRE, told, "request_info", 2, **question), "request_info")
    assert rig.delivery(POLICE, told)[0]["kind"] == "organisation.asked"
    usecases.move(rig.db, move(POLICE, told, "provide_info", 3, answer="Monday"), "provide_info")
    usecases.move(rig.db, move(POLICE, told, "withdraw", 4, reason="circumstances_changed"), "withdraw")
    kinds = [each["kind"] for each in reversed(rig.delivery(CENTRE, told))]
    assert kinds == ["organisation.new", "organisation.answered", "organisation.withdrawn"]
    assert len(rig.delivery(POLICE, told)) == 2, "of his own acts he hears nothing"


def test_a_person_gets_a_word_only_through_the_gate(rig: Rig) -> None:
    unsafe: tuple[dict[str, Any], ...] = (
        {}, {"contact": {"channel": "email", "value": EMAIL, "safe": "yes"}, "contact_via": None},
        {**safe(safe="unknown"), "contact_via": None}, {**safe(), "contact_via": "lawyer"},
        {**safe(do_not_contact=True), "contact_via": None},
        {**safe(unsafe_if_answered_by="partner"), "contact_via": None},
        {**safe(verified_at="2026-01-01T09:00:00+02:00"), "contact_via": None},
    )  # fmt: skip
    for changes in unsafe:
        referral = rig.refer(**changes)
        with pytest.raises(Conflict) as refused:
            rig.word(referral)
        assert refused.value.code == "message.not_safe"
    assert rig.send() == 0
    referral = rig.refer(**safe(), contact_via=None)
    shown = rig.word(referral)
    assert (shown["to"], shown["state"]) == ("person", "queued")
    assert rig.send() == 1
    ((address, mail),) = rig.post.taken
    assert address == EMAIL
    assert mail["From"] == f"Info <{SENDER}>"
    whole = (rig.post.raw[0].decode() + mail.get_content()).lower()
    assert not [word for word in (*WORDS, "centre") if word in whole]
    assert "tukiverkko" not in whole.replace("@tukiverkko.example.org", ""), "but for the address that mail comes from"
    assert mail["Subject"] == "Jums yra žinutė", "in the language of the organisation's country where his is not known"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_person_is_written_to_in_his_language(rig: Rig, language: str) -> None:
    referral = rig.refer(**safe(may_say_who_we_are=True), language=language, contact_via=None)
    rig.word(referral, "appointment")
    assert rig.send() == 1
    mail = rig.post.taken[0][1]
    assert mail["Content-Language"] == language
    assert mail["From"] == f"Tukiverkko <{SENDER}>", "where he agreed that we say who we are"


def test_outside_the_safe_times_it_is_held_and_asked_again_when_it_may_go(rig: Rig) -> None:
    tomorrow = (clock.now() + dt.timedelta(days=1)).date()
    window = {"weekday": tomorrow.isoweekday(), "from": "10:00", "to": "12:00", "time_zone": "UTC"}
    referral = rig.refer(**safe(safe_times=[window]), contact_via=None)
    shown = rig.word(referral)
    assert shown["not_before"] == dt.datetime.combine(tomorrow, dt.time(10), dt.UTC)
    assert rig.send() == 0
    rig.later()
    assert rig.send() == 0, "whatever the row says, the gate is asked again"
    assert rig.delivery(CENTRE, referral)[0]["not_before"] == shown["not_before"]
    assert rig.states() == [("queued", None, 0)], "waiting is no try"
    rig.contact(referral, safe_times=None)
    rig.later()
    assert rig.send() == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"do_not_contact": True}, "do_not_contact"), ({"safe": "no"}, "not_safe"), ({"value": "nothing"}, "no_address"),
     ({"verified_at": "2020-01-01T00:00:00+00:00"}, "not_confirmed"), ({"channel": "post"}, "no_channel")],
)  # fmt: skip
def test_what_became_unsafe_before_it_went_is_dropped(rig: Rig, changes: dict[str, Any], reason: str) -> None:
    referral = rig.refer(**safe(), contact_via=None)
    rig.word(referral)
    rig.contact(referral, **changes)
    assert rig.send() == 0
    assert rig.states() == [("dropped", reason, 0)]


def test_a_new_value_of_the_channel_is_the_one_that_counts(rig: Rig) -> None:
    referral = rig.refer(**safe(), contact_via=None)
    rig.word(referral)
    rig.contact(referral, value="new@mail.example.org")
    rig.send()
    assert [address for address, _ in rig.post.taken] == ["new@mail.example.org"]


def test_a_referral_that_ended_tells_the_person_nothing(rig: Rig) -> None:
    referral = rig.refer(**safe(), contact_via=None)
    rig.word(referral)
    usecases.move(rig.db, move(POLICE, referral, "withdraw", 1, reason="mistaken"), "withdraw")
    assert rig.send() == 0
    assert rig.states() == [("dropped", "no_contact", 0)]
    with pytest.raises(Conflict, match=r"referral\.not_possible"):
        rig.word(referral)


def test_reminders_end_where_no_contact_is_wanted_and_other_notices_go_on(rig: Rig) -> None:
    rig.hears(CENTRE, INTAKE)
    for changes, sent in (({}, 2), ({"do_not_contact": True}, 1)):
        referral = rig.refer(**safe(**changes), contact_via=None)
        rig.send()
        rig.post.taken.clear()
        with rig.db.background("test", org=CENTRE.org_id) as work:
            leg = legs.lock_leg(work, referral, CENTRE.org_id)
            for kind in ("organisation.reminder", "organisation.escalation"):
                notifying.tell(work, leg, CENTRE.org_id, kind)
        assert rig.send() == sent
    assert rig.states("organisation.reminder") == [("sent", None, 1), ("dropped", "do_not_contact", 0)]


def test_what_goes_along_in_one_mail_passes_the_gate_as_well(rig: Rig) -> None:
    rig.hears(CENTRE, INTAKE, kinds=["reminder"])
    found = [rig.refer(**safe(**changes), contact_via=None) for changes in ({}, {"do_not_contact": True}, {})]
    for referral in found:
        with rig.db.background("test", org=CENTRE.org_id) as work:
            notifying.tell(work, legs.lock_leg(work, referral, CENTRE.org_id), CENTRE.org_id, "organisation.reminder")
    assert rig.send() == 1
    assert [state for state, _, _ in rig.states("organisation.reminder")] == ["sent", "dropped", "sent"]


def test_every_candidate_of_an_area_hears_that_there_is_a_card(rig: Rig) -> None:
    rig.hears(CENTRE, INTAKE)
    rig.refer(service=None, area="LT")
    kinds = "SELECT object_type, kind FROM message WHERE kind = 'organisation.new'"
    assert rows(rig.settings, "referrals", kinds) == [("area_offer", "organisation.new")]
    assert rig.send() == 1


def test_a_draft_is_told_when_it_is_sent_with_its_safe_times_as_they_were(rig: Rig) -> None:
    rig.hears(CENTRE, INTAKE)
    window = {"weekday": 1, "from": "10:00", "to": "24:00", "time_zone": "Europe/Vilnius"}
    draft = rig.refer(**safe(safe_times=[window]), contact_via=None, draft=True)
    assert rig.send() == 0
    call = move(POLICE, draft, "acknowledge", 1)
    call.body = {}
    usecases.submit(rig.db, call)
    assert rig.send() == 1
    assert usecases.read(rig.db, look(CENTRE, draft)).value["contact"]["safe_times"] == [window]
