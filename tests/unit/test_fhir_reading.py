"""What a FHIR client sends becomes the referral that was meant, or is refused by the place of what does not fit."""

from __future__ import annotations

import copy
import itertools
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from marshmallow import Schema, ValidationError

from chassis.errors import FieldError, Invalid
from chassis.fhir import expression_of
from chassis.schema import field_errors
from services.referrals.rules import codes, fhir, fhir_reading
from services.referrals.rules.lifecycle import SENDER
from services.referrals.schemas import NEW_REFERRAL_EXAMPLE, NewReferral
from services.referrals.schemas.fhir import REQUEST_EXAMPLE, NewServiceRequest
from services.referrals.usecases.fhir import FIELDS, loaded
from tests.support.fhir import check
from tests.unit.test_fhir_mapping import CONTACTS, ID, PARTIES, seen

Change = Callable[[dict[str, Any]], Any]
PERSON = {"name": "Demo Pavyzdys", "birth_year": 1985, "birth_date": "1985-02-03", "gender": "male"}
STAYS = {"receiver": "lt-kavkc", "service": "lt-kavkc-behaviour-change"}


def read(sent: dict[str, Any]) -> dict[str, Any]:
    """The body of a new referral out of a resource."""
    return loaded(NewReferral(), fhir_reading.new_referral(NewServiceRequest().load(sent), FIELDS))


def faults(act: Callable[[], object], shape: Schema, root: str) -> set[tuple[str, str]]:
    """Expressions and codes of what does not fit, of the shape or of the meaning."""
    try:
        act()
    except ValidationError as error:
        found: tuple[FieldError, ...] = field_errors(error, shape)
    except Invalid as error:
        found = error.fields
    else:
        return set()
    return {(expression_of(each.pointer, root), each.code) for each in found}


def test_the_example_is_the_same_referral_as_that_of_the_other_door(shared: Path) -> None:
    check(shared, REQUEST_EXAMPLE)
    assert read(REQUEST_EXAMPLE) == NewReferral().load(NEW_REFERRAL_EXAMPLE)


@pytest.mark.parametrize("urgency", codes.URGENCIES)
@pytest.mark.parametrize("contact", CONTACTS, ids=str)
def test_what_goes_out_comes_back_the_same(shared: Path, urgency: str, contact: dict[str, str] | None) -> None:
    for role, ordered, via in itertools.product(codes.ROLES, (True, False), (None, *codes.CONTACT_VIA)):
        if contact is None and via is None:
            continue
        body = NewReferral().load(
            {
                **NEW_REFERRAL_EXAMPLE, **STAYS, "urgency": urgency, "contact": contact, "contact_via": via,
                "role": role, "ordered": ordered, "order_reference": "N-1" if ordered else None,
                "needs": list(codes.NEEDS), "external_ref": "ROIK-1", "feedback_scope": "attendance",
                "language": "lt", "person": PERSON, "not_before": "2027-01-11" if urgency == "planned" else None,
            }
        )  # fmt: skip
        kept = {name: value for name, value in body.items() if name not in {"receiver", "service", "draft"}}
        kept["person"] = PERSON
        request = fhir.service_request(seen("sent", SENDER, **kept))
        check(shared, request)
        assert read(request) == body  # as it was read, with id and version, which a server sets anew


def performer(key: str) -> dict[str, Any]:
    """An organisation by its key."""
    return {"type": "Organization", "identifier": {"system": fhir.ORGANISATION, "value": key}}


def at(*path: str | int) -> Callable[[object], Change]:
    """A change of one place; `...` takes it away."""

    def change(value: object) -> Change:
        def made(sent: dict[str, Any]) -> None:
            inside: Any = sent
            for step in path[:-1]:
                inside = inside[step]
            if value is ...:
                del inside[path[-1]]
            else:
                inside[path[-1]] = value

        return made

    return change


def adding(name: str, part: object) -> Change:
    """One more in a list."""
    return lambda sent: sent.setdefault(name, []).append(part)


PATIENT = REQUEST_EXAMPLE["contained"][0]
PERFORMER = REQUEST_EXAMPLE["performer"][0]
PHONE = {"system": "phone", "value": "+37060000000"}
BAD_REQUESTS: dict[str, tuple[Change, str, str]] = {
    "another resource": (at("resourceType")("Task"), "ServiceRequest.resourceType", "choice"),
    "no resource type": (at("resourceType")(...), "ServiceRequest.resourceType", "required"),
    "no subject": (at("subject")(...), "ServiceRequest.subject", "required"),
    "a null": (at("subject")(None), "ServiceRequest.subject", "null"),
    "a subject that is a text": (at("subject")("#person"), "ServiceRequest.subject", "type"),
    "a subject elsewhere": (
        at("subject", "reference")("Patient/1"), "ServiceRequest.subject.reference", "subject.unknown"),
    "no person": (at("contained")(...), "ServiceRequest.contained", "required"),
    "an empty list": (at("contained")([]), "ServiceRequest.contained", "length"),
    "two persons": (adding("contained", PATIENT), "ServiceRequest.contained", "length"),
    "another contained": (
        at("contained", 0, "resourceType")("Group"), "ServiceRequest.contained[0].resourceType", "choice"),
    "no name": (at("contained", 0, "name")(...), "ServiceRequest.contained[0].name", "required"),
    "an empty name": (at("contained", 0, "name", 0)({}), "ServiceRequest.contained[0].name[0].text", "required"),
    "a blank name": (
        at("contained", 0, "name", 0, "text")("  "), "ServiceRequest.contained[0].name[0].text", "text.blank"),
    "no year of birth": (at("contained", 0, "birthDate")(...), "ServiceRequest.contained[0].birthDate", "required"),
    "a month of birth": (
        at("contained", 0, "birthDate")("1985-02"), "ServiceRequest.contained[0].birthDate", "pattern"),
    "an old year": (at("contained", 0, "birthDate")("1899"), "ServiceRequest.contained[0].birthDate", "range"),
    "a year to come": (at("contained", 0, "birthDate")("2099"), "ServiceRequest.contained[0].birthDate", "year.future"),
    "a national identifier": (
        at("contained", 0, "identifier")([]), "ServiceRequest.contained[0].identifier", "unknown"),
    "an unknown gender": (at("contained", 0, "gender")("x"), "ServiceRequest.contained[0].gender", "choice"),
    "a language that is none": (
        at("contained", 0, "communication")([{"language": {"coding": [{"system": fhir.LANGUAGES, "code": "?"}]}}]),
        "ServiceRequest.contained[0].communication[0].language.coding[0].code", "invalid"),
    "a local number": (
        at("contained", 0, "telecom")([{**PHONE, "value": "860000000"}]),
        "ServiceRequest.contained[0].telecom[0].value", "phone"),
    "a fax": (
        at("contained", 0, "telecom")([{**PHONE, "system": "fax"}]),
        "ServiceRequest.contained[0].telecom[0].system", "choice"),
    "two contacts": (
        lambda sent: sent["contained"][0].update(telecom=[PHONE], address=[{"text": "Street 1"}]),
        "ServiceRequest.contained[0]", "contact.several"),
    "another flag of a contact": (
        at("contained", 0, "telecom")([{**PHONE, "extension": [{"url": "urn:x", "valueCode": "yes"}]}]),
        "ServiceRequest.contained[0].telecom[0].extension[0].url", "choice"),
    "no contact": (at("extension", 1)({"url": fhir.EXTENSION + "feedback-scope", "valueCode": "none"}),
        "ServiceRequest.contained[0].telecom", "required"),
    "no status": (at("status")(...), "ServiceRequest.status", "required"),
    "a draft": (at("status")("draft"), "ServiceRequest.status", "choice"),
    "a plan": (at("intent")("plan"), "ServiceRequest.intent", "choice"),
    "a priority in between": (at("priority")("asap"), "ServiceRequest.priority", "choice"),
    "an urgent plan": (at("occurrenceDateTime")("2027-01-01"), "ServiceRequest.priority", "priority.planned"),
    "no performer": (at("performer")(...), "ServiceRequest.performer", "required"),
    "an empty performer": (at("performer")([]), "ServiceRequest.performer", "required"),
    "an area beside a performer": (
        at("locationCode")([{"coding": [{"system": fhir.AREA, "code": "LT:Raseiniai"}]}]),
        "ServiceRequest.locationCode[0].coding[0].code", "area.and_receiver"),
    "two services": (adding("performer", PERFORMER), "ServiceRequest.performer[1].identifier.value", "repeated"),
    "a practitioner": (at("performer", 0, "type")("Practitioner"), "ServiceRequest.performer[0].type", "choice"),
    "a literal reference": (
        at("performer", 0, "reference")("Organization/1"), "ServiceRequest.performer[0].reference", "unknown"),
    "another system": (
        at("performer", 0, "identifier", "system")("urn:x"),
        "ServiceRequest.performer[0].identifier.system", "choice"),
    "a uri that is no id": (
        at("performer", 0, "identifier")({"system": fhir.URI, "value": "https://h/x"}),
        "ServiceRequest.performer[0].identifier.value", "pattern"),
    "no reason": (at("reasonCode")(REQUEST_EXAMPLE["reasonCode"][:1]), "ServiceRequest.reasonCode", "required"),
    "no need": (at("reasonCode")(REQUEST_EXAMPLE["reasonCode"][1:]), "ServiceRequest.reasonCode", "length"),
    "two texts": (adding("reasonCode", {"text": "b"}), "ServiceRequest.reasonCode[2].text", "repeated"),
    "text beside a code": (
        at("reasonCode", 0, "text")("b"), "ServiceRequest.reasonCode[0].text", "not_supported"),
    "an unknown need": (
        at("reasonCode", 0, "coding", 0, "code")("x"), "ServiceRequest.reasonCode[0].coding[0].code", "choice"),
    "a need twice": (
        adding("reasonCode", REQUEST_EXAMPLE["reasonCode"][0]), "ServiceRequest.reasonCode", "code.repeated"),
    "a long text": (at("reasonCode", 1, "text")("x" * 4001), "ServiceRequest.reasonCode[1].text", "length"),
    "an unknown extension": (at("extension", 0, "url")("urn:x"), "ServiceRequest.extension[0].url", "choice"),
    "an extension twice": (
        adding("extension", REQUEST_EXAMPLE["extension"][0]),
        "ServiceRequest.extension[4].valueCode", "repeated"),
    "an extension without a value": (
        at("extension", 0, "valueCode")(...), "ServiceRequest.extension[0]", "extension.value"),
    "a value of another kind": (
        at("extension", 2)({"url": fhir.EXTENSION + "ordered", "valueString": "true"}),
        "ServiceRequest.extension[2]", "extension.value"),
    "an unknown role": (
        at("extension", 0, "valueCode")("victim"), "ServiceRequest.extension[0].valueCode", "choice"),
    "no role": (at("extension", 0)(...), "ServiceRequest.extension", "required"),
    "an order without its reference": (
        at("extension", 2, "valueBoolean")(True), "ServiceRequest.extension", "required"),  # noqa: FBT003 - a value
    "a yes for a boolean": (
        at("extension", 2, "valueBoolean")("yes"), "ServiceRequest.extension[2].valueBoolean", "type"),
    "a note": (at("note")([{"text": "x"}]), "ServiceRequest.note", "unknown"),
    "a modifier": (at("modifierExtension")([]), "ServiceRequest.modifierExtension", "unknown"),
    "a narrative": (at("text")({"status": "empty"}), "ServiceRequest.text", "unknown"),
    "an element of our own": (at("urgency")("crisis"), "ServiceRequest.urgency", "unknown"),
    "a primitive's extension": (at("_status")({}), "ServiceRequest._status", "unknown"),
    "two own references": (
        at("identifier")([{"system": fhir.OWN_REFERENCE, "value": "a"}] * 2), "ServiceRequest.identifier", "length"),
    "somebody else's reference": (
        at("identifier")([{"system": "urn:x", "value": "a"}]), "ServiceRequest.identifier[0].system", "choice"),
    "an unknown kind": (
        at("category")([{"coding": [{"system": fhir.KIND, "code": "x"}]}]),
        "ServiceRequest.category[0].coding[0].code", "choice"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_a_bad_request_is_refused_by_its_place(case: str) -> None:
    change, expression, code = BAD_REQUESTS[case]
    sent = copy.deepcopy(REQUEST_EXAMPLE)
    change(sent)
    assert faults(lambda: read(sent), NewServiceRequest(), "ServiceRequest") == {(expression, code)}


def test_all_faults_are_told_at_once() -> None:
    sent = {**REQUEST_EXAMPLE, "subject": {"reference": "x"}, "occurrencePeriod": {"start": "2027-01-01"}}
    told = faults(lambda: read(sent), NewServiceRequest(), "ServiceRequest")
    assert told == {
        ("ServiceRequest.subject.reference", "subject.unknown"),
        ("ServiceRequest.priority", "priority.planned"),
    }


def test_a_name_in_its_parts_is_a_name() -> None:
    sent = copy.deepcopy(REQUEST_EXAMPLE)
    sent["contained"][0]["name"] = [{"use": "usual", "given": ["Demo", "Jonas"], "family": "Pavyzdys"}]
    assert read(sent)["person"]["name"] == "Demo Jonas Pavyzdys"


def test_a_contact_that_is_not_said_to_be_safe_is_unknown() -> None:
    sent = copy.deepcopy(REQUEST_EXAMPLE)
    sent["contained"][0]["telecom"] = [PHONE]
    assert read(sent)["contact"] == {"channel": "phone", "value": "+37060000000", "safe": "unknown"}


def test_a_receiver_goes_by_its_key_or_its_id() -> None:
    sent = copy.deepcopy(REQUEST_EXAMPLE)
    for identifier, kind, found in (
        ({"system": fhir.ORGANISATION, "value": "lt-kavkc"}, "Organization", ("lt-kavkc", None)),
        ({"system": fhir.URI, "value": f"urn:uuid:{ID}"}, "Organization", (ID, None)),
        ({"system": fhir.URI, "value": f"urn:uuid:{ID}"}, "HealthcareService", (None, ID)),
    ):
        sent["performer"] = [{"type": kind, "identifier": identifier}]
        body = read(sent)
        assert (body["receiver"], body["service"]) == found


def test_a_child_concern_is_a_kind() -> None:
    sent = {**REQUEST_EXAMPLE, "category": [{"coding": [{"system": fhir.KIND, "code": "child_concern"}]}]}
    assert fhir_reading.new_referral(NewServiceRequest().load(sent), FIELDS).body["kind"] == "child_concern"


def test_the_requester_is_the_organisation_of_the_token_or_nobody() -> None:
    org = uuid.UUID(PARTIES["sender"]["id"])
    for identifier in (
        {"system": fhir.ORGANISATION, "value": "lt-police"},
        {"system": fhir.URI, "value": f"urn:uuid:{str(org).upper()}"},
    ):
        fhir_reading.check_requester({"requester": {"identifier": identifier}}, "lt-police", org)
    fhir_reading.check_requester({}, "lt-police", org)
    with pytest.raises(Invalid) as refused:
        foreign = {"system": fhir.ORGANISATION, "value": "lt-kavkc"}
        fhir_reading.check_requester({"requester": {"identifier": foreign}}, "lt-police", org)
    assert refused.value.fields[0].pointer == "/requester/identifier"


def test_a_later_fault_is_told_by_the_place_that_it_came_from() -> None:
    sent = {**REQUEST_EXAMPLE, "performer": [*REQUEST_EXAMPLE["performer"], performer("lt-kavkc")]}
    read_in = fhir_reading.new_referral(NewServiceRequest().load(sent), FIELDS)
    for pointer, place in {
        "/service": "/performer/0/identifier/value",
        "/receiver": "/performer/1/identifier/value",
        "/urgency": "/priority",
        "/needs/0": "/reasonCode/0/coding/0/code",
        "/reason": "/reasonCode/1/text",
        "/person/name": "/contained/0/name/0",
        "/role": "/extension/0/valueCode",
        "/external_ref": "/identifier",
        "/legal_basis/kind": "",
        "": "",
    }.items():
        error = Invalid("x", "x", fields=(FieldError(pointer, "x", "x"),))
        assert read_in.told(error).fields[0].pointer == place


@pytest.mark.parametrize("name", ["occurrencePeriod", "occurrenceDateTime"])
def test_a_day_is_kept_where_there_is_a_place_for_it_and_refused_where_there_is_none(name: str) -> None:
    sent = copy.deepcopy({**REQUEST_EXAMPLE, "priority": "routine"})
    sent[name] = "2027-01-11T09:00:00+02:00" if name == "occurrenceDateTime" else {"start": "2027-01-11"}
    taken = fhir_reading.new_referral(NewServiceRequest().load(sent), frozenset({"not_before"}))
    assert (taken.body["urgency"], taken.body["not_before"]) == ("planned", "2027-01-11")
    assert taken.places["/not_before"].startswith(f"/{name}")
    sent["contained"][0]["birthDate"] = "1985-02-03"
    born = fhir_reading.new_referral(NewServiceRequest().load(sent), frozenset({"birth_date"})).body["person"]
    assert (born["birth_year"], born["birth_date"]) == (1985, "1985-02-03")
    with pytest.raises(Invalid) as refused:
        fhir_reading.new_referral(NewServiceRequest().load(sent), frozenset())
    assert refused.value.fields[0].code == "birth_date.year"


def test_an_area_in_place_of_a_performer(shared: Path) -> None:
    sent = {name: value for name, value in REQUEST_EXAMPLE.items() if name != "performer"}
    sent["locationCode"] = [{"coding": [{"system": fhir.AREA, "code": "LT:Raseiniai"}]}]
    check(shared, sent)
    assert (read(sent)["area"], read(sent)["service"]) == ("LT:Raseiniai", None)
    shown = fhir.service_request(seen("sent", SENDER, receiver=None, service=None, area="LT:Raseiniai"))
    check(shared, shown)
    assert shown["locationCode"] == sent["locationCode"]
    assert "performer" not in shown
