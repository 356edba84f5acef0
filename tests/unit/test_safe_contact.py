"""The safe contact as it comes in: ten fields by hand are enough, and every setting of section 11 can be said."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from chassis.messages.contact import contact_of
from services.referrals.rules.notifying import heard, language_for
from services.referrals.schemas import NEW_REFERRAL_EXAMPLE, NewReferral
from services.referrals.schemas.contact import Contact

SHORT = {"channel": "phone", "value": "+37060000000", "safe": "unknown"}
WHOLE = {
    "channel": "email", "value": "somebody@mail.example.org", "safe": "yes", "may_call": None, "may_text": False,
    "may_leave_voicemail": False, "may_say_who_we_are": True, "may_post": None,
    "safe_times": [{"weekday": 1, "from": "09:00", "to": "11:30", "time_zone": "Europe/Vilnius"},
                   {"weekday": 7, "from": "22:00", "to": "24:00", "time_zone": "Europe/Helsinki"}],
    "unsafe_if_answered_by": None, "verified_at": "2026-01-01T09:00:00+02:00", "verified_by": "Intake team",
    "further": [{**SHORT, "may_call": True}], "do_not_contact": False,
}  # fmt: skip


def test_three_fields_are_enough_and_nothing_is_added_to_them() -> None:
    assert Contact().load(SHORT) == SHORT
    body = NewReferral().load({**NEW_REFERRAL_EXAMPLE, "contact": SHORT, "contact_via": None})
    assert body["contact"] == SHORT


def test_everything_of_section_11_goes_in_and_comes_out_as_it_was() -> None:
    loaded = Contact().load(WHOLE)
    assert loaded == WHOLE, "as it is sealed; a draft is read by the same shape again"
    assert Contact().dump(loaded) == WHOLE
    contact = contact_of({"contact": loaded, "contact_via": None, "language": "ru"})
    assert [each.channel for each in contact.channels] == ["email", "phone"]
    assert contact.channels[0].times is not None
    assert [(each.start, each.end) for each in contact.channels[0].times] == [(540, 690), (1320, 1440)]
    assert contact.channels[0].verified_at is not None
    assert contact.language == "ru"


@pytest.mark.parametrize(
    "changes",
    [
        {"safe_times": []},
        {"safe_times": [{"weekday": 0, "from": "09:00", "to": "10:00", "time_zone": "Europe/Riga"}]},
        {"safe_times": [{"weekday": 1, "from": "10:00", "to": "09:00", "time_zone": "Europe/Riga"}]},
        {"safe_times": [{"weekday": 1, "from": "9:00", "to": "10:00", "time_zone": "Europe/Riga"}]},
        {"safe_times": [{"weekday": 1, "from": "24:00", "to": "24:00", "time_zone": "Europe/Riga"}]},
        {"safe_times": [{"weekday": 1, "from": "09:00", "to": "10:00", "time_zone": "Europe/Nowhere"}]},
        {"safe_times": [{"weekday": 1, "from": "09:00", "to": "10:00"}]},
        {"verified_at": "2026-01-01"},
        {"verified_at": "2026-01-01T09:00:00"},
        {"verified_at": "2999-01-01T09:00:00+00:00"},
        {"verified_at": "yesterday"},
        {"may_text": "yes"},
        {"do_not_contact": "no"},
        {"language": "lt"},
        {"further": [{**SHORT, "further": []}]},
        {"further": [SHORT] * 6},
        {"further": [{**SHORT, "value": "060"}]},
        {"unsafe_if_answered_by": ""},
        {"caller_alias": "x"},
    ],
)
def test_what_cannot_be_understood_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Contact().load({**WHOLE, **changes})


@pytest.mark.parametrize(
    ("action", "actor", "told", "expected"),
    [
        ("submit", "sender", "sent", [("receiver", "organisation.new"), ("receiver", "organisation.link")]),
        ("accept", "receiver", "accepted", [("sender", "organisation.changed")]),
        ("accept", "receiver", None, []),
        ("complete", "receiver", "closed", [("sender", "organisation.changed")]),
        ("request_info", "receiver", "info_requested", [("sender", "organisation.asked")]),
        ("provide_info", "sender", "info_provided", [("receiver", "organisation.answered")]),
        ("withdraw", "sender", "withdrawn", [("receiver", "organisation.withdrawn")]),
        ("revoke_consent", "receiver", "closed", [("sender", "organisation.changed")]),
        ("revoke_consent", "person", None, [("receiver", "organisation.withdrawn")]),
        ("expire", "system", "expired", [("receiver", "organisation.expired"), ("sender", "organisation.expired")]),
        ("hold", "receiver", None, []),
        ("hold", "sender", "on_hold", [("receiver", "organisation.changed")]),
        ("discard", "sender", "withdrawn", []),
    ],
)
def test_who_hears_of_a_step(action: str, actor: str, told: str | None, expected: list[tuple[str, str]]) -> None:
    assert list(heard(action, actor=actor, sender_told=told)) == expected


def test_the_language_is_his_own_else_that_of_the_country() -> None:
    assert language_for("ru", "LT") == "ru"
    assert [language_for(None, each) for each in ("LT", "NO", "IS", None)] == ["lt", "nb", None, None]
