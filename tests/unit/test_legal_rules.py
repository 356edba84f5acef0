"""The legal basis by table: kinds and articles, the gate of article 10, what each kind needs, consent and its end."""

from __future__ import annotations

import datetime as dt
from itertools import product
from typing import Any

import pytest

from chassis.errors import Invalid
from services.referrals.rules import legal, templates
from services.referrals.rules.legal import Setting
from services.referrals.rules.templates import Approved, Submitted

TODAY = dt.date(2026, 11, 26)
DAY = dt.timedelta(days=1)
CENTRE = frozenset({"lt-kavkc", "b3a1f6c4-0000-4000-8000-000000000001"})
LAW = "An invented law on protection against violence"
CONSENT: dict[str, Any] = {
    "given_at": TODAY,
    "method": "oral",
    "taken_by": "Officer",
    "scope_orgs": ["lt-kavkc"],
    "scope_data": ["all"],
    "onward_sharing": "ask_sender",
    "valid_until": None,
    "withdrawn_at": None,
}


def basis(kind: str, **changes: Any) -> dict[str, Any]:
    """A basis of a kind that passes, with what is tried changed."""
    sixth, ninth = legal.ARTICLES[kind]
    free = legal.needs_reason(kind)
    made: dict[str, Any] = {
        "kind": kind,
        "gdpr6": min(sixth),
        "gdpr9": min(ninth),
        "gdpr10": {"contains_offence_data": True, "authorising_law": LAW},
        "reference": "N-1" if kind in legal.ORDERS else None,
        "issued_by": None,
        "issued_on": None,
        "valid_until": None,
        "consent": CONSENT if kind == legal.CONSENT else None,
        "person_informed": {"answer": "yes", "at": None, "by": None, "how": None, "language": None},
        "without_consent_reason": "It is our task." if free else None,
        "approved_by": "officer" if free else None,
        "template": None,
    }
    return {**made, **changes}


def setting(**changes: Any) -> Setting:
    values: dict[str, Any] = {"today": TODAY, "sender_type": "police", "receiver": CENTRE, "kind": "ordinary"}
    return Setting(**{**values, "ordered": False, **changes})


def codes(found: dict[str, Any], **changes: Any) -> list[str]:
    try:
        legal.check(found, setting(**changes))
    except Invalid as refusal:
        return [each.code for each in refusal.fields]
    return []


@pytest.mark.parametrize("kind", legal.KINDS)
def test_each_kind_passes_with_what_it_needs(kind: str) -> None:
    assert codes(basis(kind)) == []


def test_every_pair_of_articles_is_let_in_by_the_table_or_refused() -> None:
    tried = 0
    for kind, sixth, ninth in product(legal.KINDS, legal.GDPR6, legal.GDPR9):
        tried += 1
        fits = [sixth in legal.ARTICLES[kind][0], ninth in legal.ARTICLES[kind][1]]
        assert codes(basis(kind, gdpr6=sixth, gdpr9=ninth)) == ["legal_basis.articles"] * fits.count(False)
    assert tried == 9 * 5 * 7


def test_offence_data_without_a_law_are_refused_whatever_the_kind_and_the_consent() -> None:
    for kind, said, sender in product(legal.KINDS, (True, False), ("police", "crisis_centre")):
        article = {"contains_offence_data": said, "authorising_law": None}
        evident = said or sender == "police" or kind == "probation_condition"
        expected = ["legal_basis.offence_data_without_law"] if evident else []
        for consent in (CONSENT, None) if kind != legal.CONSENT else (CONSENT,):
            assert codes(basis(kind, gdpr10=article, consent=consent), sender_type=sender) == expected


@pytest.mark.parametrize("sender", sorted(legal.CRIMINAL_JUSTICE))
def test_what_criminal_justice_sends_is_offence_data_even_when_it_says_no(sender: str) -> None:
    article = {"contains_offence_data": False, "authorising_law": None}
    assert codes(basis("consent", gdpr10=article), sender_type=sender) == ["legal_basis.offence_data_without_law"]


@pytest.mark.parametrize("kind", legal.KINDS)
def test_orders_need_a_reference_and_nothing_else_does(kind: str) -> None:
    expected = ["legal_basis.reference_missing"] if kind in legal.ORDERS else []
    assert codes(basis(kind, reference=None)) == expected


@pytest.mark.parametrize("kind", legal.KINDS)
def test_without_consent_order_or_duty_an_officer_answers_for_it(kind: str) -> None:
    found = codes(basis(kind, without_consent_reason=None, approved_by=None))
    assert found == (["legal_basis.reason_missing"] * 2 if legal.needs_reason(kind) else [])


@pytest.mark.parametrize("kind", legal.KINDS)
def test_what_ended_yesterday_carries_nothing(kind: str) -> None:
    assert codes(basis(kind, valid_until=TODAY - DAY)) == ["legal_basis.expired"]
    assert codes(basis(kind, valid_until=TODAY)) == []
    assert codes(basis(kind, valid_until=(TODAY - DAY).isoformat())) == ["legal_basis.expired"]


FAULTS = [
    ({"withdrawn_at": TODAY}, "legal_basis.consent_withdrawn"),
    ({"given_at": None}, "legal_basis.consent_not_given"),
    ({"given_at": TODAY + 2 * DAY}, "legal_basis.consent_not_given"),
    ({"valid_until": TODAY - DAY}, "legal_basis.consent_expired"),
    ({"scope_orgs": ["lt-kapvc"]}, "legal_basis.consent_other_receiver"),
    ({"scope_orgs": []}, "legal_basis.consent_other_receiver"),
]


@pytest.mark.parametrize(("change", "code"), FAULTS)
@pytest.mark.parametrize("kind", legal.KINDS)
def test_a_consent_that_does_not_carry_blocks_what_rests_on_it_and_only_that(
    kind: str, change: dict[str, Any], code: str
) -> None:
    consent = {**CONSENT, **change}
    found = basis(kind, consent=consent)
    assert codes(found) == ([code] if kind == legal.CONSENT else [])
    if legal.needs_reason(kind):  # without an officer's reason it rests on the consent
        assert codes({**found, "without_consent_reason": None, "approved_by": None}) == [code]


@pytest.mark.parametrize("scope", sorted(CENTRE))
def test_a_consent_names_the_receiver_by_key_or_id(scope: str) -> None:
    assert codes(basis("consent", consent={**CONSENT, "scope_orgs": ["lt-gentys", scope.upper()]})) == []


@pytest.mark.parametrize("answer", ["no", "not_safe"])
@pytest.mark.parametrize("kind", legal.KINDS)
def test_nobody_consents_who_was_not_told(kind: str, answer: str) -> None:
    told = {"answer": answer, "at": None, "by": None, "how": None, "language": None}
    expected = ["legal_basis.consent_uninformed"] if kind == legal.CONSENT else []
    assert codes(basis(kind, person_informed=told)) == expected


@pytest.mark.parametrize("kind", legal.KINDS)
def test_a_child_concern_never_rests_on_consent(kind: str) -> None:
    found = codes(basis(kind), kind="child_concern")
    assert found == (["legal_basis.concern_by_consent"] if kind == legal.CONSENT else [])


ONWARD = [
    ("none", ["lt-kavkc"], False),
    ("ask_sender", ["lt-kavkc"], False),
    ("allowed", ["lt-kavkc"], True),
    ("none", ["lt-kavkc", "lt-kapvc"], True),
]


@pytest.mark.parametrize(("word", "scope", "passes"), ONWARD)
def test_a_referral_is_passed_on_as_far_as_the_consent_goes(word: str, scope: list[str], passes: bool) -> None:  # noqa: FBT001 -- a column of the table
    found = basis("consent", consent={**CONSENT, "onward_sharing": word, "scope_orgs": scope})
    target = frozenset({"lt-kapvc"})
    if passes:
        legal.check_forward(found, today=TODAY, target=target)
    else:
        with pytest.raises(Invalid) as refused:
            legal.check_forward(found, today=TODAY, target=target)
        assert refused.value.code == "legal_basis.consent_other_receiver"
    with pytest.raises(Invalid):
        expired = {**found["consent"], "valid_until": TODAY - DAY}
        legal.check_forward({**found, "consent": expired}, today=TODAY, target=target)
    for kind in legal.ORDERS | legal.DUTIES:
        legal.check_forward(basis(kind), today=TODAY, target=target)


LOCKED = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize("treating", [True, False])
@pytest.mark.parametrize("until", [None, TODAY, TODAY - DAY])
def test_who_still_reads_the_personal_part(treating: bool, until: dt.date | None) -> None:  # noqa: FBT001 -- a column of the table
    assert legal.shut_since(LOCKED, until, treating=treating, today=TODAY) == LOCKED
    shut = until == TODAY - DAY and not treating
    assert legal.shut_since(None, until, treating=treating, today=TODAY) == (until if shut else None)


def test_the_receiver_gets_no_approval_and_no_name_of_the_senders_staff() -> None:
    told = {"answer": "yes", "at": None, "by": "Officer Ona", "how": "at the door", "language": "lt"}
    found = basis("consent", person_informed=told, template="consent", template_version=1, approved_by="member:o")
    shown = legal.for_receiver(found)
    assert shown is not None
    assert "Officer" not in str(shown)
    assert not {"template", "template_version", "approved_by", "without_consent_reason"} & set(shown)
    assert shown["consent"]["onward_sharing"] == "ask_sender"
    assert legal.for_receiver(None) is None


# -- templates ---------------------------------------------------------------------------------------------------------

AT = dt.datetime(2026, 11, 26, 9, 0, tzinfo=dt.UTC)


def approved(law: str | None = LAW) -> list[Approved]:
    return [
        Approved(
            name=each["name"], version=1, default_for=each["default_for"], approved_by="member:officer", content=each
        )
        for each in templates.standard(law)
    ]


def submitted(**changes: Any) -> Submitted:
    values: dict[str, Any] = {
        "at": AT,
        "by": "member:ona",
        "receiver": "lt-kavkc",
        "kind": "ordinary",
        "ordered": False,
        "order_reference": None,
        "person_informed": "yes",
    }
    return Submitted(**{**values, **changes})


def resolved(given: dict[str, Any] | None, law: str | None = LAW, **changes: Any) -> dict[str, Any]:
    facts = submitted(**changes)
    return templates.completed(templates.choose(approved(law), given, facts), given, facts)


@pytest.mark.parametrize("law", [LAW, None])
def test_the_ready_made_templates_can_all_be_approved(law: str | None) -> None:
    for each in templates.standard(law):
        templates.check(each)
    assert {each["default_for"] for each in templates.standard(law)} == {None, *templates.USES}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "consent"),
        ({"ordered": True, "order_reference": "N-7"}, "court_order"),
        ({"kind": "child_concern", "person_informed": "not_safe"}, "statutory_duty_child"),
    ],
)
def test_nothing_by_hand_is_enough(changes: dict[str, Any], kind: str) -> None:
    found = resolved(None, **changes)
    assert found["kind"] == kind
    facts = {name: value for name, value in changes.items() if name in {"kind", "ordered"}}
    assert codes(found, **facts) == []


@pytest.mark.parametrize("each", templates.standard(LAW), ids=lambda each: str(each["name"]))
def test_every_ready_made_template_carries_a_referral_of_police(each: dict[str, Any]) -> None:
    given = {"template": each["name"], "reference": "N-7"}
    found = resolved(given)
    assert codes(found) == []
    assert (found["template"], found["template_version"]) == (each["name"], 1)
    assert found["approved_by"] == "member:officer"


def test_without_a_law_police_send_nothing() -> None:
    assert codes(resolved(None, None)) == ["legal_basis.offence_data_without_law"]
    assert codes(resolved(None, None), sender_type="crisis_centre") == []


def test_under_a_template_of_consent_he_was_asked_today_by_who_posts() -> None:
    consent = resolved(None)["consent"]
    assert (consent["given_at"], consent["taken_by"], consent["scope_orgs"]) == (TODAY, "member:ona", ["lt-kavkc"])
    assert consent["valid_until"] == TODAY + dt.timedelta(days=365)
    said = {"consent": {"given_at": TODAY - DAY, "method": "written", "onward_sharing": "allowed"}}
    consent = resolved(said)["consent"]
    assert (consent["given_at"], consent["method"], consent["onward_sharing"]) == (TODAY - DAY, "written", "allowed")


REFUSED = [
    ({"template": "nobody-approved-this"}, "legal_basis.template_unknown"),
    ({"template": "consent", "gdpr6": "e"}, "legal_basis.template_says"),
    ({"approved_by": "me"}, "legal_basis.template_says"),
    ({"kind": "public_task"}, "required"),
    ({"kind": "public_task", "gdpr6": "e"}, "required"),
    ({"person_informed": {"answer": "no"}}, "legal_basis.informed_differs"),
]


@pytest.mark.parametrize(("given", "code"), REFUSED)
def test_what_is_not_the_senders_to_say_is_refused(given: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        resolved(given)
    assert refused.value.fields[0].code == code


def test_all_of_it_by_hand_needs_no_template() -> None:
    given = {
        "kind": "public_task",
        "gdpr6": "e",
        "gdpr9": "g",
        "gdpr10": {"contains_offence_data": True, "authorising_law": LAW},
        "without_consent_reason": "Our task by law.",
        "approved_by": "Officer",
    }
    facts = submitted()
    found = templates.completed(templates.choose([], given, facts), given, facts)
    assert (found["template"], found["consent"], codes(found)) == (None, None, [])


def test_an_organisation_without_a_template_is_told_how_to_get_one() -> None:
    with pytest.raises(Invalid) as refused:
        templates.choose([], None, submitted())
    assert refused.value.code == "legal_basis.no_template"
    assert "POST /referrals/legal-templates/standard" in refused.value.detail


TEMPLATE_FAULTS = [
    ({"gdpr6": "d"}, "legal_basis.articles"),
    ({"contains_offence_data": True, "authorising_law": None}, "legal_basis.offence_data_without_law"),
    ({"kind": "public_task", "gdpr6": "e", "gdpr9": "g"}, "legal_basis.reason_missing"),
    ({"default_for": "child_concern"}, "legal_basis.concern_by_consent"),
]


@pytest.mark.parametrize(("change", "code"), TEMPLATE_FAULTS)
def test_a_template_that_could_carry_nothing_is_not_approved(change: dict[str, Any], code: str) -> None:
    consent = next(each for each in templates.standard(LAW) if each["name"] == "consent")
    with pytest.raises(Invalid) as refused:
        templates.check({**consent, **change})
    assert refused.value.fields[0].code == code
