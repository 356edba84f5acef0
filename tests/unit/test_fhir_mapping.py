"""Each state of a referral, on each side, in every scope and urgency, is valid FHIR R4 and says what it should."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.referrals.rules import codes, feedback, fhir, fhir_capability, lifecycle
from services.referrals.rules.lifecycle import RECEIVER, SENDER
from tests.support.fhir import by_library, check

# referrals.md section 2, written apart from the code: Task, ServiceRequest.
TABLE = {
    "draft": ("draft", "draft"),
    "sent": ("requested", "active"),
    "received": ("received", "active"),
    "info_requested": ("received", "active"),
    "assessing": ("accepted", "active"),
    "accepted": ("accepted", "active"),
    "waitlisted": ("accepted", "active"),
    "in_progress": ("in-progress", "active"),
    "on_hold": ("on-hold", "on-hold"),
    "completed": ("completed", "completed"),
    "ended": ("failed", "completed"),
    "declined": ("rejected", "active"),
    "forwarded": ("rejected", "active"),
    "withdrawn": ("cancelled", "revoked"),
    "expired": ("cancelled", "active"),
    "entered_in_error": ("entered-in-error", "entered-in-error"),
}
ID = "0b6f6d3c-1d0a-4a7e-9f7e-3a3b1c2d3e4f"
SENT_AT, CHANGED_AT = "2026-11-02T07:05:06.123456+00:00", "2026-11-26T23:59:59+00:00"
NAME, REASON = "Demo Pavyzdys", "Invented case: he asks for help."
PARTIES = {
    "sender": {"id": "11111111-1111-4111-8111-111111111111", "key": "lt-police"},
    "receiver": {"id": "22222222-2222-4222-8222-222222222222", "key": "lt-kavkc"},
}
CONTACTS: tuple[dict[str, str] | None, ...] = (
    None,
    {"channel": "phone", "value": "+37060000000", "safe": "yes"},
    {"channel": "email", "value": "demo@example.org", "safe": "unknown"},
    {"channel": "post", "value": "Invented street 1, Vilnius", "safe": "no"},
)
REASONS = {"declined": "no_capacity", "ended": "moved", "withdrawn": "mistaken", "on_hold": "health"}


def seen(state: str, side: str, **changes: Any) -> dict[str, Any]:
    """What one side is shown of a referral, as ReferralView says it."""
    return {
        "id": ID, "side": side, "state": state, "reason_code": REASONS.get(state), "urgency": "urgent", "version": 3,
        **PARTIES, "service": {"id": ID, "key": "lt-kavkc-behaviour-change"}, "kind": "ordinary",
        "sent_at": None if state == "draft" else SENT_AT, "changed_at": CHANGED_AT,
        "person": {"name": NAME, "birth_year": 1985}, "role": "used_violence", "contact": None,
        "contact_via": "referrer", "needs": ["violence_own_use", "loss"], "reason": REASON, "ordered": True,
        "order_reference": "N-1", "person_informed": "yes", "feedback_scope": "received_only",
        "external_ref": "ROIK-1" if side == SENDER else None,
        "allowed_actions": list(lifecycle.allowed_actions(lifecycle.Standing(state=state, kind="ordinary"), side)),
        **changes,
    }  # fmt: skip


def every(state: str) -> Iterator[dict[str, Any]]:
    """Both sides, all scopes, urgencies and contacts; the sender's state as the contract lets him see it."""
    product = itertools.product((SENDER, RECEIVER), feedback.SCOPES, codes.URGENCIES, CONTACTS)
    for side, scope, urgency, contact in product:
        hidden = side == SENDER and state != "closed" and not feedback.sender_sees(state, scope)
        if side == RECEIVER and state in {"draft", "closed"}:
            continue
        shown = ("closed" if state in lifecycle.FINAL else "received") if hidden else state
        yield seen(shown, side, feedback_scope=scope, urgency=urgency, contact=contact)


def test_the_table_is_that_of_the_design() -> None:
    assert {state: (words.task, words.request) for state, words in fhir.STATES.items() if state != "closed"} == TABLE
    assert set(TABLE) == set(lifecycle.STATES)


@pytest.mark.parametrize("state", fhir.STATES)
def test_every_state_is_valid_on_each_side_in_every_scope_and_urgency(shared: Path, state: str) -> None:
    counted = 0
    for each in every(state):
        request, task = fhir.service_request(each), fhir.task(each)
        check(shared, request)
        check(shared, task)
        words = fhir.STATES[each["state"]]
        assert (task["status"], request["status"]) == (words.task, words.request)
        assert task["businessStatus"]["coding"] == [{"system": fhir.STATE, "code": each["state"]}]
        counted += 1
    assert counted >= (96 if state in {"draft", "closed"} else 192)


@pytest.mark.parametrize("state", lifecycle.STATES)
def test_without_the_person_it_is_valid_too_and_says_that_he_is_masked(shared: Path, state: str) -> None:
    for side in (SENDER, RECEIVER):
        whole = seen(state, side)
        line = {name: whole[name] for name in ("id", "side", "state", "urgency", "version", "sender", "changed_at")}
        for each in (line, {**line, "sent_at": whole["sent_at"], "receiver": None, "service": None}):
            request = fhir.service_request(each, subset=True)
            check(shared, request)
            check(shared, fhir.task(each, subset=True))
            assert "contained" not in request
            assert request["subject"]["extension"][0]["valueCode"] == "masked"
            assert request["meta"]["tag"][0]["code"] == "SUBSETTED"


def test_a_request_says_all_that_was_shown_and_nothing_else() -> None:
    request = fhir.service_request(seen("sent", SENDER, contact=CONTACTS[1]))
    assert request == {
        "resourceType": "ServiceRequest",
        "id": ID,
        "meta": {"versionId": "3", "lastUpdated": CHANGED_AT},
        "contained": [
            {
                "resourceType": "Patient",
                "id": "person",
                "name": [{"text": NAME}],
                "birthDate": "1985",
                "telecom": [
                    {
                        "extension": [{"url": "urn:tukiverkko:fhir:contact-safe", "valueCode": "yes"}],
                        "system": "phone",
                        "value": "+37060000000",
                    }
                ],
            }
        ],
        "extension": [
            {"url": "urn:tukiverkko:fhir:role", "valueCode": "used_violence"},
            {"url": "urn:tukiverkko:fhir:contact-via", "valueCode": "referrer"},
            {"url": "urn:tukiverkko:fhir:ordered", "valueBoolean": True},
            {"url": "urn:tukiverkko:fhir:order-reference", "valueString": "N-1"},
            {"url": "urn:tukiverkko:fhir:person-informed", "valueCode": "yes"},
            {"url": "urn:tukiverkko:fhir:feedback-scope", "valueCode": "received_only"},
        ],
        "identifier": [{"system": "urn:tukiverkko:own-reference", "value": "ROIK-1"}],
        "status": "active",
        "intent": "order",
        "category": [{"coding": [{"system": "urn:tukiverkko:referral-kind", "code": "ordinary"}]}],
        "priority": "urgent",
        "subject": {"reference": "#person"},
        "authoredOn": SENT_AT,
        "requester": {
            "type": "Organization",
            "identifier": {"system": "urn:tukiverkko:organisation", "value": "lt-police"},
        },
        "performer": [
            {"type": "Organization", "identifier": {"system": "urn:tukiverkko:organisation", "value": "lt-kavkc"}},
            {
                "type": "HealthcareService",
                "identifier": {"system": "urn:tukiverkko:service", "value": "lt-kavkc-behaviour-change"},
            },
        ],
        "reasonCode": [
            {"coding": [{"system": "urn:tukiverkko:need", "code": "violence_own_use"}]},
            {"coding": [{"system": "urn:tukiverkko:need", "code": "loss"}]},
            {"text": REASON},
        ],
    }


@pytest.mark.parametrize("state", lifecycle.STATES)
def test_a_task_says_nothing_about_the_person(state: str) -> None:
    for side in (SENDER, RECEIVER):
        said = str(fhir.task(seen(state, side, contact=CONTACTS[2])))
        for secret in (NAME, REASON, "1985", "demo@example.org", "N-1", "ROIK-1", "used_violence", "loss"):
            assert secret not in said


def test_the_reason_is_the_code_that_the_side_was_shown() -> None:
    shown = seen("declined", SENDER, reason_code="not_possible_here")
    assert fhir.task(shown)["statusReason"]["coding"][0]["code"] == "not_possible_here"
    assert "statusReason" not in fhir.task(seen("sent", SENDER))


@pytest.mark.parametrize(
    ("urgency", "priority"),
    [("crisis", "stat"), ("urgent", "urgent"), ("standard", "routine"), ("planned", "routine")],
)
def test_priority_and_the_occurrence_of_what_is_planned(urgency: str, priority: str) -> None:
    request = fhir.service_request(seen("sent", SENDER, urgency=urgency))
    assert request["priority"] == fhir.task(seen("sent", SENDER, urgency=urgency))["priority"] == priority
    assert ("occurrencePeriod" in request) == (urgency == "planned")
    if urgency == "planned":
        assert request["occurrencePeriod"] == {"start": "2026-11-02"}
        later = fhir.service_request(seen("sent", SENDER, urgency=urgency, not_before="2027-01-11"))
        assert later["occurrencePeriod"] == {"start": "2027-01-11"}


def test_a_party_whose_key_is_not_known_yet_goes_by_its_id(shared: Path) -> None:
    unknown = {"id": PARTIES["receiver"]["id"], "key": None}
    request = fhir.service_request(seen("sent", SENDER, receiver=unknown, service=unknown))
    check(shared, request)
    values = {each["identifier"]["value"] for each in request["performer"]}
    assert values == {f"urn:uuid:{unknown['id']}"}


@pytest.mark.parametrize("sign", ["\u00a0", "\u2003", "\u3000", "\u2028", "\u0085"])
def test_white_space_that_no_fhir_string_has_becomes_a_space(shared: Path, sign: str) -> None:
    text = f"A{sign}B"
    contact = {"channel": "post", "value": text, "safe": "no"}
    spaced = seen(
        "sent", SENDER, person={"name": text, "birth_year": 1985}, reason=text, contact=contact, order_reference=text,
        external_ref=text,
    )  # fmt: skip
    request = fhir.service_request(spaced)
    check(shared, request)
    assert sign not in str(request)
    assert str(request).count("A B") == 5


def test_texts_of_many_alphabets_stay_as_they_are(shared: Path) -> None:
    text = "Ąžuolas Öhman-Müller Жанна 李小龙 🙂\n\tline"
    request = fhir.service_request(seen("sent", SENDER, reason=text))
    check(shared, request)
    assert by_library(request)["reasonCode"][2]["text"] == text


def test_a_page_of_a_search_is_valid(shared: Path) -> None:
    lines = [seen(state, RECEIVER) for state in lifecycle.STATES if state != "draft"]
    for kind in (fhir.SERVICE_REQUEST, fhir.TASK):
        links = {"self": f"https://h/fhir/{kind}", "next": f"https://h/fhir/{kind}?_cursor=x"}
        page = fhir.bundle(kind, lines, base="https://h/fhir", links=links)
        check(shared, page)
        assert page["entry"][0]["fullUrl"] == f"https://h/fhir/{kind}/{ID}"
        empty = fhir.bundle(kind, [], base="https://h/fhir", links={"self": "https://h/fhir/x"})
        check(shared, empty)
        assert "entry" not in empty


def test_what_is_spoken_is_valid(shared: Path) -> None:
    statement = fhir_capability.capability("https://h/fhir")
    check(shared, statement)
    (rest,) = statement["rest"]
    assert [each["type"] for each in rest["resource"]] == ["ServiceRequest", "Task"]


def test_a_checker_that_finds_nothing_would_be_found(shared: Path) -> None:
    """The control: each of these is one fault away from a valid resource."""
    request, task = fhir.service_request(seen("sent", SENDER)), fhir.task(seen("sent", SENDER))
    wrong = [
        {**task, "status": "waiting"},
        {**task, "lastModified": "yesterday"},
        {**task, "unknown": 1},
        {**request, "reasonCode": "loss"},
        {**request, "contained": [{**request["contained"][0], "birthDate": "in 1985"}]},
    ]
    for each in wrong:
        with pytest.raises(AssertionError):
            check(shared, each)
    for each in wrong[1:]:  # the library takes any code for a status
        with pytest.raises(ValueError, match="validation error"):
            by_library(each)
